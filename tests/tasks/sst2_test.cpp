#include "bipft/tasks/sst2.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace bipft;

TEST_CASE("Sst2: reads GLUE's file and the plain one, quotes and all") {
  for (const char* header : {"sentence\tlabel\n", "sentence1\tlabel\n"}) {
    const Dataset dataset =
        parse_dataset(concat(header, "it 's a charming journey . \t1\n\" unflinching bleak\t0\n"),
                      "dev.tsv", Sst2{}.layouts());
    REQUIRE(dataset.size() == 2);
    CHECK(dataset.examples[0].text == "it 's a charming journey . ");
    CHECK(dataset.examples[1].text == "\" unflinching bleak");
    CHECK(labels_to_learn(Sst2{}, dataset) == std::vector<std::string>{"0", "1"});
  }
}

TEST_CASE("Sst2: another label, and GLUE's test file without labels, are refused") {
  const Dataset dataset = parse_dataset("sentence\tlabel\na\t1\nb\t2\n", "f.tsv", Sst2{}.layouts());
  CHECK_THROWS_WITH_AS((void)labels_to_learn(Sst2{}, dataset),
                       "f.tsv:3: the label '2' is unknown; the known labels are '0', '1'", Error);
  CHECK_THROWS_WITH_AS((void)parse_dataset("index\tsentence\n0\ta\n", "f.tsv", Sst2{}.layouts()),
                       doctest::Contains("no column is called 'label'"), Error);
}
