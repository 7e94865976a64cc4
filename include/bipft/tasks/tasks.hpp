#pragma once
/// Tasks: the menu. `choose<Tasks>("task", "sst2")` is one of them.

#include <variant>

#include "bipft/tasks/classification.hpp"
#include "bipft/tasks/sst2.hpp"

namespace bipft {

using Tasks = std::variant<Classification, Sst2>;

}  // namespace bipft
