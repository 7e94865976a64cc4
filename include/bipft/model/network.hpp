#pragma once
/// Network: a model bound to a device and ready to answer, in whichever form it is.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "bipft/model/compile.hpp"
#include "bipft/model/model.hpp"

namespace bipft {

/// Const and safe to share among threads.
class Network {
 public:
  /// From bits.
  Network(const PackedModel& packed, Device& device)
      : device_(&device), plan_(compile(packed, device)) {}

  /// In floats. A binary model computes its reference form: the same bytes, by float products.
  Network(Model model, Device& device)
      : device_(&device), model_(std::make_unique<Model>(std::move(model))) {}

  /// The reference form of a packed model.
  [[nodiscard]] static Network reference(const PackedModel& packed, Device& device) {
    Model model = Model::unpack(packed, device);
    model.embedding.binary.reset();  // its words are levels already
    return Network(std::move(model), device);
  }

  [[nodiscard]] Device& device() const { return *device_; }

  /// Throws Error if an id or a length does not fit the model.
  [[nodiscard]] PlanResult operator()(const Batch& batch, bool want_hidden = false) const {
    if (plan_) return device_->run(*plan_, batch.ids, batch.type_ids, batch.texts, want_hidden);
    Tape tape(*device_, Tape::Mode::inference, Tape::Products::floats);
    const Var hidden = model_->encode(tape, batch);
    return {model_->classify(hidden, batch.texts).value(), hidden.value()};
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

  Device* device_;
  std::optional<Plan> plan_;      // bits, or
  std::unique_ptr<Model> model_;  // floats: only read, though its layers are not const
};

}  // namespace bipft
