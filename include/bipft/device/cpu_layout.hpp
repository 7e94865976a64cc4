#pragma once
/// CpuLayout: a binary weight matrix in the panels of one kernel target.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/table.hpp"

namespace bipft {

/// Remembers its target: products with these panels run on that one, whatever is active by then.
class CpuLayout final : public WeightLayout {
 public:
  CpuLayout(const kernels::KernelTable& kernels, BitView weight)
      : kernels_(&kernels),
        outputs_(weight.rows),
        inputs_(weight.cols),
        panels_(BasicTensor<std::uint32_t>::uninitialized(
            Shape{kernels.layout_words(weight.rows, weight.cols)})) {
    if (panels_.empty()) fail("lay_out: a weight matrix of ", outputs_, " x ", inputs_);
    kernels.lay_out(weight, panels_.mutable_data().data());
  }

  [[nodiscard]] const kernels::KernelTable& kernels() const { return *kernels_; }
  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] const std::uint32_t* panels() const { return panels_.data().data(); }

 private:
  const kernels::KernelTable* kernels_;
  std::size_t outputs_;
  std::size_t inputs_;
  BasicTensor<std::uint32_t> panels_;
};

/// Device::lay_out, in the panels of the target that is active now.
[[nodiscard]] inline std::shared_ptr<const WeightLayout> lay_out_on_cpu(const BitMatrix& weight) {
  return std::make_shared<const CpuLayout>(kernels::active(), weight.view());
}

}  // namespace bipft
