#pragma once
/// Tasks: the menu. `choose<Tasks>("task", "sst2")` is one of them.

#include <variant>

#include "bipft/tasks/classification.hpp"
#include "bipft/tasks/cola.hpp"
#include "bipft/tasks/mnli.hpp"
#include "bipft/tasks/mrpc.hpp"
#include "bipft/tasks/qnli.hpp"
#include "bipft/tasks/qqp.hpp"
#include "bipft/tasks/rte.hpp"
#include "bipft/tasks/sst2.hpp"
#include "bipft/tasks/wnli.hpp"

namespace bipft {

using Tasks = std::variant<Classification,  //
                           Cola, Sst2, Mrpc, Rte, Wnli, Qnli, Qqp, Mnli>;

}  // namespace bipft
