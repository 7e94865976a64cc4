#pragma once
/// round_to_grid_on_cpu: Device::round_to_grid on the host's cores.

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>

#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/cpu_pieces.hpp"
#include "bipft/device/device.hpp"
#include "bipft/kernels/training_targets.hpp"

namespace bipft::detail {

/// The least of some numbers, the same in whatever order they are compared.
[[nodiscard]] inline float least_of(const float* x, std::size_t n) {
  constexpr std::size_t lanes = 16;
  float least[lanes];
  std::fill_n(least, lanes, std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) least[l] = x[i + l] < least[l] ? x[i + l] : least[l];
  }
  for (; i < n; ++i) least[0] = x[i] < least[0] ? x[i] : least[0];
  return *std::min_element(least, least + lanes);
}

/// In place: x to its level. A number and its level differ by less than 2^22 steps, so adding and
/// taking off 1.5 · 2^23 rounds to a whole number, halves to even.
inline void to_levels(float* x, std::size_t n, const Grid& grid, float origin,
                      const kernels::TrainingKernels& kernels) {
  constexpr float rounder = 12582912.0F;
  for (std::size_t i = 0; i < n; ++i) {
    const float q = (x[i] - origin) / grid.step;
    const float held = q < grid.least ? grid.least : q > grid.most ? grid.most : q;
    x[i] = (held + rounder) - rounder;
  }
  kernels.scale(x, grid.step, n, x);  // apart, so that no compiler fuses it with what follows
  if (!grid.from_minimum) return;
  for (std::size_t i = 0; i < n; ++i) x[i] += origin;
}

[[nodiscard]] inline GridResult round_to_grid_on_cpu(Device& device, const Tensor& x,
                                                     const Grid& grid) {
  const std::size_t whole[] = {0, x.numel()};
  const std::span<const std::size_t> bounds =
      grid.bounds.empty() ? std::span<const std::size_t>(whole) : grid.bounds;
  if (bounds.size() < 2 || bounds.front() != 0 || bounds.back() != x.numel() ||
      !std::is_sorted(bounds.begin(), bounds.end())) {
    fail("round_to_grid: the parts do not cover a tensor of shape ", x.shape());
  }
  if (!(grid.step > 0)) fail("round_to_grid: a step of ", grid.step);
  GridResult result{grid.shift.empty() ? device.scale(x, 1.0F) : device.add_row(x, grid.shift), 0};
  float* const y = result.y.mutable_data().data();
  const kernels::TrainingKernels& kernels = kernels::active_training();
  if (bounds.size() == 2 || !grid.from_minimum) {
    if (grid.from_minimum) result.origin = least_of(y, x.numel());
    parallel_for(x.numel(), piece_elements, [&](std::size_t begin, std::size_t end) {
      to_levels(y + begin, end - begin, grid, result.origin, kernels);
    });
    return result;
  }
  parallel_for(bounds.size() - 1, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t part = begin; part < end; ++part) {
      const std::size_t count = bounds[part + 1] - bounds[part];
      float* const first = y + bounds[part];
      to_levels(first, count, grid, least_of(first, count), kernels);
    }
  });
  const std::size_t last = bounds[bounds.size() - 2];
  result.origin = least_of(y + last, x.numel() - last);  // the least number is a level
  return result;
}

}  // namespace bipft::detail
