/// `bipft train --init foundation`: where it is found, and when it is what a training begins with.

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "bipft/io/json.hpp"
#include "support/trained.hpp"
#include "support/workplace.hpp"

using namespace bipft;
using test::Outcome;
using test::Workplace;

namespace {

/// With a tiny foundation f.bipft, pre-trained for hidden states alone, and small.tsv.
const Workplace& with_foundation() {
  static const Workplace place;
  static const bool made = [] {
    (void)place.sh("d='" BIPFT_SOURCE_DIR
                   "/data'; tail -n +2 \"$d/demo-train.tsv\" | cut -f1 | "
                   "head -100 > text.txt; head -81 \"$d/demo-train.tsv\" > small.tsv");
    REQUIRE(place.code("bipft train text.txt --objective mlm --method float --losses mlm --steps 2 "
                       "-o teacher.bipft" +
                       test::toy_shape) == 0);
    REQUIRE(place.code("bipft train text.txt --objective mlm --teacher teacher.bipft --losses "
                       "hidden --steps 4 --batch 8 --method bit --latent-bits 3 -o f.bipft") == 0);
    return true;
  }();
  (void)made;
  return place;
}

bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

const std::string small_steps = " --steps 2 --batch 8 -o x.bipft ";
const std::string by_variable = "BIPFT_FOUNDATION=f.bipft ";

}  // namespace

TEST_CASE("foundation: the default where there is one, with a head for the labels") {
  const Workplace& place = with_foundation();
  const Outcome outcome = place.sh(by_variable + "bipft train small.tsv" + small_steps);
  INFO(outcome.talk);
  REQUIRE(outcome.code == 0);
  CHECK(mentions(outcome.talk, "init: the foundation f.bipft, sha256:"));
  CHECK(mentions(outcome.talk, "no head yet, so the classifier begins at random"));
  CHECK_FALSE(mentions(outcome.talk, "bits alone"));
  const Outcome info = place.sh("bipft run x.bipft --info --json");
  const Json card = Json::parse(info.out, "info");
  CHECK(card["labels"].size() == 2);
  CHECK(card["kind"].as_string() == "packed");
  const std::string id =
      Json::parse(place.sh("bipft run f.bipft --info --json").out, "info")["id"].as_string();
  CHECK(card["train"]["init"].as_string() == id);
  CHECK_FALSE(mentions(card["train"]["command"].as_string(), "f.bipft"));

  // The same by name, by its file, and with options that agree with it.
  CHECK(place.code("cp x.bipft default.bipft") == 0);
  for (const std::string same : {"--init foundation", "--init f.bipft", "--hidden 32 --layers 1",
                                 "--method bit --weight-bits 1 --max-len 16"}) {
    CAPTURE(same);
    CHECK(place.code(by_variable + "bipft train small.tsv " + same + small_steps) == 0);
    CHECK(Json::parse(place.sh("bipft run x.bipft --info --json").out, "info")["train"]["init"]
              .as_string() == id);
  }
  // Labels that are numbers or several, pairs, fewer positions, and no learning.
  for (const std::string other :
       {"--max-len 8", "--epochs 0", "--latent-bits 4", "--multi-label"}) {
    CAPTURE(other);
    const Outcome more =
        place.sh(by_variable + "bipft train small.tsv " + other + " --epochs 1" + small_steps);
    CHECK(more.code == 0);
    CHECK(mentions(more.talk, "init: the foundation"));
  }
  CHECK(mentions(place.sh(by_variable + "bipft train text.txt --objective mlm" + small_steps).talk,
                 "init: the foundation"));
}

TEST_CASE("foundation: what asks for another model begins with random weights, and is told so") {
  const Workplace& place = with_foundation();
  for (const std::string other :
       {"--preset tiny", "--layers 2", "--hidden 64", "--ffn 64", "--heads 2 --hidden 64",
        "--max-len 40", "--vocab-size 100", "--cased", "--method bibert", "--method float",
        "--weight-bits 32", "--act-bits 2", "--embedding-bits 32", "--estimators 1"}) {
    CAPTURE(other);
    const Outcome outcome = place.sh(by_variable + "bipft train small.tsv " + other + small_steps);
    CHECK(outcome.code == 0);
    CAPTURE(outcome.talk);
    CHECK(mentions(outcome.talk, "init: random weights, as --"));
    CHECK(mentions(outcome.talk, " is not the foundation's"));
    CHECK(mentions(place.sh("bipft run x.bipft --info").out, "train.init\trandom\n"));
  }
  const std::string stages = "--stages 32-32,1-1 --teacher-epochs 1 --layers 1 --hidden 32 ";
  CHECK(mentions(place.sh(by_variable + "bipft train small.tsv " + stages + small_steps).talk,
                 "as --stages 32-32,1-1 is not"));
  // A vocabulary of one's own is another; that of the foundation is not.
  (void)place.sh("printf '[PAD]\\n[UNK]\\n[CLS]\\n[SEP]\\n[MASK]\\na\\nb\\n' > v.txt");
  CHECK(mentions(place.sh(by_variable + "bipft train small.tsv --vocab v.txt" + small_steps).talk,
                 "as --vocab v.txt is not"));
  // Whoever names a start, or a teacher, gets it.
  CHECK_FALSE(mentions(
      place.sh(by_variable + "bipft train small.tsv --init random --layers 1" + small_steps).talk,
      "init:"));
  CHECK(mentions(
      place.sh(by_variable + "bipft train small.tsv --teacher teacher.bipft" + small_steps).talk,
      "init: the teacher's weights"));
  // An explicit foundation does not change its shape.
  CHECK(place.code(by_variable + "bipft train small.tsv --init foundation --layers 2" +
                   small_steps) == 2);
}

TEST_CASE("foundation: where there is none, and where it is found") {
  const Workplace& place = with_foundation();
  const std::string train = "bipft train small.tsv --layers 1 --hidden 32" + small_steps;
  const Outcome none = place.sh(train);
  CHECK(none.code == 0);
  CHECK(
      mentions(none.talk, "init: random weights, as there is no foundation (BIPFT_FOUNDATION is"));
  const Outcome asked = place.sh(train + "--init foundation");
  CHECK(asked.code == 4);
  CHECK(mentions(asked.talk, "--init foundation: there is none (BIPFT_FOUNDATION is empty)"));
  const Outcome named = place.sh("BIPFT_FOUNDATION=nowhere.bipft " + train);
  CHECK(named.code == 4);
  CHECK(mentions(named.talk, "BIPFT_FOUNDATION: nowhere.bipft: there is no such file"));
  CHECK(place.sh("BIPFT_FOUNDATION=small.tsv " + train).code == 4);

  // Beside the program, or where its installation has it: a copy of the program looks there.
  const std::string copied = "unset BIPFT_FOUNDATION; mkdir -p p/bin; cp '" BIPFT_COMMAND
                             "' p/bin/bipft; p/bin/bipft train small.tsv" +
                             small_steps;
  if (place.sh("head -c 2 '" BIPFT_COMMAND "'").out == "#!") return;  // of an emulator
  const Outcome missed = place.sh(copied + "--init foundation");
  CHECK(missed.code == 4);
  CHECK(mentions(missed.talk, "/p/bin/foundation.bipft and "));
  CHECK(mentions(missed.talk, "/p/share/bipft/foundation.bipft"));
  (void)place.sh("mkdir -p p/share/bipft; cp f.bipft p/share/bipft/foundation.bipft");
  CHECK(mentions(place.sh(copied).talk, "p/share/bipft/foundation.bipft, sha256:"));
  (void)place.sh("cp f.bipft p/bin/foundation.bipft");
  CHECK(mentions(place.sh(copied).talk, "p/bin/foundation.bipft, sha256:"));
  // One that is damaged is an error, not a reason to begin with random weights.
  (void)place.sh("head -c 2000 f.bipft > p/bin/foundation.bipft");
  CHECK(place.code(copied) == 4);
}
