/// The command as a process: exit codes, what is written where, and that nothing is lost.

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "bipft/io/json.hpp"
#include "support/trained.hpp"
#include "support/workplace.hpp"

using namespace bipft;
using test::lines_of;
using test::Outcome;
using test::toy_shape;
using test::trained;
using test::Workplace;

TEST_CASE("command: help and version are results; a missing verb is a mistake") {
  const Workplace place;
  for (const std::string_view ask : {"help", "--help", "help train", "help eval", "help run",
                                     "train --help", "eval -h", "run --help", "--version"}) {
    const Outcome outcome = place.sh(concat("bipft ", ask));
    INFO(ask);
    CHECK(outcome.code == 0);
    CHECK(outcome.talk == "");
    CHECK(outcome.out.size() > 20);
  }
  CHECK(place.sh("bipft train --help").out.find("--vocab-size N") != std::string::npos);
  CHECK(place.sh("bipft").code == 2);
  CHECK(place.sh("bipft").out == "");
  CHECK(place.sh("bipft trian").talk ==
        "bipft: there is no verb 'trian' (did you mean train?); choose one of: train, eval, run, "
        "help\n");
  CHECK(place.sh("bipft --version > /dev/full").code == 5);
}

TEST_CASE("command: a model goes to Hugging Face's format and comes back, with its head") {
  const Workplace& place = trained();
  REQUIRE(place.code("bipft train small.tsv -o f.bipft --method float --epochs 1" + toy_shape) ==
          0);
  const std::string answers = "cut -f1 dev.tsv | tail -n +2 | bipft run ";
  for (const std::string_view model : {"f", "m"}) {
    CAPTURE(model);
    const std::string name(model);
    const std::string folder = name + "-folder";
    REQUIRE(place.code("bipft eval " + name + ".bipft --export-hf " + folder) == 0);
    CHECK(place.code("bipft eval " + name + ".bipft --export-hf " + folder) == 5);
    CHECK(place.code("bipft eval " + name + ".bipft --export-hf small.tsv") == 5);
    REQUIRE(place.code("bipft train --init " + folder + " --epochs 0 -o again.bipft") == 0);
    const Outcome before = place.sh(answers + name + ".bipft");
    CHECK(before.code == 0);
    CHECK(lines_of(before.out) == 40);
    CHECK(place.sh(answers + "again.bipft").out == before.out);
    CHECK(place.sh(answers + folder).out == before.out);
    CHECK(place.code("bipft eval " + folder + " dev.tsv") == 0);
    CHECK(place.code("bipft run " + folder + " --info") == 0);
  }
  // Numbers and label sets go and come likewise, with the unit of the numbers.
  REQUIRE(place.code("cut -f1 small.tsv | awk 'NR==1{print \"sentence\\tlabel\"} "
                     "NR>1{print $0 \"\\t\" NR % 7}' > numbers.tsv") == 0);
  for (const std::string_view kind : {"regression", "multi-label"}) {
    const std::string train = concat("bipft train numbers.tsv --", kind, " --epochs 1 -o k.bipft");
    REQUIRE(place.code(train + toy_shape) == 0);
    const std::string folder = concat(kind, "-folder");
    REQUIRE(place.code("bipft eval k.bipft --export-hf " + folder) == 0);
    REQUIRE(place.code("bipft train --init " + folder + " --epochs 0 -o k2.bipft") == 0);
    CHECK(place.sh(answers + "k2.bipft").out == place.sh(answers + "k.bipft").out);
    CHECK(place.code("bipft eval k2.bipft numbers.tsv") == 0);
  }
  // The same labels keep the head, others get a new one; floats go on gently unless told otherwise.
  const auto talk_of = [&](const std::string& how) {
    return place.sh("bipft train " + how + " --init f-folder --epochs 1 -o g.bipft").talk;
  };
  const auto says = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK_FALSE(says(talk_of("small.tsv"), "classifier begins"));
  CHECK_FALSE(says(talk_of("small.tsv"), "learning rate"));
  const std::string floats = talk_of("pairs.tsv --method float");
  CHECK(says(floats, "init: other labels, so the classifier begins at random"));
  CHECK(says(floats, "learning rate 1e-04"));
  CHECK_FALSE(says(talk_of("pairs.tsv --method float --lr 1e-3"), "learning rate"));
}

TEST_CASE("command: an encoder without a head embeds, and says what it lacks") {
  const Workplace& place = trained();
  // A folder whose config names a head of numbers has none that is known here.
  REQUIRE(place.code("bipft eval m.bipft --export-hf bare && sed -i "
                     "s/single_label_classification/regression/ bare/config.json") == 0);
  REQUIRE(place.code("bipft train --init bare --epochs 0 -o bare.bipft") == 0);
  for (const std::string_view model : {"bare", "bare.bipft"}) {
    CAPTURE(model);
    const std::string run = concat("bipft run ", model, " dev.tsv ");
    CHECK(lines_of(place.sh(run + "--embed mean").out) == 41);
    CHECK(lines_of(place.sh(run + "--tokens").out) == 41);
    CHECK(place.sh(run).talk.find("without a head") != std::string::npos);
    CHECK(place.code(run) == 2);
    CHECK(place.code(run + "--logits") == 2);
    CHECK(place.code(concat("bipft eval ", model, " dev.tsv")) == 2);
    CHECK(place.code(concat("bipft eval ", model, " --bench")) == 0);
    CHECK(place.code(concat("bipft train small.tsv --epochs 1 --init ", model,
                            " -o n.bipft --max-len 8")) == 0);
    CHECK(place.code("bipft eval n.bipft dev.tsv") == 0);
  }
  CHECK(place.code("mkdir hollow && bipft run hollow") == 4);
  CHECK(place.code("bipft train small.tsv --init hollow -o n.bipft") == 4);
  CHECK(place.code("bipft train small.tsv --init bare --max-len 32 -o n.bipft") == 2);
}

TEST_CASE("command: mistakes of usage exit with 2 and touch nothing") {
  const Workplace& place = trained();
  const std::vector<std::string> mistakes{
      "bipft train small.tsv",
      "bipft train -o x.bipft",
      "bipft train small.tsv -o x.bipft --epohcs 3",
      "bipft train small.tsv -o x.bipft --epochs -1",
      "bipft train small.tsv -o x.bipft --lr nan",
      "bipft train small.tsv -o x.bipft --heads 3 --hidden 32",
      "bipft train small.tsv -o x.bipft --objective clm",
      "bipft train small.tsv -o x.bipft --no-nsp",
      "bipft train small.tsv -o x.bipft --losses mlm",
      "bipft train small.tsv -o x.bipft --objective mlm --label label",
      "bipft train small.tsv -o x.bipft --objective mlm --patience 2",
      "bipft train small.tsv -o x.bipft --objective mlm --stages 32-32,1-1",
      "bipft train small.tsv -o x.bipft --objective mlm --corpus-weights 1,2",
      "bipft train small.tsv -o x.bipft --objective mlm --corpus-weights 0",
      "bipft train small.tsv -o x.bipft --task squad",
      "bipft train small.tsv -o x.bipft --act-bits 3",
      "bipft train small.tsv -o x.bipft --weight-bits 32 --act-bits 1",
      "bipft train small.tsv -o x.bipft --method beexformer --act-bits 1",
      "bipft train small.tsv -o x.bipft --method beexformer --surrogate sine",
      "bipft train small.tsv -o x.bipft --surrogate tanh",
      "bipft train small.tsv -o x.bipft --method bit --latent-clip 1",
      "bipft train small.tsv -o x.bipft --latent-bits 5",
      "bipft train small.tsv -o x.bipft --latent-bits 4 --method float",
      "bipft train small.tsv -o x.bipft --latent-bits 4 --act-bits 2",
      "bipft train small.tsv -o x.bipft --regression --multi-label",
      "bipft train small.tsv -o x.bipft --regression --task sst2",
      "bipft eval m.bipft dev.tsv --regression",
      "bipft eval m.bipft dev.tsv --fail-under pearson=0.5",
      "bipft train small.tsv -o x.bipft --exits 3 --layers 2",
      "bipft train small.tsv -o x.bipft --exits 2,1 --layers 3",
      "bipft train small.tsv -o x.bipft --exit-loss sum",
      "bipft train small.tsv -o x.bipft --exits last --exit-pooling mean",
      "bipft train small.tsv -o x.bipft --exits 1 --exit-loss summ",
      "bipft train small.tsv -o x.bipft --exits 1 --exit-loss two_stage --patience 1",
      "bipft train small.tsv -o x.bipft --objective mlm --exits all",
      "bipft train small.tsv -o x.bipft --exits all --exit oto",
      "bipft train small.tsv -o x.bipft --exits all --exit oracle",
      "bipft train small.tsv -o x.bipft --exits all --exit entropy:tau=0.1 --exit-budget 1%",
      "bipft train small.tsv -o x.bipft --exits all --exit-budget much",
      "bipft train small.tsv -o x.bipft --exits last --exit auto",
      "bipft train small.tsv -o x.bipft --exit-doubts",
      "bipft train small.tsv -o x.bipft --objective mlm --exit auto",
      "bipft train small.tsv -o x.bipft --device vulkan",
      "bipft train small.tsv -o x.bipft --class-weight good=2",
      "bipft train small.tsv -o x.bipft --init m.bipft --hidden 64",
      "bipft train small.tsv -o x.bipft --init m.bipft --vocab-size 64",
      "bipft train small.tsv -o x.bipft --checkpoint x.bipft",
      "bipft eval",
      "bipft eval m.bipft",
      "bipft eval m.bipft dev.tsv more.tsv",
      "bipft eval m.bipft dev.tsv --exit entropy",
      "bipft eval m.bipft dev.tsv --exit oracle",
      "bipft eval m.bipft dev.tsv --exit entropi",
      "bipft eval m.bipft dev.tsv --plot x.svg",
      "bipft eval m.bipft --exit-sweep --bench",
      "bipft eval m.bipft dev.tsv --fail-under accuracy",
      "bipft eval m.bipft dev.tsv --fail-under speed=3",
      "bipft run",
      "bipft run m.bipft -k 0",
      "bipft run m.bipft --threshold 2",
      "bipft run m.bipft --else x",
      "bipft run m.bipft --shard 3/3",
      "bipft run m.bipft --shard 1",
      "bipft run m.bipft --format npy",
      "bipft run m.bipft --tokens --logits",
      "bipft run m.bipft --exit patience",
      "bipft run m.bipft --exit learned",
      "bipft run m.bipft --exit oracle",
      "bipft run m.bipft --exit never --embed",
      "bipft run m.bipft --threads 0",
      "bipft run m.bipft --target abacus",
      "BIPFT_TARGET=abacus bipft run m.bipft",
      "BIPFT_THREADS=many bipft run m.bipft",
  };
  for (const std::string& mistake : mistakes) {
    const Outcome outcome = place.sh(mistake);
    INFO(mistake, "\n", outcome.talk);
    CHECK(outcome.code == 2);
    CHECK(outcome.out == "");
    const bool late = mistake.find("--class-weight") != std::string::npos;  // needs the labels
    CHECK((late || outcome.talk.starts_with("bipft: ")));
    CHECK((late || lines_of(outcome.talk) == 1));
  }
  CHECK(place.code("ls x.bipft* 2> /dev/null") != 0);
}

TEST_CASE("command: data, models and the system have exit codes of their own") {
  const Workplace& place = trained();
  // data
  CHECK(place.code("bipft train none.tsv -o x.bipft") == 3);
  CHECK(place.code("printf 'text\\tlabel\\n' > e.tsv; bipft train e.tsv -o x.bipft") == 3);
  CHECK(place.code(
            "printf 'text\\tlabel\\na\\tb\\nc\\tb\\n' > e.tsv; bipft train e.tsv -o x.bipft") == 3);
  CHECK(place.code("bipft train small.tsv --label team -o x.bipft") == 3);
  CHECK(place.code("printf 'text\\tlabel\\na\\tnew\\n' > n.tsv; bipft train small.tsv --dev n.tsv "
                   "-o x.bipft") == 3);
  CHECK(place.sh("bipft eval m.bipft n.tsv").talk.find("n.tsv:2: the label 'new' is unknown") !=
        std::string::npos);
  CHECK(place.code("bipft eval m.bipft pairs.tsv") == 3);
  CHECK(place.code("bipft eval pairs.bipft dev.tsv") == 3);
  CHECK(place.code("bipft run m.bipft none.txt") == 3);
  CHECK(place.code("bipft run m.bipft .") == 3);
  CHECK(place.code("bipft run m.bipft <&-") == 3);
  // models
  CHECK(place.code("bipft run none.bipft") == 4);
  CHECK(place.code("bipft run small.tsv") == 4);
  CHECK(place.code("bipft run .") == 4);
  CHECK(place.code("bipft run /dev/zero") == 4);
  CHECK(place.code("head -c 5000 m.bipft > cut.bipft; bipft run cut.bipft") == 4);
  CHECK(place.code("bipft train small.tsv --init cut.bipft -o x.bipft") == 4);
  CHECK(place.code(
            "printf '[UNK]\\n[UNK]\\n' > v.txt; bipft train small.tsv --vocab v.txt -o x.bipft") ==
        4);
  // the system
  CHECK(place.code("echo hi | bipft run m.bipft > /dev/full") == 5);
  CHECK(place.code("echo hi | bipft run m.bipft >&-") == 5);
  CHECK(place.code("bipft eval m.bipft dev.tsv > /dev/full") == 5);
  CHECK(place.code("bipft train small.tsv -o small.tsv") == 5);
  CHECK(place.code("bipft train small.tsv -o .") == 5);
  CHECK(place.code("bipft train small.tsv -o none/x.bipft") == 5);
  CHECK(place.code("bipft train small.tsv -o /dev/full --epochs 1" + toy_shape) == 5);
  CHECK(place.code("bipft eval m.bipft dev.tsv --errors dev.tsv") == 5);
  CHECK(place.code("ulimit -f 1; yes | bipft run m.bipft > big") == 5);
  // the rest
  CHECK(place.code("bipft eval m.bipft dev.tsv --fail-under accuracy=1.1") == 1);
  CHECK(place.code("bipft eval m.bipft dev.tsv --fail-under accuracy=0") == 0);
  CHECK(place.code("echo hi | bipft run m.bipft 2>&-") == 0);
  CHECK(place.code("yes | bipft run m.bipft | head -1; exit ${PIPESTATUS[1]}") == 141);
  CHECK(place.code("ls x.bipft* 2> /dev/null") != 0);
}

TEST_CASE("run: a line out for every line in, on any number of threads") {
  const Workplace& place = trained();
  const std::string input =
      "(for i in $(seq 300); do printf 'not bad at all %s\\n\\na\\0b\\n\\xff\\xfe\\t\\r\\n' $i; "
      "done;"
      " printf last)";
  const Outcome one = place.sh(input + " | bipft run m.bipft --threads 1");
  CHECK(one.code == 0);
  CHECK(one.talk == "");
  CHECK(lines_of(one.out) == 1201);
  CHECK(place.sh(input + " | bipft run m.bipft --threads 3").out == one.out);
  CHECK(place.sh(input + " | bipft run m.bipft --line-buffered").out == one.out);
  CHECK(place.sh(input + " > in.txt; bipft run m.bipft in.txt").out == one.out);
  CHECK(place.sh(input + " | bipft run m.bipft - --skip 5 --limit 3").out ==
        place.sh(input + " | bipft run m.bipft | sed -n 6,8p").out);
}

TEST_CASE("run: the formats, and only one of them at a time") {
  const Workplace& place = trained();
  const std::string ask = "echo 'a, fine \"film\"' | bipft run m.bipft ";
  const std::string plain = place.sh(ask).out;
  const std::string label = plain.substr(0, plain.find('\t'));
  const std::string probability = plain.substr(label.size() + 1, plain.size() - label.size() - 2);
  CHECK((label == "positive" || label == "negative"));
  CHECK(place.sh(ask + "--keep").out == concat("a, fine \"film\"\t", plain));
  CHECK(place.sh(ask + "--format csv --keep").out ==
        concat("\"a, fine \"\"film\"\"\",", label, ',', probability, '\n'));
  CHECK(place.sh(ask + "--format fasttext").out ==
        concat("__label__", label, ' ', probability, '\n'));
  const Json json = Json::parse(place.sh(ask + "--json").out, "out");
  CHECK(json["label"].as_string() == label);
  CHECK(place.sh(ask + "--threshold 1 --else unsure").out == concat("unsure\t", probability, '\n'));
  CHECK(place.sh(ask + "-k 2").out.starts_with(plain.substr(0, plain.size() - 1) + '\t'));
  CHECK(place.sh(ask + "--tokens").out.starts_with("2 "));  // [CLS]
  CHECK(place.sh(ask + "--tokens --special").code == 0);
  const std::string logits = place.sh(ask + "--logits").out;
  CHECK(logits.find('\t') != std::string::npos);
  const Json vector = Json::parse(place.sh(ask + "--embed --format jsonl").out, "out");
  CHECK(vector["embedding"].size() == 32);
  CHECK(place.sh(ask + "--embed mean").out != place.sh(ask + "--embed cls").out);
  CHECK(place.sh(ask + "--embed --format npy").out.size() == 128 + 32 * 4);
  CHECK(place.sh("bipft run m.bipft --info").out.find("kind\tpacked\n") != std::string::npos);
  CHECK(Json::parse(place.sh("bipft run m.bipft --info --json").out, "out")["labels"].size() == 2);
}

TEST_CASE("run: a line that is no pair is marked, left out, or a reason to fail") {
  const Workplace& place = trained();
  const std::string ask = "printf 'a\\tb\\nalone\\nc\\td\\n' | bipft run pairs.bipft ";
  const Outcome marked = place.sh(ask);
  CHECK(marked.code == 0);
  CHECK(lines_of(marked.out) == 3);
  CHECK(marked.out.find("\n\t\n") != std::string::npos);
  CHECK(marked.talk.find("1 lines without an answer; the first is line 2") != std::string::npos);
  CHECK(lines_of(place.sh(ask + "--on-error skip").out) == 2);
  const Outcome failed = place.sh(ask + "--on-error fail");
  CHECK(failed.code == 1);
  CHECK(failed.out == marked.out);
}

TEST_CASE("run: all shards together are the whole") {
  const Workplace& place = trained();
  const Outcome whole = place.sh("cut -f1 dev.tsv | bipft run m.bipft --keep | sort");
  for (const int shards : {1, 2, 5}) {
    const Outcome parts = place.sh(concat(
        "for i in $(seq 0 ", shards - 1,
        "); do cut -f1 dev.tsv | bipft run m.bipft --keep --shard $i/", shards, "; done | sort"));
    CHECK(parts.out == whole.out);
  }
}

TEST_CASE("eval: one JSON object with everything in it, and a table for people") {
  const Workplace& place = trained();
  const Outcome outcome = place.sh(
      "bipft eval m.bipft dev.tsv --json --baseline small.tsv --confusion --errors wrong.tsv");
  REQUIRE(outcome.code == 0);
  const Json json = Json::parse(outcome.out, "out");
  CHECK(json["n"].as_int() == 40);
  const double accuracy = json["metrics"]["accuracy"].as_double();
  CHECK(json["metrics"]["glue"].as_double() == accuracy);
  CHECK(json["bits"]["weights"].as_int() == 1);
  CHECK(json["exit"]["rule"].as_string() == "never");
  CHECK(json["baseline"]["metrics"]["accuracy"].as_double() > 0);
  CHECK(json["file_bytes"].as_int() > 1000);
  const auto wrong = static_cast<std::size_t>((1 - accuracy) * 40 + 0.5);
  CHECK(lines_of(place.folder.read("wrong.tsv")) == wrong + 1);
  CHECK(place.sh("bipft eval m.bipft dev.tsv").out.starts_with("40 texts"));
}

TEST_CASE("eval, run: what a model costs, by count and as measured") {
  const Workplace& place = trained();
  // 1 layer, 32 channels, 32 within, 16 tokens, two labels.
  constexpr std::int64_t macs = 16 * (4 * 32 * 32 + 2 * 32 * 32) + 2 * 16 * 16 * 32 + 32 * 32;
  const Json info = Json::parse(place.sh("bipft run m.bipft --info --json").out, "info");
  CHECK(info["account"]["tokens"].as_int() == 16);
  CHECK(info["account"]["bit_macs"].as_int() == macs);
  CHECK(info["account"]["mixed_macs"].as_int() == 0);
  CHECK(info["account"]["float_macs"].as_int() == 2 * 32);
  CHECK(info["account"]["ops"].as_double() == 2.0 * (2 * 32) + 2.0 * macs / 64);
  CHECK(info["account"]["float_ops"].as_double() == 2.0 * (macs + 2 * 32));
  CHECK(info["account"]["ops_ratio_printed"].is_null());
  CHECK(info["bits"]["latent"].as_int() == 0);
  std::int64_t bytes = 0;
  for (const auto& [name, value] : info["bytes"].members()) bytes += value.as_int();
  CHECK(bytes == info["file_bytes"].as_int());
  CHECK(place.sh("bipft run m.bipft --info").out.find("account.bytes_ratio\t") !=
        std::string::npos);
  const Outcome table = place.sh("bipft eval m.bipft --bench");
  for (const char* row : {"16 tokens, by count", "OPs, FP + BOP/64", "bytes by the papers' rule",
                          "measured", "bytes of the file", "peak bytes of memory"}) {
    CAPTURE(row);
    CHECK(table.out.find(row) != std::string::npos);
  }
  const Json json = Json::parse(place.sh("bipft eval m.bipft --bench --json").out, "out");
  CHECK(json["account"].dump() == info["account"].dump());
  CHECK(json["bench"]["packed"]["peak_bytes"].as_int() > 0);
  // A folder has no file of its own; floats have no bits.
  REQUIRE(place.code("bipft eval m.bipft --export-hf counted") == 0);
  CHECK(Json::parse(place.sh("bipft run counted --info --json").out, "info")["bytes"].is_null());
  REQUIRE(place.code("bipft train small.tsv --method float --epochs 0 -o counted.bipft" +
                     toy_shape) == 0);
  const Json floats = Json::parse(place.sh("bipft run counted.bipft --info --json").out, "info");
  CHECK(floats["account"]["bit_macs"].as_int() == 0);
  CHECK(floats["account"]["ops_ratio"].as_double() == 1.0);
  CHECK(place.code("bipft eval counted.bipft --bench") == 0);
}

TEST_CASE("command: a model of BiBERT's goes to its published form and comes back") {
  const Workplace& place = trained();
  REQUIRE(place.code("bipft train small.tsv --method bibert --epochs 1 -o bb.bipft" + toy_shape) ==
          0);
  const Outcome out = place.sh("bipft eval bb.bipft --export-hf bb-folder");
  CHECK(out.code == 0);
  CHECK(out.talk == "wrote bb-folder: BiBERT's names\n");
  const std::string answers = "cut -f1 dev.tsv | bipft run --logits ";
  const std::string before = place.sh(answers + "bb.bipft").out;
  CHECK(lines_of(before) == 41);
  CHECK(place.sh(answers + "bb-folder").out == before);
  CHECK(place.code("bipft eval bb-folder dev.tsv") == 0);
  CHECK(place.sh("bipft run bb-folder --info").out.find("method\tbibert\n") != std::string::npos);
  REQUIRE(place.code("bipft train --init bb-folder --epochs 0 -o bb0.bipft") == 0);
  CHECK(place.sh(answers + "bb0.bipft").out == before);
  CHECK(place.code("bipft train small.tsv --init bb-folder --epochs 1 -o bb1.bipft && "
                   "bipft run bb1.bipft --info | grep -q 'method.bibert'") == 0);
  // It teaches, too: hidden states a student of its vocabulary, logits any other.
  for (const char* student : {"--method bibert", "--vocab-size 100"}) {
    CAPTURE(student);
    CHECK(place.code(concat("bipft train small.tsv --dev dev.tsv --teacher bb-folder --epochs 1 ",
                            student, " -o bb2.bipft")) == 0);
  }
}

TEST_CASE("regression: numbers from training to answer, and what is for labels is refused") {
  const Workplace& place = trained();
  REQUIRE(place.code("(printf 'text\\tlabel\\n'; for i in $(seq 40); do "
                     "printf 'good film %s\\t8.5\\nbad film %s\\t-1.25\\nfilm %s\\t3\\n' $i $i $i; "
                     "done) > n.tsv") == 0);
  const std::string train = "bipft train n.tsv --regression --dev n.tsv -q --epochs 4" + toy_shape;
  REQUIRE(place.code(train + "-o n.bipft") == 0);
  const Json json =
      Json::parse(place.sh("bipft eval n.bipft n.tsv --json --errors far.tsv").out, "out");
  const double pearson = json["metrics"]["pearson"].as_double();
  CHECK(pearson > 0.5);
  CHECK(json["metrics"]["glue"].as_double() ==
        (pearson + json["metrics"]["spearman"].as_double()) / 2);
  CHECK(json["metrics"]["accuracy"].is_null());
  CHECK(json["interval"]["low"].as_double() <= json["metrics"]["glue"].as_double());
  CHECK(lines_of(place.folder.read("far.tsv")) == 121);
  CHECK(place.code("bipft eval n.bipft n.tsv --fail-under pearson=1.1") == 1);
  const std::string value = place.sh("echo 'good film 3' | bipft run n.bipft").out;
  CHECK(std::strtod(value.c_str(), nullptr) > 3.0);
  CHECK(place.sh("echo 'good film 3' | bipft run n.bipft --json").out ==
        concat("{\"value\":", value.substr(0, value.size() - 1), "}\n"));
  for (const std::string_view wrong :
       {"run n.bipft -k 2", "run n.bipft --threshold 0.5", "run n.bipft --format fasttext",
        "eval n.bipft n.tsv --confusion", "eval n.bipft n.tsv --baseline n.tsv",
        "eval n.bipft n.tsv --task sst2", "eval n.bipft n.tsv --fail-under accuracy=0.5",
        "train n.tsv --regression -o x.bipft --class-weight balanced",
        "train n.tsv --regression -o x.bipft --label-smoothing 0.1"}) {
    INFO(wrong);
    CHECK(place.code(concat("bipft ", wrong)) == 2);
  }
  CHECK(place.sh("bipft train small.tsv --regression -o x.bipft").code == 3);
  CHECK(place.sh("bipft train small.tsv --regression -o x.bipft").talk.find("small.tsv:2:") !=
        std::string::npos);
  // Who goes on from such a model, or learns from one, need not say it again.
  const std::string said = "labels: numbers, as the model answers; --task classification makes ";
  const auto more = [&](const std::string& how) {
    const Outcome outcome = place.sh("bipft train " + how + " --epochs 1 -o more.bipft");
    INFO(outcome.talk);
    CHECK(outcome.code == 0);
    CHECK(outcome.talk.find("classifier begins at random") == std::string::npos);
    CHECK(place.sh("bipft run more.bipft --info").out.find("task\tregression\n") !=
          std::string::npos);
    return outcome.talk.find(said) != std::string::npos;
  };
  CHECK(more("n.tsv --init n.bipft"));
  CHECK(more("n.tsv --dev n.tsv --teacher n.bipft"));
  CHECK_FALSE(more("n.tsv --init n.bipft --regression"));
  const auto classes = [&](const std::string& how) {
    const Outcome outcome =
        place.sh("bipft train " + how + " --init n.bipft --epochs 1 -o c.bipft");
    INFO(outcome.talk);
    CHECK(outcome.code == 0);
    CHECK(outcome.talk.find(said) == std::string::npos);
    return outcome.talk.find("init: other labels") != std::string::npos;
  };
  CHECK(classes("n.tsv --task classification"));
  CHECK(classes("small.tsv"));
  // A model that is begun with keeps its unit; a killed training goes on to the same bytes.
  CHECK(place.code("bipft train --init n.bipft --epochs 0 -o same.bipft") == 0);
  CHECK(place.sh("echo 'good film 3' | bipft run same.bipft").out == value);
  CHECK(place.code("'" BIPFT_COMMAND "'" + train.substr(5) +
                   "--save-every 2 -o k.bipft & sleep 0.3; kill -9 $! 2> /dev/null; wait; " +
                   train + "--save-every 2 -o k.bipft --resume && cmp n.bipft k.bipft") == 0);
}

TEST_CASE("multi-label: any number of labels from training to answer") {
  const Workplace& place = trained();
  REQUIRE(place.code("for i in $(seq 40); do printf '__label__x __label__y good film %s\\n"
                     "__label__y bad film %s\\n__label__z dull %s\\n' $i $i $i; done > s.txt") ==
          0);
  const std::string train =
      "bipft train s.txt --multi-label --dev s.txt -q --epochs 6 --class-weight balanced "
      "--label-smoothing 0.05" +
      toy_shape;
  REQUIRE(place.code(train + "-o s.bipft") == 0);
  const Json json = Json::parse(
      place.sh("bipft eval s.bipft s.txt --json --confusion --errors wrong.tsv").out, "out");
  CHECK(json["metrics"]["glue"].as_double() > 0.8);
  CHECK(json["metrics"]["f1"].as_double() == json["metrics"]["glue"].as_double());
  CHECK(json["metrics"]["ece"].as_double() < 0.5);
  CHECK(json["confusion"].size() == 3);
  const auto wrong =
      static_cast<std::size_t>((1 - json["metrics"]["accuracy"].as_double()) * 120 + 0.5);
  CHECK(lines_of(place.folder.read("wrong.tsv")) == wrong + 1);
  const std::string ask = "echo 'good film 3' | bipft run s.bipft ";
  CHECK(place.sh(ask + "-k 3").out.find("\tz\t") != std::string::npos);
  CHECK(place.sh(ask + "--threshold 0").out == place.sh(ask + "-k 3").out);
  CHECK(place.sh(ask + "--threshold 1 --else none").out.starts_with("none\t"));
  CHECK(Json::parse(place.sh(ask + "--json -k 3").out, "out")["labels"].size() == 3);
  CHECK(place.code("bipft eval s.bipft s.txt --baseline s.txt") == 2);
  const Outcome more = place.sh("bipft train s.txt --init s.bipft --epochs 1 -o s1.bipft");
  CHECK(more.code == 0);
  CHECK(more.talk.find("labels: any number of labels a text, as the model answers; --task ") !=
        std::string::npos);
  CHECK(place.sh("bipft run s1.bipft --info").out.find("task\tmulti-label\n") != std::string::npos);
  CHECK(place.code("bipft train small.tsv --init s.bipft --task classification --epochs 1 "
                   "-o s1.bipft") == 0);
  CHECK(place.sh("bipft run s1.bipft --info").out.find("task\tclassification\n") !=
        std::string::npos);
  CHECK(place.code("printf 'text\\tlabel\\na\\tq x\\n' > q.tsv; bipft eval s.bipft q.tsv") == 3);
}
