#pragma once
/// Checkpoints: the state of a running training in a file of the same container as models.
///
/// Parameters, the optimizer's means, the best model so far and where the training stands. What is
/// random in a training is drawn by number, so a handful of integers is all there is to remember
/// besides.

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/model/model_file.hpp"
#include "bipft/model/tensor_file.hpp"
#include "bipft/train/fit.hpp"

namespace bipft {

namespace detail {

template <class Model>
[[nodiscard]] std::vector<Calibrated*> calibrated_flags(Model& model) {
  std::vector<Calibrated*> flags;
  for_each<Calibrated>(model,
                       [&](const std::string&, Calibrated& flag) { flags.push_back(&flag); });
  return flags;
}

/// What differs between two flat JSON objects: "lr: 0.001 was 0.0005; seed: 2 was 1".
[[nodiscard]] inline std::string differences(const Json& now, const Json& then) {
  std::string text;
  const auto say = [&text](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  for (const auto& [key, value] : now.members()) {
    const auto old = then.find(key);
    const std::string was = old ? old->dump() : "absent";
    if (value.dump() != was) say(concat(key, ": ", value.dump(), " was ", was));
  }
  for (const auto& [key, value] : then.members()) {
    if (!now.contains(key)) say(concat(key, ": absent, was ", value.dump()));
  }
  return text;
}

}  // namespace detail

/// Writes the trainer's state, atomically and durably. `card` is that of the model in the making;
/// its `train` is what a resumed training must agree with.
/// Throws Error{Fault::system} if it cannot be written, {Fault::diverged} if a parameter is not
/// finite: a broken state never replaces a good one.
template <class Model>
void save_checkpoint(const std::string& path, BasicTrainer<Model>& trainer, ModelCard card,
                     const Vocabulary& vocabulary) {
  if (!trainer.finite()) {
    fail(Fault::diverged, path, ": a parameter is not finite at step ", trainer.state().step,
         "; the checkpoint was left as it was. Try a lower --lr");
  }
  TensorWriter writer;
  for_each<Parameter>(trainer.model(), [&](const std::string& name, const Parameter& parameter) {
    writer("model." + name, parameter.value, {});
  });
  Json state = to_json(trainer.state());
  for_each<Parameter>(trainer.scaffold(), [&](const std::string& name, const Parameter& part) {
    writer("scaffold." + name, part.value, {});
  });
  const std::string optimizer(name_of(trainer.optimizer()));
  const auto write_part = [&](const std::string& name, auto& part) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(part)>, Tensor>) {
      writer(join_path(optimizer, name), part, {});
    } else {
      state.set(name, part);
    }
  };
  std::visit([&](auto& chosen) { chosen.visit(write_part); }, trainer.optimizer());
  Json calibrated = Json::array();
  for (const Calibrated* flag : detail::calibrated_flags(trainer.model())) {
    calibrated.push(flag->value);
  }
  state.set("calibrated", calibrated);
  const std::optional<Snapshot>& best = trainer.best();
  state.set("best_packed", best && best->packed);
  state.set("best_latent", best && best->latent);
  if (best && best->packed) writer.packed("best.", *best->packed);
  if (best && best->latent) writer.parameters("best_latent.", *best->latent);
  writer.vocabulary(vocabulary);
  card.kind = "checkpoint";
  TensorMetadata metadata = card.to_metadata();
  metadata.emplace_back("bipft.state", state.dump());
  save_safetensors(path, writer.entries(), metadata);
}

/// A checkpoint, read and checked for what can be checked without its trainer.
class Checkpoint {
 public:
  /// Throws Error{Fault::model} if `path` is missing, damaged, or no checkpoint.
  explicit Checkpoint(const std::string& path)
      : file_(Safetensors::open(path)), card_(read_card(file_)) {}

  [[nodiscard]] const ModelCard& card() const { return card_; }
  [[nodiscard]] Vocabulary vocabulary() const {
    return TensorReader(file_).vocabulary(card_.config);
  }

  /// Throws Error{Fault::usage} that lists what differs, if the training described by `train` and
  /// `config` is not the one that was interrupted.
  void expect(const Json& train, const ModelConfig& config) const {
    std::string changed = detail::differences(train, card_.train);
    if (config != card_.config) {
      changed += concat(changed.empty() ? "" : "; ",
                        detail::differences(to_json(config), to_json(card_.config)));
    }
    if (!changed.empty()) {
      fail(Fault::usage, file_.name(), " is of another training (", changed,
           "); resume with the same data and options, or start anew without --resume");
    }
  }

  /// Puts `trainer` where the checkpoint was written.
  template <class Model>
  void restore(BasicTrainer<Model>& trainer) const {
    const auto text = file_.metadata("bipft.state");
    if (!text) fail(Fault::model, file_.name(), ": the metadata lacks bipft.state");
    const Json state = Json::parse(*text, concat(file_.name(), " (bipft.state)"),
                                   {.fault = Fault::model, .max_depth = 8});
    TensorReader reader(file_);
    for_each<Parameter>(trainer.model(), [&](const std::string& name, Parameter& parameter) {
      reader("model." + name, parameter.value, parameter.value.shape());
    });
    for_each<Parameter>(trainer.scaffold(), [&](const std::string& name, Parameter& part) {
      reader("scaffold." + name, part.value, part.value.shape());
    });
    const std::string optimizer(name_of(trainer.optimizer()));
    const auto read_part = [&](const std::string& name, auto& part) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(part)>, Tensor>) {
        reader(join_path(optimizer, name), part, part.shape());
      } else {
        part = state[name].as_size();
      }
    };
    std::visit([&](auto& chosen) { chosen.visit(read_part); }, trainer.optimizer());
    std::vector<Calibrated*> flags = detail::calibrated_flags(trainer.model());
    const Json calibrated = state["calibrated"];
    if (calibrated.size() != flags.size()) fail(Fault::model, file_.name(), ": calibrated flags");
    for (std::size_t i = 0; i < flags.size(); ++i) flags[i]->value = calibrated[i].as_bool();

    std::optional<Snapshot>& best = trainer.best();
    best.reset();
    if (state["best_packed"].as_bool() || state["best_latent"].as_bool()) best.emplace();
    if (state["best_packed"].as_bool()) {
      PackedModel packed;
      packed.config = card_.config;
      reader.packed("best.", packed);
      best->packed = std::move(packed);
    }
    if (state["best_latent"].as_bool()) {
      reader.parameters_behind("best_latent.",
                               best->latent.emplace(ModelParameters{card_.config, {}, {}, {}}));
    }
    (void)reader.vocabulary(card_.config);
    reader.finish();
    from_json(state, trainer.state());
  }

 private:
  [[nodiscard]] static ModelCard read_card(const Safetensors& file) {
    (void)file.verify_checksum();
    ModelCard card = ModelCard::read(file);
    if (card.kind != "checkpoint") {
      fail(Fault::model, file.name(), ": a model of kind ", card.kind, ", not a checkpoint");
    }
    return card;
  }

  Safetensors file_;
  ModelCard card_;
};

}  // namespace bipft
