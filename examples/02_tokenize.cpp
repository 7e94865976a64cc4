/// Shows what a model gets: text cut into pieces, pieces as ids.

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/data/dataset.hpp"
#include "bipft/text/learn_vocabulary.hpp"
#include "bipft/text/wordpiece.hpp"

using namespace bipft;

int main() {
  const Dataset data = read_dataset("data/pairs.tsv");
  std::vector<std::string_view> texts;
  for (const Example& example : data.examples) {
    texts.push_back(example.text);
    texts.push_back(example.pair);
  }
  const WordPiece tokenizer(learn_vocabulary(texts, 300, {}));

  const Encoding pair = tokenizer.encode("The camera is quick!", "the CAMERA was not so slow");
  for (std::size_t t = 0; t < pair.ids.size(); ++t) {
    std::cout << pair.ids[t] << '\t' << pair.type_ids[t] << '\t'
              << tokenizer.vocabulary().piece(pair.ids[t]) << '\n';
  }
  const std::string text = tokenizer.decode(pair.ids);
  std::cout << text << '\n';
  return text.find("camera") != std::string::npos ? EXIT_SUCCESS : EXIT_FAILURE;
}
