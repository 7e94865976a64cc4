#pragma once
/// Recipes: what a distillation does where nothing else was asked for, as measured.

#include <cstddef>

#include "train_options.hpp"

namespace bipft::cli::recipe {

/// Fills in what was not asked for, for a student whose activations have `act_bits` bits.
inline void distil(LearnOptions& learn, std::size_t act_bits) {
  if (!learn.epochs) learn.epochs = 10;
  if (!learn.patience) learn.patience = 4;
  if (!learn.lr) learn.lr = act_bits == 32 ? 1e-4 : 5e-4;
}

}  // namespace bipft::cli::recipe
