/// train --objective mlm as a process: from plain text to a model that learns labels, and that
/// nothing is lost.

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "bipft/core/error.hpp"
#include "bipft/io/json.hpp"
#include "support/workplace.hpp"

using namespace bipft;
using test::Outcome;
using test::Workplace;

namespace {

const std::string small_shape =
    " --layers 1 --hidden 32 --ffn 32 --max-len 24 --vocab-size 120 --batch 8 ";

/// A workplace with a text, another, a data set, and a float teacher of the text's vocabulary.
const Workplace& with_texts() {
  static const Workplace place;
  static const bool made = [] {
    (void)place.sh("d='" BIPFT_SOURCE_DIR
                   "/data'; tail -n +2 \"$d/demo-train.tsv\" | cut -f1 | "
                   "head -200 > text.txt; tail -n +2 \"$d/demo-dev.tsv\" | cut -f1 | head -60 > "
                   "other.txt; head -81 \"$d/demo-train.tsv\" > small.tsv");
    REQUIRE(place.code("bipft train text.txt --objective mlm --method float --losses mlm --steps 4 "
                       "-o teacher.bipft" +
                       small_shape) == 0);
    return true;
  }();
  (void)made;
  return place;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("pretrain: the same bytes on any number of threads and after any end") {
  const Workplace& place = with_texts();
  for (const std::string_view losses : {"hidden", "mlm,nsp,hidden"}) {
    CAPTURE(losses);
    const std::string train = concat(
        "bipft train text.txt other.txt --corpus-weights 2,1 --objective mlm --teacher "
        "teacher.bipft --losses ",
        losses, " --dev other.txt --steps 60 --report-every 20 --save-every 2 --latent-bits 32 ",
        "--batch 8 -q ");
    REQUIRE(place.code(train + "-o whole.m --threads 1 --log whole.jsonl") == 0);
    CHECK(place.code(train + "-o other.m --threads 3 && cmp whole.m other.m") == 0);
    CHECK(place.code(train + "-o seed.m --seed 2 && cmp -s whole.m seed.m") == 1);
    const auto start = [&](const std::string& options) {
      return "'" BIPFT_COMMAND "'" + train.substr(5) + options +
             "-o cut.m & p=$!; while [ ! -s cut.m.ckpt -a ! -e cut.m ]; do sleep 0.005; done; ";
    };
    const std::string go_on = train + "-o cut.m --resume ";
    for (const char* end : {"KILL", "TERM"}) {
      CAPTURE(end);
      CHECK(place.code(start("") + "kill -" + end + " $p; wait $p 2> /dev/null; " + go_on +
                       "--threads 3 && cmp whole.m cut.m") == 0);
      CHECK(place.code("ls cut.m.* 2> /dev/null") != 0);  // no checkpoint, cache or lock stays
      CHECK(place.code("rm cut.m") == 0);
    }
    const std::string longer = "--steps 1000000 ";  // surely not over when it is stopped
    CHECK(place.code(start(longer) + "kill -TERM $p; wait $p") == 143);
    CHECK(place.code(go_on + longer + "--lr 1e-3") == 2);  // another training
    CHECK(place.code("echo more >> other.txt; " + go_on + longer +
                     "; c=$?; sed -i '$d' other.txt; exit $c") == 2);
    CHECK(place.code("rm cut.m.*") == 0);
  }
  CHECK(place.code("ls .*tmp* 2> /dev/null") != 0);
}

TEST_CASE("pretrain: what it becomes learns labels, and reports say how good it is") {
  const Workplace& place = with_texts();
  const Outcome outcome = place.sh(
      "bipft train text.txt --objective mlm --dev other.txt --steps 40 --report-every 20 --json "
      "--log log.jsonl --latent-bits 32 -o foundation.bipft" +
      small_shape);
  INFO(outcome.talk);
  REQUIRE(outcome.code == 0);
  const Json summary = Json::parse(outcome.out, "summary");
  CHECK(summary["kind"].as_string() == "trainable");
  for (const char* figure : {"mlm_loss", "mlm_accuracy", "nsp_loss", "nsp_accuracy"}) {
    CHECK(summary["metrics"][figure].as_double() >= 0);
  }
  CHECK_FALSE(summary["metrics"].contains("hidden_loss"));
  CHECK(place.code("test $(grep -c '\"event\":\"part\"' log.jsonl) -eq 2") == 0);
  const std::string log = place.folder.read("log.jsonl");
  for (const char* key : {"mlm_loss", "dead_channels", "flips", "tokens_per_second"}) {
    CHECK(says(log, concat('"', key, "\":")));
  }
  const Outcome info = place.sh("bipft run foundation.bipft --info");
  CHECK(says(info.out, "labels\t[]\n"));
  CHECK(says(info.out, "--objective mlm"));
  CHECK(place.code("echo 'a good film' | bipft run foundation.bipft --embed mean") == 0);
  const Outcome tuned =
      place.sh("bipft train small.tsv --init foundation.bipft --epochs 1 -o tuned.bipft");
  INFO(tuned.talk);
  CHECK(tuned.code == 0);
  CHECK(says(tuned.talk, "no head yet"));
  CHECK(place.code("bipft train text.txt --objective mlm --init foundation.bipft --no-nsp "
                   "--steps 5 -o more.bipft") == 0);
  CHECK(place.code("bipft train text.txt --objective mlm --init tuned.bipft --steps 5 "
                   "-o again.bipft && bipft run again.bipft --info | grep 'labels.\\[\\]'") == 0);
}

TEST_CASE("pretrain: heads go along with what goes on learning, and teach pairs") {
  const Workplace& place = with_texts();
  const std::string train =
      "bipft train text.txt --objective mlm --steps 3 --dev other.txt --json ";
  REQUIRE(place.code(train + "--method float -o knows.bipft" + small_shape) == 0);
  CHECK(says(place.sh(train + "--init knows.bipft --method float -o on.bipft").talk,
             "with the heads"));
  const Outcome taught = place.sh(train + "--teacher knows.bipft -o taught.bipft");
  INFO(taught.talk);
  CHECK(taught.code == 0);
  CHECK(says(taught.talk, "losses: mlm,nsp,nsp-soft,hidden"));
  CHECK(Json::parse(taught.out, "summary")["metrics"]["nsp_soft_loss"].as_double() > 0);
  CHECK_FALSE(says(place.sh(train + "--init taught.bipft -o on.bipft").talk, "with the heads"));
  CHECK(place.code(train + "--teacher knows.bipft --losses nsp-soft -o soft.bipft") == 0);
}

TEST_CASE("pretrain: a cache is shared where it is named") {
  const Workplace& place = with_texts();
  const std::string train =
      "bipft train text.txt other.txt --objective mlm --teacher teacher.bipft --losses hidden "
      "--steps 2 --cache shared.corpus ";
  CHECK(says(place.sh(train + "-o a.bipft").talk, "tokenised into shared.corpus"));
  CHECK(place.code("ls shared.corpus shared.corpus.2") == 0);
  const Outcome again = place.sh(train + "-o b.bipft");
  CHECK(says(again.talk, "as they stand in shared.corpus.2"));
  CHECK_FALSE(says(again.talk, "tokenised into"));
  CHECK(place.code("cmp a.bipft b.bipft") == 0);
}

TEST_CASE("pretrain: what makes no sense is refused, and nothing is written") {
  const Workplace& place = with_texts();
  const std::string train = "bipft train text.txt --objective mlm -o x.bipft --steps 2 ";
  const auto code = [&](const std::string& options) { return place.code(train + options); };
  CHECK(code("--losses hidden") == 2);                            // nobody teaches
  CHECK(code("--losses words") == 2);                             // no such loss
  CHECK(code("--no-nsp --losses mlm,nsp") == 2);                  // pairs or not
  CHECK(code("--teacher teacher.bipft --losses nsp-soft") == 2);  // it has no such head
  CHECK(code("--teacher teacher.bipft --teacher teacher.bipft") == 2);
  CHECK(code("--teacher teacher.bipft --vocab-size 100") == 2);  // another vocabulary
  CHECK(code("--teacher teacher.bipft --piece-len 25") == 2);    // longer than it reads
  CHECK(code("--dev-split 0.1") == 2);
  CHECK(code("--epochs 0 --steps 0") == 2);
  CHECK(code("--dev missing.txt" + small_shape) == 3);
  CHECK(code("--init missing") == 4);
  CHECK(place.code("printf '' > empty.txt; bipft train empty.txt --objective mlm -o x.bipft "
                   "--teacher teacher.bipft") == 3);
  CHECK(place.code("bipft train text.txt --objective mlm -o text.txt") == 5);
  CHECK(place.code(train + "--cache text.txt") == 5);
  CHECK(place.code("cp text.txt y.corpus; bipft train y.corpus --objective mlm --teacher "
                   "teacher.bipft --steps 1 -o y") == 5);
  CHECK(place.code("cmp text.txt y.corpus") == 0);
  CHECK(place.code("bipft train text.txt --objective mlm --teacher teacher.bipft --steps 1 "
                   "-o /dev/null") == 2);
  CHECK(place.code("ls x.bipft x.bipft.ckpt x.bipft.lock 2> /dev/null") != 0);
}
