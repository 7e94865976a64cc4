#include "bipft/tasks/task.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;

namespace {

/// A task of a program's own: two layouts, and labels in an order of its own.
struct Judged {
  static constexpr std::string_view name = "judged";
  static constexpr Metric metric = Metric::matthews;
  std::vector<Columns> layouts() const {
    return {Columns{.text = "sentence1", .label = "label"},
            Columns{.text = "4", .label = "2", .header = false}};
  }
  std::vector<std::string> labels() const { return {"yes", "no"}; }
};
static_assert(Task<Judged>);

Dataset labelled(const std::string& a, const std::string& b) {
  Dataset dataset;
  dataset.sources = {"f"};
  dataset.examples = {{.text = "t", .label = a, .line = 2}, {.text = "u", .label = b, .line = 3}};
  return dataset;
}

}  // namespace

TEST_CASE("labels_to_learn: a task's own labels in its own order, and no others") {
  CHECK(labels_to_learn(Judged{}, labelled("no", "yes")) == std::vector<std::string>{"yes", "no"});
  CHECK_THROWS_WITH_AS((void)labels_to_learn(Judged{}, labelled("no", "maybe")),
                       "f:3: the label 'maybe' is unknown; the known labels are 'yes', 'no'",
                       Error);
  CHECK_THROWS_AS((void)labels_to_learn(Judged{}, labelled("no", "no")), Error);
}

TEST_CASE("read_task: the caller's columns win over the task's") {
  const std::string path = BIPFT_SOURCE_DIR "/data/demo-dev.tsv";
  CHECK_THROWS_AS((void)read_task(Judged{}, {path}), Error);
  CHECK(read_task(Judged{}, {path}, {.text = "text"}).size() == 600);
}
