/// The tasks of GLUE: their official files and plain ones, as far as SST-2 has no test of its own.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "bipft/core/menu.hpp"
#include "bipft/tasks/tasks.hpp"

using namespace bipft;

namespace {

using Names = std::vector<std::string>;

/// What `task` makes of a file: "text|pair=label" for each row.
Names rows_of(std::string_view task, const std::string& text) {
  return std::visit(
      [&](const auto& chosen) {
        const Dataset data = parse_dataset(text, "f.tsv", chosen.layouts());
        Names rows;
        for (const Example& example : data.examples) {
          rows.push_back(concat(example.text, '|', example.pair, '=', example.label));
        }
        return rows;
      },
      choose<Tasks>("task", task));
}

Names labels_of(std::string_view task) {
  return std::visit([](const auto& chosen) { return chosen.labels(); },
                    choose<Tasks>("task", task));
}

Metric metric_of(std::string_view task) {
  return std::visit([](const auto& chosen) { return chosen.metric; }, choose<Tasks>("task", task));
}

}  // namespace

TEST_CASE("CoLA: GLUE's file has no header, a plain one has") {
  const Names expected{"He left.|=1", "Left \"he.|=0"};
  CHECK(rows_of("cola", "ab01\t1\t\tHe left.\nab01\t0\t*\tLeft \"he.\n") == expected);
  CHECK(rows_of("cola", "sentence1\tlabel\nHe left.\t1\nLeft \"he.\t0\n") == expected);
  CHECK(labels_of("cola") == Names{"0", "1"});
  CHECK(metric_of("cola") == Metric::matthews);
  CHECK_THROWS_WITH_AS((void)rows_of("cola", "index\tsentence\n0\tHe left.\n"),
                       doctest::Contains("no column is called 'label'"), Error);
}

TEST_CASE("MRPC: GLUE's file begins with the label, and may have a byte order mark") {
  const Names expected{"A \"b|C d=1", "e|f=0"};
  CHECK(rows_of("mrpc",
                "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
                "1\t70\t71\tA \"b\tC d\r\n0\t72\t73\te\tf\r\n") == expected);
  CHECK(rows_of("mrpc", "sentence1\tsentence2\tlabel\nA \"b\tC d\t1\ne\tf\t0\n") == expected);
  CHECK(labels_of("mrpc") == Names{"0", "1"});
  CHECK(metric_of("mrpc") == Metric::accuracy);
}

TEST_CASE("RTE and WNLI: GLUE's files number their rows") {
  const Names rte{"a|b=not_entailment"};
  CHECK(rows_of("rte", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tnot_entailment\n") == rte);
  CHECK(rows_of("rte", "sentence1\tsentence2\tlabel\na\tb\tnot_entailment\n") == rte);
  CHECK(labels_of("rte") == Names{"entailment", "not_entailment"});
  CHECK(rows_of("wnli", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t1\n") == Names{"a|b=1"});
  CHECK(labels_of("wnli") == Names{"0", "1"});
}

TEST_CASE("QNLI: a question and a sentence") {
  const Names expected{"a?|b=entailment"};
  CHECK(rows_of("qnli", "index\tquestion\tsentence\tlabel\n0\ta?\tb\tentailment\n") == expected);
  CHECK(rows_of("qnli", "sentence1\tsentence2\tlabel\na?\tb\tentailment\n") == expected);
  CHECK(labels_of("qnli") == Names{"entailment", "not_entailment"});
}

TEST_CASE("QQP: short rows are left out") {
  CHECK(rows_of("qqp",
                "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
                "1\t2\t3\ta?\tb?\t0\n4\t5\t6\tcut\n7\t8\t9\tc?\td?\t1\n") ==
        Names{"a?|b?=0", "c?|d?=1"});
  CHECK(rows_of("qqp", "sentence1\tsentence2\tlabel\na?\tb?\t1\n") == Names{"a?|b?=1"});
  CHECK(labels_of("qqp") == Names{"0", "1"});
}

TEST_CASE("MNLI: the last column is the label, not a single vote; its order is published code's") {
  const std::string parses = "index\tpromptID\tpairID\tgenre\tsentence1_parse\tsentence2_parse\t";
  CHECK(rows_of("mnli", parses + "sentence1\tsentence2\tlabel1\tlabel2\tgold_label\n"
                                 "0\tp\tq\tg\t(a)\t(b)\ta\tb\tneutral\tentailment\tentailment\n") ==
        Names{"a|b=entailment"});
  CHECK(rows_of("mnli", "sentence1\tsentence2\tlabel\na\tb\tneutral\n") == Names{"a|b=neutral"});
  CHECK(labels_of("mnli") == Names{"contradiction", "entailment", "neutral"});
  const Dataset numbers =
      parse_dataset("sentence1\tsentence2\tlabel\na\tb\t0\nc\td\t1\n", "f.tsv", Mnli{}.layouts());
  CHECK_THROWS_WITH_AS((void)labels_to_learn(Mnli{}, numbers),
                       "f.tsv:2: the label '0' is unknown; the known labels are 'contradiction', "
                       "'entailment', 'neutral'",
                       Error);
}

TEST_CASE("STS-B: the score is a number") {
  const std::string official =
      "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n";
  const std::string row = "0\tnews\tf\t2012\t1\tnone\tnone\ta\tb\t";
  CHECK(rows_of("stsb", official + row + "3.800\n") == Names{"a|b=3.800"});
  CHECK(rows_of("stsb", "sentence1\tsentence2\tlabel\na\tb\t5\n") == Names{"a|b=5"});
  CHECK_THROWS_WITH_AS((void)rows_of("stsb", official + row + "high\n"),
                       "f.tsv:2:31: the label 'high' is not a finite number such as 3.5", Error);
  CHECK(metric_of("stsb") == Metric::correlation);
  const Dataset data =
      parse_dataset("sentence1\tsentence2\tlabel\na\tb\t5\n", "f.tsv", Stsb{}.layouts());
  CHECK(labels_to_learn(Stsb{}, data) == Names{"value"});
}
