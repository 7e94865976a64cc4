/// The smallest program that uses bipft, compiled by each way of obtaining it: a one-bit model of
/// random weights goes into a file's bytes, comes back, and labels a text.

#ifdef BIPFT_SINGLE_HEADER
#include "bipft.hpp"
#else
#include <bipft/bipft.hpp>
#endif

int main() {
  bipft::Vocabulary words({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad"});
  bipft::ModelFile file{{}, std::move(words), {}, {}, {}, 0};
  file.card.config.vocabulary = file.vocabulary.size();
  file.card.config.labels = 2;
  file.card.labels = {"negative", "positive"};
  file.packed = bipft::Model(file.card.config, 1).pack(bipft::active_device());

  const std::string bytes = bipft::serialize_model(file);
  const auto model = bipft::Classifier::from_memory(std::as_bytes(std::span(bytes)));
  const bipft::Prediction prediction = model.predict("good");
  return prediction.probabilities.size() == 2 && !model.label(prediction).empty() ? 0 : 1;
}
