/// Trains a small one-bit model on the demo's sentences, packs it into the bytes of a file, and
/// answers from those bytes alone.

#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/data/dataset.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/text/learn_vocabulary.hpp"
#include "bipft/train/fit.hpp"

using namespace bipft;

int main() {
  // Texts and labels.
  Dataset data = read_dataset("data/demo-train.tsv");
  data.examples.resize(400);  // enough for an example; the demo takes all
  const std::vector<std::string> labels = labels_to_learn(data);
  const std::vector<std::uint32_t> label_of = label_ids(data, labels);

  // Words to ids, by a vocabulary that is learnt from the texts.
  std::vector<std::string_view> texts;
  for (const Example& example : data.examples) texts.push_back(example.text);
  const WordPiece tokenizer(learn_vocabulary(texts, 500, {}));

  ModelConfig config = ModelConfig::preset("tiny");
  config.max_len = 24;
  config.vocabulary = tokenizer.vocabulary().size();
  config.labels = labels.size();

  std::vector<EncodedText> encoded;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Encoding encoding = tokenizer.encode(texts[i], config.max_len);
    encoded.push_back({std::move(encoding.ids), std::move(encoding.type_ids),
                       static_cast<std::int32_t>(label_of[i])});
  }

  // Latent weights learn; their signs compute.
  FitOptions options;
  options.steps = 20;
  options.batch = 16;
  Trainer trainer(Model(config, options.seed), active_device(), options, encoded, {}, {});
  FitHooks hooks;
  hooks.on_step = [](const StepReport& report) {
    if (report.step % 10 == 0)
      std::cout << "step " << report.step << ", loss " << report.loss << '\n';
  };
  (void)trainer.fit(hooks);

  // One file: bits, vocabulary, labels.
  ModelFile file{{}, tokenizer.vocabulary(), trainer.result().packed, {}, {}, 0};
  file.card.config = config;
  file.card.labels = labels;
  const std::string bytes = serialize_model(file);
  std::cout << bytes.size() << " bytes\n";

  const Classifier model = Classifier::from_memory(std::as_bytes(std::span(bytes)));
  const Prediction answer = model.predict("the screen is not bad at all");
  std::cout << model.label(answer) << ' ' << answer.probabilities[answer.label] << '\n';
  return answer.probabilities[answer.label] >= 0.5F ? EXIT_SUCCESS : EXIT_FAILURE;
}
