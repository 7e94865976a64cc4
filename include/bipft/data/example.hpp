#pragma once
/// Example: a text or a pair with its label. Dataset: what a reader makes of its files.

#include <cstddef>
#include <string>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/answer_kind.hpp"

namespace bipft {

struct Example {
  std::string text = {};
  std::string pair = {};   ///< the second text; empty in a data set without pairs
  std::string label = {};  ///< as the file writes it; empty only where a text may have no label
  float weight = 1.0F;     ///< how often it counts; positive and finite
  std::size_t line = 0;    ///< where it begins, counted from 1; 0 for one made in memory
  std::size_t source = 0;  ///< which of Dataset::sources it stands in
};

struct Dataset {
  std::vector<Example> examples;
  bool pairs = false;                     ///< whether every example is a pair
  AnswerKind answer = AnswerKind::label;  ///< what the labels are
  std::size_t skipped = 0;                ///< rows left out because the layout allows it
  std::vector<std::string> sources;       ///< the files, as messages name them
  std::vector<std::string> warnings;  ///< what a person should look at; the library prints nothing

  [[nodiscard]] std::size_t size() const { return examples.size(); }

  /// "train.tsv:17", where `example` of this data set comes from.
  [[nodiscard]] std::string place(const Example& example) const {
    const std::string& source =
        example.source < sources.size() ? sources[example.source] : unnamed_source();
    return example.line == 0 ? source : concat(source, ':', example.line);
  }

 private:
  [[nodiscard]] static const std::string& unnamed_source() {
    static const std::string name = "the data";
    return name;
  }
};

/// Text and pair in one string, so that two examples say the same if and only if their keys are
/// equal.
[[nodiscard]] inline std::string key_of(const Example& example) {
  return concat(example.text.size(), ':', example.text, example.pair);
}

}  // namespace bipft
