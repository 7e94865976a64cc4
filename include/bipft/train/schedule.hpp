#pragma once
/// Schedules: the learning rate of each update, as a share of the highest.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <variant>

#include "bipft/core/error.hpp"
#include "bipft/core/menu.hpp"

namespace bipft {

/// How long a training is, and how it begins.
struct Horizon {
  std::size_t steps = 1;  ///< T, the number of updates
  float warmup = 0.1F;    ///< below 1 a share of all steps, from 1 on a number of steps

  /// W, the updates that the rate takes to rise.
  /// Throws Error if `warmup` is negative or not a number, or leaves no step after it.
  [[nodiscard]] std::size_t warmup_steps() const {
    const double all = static_cast<double>(steps);
    const double asked = static_cast<double>(warmup) * (warmup < 1.0F ? all : 1.0);
    if (!(asked >= 0.0)) fail("warmup is ", warmup, "; it must not be below 0");
    if (asked >= all && asked > 0.0) {
      fail("warmup of ", warmup, " steps does not fit into a training of ", steps);
    }
    return std::min(static_cast<std::size_t>(asked + 0.5), steps - (steps > 0 ? 1U : 0U));
  }
};

/// The share of update t = 0 ... T-1. All rise linearly from 0 as t/W for t < W, as published code
/// does (so that with warm-up the first update is none).
template <class S>
concept Schedule = std::constructible_from<S, Horizon> &&
    requires(const S& schedule, std::size_t t) {
  { S::name } -> std::convertible_to<std::string_view>;
  { schedule(t) } -> std::same_as<float>;
};

namespace detail {

/// cos(π x) for 0 <= x <= 1 by its series: std::cos rounds differently between C libraries.
[[nodiscard]] inline double cos_pi(double x) {
  const double half = 1.5707963267948966 * x;  // cos(2h) = 1 - 2 sin²(h)
  double term = half;
  double sine = half;
  for (int k = 2; k < 26; k += 2) {
    term *= -half * half / static_cast<double>(k * (k + 1));
    sine += term;
  }
  return 1.0 - 2.0 * sine * sine;
}

/// Where update t stands: the rising share before W, else -1 and how much of the rest is over.
struct Progress {
  std::size_t steps, warmup;

  explicit Progress(const Horizon& horizon) : steps(horizon.steps), warmup(horizon.warmup_steps()) {
    if (steps == 0) fail("a training of 0 steps");
  }
  [[nodiscard]] bool rising(std::size_t t) const { return t < warmup; }
  [[nodiscard]] float risen(std::size_t t) const {
    return static_cast<float>(static_cast<double>(t) / static_cast<double>(warmup));
  }
  [[nodiscard]] double over(std::size_t t) const {
    if (t >= steps) return 1.0;
    return static_cast<double>(t - warmup) / static_cast<double>(steps - warmup);
  }
};

}  // namespace detail

/// (T - t) / (T - W): falls to 0 in a straight line.
class LinearSchedule {
 public:
  static constexpr std::string_view name = "linear";
  explicit LinearSchedule(const Horizon& horizon) : progress_(horizon) {}

  [[nodiscard]] float operator()(std::size_t t) const {
    return progress_.rising(t) ? progress_.risen(t) : static_cast<float>(1.0 - progress_.over(t));
  }

 private:
  detail::Progress progress_;
};

/// 1.
class ConstantSchedule {
 public:
  static constexpr std::string_view name = "constant";
  explicit ConstantSchedule(const Horizon& horizon) : progress_(horizon) {}

  [[nodiscard]] float operator()(std::size_t t) const {
    return progress_.rising(t) ? progress_.risen(t) : 1.0F;
  }

 private:
  detail::Progress progress_;
};

/// (1 + cos(π (t - W) / (T - W))) / 2: falls to 0 slowly, fast, slowly.          [SGDR] eq. 5
class CosineSchedule {
 public:
  static constexpr std::string_view name = "cosine";
  explicit CosineSchedule(const Horizon& horizon) : progress_(horizon) {}

  [[nodiscard]] float operator()(std::size_t t) const {
    if (progress_.rising(t)) return progress_.risen(t);
    return static_cast<float>((1.0 + detail::cos_pi(progress_.over(t))) / 2.0);
  }

 private:
  detail::Progress progress_;
};

/// The menu. `choose<Schedules>("schedule", "linear", Horizon{steps, warmup})`.
using Schedules = std::variant<LinearSchedule,    //
                               ConstantSchedule,  //
                               CosineSchedule>;

[[nodiscard]] inline float share_of(const Schedules& schedule, std::size_t t) {
  return std::visit([t](const auto& chosen) { return chosen(t); }, schedule);
}

}  // namespace bipft
