#pragma once
/// Lessons: a training of toys that is over soon.

#include "bipft/train/fit.hpp"

namespace bipft::test {

/// A few epochs of short steps at a high rate.
[[nodiscard]] inline FitOptions lessons() {
  FitOptions options;
  options.epochs = 3;
  options.batch = 8;
  options.lr = 2e-3;
  options.seed = 5;
  return options;
}

}  // namespace bipft::test
