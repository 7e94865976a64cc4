#pragma once
/// ValueScale: the scale on which a model learns numbers.

namespace bipft {

/// A model of numbers learns z = (value - mean) / spread and answers mean + spread z, whatever the
/// unit of the labels: its logit begins near 0, where the mean is, and its loss is a share of their
/// variance. Answers are not cut to the range of the labels.
struct ValueScale {
  float mean = 0.0F;
  float spread = 1.0F;

  [[nodiscard]] float to_logit(double value) const {
    return static_cast<float>((value - static_cast<double>(mean)) / static_cast<double>(spread));
  }
  [[nodiscard]] float to_value(float logit) const {
    return static_cast<float>(static_cast<double>(mean) +
                              static_cast<double>(spread) * static_cast<double>(logit));
  }
};

}  // namespace bipft
