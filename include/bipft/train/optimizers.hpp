#pragma once
/// The menu of optimizers. Adding one: write train/<name>.hpp, add its two lines here. It is made
/// of Trainees, and has name, clips_each, step, updates and visit as AdamW does.

#include <variant>

#include "bipft/train/adamw.hpp"
#include "bipft/train/bert_adam.hpp"

namespace bipft {

using Optimizers = std::variant<AdamW,  //
                                BertAdam>;

}  // namespace bipft
