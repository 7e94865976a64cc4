#pragma once
/// CpuRunner: plans on the host's cores, by the kernels of the active target.

#include <memory>

#include "bipft/device/cpu_layout.hpp"
#include "bipft/device/cpu_plan.hpp"
#include "bipft/device/runner.hpp"
#include "bipft/kernels/dispatch.hpp"

namespace bipft {

/// Runner::exponential.
[[nodiscard]] inline Tensor exponential_on_cpu(const Tensor& x) {
  Tensor y = Tensor::uninitialized(x.shape());
  kernels::active().exp(x.data().data(), x.numel(), y.mutable_data().data());
  return y;
}

/// Runner::gelu.
[[nodiscard]] inline Tensor gelu_on_cpu(const Tensor& x) {
  Tensor y = Tensor::uninitialized(x.shape());
  kernels::active().gelu(x.data().data(), x.numel(), y.mutable_data().data());
  return y;
}

class CpuRunner final : public Runner {
 public:
  [[nodiscard]] Tensor exponential(const Tensor& x) override { return exponential_on_cpu(x); }
  [[nodiscard]] Tensor gelu(const Tensor& x) override { return gelu_on_cpu(x); }
  [[nodiscard]] std::shared_ptr<const WeightLayout> lay_out(const BitMatrix& weight) override {
    return lay_out_on_cpu(weight);
  }
  [[nodiscard]] PlanResult run(const Plan& plan, const IdTensor& ids, const IdTensor& type_ids,
                               const Ragged& texts, bool want_hidden) override {
    return run_plan_on_cpu(plan, ids, type_ids, texts, want_hidden);
  }
  [[nodiscard]] PlanResult run_exits(const Plan& plan, const IdTensor& ids,
                                     const IdTensor& type_ids, const Ragged& texts,
                                     const ExitRequest& exits) override {
    return run_plan_on_cpu(plan, ids, type_ids, texts, false, &exits);
  }
};

}  // namespace bipft
