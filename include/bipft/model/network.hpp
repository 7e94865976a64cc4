#pragma once
/// Network: a model bound to a device and ready to answer.

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "bipft/data/batches.hpp"
#include "bipft/device/runner.hpp"
#include "bipft/model/compile.hpp"
#include "bipft/model/compile_floats.hpp"
#include "bipft/model/packed_model.hpp"
#include "bipft/model/parameters.hpp"

namespace bipft {

/// How a network computes: by a plan as here, or on a tape (model/tape_network.hpp).
class NetworkForm {
 public:
  virtual ~NetworkForm() = default;
  [[nodiscard]] virtual PlanResult run(const Batch& batch, bool want_hidden) const = 0;
};

namespace detail {

class PlanForm final : public NetworkForm {
 public:
  PlanForm(Plan plan, Runner& runner) : plan_(std::move(plan)), runner_(runner) {}
  [[nodiscard]] PlanResult run(const Batch& batch, bool want_hidden) const override {
    return runner_.run(plan_, batch.ids, batch.type_ids, batch.texts, want_hidden);
  }

 private:
  Plan plan_;
  Runner& runner_;
};

}  // namespace detail

/// Const and safe to share among threads.
class Network {
 public:
  /// From bits.
  Network(const PackedModel& packed, Runner& runner)
      : form_(std::make_unique<detail::PlanForm>(compile(packed, runner), runner)) {}
  /// In full precision. Throws Error if `floats` are the latent weights of a binary model.
  Network(const ModelParameters& floats, Runner& runner)
      : form_(std::make_unique<detail::PlanForm>(compile(floats), runner)) {}
  explicit Network(std::unique_ptr<const NetworkForm> form) : form_(std::move(form)) {}

  [[nodiscard]] PlanResult operator()(const Batch& batch, bool want_hidden = false) const {
    return form_->run(batch, want_hidden);
  }

  /// Calls `use(batch, result)` for `texts` in their order, in batches that bound the memory.
  template <class Use>
  void for_each_batch(std::span<const EncodedText> texts, bool want_hidden, const Use& use) const {
    for (std::size_t begin = 0; begin < texts.size();) {
      std::size_t end = begin;
      for (std::size_t tokens = 0; end < texts.size(); ++end) {
        tokens += texts[end].ids.size();
        if (tokens > batch_tokens && end > begin) break;
      }
      const Batch batch = make_batch(texts.subspan(begin, end - begin));
      use(batch, (*this)(batch, want_hidden));
      begin = end;
    }
  }

  /// The logits of every text, [K] each.
  [[nodiscard]] std::vector<std::vector<float>> logits(std::span<const EncodedText> texts) const {
    std::vector<std::vector<float>> all;
    all.reserve(texts.size());
    for_each_batch(texts, false, [&all](const Batch& batch, const PlanResult& result) {
      for (std::size_t b = 0; b < batch.texts.texts(); ++b) {
        const auto row = result.logits.row(b);
        all.emplace_back(row.begin(), row.end());
      }
    });
    return all;
  }

 private:
  static constexpr std::size_t batch_tokens = 8192;

  std::unique_ptr<const NetworkForm> form_;
};

}  // namespace bipft
