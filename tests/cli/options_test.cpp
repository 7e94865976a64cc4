#include "options.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

using namespace bipft;
using namespace bipft::cli;

namespace {

struct Deep {
  double rate = 0.5;
  void visit(auto&& option) { option("rate", rate, "the highest rate", Form{"R", 0, 1}); }
};

struct SomeOptions {
  std::string file;
  std::size_t steps = 100;
  std::optional<int> seed;
  std::string schedule = "linear";
  std::string embed;
  std::vector<std::string> teachers;
  bool quiet = false;
  Deep deep;

  void visit(auto&& option) {
    option("o", file, "where it goes", Form{"FILE"});
    option("steps", steps, "how many batches", Form{"N", 1, 1000});
    option("seed", seed, "of all randomness", Form{"N"});
    option("schedule", schedule, "of the rate", Form{"linear|constant"});
    option("embed", embed, "numbers", Form{"[cls|mean]"});
    option("teacher", teachers, "again and again", Form{"FILE"});
    option("q,quiet", quiet, "print nothing");
    option("Deep down", deep);
  }
  static constexpr Later later[] = {{"exits", "early exit"}, {"schedule=cosine", "the cosine"}};
};

std::vector<std::string> read(SomeOptions& options, std::initializer_list<std::string_view> words) {
  return parse(options, std::vector<std::string_view>(words));
}

std::string complaint(std::initializer_list<std::string_view> words) {
  SomeOptions options;
  try {
    (void)read(options, words);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::usage);
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("options: every spelling, in any order, and plain words in theirs") {
  SomeOptions options;
  const auto plain =
      read(options, {"a.tsv", "--steps", "7", "-ox", "--rate=1e-3", "-", "-q", "--seed", "-3",
                     "--teacher=a", "--teacher", "b", "--", "--steps"});
  CHECK(options.steps == 7);
  CHECK(options.file == "x");
  CHECK(options.deep.rate == 1e-3);
  CHECK(options.seed == -3);
  CHECK(options.quiet);
  CHECK(options.teachers == std::vector<std::string>{"a", "b"});
  CHECK(plain == std::vector<std::string>{"a.tsv", "-", "--steps"});
}

TEST_CASE("options: of two values the last one counts, and what is not given stays as it was") {
  SomeOptions options;
  (void)read(options, {"--steps=3", "--steps=4"});
  CHECK(options.steps == 4);
  CHECK_FALSE(options.seed.has_value());
  CHECK(options.schedule == "linear");
}

TEST_CASE("options: a value that may be left out takes the next word only if it is one") {
  SomeOptions options;
  CHECK(read(options, {"--embed", "model"}) == std::vector<std::string>{"model"});
  CHECK(options.embed == "cls");
  CHECK(read(options, {"--embed", "mean"}).empty());
  CHECK(options.embed == "mean");
}

TEST_CASE("options: every mistake is named, with what is allowed") {
  CHECK(complaint({"--step", "3"}) ==
        "unknown option --step (did you mean --steps?); --help lists them all");
  CHECK(complaint({"--tsep=3"}) ==
        "unknown option --tsep (did you mean --steps?); --help lists them all");
  CHECK(complaint({"--zzzzzz"}) == "unknown option --zzzzzz; --help lists them all");
  CHECK(complaint({"-steps"}) ==
        "unknown option -steps (did you mean --steps?); --help lists them all");
  CHECK(complaint({"--steps"}) == "--steps needs a value: --steps N");
  CHECK(complaint({"-o", "--quiet"}) == "-o needs a value: -o FILE");
  CHECK(complaint({"--quiet=yes"}) == "--quiet takes no value");
  CHECK(complaint({"--schedule=liner"}) ==
        "--schedule: 'liner' is not one of: linear, constant (did you mean linear?)");
  for (const std::string_view wrong :
       {"1e3", "-1", "0", "1001", "7x", "", " 7", "+7", "99999999999999999999"}) {
    CHECK(complaint({"--steps", wrong}) ==
          concat("--steps: '", wrong, "' is not a whole number from 1 to 1000"));
  }
  for (const std::string_view wrong : {"nan", "inf", "1,5", "1.5", "-0.1", "1e400"}) {
    CHECK(complaint({"--rate", wrong}) ==
          concat("--rate: '", wrong, "' is not a number from 0 to 1"));
  }
}

TEST_CASE("options: what comes later is refused by name, as an option and as a value") {
  CHECK(complaint({"--exits", "all"}) == "--exits: early exit is not in this version");
  CHECK(complaint({"--exits=all"}) == "--exits: early exit is not in this version");
  CHECK(complaint({"--schedule", "cosine"}) ==
        "--schedule cosine: the cosine is not in this version");
}

TEST_CASE("options: a prefix is no option, and no word makes the parser read beyond its end") {
  SomeOptions options;
  CHECK(complaint({"--steps7"}) ==
        "unknown option --steps7 (did you mean --steps?); --help lists them all");
  CHECK(complaint({"--=3"}) == "unknown option --; --help lists them all");
  CHECK(complaint({"-=3"}) == "unknown option -=3; --help lists them all");
  CHECK(complaint({std::string(10000, '-')}).starts_with("unknown option ---"));
}

TEST_CASE("options: help is the list itself, with the defaults and the sections") {
  SomeOptions options;
  CHECK(help_of(options_of(options)) ==
        "  -o FILE                     where it goes\n"
        "  --steps N                   how many batches [100]\n"
        "  --seed N                    of all randomness\n"
        "  --schedule linear|constant  of the rate [linear]\n"
        "  --embed [cls|mean]          numbers\n"
        "  --teacher FILE              again and again\n"
        "  -q, --quiet                 print nothing\n"
        "\n"
        "Deep down:\n"
        "  --rate R                    the highest rate [0.5]\n");
}

TEST_CASE("options: the given ones are written in the order of the list, as a shell reads them") {
  SomeOptions options;
  (void)read(options, {"--rate", "0.25", "--quiet", "-o", "it's here", "--steps", "100"});
  CHECK(given_options(options) == "-o 'it'\\''s here' --quiet --rate 0.25");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("a/b.c=1") == "a/b.c=1");
}

TEST_CASE("edits_between: letters changed, added, left out and swapped") {
  CHECK(edits_between("", "abc") == 3);
  CHECK(edits_between("batch", "batch") == 0);
  CHECK(edits_between("bacth", "batch") == 1);
  CHECK(edits_between("bach", "batch") == 1);
  CHECK(edits_between("patches", "batch") == 3);
}
