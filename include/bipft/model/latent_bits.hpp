#pragma once
/// coarsen and refine: latent weights to Magnitudes of a few bits, and back to a model that learns.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/model/magnitudes.hpp"
#include "bipft/model/model.hpp"
#include "bipft/model/packed_model.hpp"
#include "bipft/model/parameters.hpp"

namespace bipft {

namespace detail {

/// The name of a matrix's latent weights among a model's parameters.
[[nodiscard]] inline std::string latent_name(const std::string& matrix) {
  return matrix == "embedding.word" ? matrix : join_path(matrix, "weight");
}

/// Levels for a histogram of magnitudes, by Lloyd's iteration: each level is the mean of what is
/// nearest to it, so that squares of errors are least, levels lie densest where weights do, which
/// is near the change of sign, and the mean of all magnitudes, of which scales are made, stays.
class LevelFinder {
 public:
  static constexpr std::size_t bins = std::size_t{1} << 14U;
  static constexpr double end =
      16;  ///< times the mean magnitude of a row; what is beyond counts so

  explicit LevelFinder(std::size_t bits) : levels_(std::size_t{1} << bits) {}

  /// `ratio`: a magnitude in units of its row's mean.
  [[nodiscard]] static std::size_t bin_of(double ratio) {
    return ratio >= end ? bins - 1 : static_cast<std::size_t>(ratio * (bins / end));
  }
  void count(double ratio) { ++counts_[bin_of(ratio)]; }

  /// To be called once, after all are counted.
  void find() {
    start();
    constexpr int rounds = 100;
    for (int round = 0; round < rounds; ++round) {
      assign();
      std::vector<double> sums(levels_.size());
      std::vector<double> numbers(levels_.size());
      for (std::size_t bin = 0; bin < bins; ++bin) {
        const auto number = static_cast<double>(counts_[bin]);
        sums[codes_[bin]] += number * middle(bin);
        numbers[codes_[bin]] += number;
      }
      for (std::size_t k = 0; k < levels_.size(); ++k) {
        if (numbers[k] > 0) levels_[k] = sums[k] / numbers[k];
      }
    }
    assign();
  }

  [[nodiscard]] std::size_t code_of(double ratio) const { return codes_[bin_of(ratio)]; }
  [[nodiscard]] const std::vector<double>& levels() const { return levels_; }

 private:
  [[nodiscard]] static double middle(std::size_t bin) {
    return (static_cast<double>(bin) + 0.5) * (end / bins);
  }

  /// Levels where the root of the density has equal shares: close to where they will end.
  void start() {
    double total = 0;
    for (const std::uint64_t count : counts_) total += std::sqrt(static_cast<double>(count));
    double passed = 0;
    std::size_t bin = 0;
    for (std::size_t k = 0; k < levels_.size(); ++k) {
      const double share = (static_cast<double>(k) + 0.5) / static_cast<double>(levels_.size());
      while (bin + 1 < bins) {
        const double root = std::sqrt(static_cast<double>(counts_[bin]));
        if (passed + root > share * total) break;
        passed += root;
        ++bin;
      }
      levels_[k] = middle(bin);
    }
  }

  /// Every bin to its nearest level, of equally near ones the lower.
  void assign() {
    std::size_t code = 0;
    for (std::size_t bin = 0; bin < bins; ++bin) {
      while (code + 1 < levels_.size() && levels_[code] + levels_[code + 1] < 2 * middle(bin)) {
        ++code;
      }
      codes_[bin] = static_cast<std::uint8_t>(code);
    }
  }

  std::vector<double> levels_;
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(bins);
  std::vector<std::uint8_t> codes_ = std::vector<std::uint8_t>(bins);
};

/// The mean that signs of row o are around: of its own weights, of all of them, or 0.
[[nodiscard]] inline Tensor centers(const Tensor& w, std::size_t count) {
  if (count == 0) return {};
  Tensor result(Shape{count});
  const std::size_t each = w.numel() / count;
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (const float value : w.data().subspan(i * each, each)) sum += static_cast<double>(value);
    result.mutable_data()[i] = static_cast<float>(sum / static_cast<double>(each));
  }
  return result;
}
[[nodiscard]] inline float center_of(const Tensor& centers, std::size_t row) {
  if (centers.empty()) return 0.0F;
  return centers.data()[centers.numel() == 1 ? 0 : row];
}

[[nodiscard]] inline MatrixMagnitudes coarsen_matrix(std::string name, const Tensor& w,
                                                     std::size_t bits, std::size_t center_count) {
  const std::size_t rows = w.rows();
  const std::size_t cols = w.cols();
  MatrixMagnitudes result{std::move(name), BitMatrix(bits * rows, cols),
                          Tensor(Shape{std::size_t{1} << bits}), Tensor(Shape{rows}),
                          centers(w, center_count)};
  std::vector<double> sums(rows);  // of a row's magnitudes
  LevelFinder finder(bits);
  const auto magnitude = [&](float value, float center) {
    return std::abs(static_cast<double>(value) - static_cast<double>(center));
  };
  const auto ratios = [&](std::size_t o, const auto& take) {  // a row of zeros has none
    if (sums[o] == 0) return;
    const float center = center_of(result.center, o);
    const double unit = static_cast<double>(cols) / sums[o];
    for (std::size_t c = 0; c < cols; ++c) take(c, unit * magnitude(w.row(o)[c], center));
  };
  for (std::size_t o = 0; o < rows; ++o) {
    const float center = center_of(result.center, o);
    for (const float value : w.row(o)) sums[o] += magnitude(value, center);
    ratios(o, [&](std::size_t, double ratio) { finder.count(ratio); });
  }
  finder.find();
  const auto levels = result.levels.mutable_data();
  for (std::size_t k = 0; k < levels.size(); ++k)
    levels[k] = static_cast<float>(finder.levels()[k]);
  const auto scale = result.scale.mutable_data();
  std::vector<std::uint64_t*> plane(bits);
  for (std::size_t o = 0; o < rows; ++o) {
    for (std::size_t k = 0; k < bits; ++k) plane[k] = result.planes.mutable_row(k * rows + o);
    double coded = 0;
    ratios(o, [&](std::size_t c, double ratio) {
      const std::size_t code = finder.code_of(ratio);
      coded += static_cast<double>(levels[code]);
      for (std::size_t k = 0; k < bits; ++k) {
        plane[k][c / 64] |= static_cast<std::uint64_t>(code >> k & 1U) << (c % 64);
      }
    });
    // So that the row's mean magnitude is what it was, and with it the binarizer's scale.
    if (coded > 0) scale[o] = static_cast<float>(sums[o] / coded);
  }
  return result;
}

/// Where the mean that signs are around is no longer `center`, a few weights close to it are on its
/// other side: moves them back, as far beyond it as it has moved.
inline void restore_signs(Tensor& w, const BitMatrix& signs, const Tensor& center) {
  constexpr int most = 16;  // each round moves the mean less than the one before
  for (int round = 0; round < most && !center.empty(); ++round) {
    const Tensor now = centers(w, center.numel());
    bool all = true;
    for (std::size_t o = 0; o < w.rows(); ++o) {
      const float mean = center_of(now, o);
      const float moved = std::abs(mean - center_of(center, o));
      const auto row = w.mutable_row(o);
      for (std::size_t c = 0; c < row.size(); ++c) {
        if ((row[c] >= mean) == signs.bit(o, c)) continue;
        row[c] = signs.bit(o, c) ? mean + moved : mean - moved;
        all = false;
      }
    }
    if (all) return;
  }
}

/// The latent weights that `signs` and magnitudes stand for.   result: [O, C]
[[nodiscard]] inline Tensor refined(const BitMatrix& signs, const MatrixMagnitudes& of,
                                    std::size_t bits) {
  const std::size_t rows = signs.rows();
  Tensor w = Tensor::uninitialized(Shape{rows, signs.cols()});
  const auto values = w.mutable_data();
  const BitView sign = signs.view();
  const BitView planes = of.planes.view();
  std::vector<float> steps(of.levels.numel());
  for (std::size_t o = 0; o < rows; ++o) {
    const float center = center_of(of.center, o);
    for (std::size_t k = 0; k < steps.size(); ++k) {
      steps[k] = of.scale.data()[o] * of.levels.data()[k];
    }
    for (std::size_t c = 0; c < signs.cols(); ++c) {
      const auto bit = [&](const std::uint64_t* row) { return row[c / 64] >> (c % 64) & 1U; };
      std::size_t code = 0;
      for (std::size_t k = 0; k < bits; ++k) code |= bit(planes.row(k * rows + o)) << k;
      values[o * signs.cols() + c] =
          bit(sign.row(o)) != 0 ? center + steps[code] : center - steps[code];
    }
  }
  restore_signs(w, signs, of.center);
  return w;
}

}  // namespace detail

/// The magnitudes of `latent`'s weights in 2, 3, 4 or 8 bits; `packed` is the same model in bits.
/// All matrices have as many bits, those of words too: of them a training changes few, but they are
/// half of a small model, and a scale that most of its rows share would serve none.
[[nodiscard]] inline Magnitudes coarsen(const ModelParameters& latent, const PackedModel& packed,
                                        std::size_t bits) {
  if (!is_latent_bits(bits) || bits == 32) fail("coarsen: ", bits, " bits, not 2, 3, 4 or 8");
  Magnitudes result{bits, {}};
  for_each_packed(packed, [&](const std::string& name, const auto& part, const Shape& shape) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(part)>, BitMatrix>) {
      const std::string matrix = name.substr(0, name.rfind(".bits"));
      const Tensor& w = latent.at(detail::latent_name(matrix));
      if (w.shape() != shape) fail("coarsen: ", matrix, " is ", w.shape(), ", not ", shape);
      result.matrices.push_back(detail::coarsen_matrix(
          matrix, w, bits, detail::centers_of(packed.config, matrix, shape.rows())));
    }
  });
  return result;
}

/// A model that goes on learning from bits and magnitudes. It has the signs of `packed`, and scales
/// close to its.
[[nodiscard]] inline Model refine(const PackedModel& packed, const Magnitudes& magnitudes,
                                  Device& device) {
  Model model = Model::unpack(packed, device);
  std::map<std::string, Parameter*> parameters;
  for_each<Parameter>(model, [&](const std::string& name, Parameter& parameter) {
    parameters.emplace(name, &parameter);
  });
  std::size_t next = 0;
  for_each_packed(packed, [&](const std::string& name, const auto& part, const Shape&) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(part)>, BitMatrix>) {
      const std::string matrix = name.substr(0, name.rfind(".bits"));
      if (next == magnitudes.matrices.size() || magnitudes.matrices[next].name != matrix) {
        fail(Fault::model, "refine: no magnitudes of ", matrix);
      }
      parameters.at(detail::latent_name(matrix))->value =
          detail::refined(part, magnitudes.matrices[next++], magnitudes.bits);
    }
  });
  return model;
}

}  // namespace bipft
