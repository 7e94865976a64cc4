#pragma once
/// Surrogates: smooth functions that stand in for sign(x) where a derivative is wanted.
///
/// Each is what the sign is on average behind a noise of its own, F(x) = E sign(x + z), and its
/// derivative is twice the density of that noise. So a surrogate is a choice of noise, and the
/// forward pass is its likeliest sign. [BEExformer] has the triangle; square brackets name papers
/// listed in bipft/README.md.

#include <concepts>
#include <string_view>
#include <utility>
#include <variant>

#include "bipft/device/device.hpp"

namespace bipft {

/// dy F'(x), element by element.   x, dy: any one shape
template <class S>
concept Surrogate = std::default_initializable<S> &&
    requires(const S& surrogate, Device& device, const Tensor& x, Tensor dy) {
  { S::name } -> std::convertible_to<std::string_view>;
  { surrogate.backward(device, x, dy) } -> std::same_as<Tensor>;
};

/// F(x) = 2x + x² from -1 to 0, 2x - x² from 0 to 1, ±1 outside: a noise that is triangular on
/// [-1, 1].   F'(x) = max(0, 2 - 2|x|), which tells how far a weight is from changing its sign.
/// Near 0 it is twice what the others are, and takes half the learning rate.
struct ApproxSignSurrogate {
  static constexpr std::string_view name = "approx_sign";

  [[nodiscard]] Tensor backward(Device& device, const Tensor& x, const Tensor& dy) const {
    const Tensor size = device.multiply(x, device.threshold_select(x, 0.0F, false, -1.0F, 1.0F));
    const Tensor slope = device.add_row(device.scale(size, -2.0F), Tensor(Shape{x.cols()}, 2.0F));
    return device.multiply(device.window_mask(x, -1.0F, 1.0F, dy), slope);
  }
};

/// F(x) = x clipped to [-1, 1]: a noise that is even on [-1, 1].   F'(x) = 1{|x| <= 1}
struct ClippedSurrogate {
  static constexpr std::string_view name = "clip_ste";

  [[nodiscard]] Tensor backward(Device& device, const Tensor& x, const Tensor& dy) const {
    return device.window_mask(x, -1.0F, 1.0F, dy);
  }
};

/// F(x) = x, straight through everywhere [STE]: no noise does so.   F'(x) = 1
struct IdentitySurrogate {
  static constexpr std::string_view name = "identity";

  [[nodiscard]] Tensor backward(Device& /*device*/, const Tensor& /*x*/, Tensor dy) const {
    return dy;
  }
};

/// F(x) = tanh(x): a logistic noise of scale 1/2.   F'(x) = 1 - tanh²(x)
struct TanhSurrogate {
  static constexpr std::string_view name = "tanh";

  [[nodiscard]] Tensor backward(Device& device, const Tensor& x, Tensor dy) const {
    const Tensor y = device.activate(Activation::tanh, x);
    return device.activate_backward(Activation::tanh, y, std::move(dy));
  }
};

/// The menu of surrogates. Adding one: write it above, add its name here.
using Surrogates = std::variant<ApproxSignSurrogate,  //
                                ClippedSurrogate,     //
                                IdentitySurrogate,    //
                                TanhSurrogate>;

static_assert(Surrogate<ApproxSignSurrogate> && Surrogate<ClippedSurrogate> &&
              Surrogate<IdentitySurrogate> && Surrogate<TanhSurrogate>);

namespace detail {

/// dy F'(x) of the chosen surrogate.
[[nodiscard]] inline Tensor through(const Surrogates& surrogate, Device& device, const Tensor& x,
                                    Tensor dy) {
  return std::visit([&](const auto& chosen) { return chosen.backward(device, x, std::move(dy)); },
                    surrogate);
}

}  // namespace detail

}  // namespace bipft
