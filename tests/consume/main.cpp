/// The smallest program that uses bipft, compiled by each way of obtaining it: it loads the model
/// named on its command line and labels a text.

#include <cstdio>
#include <exception>

#ifdef BIPFT_SINGLE_HEADER
#include "bipft.hpp"
#else
#include <bipft/bipft.hpp>
#endif

int main(int count, char** words) {
  if (count != 2) return 2;
  try {
    const auto model = bipft::Classifier::load(words[1]);
    const bipft::Prediction prediction = model.predict("good");
    std::printf("%s\n", model.label(prediction).c_str());
    return prediction.probabilities.size() == model.card().labels.size() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
