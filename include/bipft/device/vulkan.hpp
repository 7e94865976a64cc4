#pragma once
/// VulkanRunner: plans on a GPU through Vulkan. A program that includes this header may choose the
/// device "vulkan" (device/runners.hpp); without the Vulkan headers it may ask, and is refused.
///
/// Integers are those of the CPU, and floats are computed by the same operations in the same order:
/// on a device that rounds +, - and * as Vulkan demands, and to the nearest, a text's answer has
/// the CPU's bytes. Models in full precision and estimators have no shaders yet.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/device/cpu_runner.hpp"
#include "bipft/device/runners.hpp"
#include "bipft/device/vulkan/missing_shader.hpp"
#include "bipft/device/vulkan/plan.hpp"

#if BIPFT_VULKAN

namespace bipft {

namespace detail {

[[nodiscard]] inline bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.data().data() == b.data().data();
}
[[nodiscard]] inline bool same(const BitMatrix& a, const BitMatrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && a.view().words == b.view().words;
}
[[nodiscard]] inline bool same(const Product& a, const Product& b) {
  return a.outputs == b.outputs && a.inputs == b.inputs && a.weight == b.weight;
}
[[nodiscard]] inline bool same(const PackStep& a, const PackStep& b) {
  return a.from == b.from && a.to == b.to && same(a.shift, b.shift) && a.threshold == b.threshold &&
         a.strict == b.strict && a.first_only == b.first_only;
}
[[nodiscard]] inline bool same(const EmbedStep& a, const EmbedStep& b) {
  return same(a.bits, b.bits) && same(a.table, b.table) && same(a.scale, b.scale) &&
         same(a.position, b.position) && same(a.type, b.type);
}
[[nodiscard]] inline bool same(const LinearStep& a, const LinearStep& b) {
  return a.from == b.from && a.to == b.to && same(a.product, b.product) && a.step == b.step &&
         a.base == b.base && same(a.scale, b.scale) && same(a.bias, b.bias) && a.add == b.add;
}
[[nodiscard]] inline bool same(const LinearBitsStep& a, const LinearBitsStep& b) {
  return a.from == b.from && a.to == b.to && same(a.product, b.product) && a.most == b.most &&
         a.least == b.least;
}
[[nodiscard]] inline bool same(const AttentionStep& a, const AttentionStep& b) {
  return a.heads == b.heads && a.head_size == b.head_size && a.exponential == b.exponential &&
         a.half_alpha == b.half_alpha && a.most == b.most && a.threshold == b.threshold &&
         !a.estimators && !b.estimators;
}
[[nodiscard]] inline bool same(const NormStep& a, const NormStep& b) {
  return same(a.gamma, b.gamma) && same(a.beta, b.beta) && a.epsilon == b.epsilon &&
         a.add_branch == b.add_branch &&
         std::equal(a.packs.begin(), a.packs.end(), b.packs.begin(), b.packs.end(),
                    [](const PackStep& x, const PackStep& y) { return same(x, y); });
}
[[nodiscard]] inline bool same(const PoolStep& a, const PoolStep& b) {
  return same(a.gamma, b.gamma) && same(a.beta, b.beta) && a.epsilon == b.epsilon &&
         a.read == b.read;
}
[[nodiscard]] inline bool same(const ClassifyStep& a, const ClassifyStep& b) {
  return same(a.weight, b.weight) && same(a.bias, b.bias);
}
template <class Other>
[[nodiscard]] bool same(const Other& /*a*/, const Other& /*b*/) {
  return false;  // no shader
}

/// Tensors by where they lie: two handles of one place hold the same numbers as long as both live.
[[nodiscard]] inline bool same(const Plan& a, const Plan& b) {
  return a.width == b.width && a.inner == b.inner && a.positions == b.positions &&
         a.labels == b.labels &&
         std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(),
                    [](const Step& x, const Step& y) {
                      if (x.index() != y.index()) return false;
                      bool equal = false;
                      visit(
                          [&](const auto& s) {
                            equal = same(s, get<std::decay_t<decltype(s)>>(y));
                          },
                          x);
                      return equal;
                    });
}

/// The same plan, its weights laid out for the CPU.
[[nodiscard]] inline Plan plan_for_cpu(Plan plan) {
  const auto move = [](Step& step) {
    auto* floats = get_if<LinearStep>(&step);
    auto* bits = get_if<LinearBitsStep>(&step);
    if (floats == nullptr && bits == nullptr) return;
    Product& product = floats != nullptr ? floats->product : bits->product;
    const auto* layout = dynamic_cast<const vulkan::VulkanLayout*>(product.weight.get());
    if (layout != nullptr) product.weight = layout->on_cpu();
  };
  for (Step& step : plan.steps) move(step);
  for (PlanExit& exit : plan.exits) {
    for (Step& step : exit.steps) move(step);
  }
  return plan;
}

}  // namespace detail

class VulkanRunner final : public Runner {
 public:
  /// Throws vulkan::VulkanError, naming what is missing, if there is no device, or if it computes
  /// wrong numbers.
  explicit VulkanRunner(const vulkan::VulkanOptions& options = {})
      : context_(std::make_shared<vulkan::Context>(options)) {
    test_itself();
  }

  [[nodiscard]] Tensor exponential(const Tensor& x) override { return exponential_on_cpu(x); }
  [[nodiscard]] Tensor gelu(const Tensor& x) override { return gelu_on_cpu(x); }
  [[nodiscard]] std::shared_ptr<const WeightLayout> lay_out(const BitMatrix& weight) override {
    return std::make_shared<vulkan::VulkanLayout>(context_, weight);
  }
  [[nodiscard]] PlanResult run(const Plan& plan, const IdTensor& ids, const IdTensor& type_ids,
                               const Ragged& texts, bool want_hidden) override {
    const std::lock_guard lock(context_->device->mutex());
    vulkan::DevicePlan& on_device = bound(plan);
    check_batch(plan, ids, type_ids, texts);
    PlanResult result;
    if (texts.texts() == 0) return result;
    result.logits = Tensor::uninitialized(Shape{texts.texts(), plan.labels});
    if (want_hidden) result.hidden = Tensor::uninitialized(Shape{texts.tokens(), plan.width});
    on_device.run(ids, type_ids, texts, result);
    return result;
  }

  [[nodiscard]] const vulkan::VulkanDevice& device() const { return *context_->device; }
  /// "llvmpipe (LLVM 15.0.6, 256 bits), driver llvmpipe Mesa 22.3.6, tier 0 of 0 1 2"
  [[nodiscard]] std::string about() const {
    return concat(device().name(), ", driver ", device().driver(), ", tier 0 of ",
                  device().tiers());
  }

 private:
  static constexpr std::size_t most_plans = 8;

  /// The plan as it lies on the device, put there when it comes for the first time. What nobody
  /// else holds any more, or has not come for long, is forgotten.
  [[nodiscard]] vulkan::DevicePlan& bound(const Plan& plan) {
    for (auto at = plans_.begin(); at != plans_.end(); ++at) {
      if (!detail::same(at->plan(), plan)) continue;
      plans_.splice(plans_.begin(), plans_, at);
      return plans_.front();
    }
    plans_.remove_if([](const vulkan::DevicePlan& old) { return forgotten(old.plan()); });
    if (plans_.size() >= most_plans) plans_.pop_back();
    plans_.emplace_front(context_, plan);
    return plans_.front();
  }
  [[nodiscard]] static bool forgotten(const Plan& plan) {
    return std::ranges::any_of(plan.steps, [](const Step& step) {
      const auto* linear = get_if<LinearStep>(&step);
      return linear != nullptr && linear->product.weight.use_count() == 1;
    });
  }

  /// A small plan with every shader in it, beside the CPU's: a device that computes it wrong is as
  /// good as none.
  void test_itself() {
    for (const std::size_t tokens : {5U, 70U}) {
      Plan plan = small_plan();
      const IdTensor ids = pattern_ids(tokens, 7);
      const IdTensor types = pattern_ids(tokens, 2);
      const Ragged texts(std::vector<std::size_t>{tokens - 3, 3});
      const PlanResult here = run_plan_on_cpu(detail::plan_for_cpu(plan), ids, types, texts, true);
      const PlanResult there = run(plan, ids, types, texts, true);
      if (near(here.logits, there.logits) && near(here.hidden, there.hidden)) continue;
      throw vulkan::VulkanError(VK_ERROR_INITIALIZATION_FAILED,
                                concat("vulkan: ", device().name(), " computes wrong numbers"));
    }
    plans_.clear();
  }
  [[nodiscard]] static bool near(const Tensor& a, const Tensor& b) {
    for (std::size_t i = 0; i < a.numel(); ++i) {
      const float apart = a.data()[i] - b.data()[i];
      if (!(apart <= 1e-4F && apart >= -1e-4F)) return false;
    }
    return a.numel() == b.numel();
  }
  [[nodiscard]] static IdTensor pattern_ids(std::size_t count, std::int32_t limit) {
    IdTensor ids(Shape{count});
    for (std::size_t i = 0; i < count; ++i) {
      ids.mutable_data()[i] = static_cast<std::int32_t>(i * i) % limit;
    }
    return ids;
  }
  [[nodiscard]] static Tensor pattern(Shape shape, float size) {
    Tensor x(shape);
    std::uint32_t state = 1;
    for (float& value : x.mutable_data()) {
      state = state * 1664525U + 1013904223U;
      value = size * (static_cast<float>(state >> 8U) / 8388608.0F - 1.0F);
    }
    return x;
  }
  [[nodiscard]] Product pattern_product(std::size_t outputs, std::size_t inputs) {
    BitMatrix weight(outputs, inputs);
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t c = 0; c < inputs; ++c) weight.set(o, c, (o * 5 + c * c * 3) % 7 < 3);
    }
    return {outputs, inputs, lay_out(weight)};
  }
  [[nodiscard]] Plan small_plan() {
    constexpr std::size_t width = 64;
    constexpr auto half = static_cast<std::int32_t>(width / 2);
    Plan plan;
    plan.width = plan.inner = width;
    plan.positions = 128;
    plan.labels = 2;
    BitMatrix words(7, width);
    for (std::size_t i = 0; i < 7 * width; ++i) words.set(i / width, i % width, i * i % 5 < 2);
    plan.add(EmbedStep{words,
                       {},
                       pattern(Shape{7}, 1),
                       pattern(Shape{128, width}, 1),
                       pattern(Shape{2, width}, 0.5F)});
    NormStep norm{pattern(Shape{width}, 1), pattern(Shape{width}, 0.3F), 1e-12F, false, {}};
    const Tensor shift = pattern(Shape{width}, 0.2F);
    norm.packs = {{Floats::hidden, Bits::q_in, shift, 0, false, false},
                  {Floats::hidden, Bits::k_in, {}, 0, false, false},
                  {Floats::hidden, Bits::v_in, shift, 0.1F, true, false}};
    plan.add(norm);
    const std::vector<std::int32_t> most(width, half);
    plan.add(LinearBitsStep{Bits::q_in, Bits::q, pattern_product(width, width), most, {}});
    plan.add(LinearBitsStep{Bits::k_in, Bits::k, pattern_product(width, width), most, {}});
    plan.add(LinearBitsStep{Bits::v_in, Bits::v, pattern_product(width, width), most, {}});
    AttentionStep attention;
    attention.heads = 1;
    attention.head_size = width;
    attention.exponential.resize((width + 1) * (width + 1));
    for (std::size_t i = 0; i < attention.exponential.size(); ++i) {
      const auto m = static_cast<float>(i / (width + 1));
      attention.exponential[i] = 1.0F / (1.0F + static_cast<float>(i % (width + 1)) - m);
      if (attention.exponential[i] < 0) attention.exponential[i] = 0;
    }
    attention.half_alpha = 0.01F;
    attention.threshold.assign(width, 0);
    plan.add(std::move(attention));
    plan.add(LinearStep{Bits::context, Floats::hidden, pattern_product(width, width), 2,
                        std::vector<std::int32_t>(width, 2 * half), Tensor(Shape{width}, 0.05F),
                        shift, true});
    norm.packs.clear();
    plan.add(norm);
    plan.add(PackStep{Floats::hidden, Bits::pooler_in, shift, 0, true, true});
    plan.add(LinearStep{Bits::pooler_in, Floats::pooled, pattern_product(width, width), 1,
                        std::vector<std::int32_t>(width, half), Tensor(Shape{width}, 0.05F), shift,
                        false});
    plan.add(PoolStep{norm.gamma, norm.beta, 1e-12F});
    plan.add(ClassifyStep{pattern(Shape{2, width}, 1), pattern(Shape{2}, 1)});
    return plan;
  }

  std::shared_ptr<vulkan::Context> context_;
  std::list<vulkan::DevicePlan> plans_;  // the last used first
};

/// The GPU's runner, until it fails: plans that have no shader, and all plans once the device is
/// lost or out of memory, run on the CPU. What "auto" means, where there is a GPU.
class FallbackRunner final : public Runner {
 public:
  /// `gpu` must outlive it.
  explicit FallbackRunner(Runner& gpu) : gpu_(gpu) {}

  [[nodiscard]] Tensor exponential(const Tensor& x) override { return gpu_.exponential(x); }
  [[nodiscard]] Tensor gelu(const Tensor& x) override { return gpu_.gelu(x); }
  [[nodiscard]] std::shared_ptr<const WeightLayout> lay_out(const BitMatrix& weight) override {
    if (failed_) return lay_out_on_cpu(weight);
    try {
      return gpu_.lay_out(weight);
    } catch (const vulkan::VulkanError&) {
      failed_ = true;
      return lay_out_on_cpu(weight);
    }
  }
  [[nodiscard]] PlanResult run(const Plan& plan, const IdTensor& ids, const IdTensor& type_ids,
                               const Ragged& texts, bool want_hidden) override {
    if (!failed_ && vulkan::missing_shader(plan) == nullptr) {
      try {
        return gpu_.run(plan, ids, type_ids, texts, want_hidden);
      } catch (const vulkan::VulkanError&) {
        failed_ = true;
      }
    }
    return run_plan_on_cpu(detail::plan_for_cpu(plan), ids, type_ids, texts, want_hidden);
  }
  /// There are no shaders that close ranks.
  [[nodiscard]] PlanResult run_exits(const Plan& plan, const IdTensor& ids,
                                     const IdTensor& type_ids, const Ragged& texts,
                                     const ExitRequest& exits) override {
    return run_plan_on_cpu(detail::plan_for_cpu(plan), ids, type_ids, texts, false, &exits);
  }

  /// Whether the device has failed, and the CPU computes since.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  Runner& gpu_;
  std::atomic<bool> failed_ = false;
};

namespace detail {

/// The one that `--device vulkan` means; opened when it is first asked for.
[[nodiscard]] inline VulkanRunner& vulkan_runner() {
  static VulkanRunner runner;
  return runner;
}
/// And that of `--device auto`.
[[nodiscard]] inline FallbackRunner& fallback_runner() {
  static FallbackRunner runner(vulkan_runner());
  return runner;
}

}  // namespace detail

}  // namespace bipft

#endif

namespace bipft::detail {

/// For device/runners.hpp, which knows no Vulkan.
[[nodiscard]] inline Runner& open_vulkan([[maybe_unused]] bool fall_back) {
#if BIPFT_VULKAN
  if (fall_back) return fallback_runner();
  return vulkan_runner();
#else
  fail(Fault::system, "vulkan: this program was built without the Vulkan headers");
#endif
}
[[nodiscard]] inline std::string about_vulkan() {
#if BIPFT_VULKAN
  return vulkan_runner().about();
#else
  return "";
#endif
}
inline const bool vulkan_listed = list_device({&open_vulkan, &about_vulkan});

}  // namespace bipft::detail
