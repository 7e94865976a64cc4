#pragma once
/// Runner: the half of a device that answers. It lays weights out and walks plans; whoever predicts
/// needs nothing else, and pays for nothing else when compiling.

#include <cstdint>
#include <memory>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/exit_request.hpp"
#include "bipft/device/plan.hpp"

namespace bipft {

/// What a model answers for a batch.
struct PlanResult {
  Tensor logits;  ///< [B, K]; of all E exits, if they were asked for, [B, E K]
  Tensor hidden;  ///< [N, C]  the last layer's, if they were asked for
  BasicTensor<std::uint32_t> stops = {};  ///< [B]  the exit, from 0, if texts might stop early
  Tensor doubts = {};  ///< [B, E - 1]  before the sigmoid, with all exits, if a head tells them
};

class Runner {
 public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  virtual ~Runner() = default;

  /// e^x, by the very function that softmax uses.
  [[nodiscard]] virtual Tensor exponential(const Tensor& x) = 0;
  /// GELU(x), by the very function that layers use.
  [[nodiscard]] virtual Tensor gelu(const Tensor& x) = 0;
  /// This device's own layout of a weight matrix, for a Product of a Plan that runs here.
  [[nodiscard]] virtual std::shared_ptr<const WeightLayout> lay_out(const BitMatrix& weight) = 0;
  /// Walks the plan for a batch of texts. Safe to call from any number of threads at once.
  ///   ids, type_ids: [N]
  /// Throws Error if an id or a length does not fit the plan.
  [[nodiscard]] virtual PlanResult run(const Plan& plan, const IdTensor& ids,
                                       const IdTensor& type_ids, const Ragged& texts,
                                       bool want_hidden) = 0;
  /// The same, where texts may stop at the plan's exits. A text's answer does not depend on when
  /// its neighbours stop. Throws Error if this device cannot, or a part of `exits` does not fit.
  [[nodiscard]] virtual PlanResult run_exits(const Plan& /*plan*/, const IdTensor& /*ids*/,
                                             const IdTensor& /*type_ids*/, const Ragged& /*texts*/,
                                             const ExitRequest& /*exits*/) {
    fail("this device cannot stop early; choose the CPU, or the exit rule never");
  }
};

/// The runner of the device that the process computes on. Defined in device/runners.hpp.
[[nodiscard]] Runner& active_runner();

}  // namespace bipft
