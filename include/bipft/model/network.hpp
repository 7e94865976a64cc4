#pragma once
/// Network: a model bound to a device and ready to answer.

#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/batches.hpp"
#include "bipft/device/runner.hpp"
#include "bipft/model/compile.hpp"
#include "bipft/model/compile_floats.hpp"
#include "bipft/model/packed_model.hpp"
#include "bipft/model/parameters.hpp"

namespace bipft {

namespace detail {

/// How a network computes: by a plan.
struct PlanForm {
  Plan plan;
  Runner* runner;

  [[nodiscard]] PlanResult operator()(const Batch& batch, bool want_hidden,
                                      const ExitRequest* exits) const {
    if (exits != nullptr && !plan.exits.empty()) {
      return runner->run_exits(plan, batch.ids, batch.type_ids, batch.texts, *exits);
    }
    return runner->run(plan, batch.ids, batch.type_ids, batch.texts, want_hidden);
  }
};

}  // namespace detail

/// Const and safe to share among threads.
class Network {
 public:
  /// From bits.
  Network(const PackedModel& packed, Runner& runner)
      : Network(detail::PlanForm{compile(packed, runner), &runner}) {}
  /// In full precision. Throws Error if `floats` are the latent weights of a binary model.
  Network(const ModelParameters& floats, Runner& runner)
      : Network(detail::PlanForm{compile(floats), &runner}) {}
  /// In another form: form(batch, want_hidden, exits) is a PlanResult (model/tape_network.hpp).
  ///
  /// Two functions and no virtual ones: those make a compiler look at every class that has them,
  /// and so at all that trains, for a program that only answers.
  template <class Form>
  requires(std::is_invocable_r_v<PlanResult, const Form&, const Batch&, bool,
                                 const ExitRequest*>) explicit Network(Form form)
      : run_([](const void* raw, const Batch& batch, bool want_hidden, const ExitRequest* exits) {
          return (*static_cast<const Form*>(raw))(batch, want_hidden, exits);
        }),
        form_(new Form(std::move(form)),
              [](const void* raw) { delete static_cast<const Form*>(raw); }) {}

  /// With `exits` texts may stop early, or are told of by all exits. A model without any goes
  /// through all its layers, which is its one exit. Throws Error if hidden states are wanted too.
  [[nodiscard]] PlanResult operator()(const Batch& batch, bool want_hidden = false,
                                      const ExitRequest* exits = nullptr) const {
    if (want_hidden && exits != nullptr) {
      fail("network: hidden states of all texts, of which some may stop before the last layer");
    }
    return run_(form_.get(), batch, want_hidden, exits);
  }

  /// Calls `use(batch, result)` for `texts` in their order, in batches that bound the memory.
  template <class Use>
  void for_each_batch(std::span<const EncodedText> texts, bool want_hidden, const Use& use,
                      const ExitRequest* exits = nullptr) const {
    for (std::size_t begin = 0; begin < texts.size();) {
      std::size_t end = begin;
      for (std::size_t tokens = 0; end < texts.size(); ++end) {
        tokens += texts[end].ids.size();
        if (tokens > batch_tokens && end > begin) break;
      }
      const Batch batch = make_batch(texts.subspan(begin, end - begin));
      use(batch, (*this)(batch, want_hidden, exits));
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

  PlanResult (*run_)(const void* form, const Batch& batch, bool want_hidden,
                     const ExitRequest* exits);
  std::unique_ptr<const void, void (*)(const void*)> form_;
};

}  // namespace bipft
