#pragma once
/// train --objective mlm: from plain text to a model that tasks begin with.

#include <string>
#include <vector>

#include "commands.hpp"
#include "train_options.hpp"

namespace bipft::cli {

/// `words` are those of the command, for what is said of how to go on. Returns the exit code.
[[nodiscard]] int pretrain(TrainOptions options, const std::vector<std::string>& texts,
                           Words words);

/// Throws Error{Fault::usage} for an option that only pre-training has.
void check_no_pretraining(const TrainOptions& options);

}  // namespace bipft::cli
