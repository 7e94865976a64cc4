#pragma once
/// Tasks: the menu. `choose<Tasks>("task", "sst2")` is one of them.

#include <variant>

#include "bipft/tasks/classification.hpp"
#include "bipft/tasks/cola.hpp"
#include "bipft/tasks/mnli.hpp"
#include "bipft/tasks/mrpc.hpp"
#include "bipft/tasks/multi_label.hpp"
#include "bipft/tasks/qnli.hpp"
#include "bipft/tasks/qqp.hpp"
#include "bipft/tasks/regression.hpp"
#include "bipft/tasks/rte.hpp"
#include "bipft/tasks/sst2.hpp"
#include "bipft/tasks/stsb.hpp"
#include "bipft/tasks/wnli.hpp"

namespace bipft {

using Tasks = std::variant<Classification, Regression, MultiLabel,  //
                           Cola, Sst2, Mrpc, Stsb, Rte, Wnli, Qnli, Qqp, Mnli>;

}  // namespace bipft
