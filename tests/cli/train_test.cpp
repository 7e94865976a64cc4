/// `bipft train` as a process: the same bytes after any end, and what teaches whom.

#include <doctest/doctest.h>

#include <string>

#include "bipft/io/json.hpp"
#include "support/trained.hpp"
#include "support/workplace.hpp"

using namespace bipft;
using test::lines_of;
using test::Outcome;
using test::toy_shape;
using test::trained;
using test::Workplace;

TEST_CASE("train: the same seed gives the same bytes, on any number of threads and after any end") {
  const Workplace& place = trained();
  const std::string train =
      "bipft train small.tsv --dev dev.tsv --epochs 3 --save-every 2 -q" + toy_shape;
  REQUIRE(place.code(train + "-o whole.bipft --threads 1") == 0);
  CHECK(place.code(train + "-o other.bipft --threads 3 && cmp whole.bipft other.bipft") == 0);
  CHECK(place.code(train + "-o seed.bipft --seed 2 && cmp -s whole.bipft seed.bipft") == 1);
  const std::string stop = "'" BIPFT_COMMAND "'" + train.substr(5) +
                           "-o stopped.bipft --epochs 300 --log log.jsonl & p=$!; "
                           "while [ ! -s stopped.bipft.ckpt ]; do sleep 0.05; done; kill -";
  const Outcome interrupted = place.sh(stop + "INT $p; wait $p");
  CHECK(interrupted.code == 130);
  CHECK(interrupted.talk.find("bipft train --resume small.tsv") != std::string::npos);
  CHECK(place.code("test -e stopped.bipft") == 1);
  CHECK(place.code(train + "-o stopped.bipft --epochs 4 --resume") == 2);  // another training
  CHECK(place.code(stop + "TERM $p; wait $p") == 143);
  CHECK(place.code("'" BIPFT_COMMAND "'" + train.substr(5) +
                   "-o killed.bipft & sleep 0.3; kill -9 $! 2> /dev/null; wait; " + train +
                   "-o killed.bipft --resume && cmp whole.bipft killed.bipft") == 0);
  CHECK(place.code("ls killed.bipft.* 2> /dev/null") != 0);  // no checkpoint, no lock stays
}

TEST_CASE("train: two trainers of one model do not meet") {
  const Workplace& place = trained();
  const std::string train = "bipft train small.tsv -q -o both.bipft" + toy_shape;
  const Outcome outcome =
      place.sh("'" BIPFT_COMMAND "'" + train.substr(5) +
               " --epochs 1000 & p=$!; while [ ! -e both.bipft.lock ]; do sleep 0.02; done; " +
               train + " --epochs 1; echo second $?; kill -KILL $p; wait $p 2> /dev/null");
  CHECK(outcome.out == "second 5\n");
  CHECK(outcome.talk.find("is writing it") != std::string::npos);
}

TEST_CASE("train: it goes on from a model of every kind, and without learning changes no answer") {
  const Workplace& place = trained();
  CHECK(place.code("bipft train --init m.bipft --epochs 0 -o same.bipft") == 0);
  CHECK(place.sh("cut -f1 dev.tsv | bipft run m.bipft --logits").out ==
        place.sh("cut -f1 dev.tsv | bipft run same.bipft --logits").out);
  CHECK(place.code("bipft train small.tsv --init m.bipft --epochs 1 -o more.bipft") == 0);
  CHECK(place.code("bipft train small.tsv -o float.bipft --method float --epochs 1" + toy_shape) ==
        0);
  CHECK(place.sh("bipft run float.bipft --info").out.find("kind\tfloat\n") != std::string::npos);
  CHECK(place.code("bipft train small.tsv --init float.bipft --epochs 1 -o bits.bipft") == 0);
  CHECK(place.sh("bipft run bits.bipft --info").out.find("kind\tpacked\n") != std::string::npos);
  CHECK(place.code("bipft train small.tsv --latent-bits 32 --epochs 1 -o latent.bipft" +
                   toy_shape) == 0);
  CHECK(place.sh("bipft run latent.bipft --info").out.find("kind\ttrainable\n") !=
        std::string::npos);
  CHECK(place.code("bipft train small.tsv --init latent.bipft --epochs 1 -o on.bipft") == 0);
}

TEST_CASE(
    "train: BEExformer's signs multiply floats, and its knobs are what its text leaves open") {
  const Workplace& place = trained();
  const std::string train = "bipft train small.tsv --dev dev.tsv --epochs 1 --batch 8 ";
  const std::string beexformer = train + "--method beexformer" + toy_shape;
  REQUIRE(place.code(beexformer + "-o bee.bipft --threads 1") == 0);
  CHECK(place.code(beexformer + "-o bee3.bipft --threads 3 && cmp bee.bipft bee3.bipft") == 0);
  const std::string info = place.sh("bipft run bee.bipft --info").out;
  CHECK(info.find("kind\tpacked\n") != std::string::npos);
  CHECK(info.find("method\tbeexformer\n") != std::string::npos);
  CHECK(place.code("bipft eval bee.bipft dev.tsv --bench") == 0);
  CHECK(place.sh("cut -f1 dev.tsv | bipft run bee.bipft --logits --threads 1").out ==
        place.sh("cut -f1 dev.tsv | bipft run bee.bipft --logits --threads 3").out);
  CHECK(place.code("bipft eval bee.bipft --export-hf bee") == 4);
  CHECK(place.code("bipft train small.tsv --init bee.bipft --epochs 1 -o on.bipft && "
                   "bipft run on.bipft --info | grep beexformer") == 0);
  for (const char* knobs :
       {"--slfn-gate output_sigmoid --surrogate clip_ste --latent-clip 0",
        "--weight-scale none --weight-center row", "--weight-scale row_l1_detached",
        "--weight-scale row_l1_reference --surrogate tanh --embedding-bits 32",
        "--surrogate identity --weight-center tensor"}) {
    CAPTURE(knobs);
    CHECK(place.code(beexformer + knobs + " -o knobs.bipft && bipft eval knobs.bipft dev.tsv") ==
          0);
  }
  CHECK(place.code(beexformer + "--stages 32-32,1-2 -o x.bipft") == 2);
  // Other methods' weights multiply floats too; and the method of a start can be left.
  CHECK(place.code(train + "--weight-bits 1 --act-bits 32 -o w1.bipft" + toy_shape +
                   "&& bipft eval w1.bipft dev.tsv") == 0);
  CHECK(place.code(train + "--init bee.bipft --method bit -o bit.bipft && "
                           "bipft run bit.bipft --info | grep 'method.bit'") == 0);
  CHECK(place.code(train + "--init bee.bipft --method float -o float.bee") == 0);
  CHECK(place.code(train + "--init float.bee --method beexformer -o again.bipft") == 0);
  CHECK(place.code(train + "--teacher float.bee --method beexformer -o pupil.bee && "
                           "bipft run pupil.bee --info | grep beexformer") == 0);
}

TEST_CASE("train: a teacher of any toy_shape, vocabulary and head teaches") {
  const Workplace& place = trained();
  REQUIRE(place.code("bipft train small.tsv --dev dev.tsv -o teacher.bipft --method float "
                     "--epochs 2" +
                     toy_shape) == 0);
  const std::string train = "bipft train small.tsv --dev dev.tsv --epochs 1 --batch 8 ";
  const auto says = [&](const std::string& options, const std::string& words) {
    const Outcome outcome = place.sh(train + options);
    INFO(outcome.talk);
    CHECK(outcome.code == 0);
    CHECK(outcome.talk.find(words) != std::string::npos);
  };
  says("--teacher teacher.bipft -o a.bipft", "init: the teacher's weights");
  CHECK(place.sh("bipft run a.bipft --info").out.find("kind\tpacked\n") != std::string::npos);
  const std::string wide = "--teacher teacher.bipft --layers 2 --hidden 64 --ffn 64 -o b.bipft";
  says(wide, "from a width of 64 to 32");
  says(wide, "layers learn from layers: 0 from 0, 1 from 1, 2 from 1");
  says("--teacher teacher.bipft --vocab-size 100 -o c.bipft", "its logits alone");
  says(
      "--teacher b.bipft --optimizer bertadam --scale-lr 1e-3 --weight-bits 32 --lr 1e-4 "
      "-o d.bipft",
      "kernels");
  CHECK(place.code("sed 's/positive$/yes/' small.tsv > others.tsv; bipft train others.tsv "
                   "--teacher teacher.bipft --epochs 1 --teacher-epochs 1 -o e.bipft 2> talk.txt "
                   "&& grep 'learns them first' talk.txt") == 0);
  CHECK(place.code("bipft train others.tsv --teacher m.bipft --epochs 1 -o f.bipft") == 2);
  CHECK(place.code(train + "--teacher missing.bipft -o f.bipft") == 4);
  CHECK(place.code(train + "--teacher random -o f.bipft") == 2);
  CHECK(place.code(train + "--stages 1-1 -o f.bipft") == 2);
  CHECK(place.code(train + "--stages 32-32,x -o f.bipft") == 2);
  CHECK(place.code(train + "--teacher teacher.bipft --layers 2 --max-len 20 -o f.bipft") == 2);
}

TEST_CASE("train: stages are one training, wherever it was killed") {
  const Workplace& place = trained();
  const std::string train =
      "bipft train small.tsv --dev dev.tsv --stages 32-32,1-2,1-1 --teacher-epochs 4 --epochs 4 "
      "--save-every 2 -q" +
      toy_shape;
  REQUIRE(place.code(train + "-o whole.stages --threads 1 --log stages.jsonl") == 0);
  CHECK(place.code("test $(grep -c '\"event\":\"epoch\"' stages.jsonl) -eq 12") == 0);
  const std::string start = "'" BIPFT_COMMAND "'" + train.substr(5) + "-o cut.stages & p=$!; ";
  const std::string again =
      "kill -9 $p; wait $p 2> /dev/null; " + train + "-o cut.stages --threads 3 --resume";
  for (const char* sign : {".ckpt", ".ckpt.1", ".ckpt.2"}) {
    CHECK(place.code("rm -f cut.stages*; " + start + "while [ ! -s cut.stages" + sign +
                     " -a ! -e cut.stages ]; do sleep 0.005; done; " + again +
                     " && cmp whole.stages cut.stages") == 0);
    CHECK(place.code("ls cut.stages.* 2> /dev/null") != 0);
  }
  CHECK(place.code("bipft train small.tsv --dev dev.tsv --weight-bits 1 --act-bits 4 --epochs 1 "
                   "-o four.bipft" +
                   toy_shape) == 0);
  CHECK(place.sh("bipft run four.bipft --info").out.find("kind\tstaged\n") != std::string::npos);
  CHECK(place.sh("cut -f1 dev.tsv | bipft run four.bipft --logits --threads 1").out ==
        place.sh("cut -f1 dev.tsv | bipft run four.bipft --logits --threads 3").out);
  CHECK(place.code("bipft eval four.bipft dev.tsv") == 0);
  CHECK(place.code("bipft train small.tsv --init four.bipft --epochs 0 -o same.bipft && "
                   "bipft run same.bipft --info | grep staged") == 0);
  CHECK(place.code("bipft train small.tsv --teacher four.bipft --epochs 1 -o one.bipft && "
                   "bipft run one.bipft --info | grep packed") == 0);
  CHECK(place.sh("bipft run whole.stages --info").out.find("--stages 32-32,1-2,1-1") !=
        std::string::npos);
}

TEST_CASE("train: a teacher that changed is refused on resume, also where it is a folder") {
  const Workplace& place = trained();
  REQUIRE(place.code("bipft train small.tsv -o tutor.bipft --method float --epochs 1" + toy_shape +
                     "&& bipft eval tutor.bipft --export-hf tutor && cp -r tutor other && "
                     "printf '\\x3f' | dd of=other/model.safetensors bs=1 conv=notrunc "
                     "seek=$(($(stat -c %s other/model.safetensors) - 1)) && "
                     "cp -r tutor reset && sed -i s/1e-12/1e-2/ reset/config.json") == 0);
  // Of another toy_shape, so that it does not begin with the teacher's weights.
  const std::string train =
      "train small.tsv --dev dev.tsv --layers 2 --hidden 32 --ffn 32 --batch 8 --epochs 60 "
      "--patience 0 --save-every 1 -o pupil.bipft --teacher ";
  REQUIRE(place.code("'" BIPFT_COMMAND "' " + train +
                     "tutor & p=$!; while [ ! -s pupil.bipft.ckpt ]; do sleep 0.005; done; "
                     "kill -9 $p; wait $p 2> /dev/null; test -s pupil.bipft.ckpt") == 0);
  for (const char* changed : {"other", "reset"}) {
    CAPTURE(changed);
    const Outcome outcome = place.sh("bipft " + train + changed + " --resume");
    CHECK(outcome.code == 2);
    CHECK(outcome.talk.find("is of another training (teacher: \"sha256:") != std::string::npos);
  }
  CHECK(place.sh("bipft " + train + "tutor --resume").talk.find("resume: from step ") !=
        std::string::npos);
}

TEST_CASE("train: a method is a recipe, kept by who goes on from its model") {
  const Workplace& place = trained();
  CHECK(place.code("bipft train small.tsv --method bibert --epochs 1 -o b.bipft" + toy_shape) == 0);
  CHECK(place.sh("bipft run b.bipft --info").out.find("method\tbibert\n") != std::string::npos);
  CHECK(place.code("bipft train --init b.bipft --epochs 0 -o b0.bipft") == 0);
  CHECK(place.sh("cut -f1 dev.tsv | bipft run b.bipft --logits").out ==
        place.sh("cut -f1 dev.tsv | bipft run b0.bipft --logits").out);
  CHECK(place.code("bipft train small.tsv --init b.bipft --epochs 1 -o b1.bipft") == 0);
  CHECK(place.sh("bipft run b1.bipft --info").out.find("method\tbibert\n") != std::string::npos);
  CHECK(place.code("bipft train small.tsv --init b.bipft --method bit --epochs 1 -o t.bipft") == 0);
  CHECK(place.sh("bipft run t.bipft --info").out.find("method\tbit\n") != std::string::npos);
  CHECK(place.code("bipft eval b.bipft dev.tsv --bench --threads 1") == 0);
  CHECK(place.code("bipft train small.tsv --method float --epochs 1 -o bt.bipft" + toy_shape) == 0);
  const Outcome taught =
      place.sh("bipft train small.tsv --teacher bt.bipft --method bibert --epochs 1 -o bs.bipft");
  INFO(taught.talk);
  CHECK(taught.code == 0);
  CHECK(taught.talk.find("directions are compared, of hidden states, queries, keys and values") !=
        std::string::npos);
  CHECK(place.sh("bipft run bs.bipft --info").out.find("method\tbibert\n") != std::string::npos);
  CHECK(place.code("bipft train small.tsv --teacher bt.bipft --method bibert --stages 1-2,1-1 "
                   "--epochs 1 -o bs.bipft") == 2);
}

TEST_CASE("train: BiPFT's form, with estimators and without") {
  const Workplace& place = trained();
  CHECK(place.code("bipft train small.tsv --method bipft --epochs 1 -o p.bipft" + toy_shape) == 0);
  CHECK(place.sh("bipft run p.bipft --info").out.find("method\tbipft\n") != std::string::npos);
  CHECK(place.code("bipft train --init p.bipft --epochs 0 -o p0.bipft") == 0);
  const std::string logits = place.sh("cut -f1 dev.tsv | bipft run p.bipft --logits").out;
  CHECK(lines_of(logits) > 1);
  CHECK(place.sh("cut -f1 dev.tsv | bipft run p0.bipft --logits").out == logits);
  CHECK(place.code("bipft eval p.bipft dev.tsv --bench --threads 1") == 0);
  CHECK(place.code("bipft train small.tsv --method bipft --estimators 0 --epochs 1 -o pa.bipft" +
                   toy_shape) == 0);
  CHECK(place.sh("cut -f1 dev.tsv | bipft run pa.bipft --logits").out != logits);
  const Outcome again = place.sh(
      "cat p.bipft pa.bipft | tr -c '[:print:]' '\\n' | grep -c 'layers.0.attention.estimators'");
  CHECK(again.out == "1\n");  // the one header that names them
  CHECK(place.code("bipft train small.tsv --init p.bipft --estimators 3 --epochs 1 -o p3.bipft") ==
        0);
  CHECK(place.code("bipft train small.tsv --method bit --estimators 2 --epochs 1 -o b2.bipft" +
                   toy_shape) == 0);
  CHECK(place.code("bipft train small.tsv --method bipft --estimators 9 -o no.bipft") == 2);
  CHECK(place.code("bipft train small.tsv --method bibert --estimators 1 -o no.bipft" +
                   toy_shape) == 2);
  CHECK(place.code("bipft eval p.bipft --export-hf hf && bipft run hf --info | grep bipft") == 0);
  CHECK(place.code("bipft train small.tsv --method bipft --stages 32-32,1-2,1-1 --epochs 1 "
                   "-o staged.bipft" +
                   toy_shape) == 0);
}

TEST_CASE("train: what diverges is told apart, and writes no model") {
  const Workplace& place = trained();
  const Outcome outcome = place.sh(
      "bipft train small.tsv -o wild.bipft --method float --lr 1e5 --clip 0 "
      "--epochs 50" +
      toy_shape);
  CHECK(outcome.code == 6);
  CHECK(outcome.talk.find("try --lr") != std::string::npos);
  CHECK(place.code("test -e wild.bipft") == 1);
}

TEST_CASE("train: a temperature is fitted on dev, and changes no label") {
  const Workplace& place = trained();
  const Json info = Json::parse(place.sh("bipft run m.bipft --info --json").out, "out");
  CHECK(info["temperature"].as_double() != 1.0);
  const Json json = Json::parse(place.sh("bipft eval m.bipft dev.tsv --json").out, "out");
  CHECK(json["metrics"]["ece"].as_double() == info["metrics"]["ece"].as_double());
  CHECK(json["interval"]["high"].as_double() >= json["metrics"]["glue"].as_double());
}

TEST_CASE("train: exits learn by every loss, go through files, and resume to the same bytes") {
  const Workplace& place = trained();
  const std::string shape =
      " --layers 2 --hidden 32 --ffn 32 --max-len 16 --vocab-size 120 --batch 8 ";
  const std::string train = "bipft train small.tsv --dev dev.tsv -q --epochs 2 --exits 1" + shape;
  for (const char* loss : {"sum", "mean", "depth", "softmax_entropy", "expected", "equilibrium",
                           "two_stage", "self_distill", "alternate", "last"}) {
    CAPTURE(loss);
    CHECK(place.code(train + "-o exits.bipft --exit-loss " + loss) == 0);
  }
  const std::string info = place.sh("bipft run exits.bipft --info").out;
  CHECK(info.find("config.exits\t1\n") != std::string::npos);
  CHECK(place.sh("cut -f1 dev.tsv | bipft run exits.bipft").code == 0);
  const std::string staged = train + "--exit-loss two_stage --epochs 4 --save-every 1 ";
  REQUIRE(place.code(staged + "-o whole.bipft --threads 1") == 0);
  CHECK(place.code("'" BIPFT_COMMAND "'" + staged.substr(5) +
                   "-o cut.bipft & sleep 0.3; kill -9 $! 2> /dev/null; wait; " + staged +
                   "-o cut.bipft --resume && cmp whole.bipft cut.bipft") == 0);
  REQUIRE(place.code("bipft train small.tsv -q --epochs 1 -o plain.bipft" + shape) == 0);
  const Outcome begun =
      place.sh("bipft train small.tsv --init plain.bipft --exits all --epochs 1 " +
               std::string("--exit-pooling mean -o more.bipft"));
  CHECK(begun.code == 0);
  CHECK(begun.talk.find("init: new exits") != std::string::npos);
  CHECK(place.code("bipft train small.tsv --init more.bipft --exits last --epochs 0 -o none.bipft "
                   "&& bipft run none.bipft --info | grep -c config.exits") == 1);
  for (const char* method : {"float", "bibert", "bipft"}) {
    CAPTURE(method);
    CHECK(place.code(train + "-o of.bipft --method " + method) == 0);
  }
  CHECK(place.code(train + "--teacher m.bipft --exit-loss self_distill -o taught.bipft") == 0);
  CHECK(place.code(train + "--teacher m.bipft --exit-loss expected --hard-labels 0.5 "
                           "-o taught.bipft") == 0);
}

TEST_CASE("train, run, eval: a rule is chosen, stored, and stopped by") {
  const Workplace& place = trained();
  const std::string shape =
      " --layers 3 --hidden 32 --ffn 32 --max-len 16 --vocab-size 120 --batch 8 ";
  const std::string train = "bipft train small.tsv --dev dev.tsv --exits all" + shape;
  const Outcome auto_rule = place.sh(train + "--epochs 3 --exit-budget 2% -o auto.bipft");
  REQUIRE(auto_rule.code == 0);
  CHECK(auto_rule.talk.find("exit: ") != std::string::npos);
  const Json info = Json::parse(place.sh("bipft run auto.bipft --info --json").out, "out");
  const std::string rule = info["exit_rule"].as_string();
  CHECK_FALSE(rule.empty());
  CHECK(info["exit_temperatures"].size() == 2);
  const Json usual = Json::parse(place.sh("bipft eval auto.bipft dev.tsv --json").out, "out");
  const Json never =
      Json::parse(place.sh("bipft eval auto.bipft dev.tsv --json --exit never").out, "out");
  CHECK(usual["metrics"]["glue"].as_double() == info["metrics"]["glue"].as_double());
  CHECK(never["metrics"]["glue"].as_double() - usual["metrics"]["glue"].as_double() < 0.0201);
  CHECK(never["exit"]["mean_layer"].as_double() == 3.0);
  CHECK(never["exit"]["histogram"].dump() == "[0,0,40]");
  const Json oracle =
      Json::parse(place.sh("bipft eval auto.bipft dev.tsv --json --exit oracle").out, "out");
  CHECK(oracle["metrics"]["accuracy"].as_double() >= never["metrics"]["accuracy"].as_double());
  CHECK(oracle["exit"]["rule"].as_string() == "oracle");

  // The same bytes again, and of a model that only gets its rule.
  CHECK(place.code(train + "--epochs 3 --exit auto --exit-budget 2% -q --threads 1 -o again.bipft "
                           "&& bipft run again.bipft --info | grep exit_rule > a && "
                           "bipft run auto.bipft --info | grep exit_rule | cmp - a") == 0);
  REQUIRE(place.code("bipft train small.tsv --dev dev.tsv --init auto.bipft --epochs 0 -q "
                     "--exit fixed:k=2 -o two.bipft") == 0);
  const std::string text = "cut -f1 dev.tsv | bipft run two.bipft ";
  CHECK(place.sh(text + "--exit fixed:k=1 | cut -f3 | sort -u").out == "1\n");
  const std::string second = place.sh(text).out;
  CHECK(place.sh(text + "--exit fixed:k=2 | cut -f1,2").out == second);
  CHECK(place.sh(text + "--exit fixed:k=2 --threads 1 --line-buffered | cut -f1,2").out == second);
  CHECK(place.sh(text + "--exit never | cut -f3 | sort -u").out == "3\n");
  CHECK(place.sh(text + "--exit max_prob:c=0.6 --format jsonl --limit 1").out.find("\"layer\":") !=
        std::string::npos);
  // A head that learns when to stop.
  for (const char* kind : {"--method float ", ""}) {
    CAPTURE(kind);
    CHECK(place.code(train + "--epochs 1 -q --exit learned:tau=0.6 -o learned.bipft " + kind) == 0);
  }
  CHECK(
      place.code("awk -F'\\t' '{print $1 FS (NR == 1 ? \"label\" : length($1))}' small.tsv > n.tsv"
                 " && bipft train n.tsv --regression --exits all --exit-doubts --exit auto -q "
                 "--epochs 1 -o numbers.bipft" +
                 shape +
                 "&& bipft eval numbers.bipft n.tsv "
                 "--regression --exit-sweep --json > sweep.txt && grep -q learned: sweep.txt && "
                 "grep -q patience: sweep.txt && ! grep -q entropy: sweep.txt") == 0);
  CHECK(place.sh("bipft run learned.bipft --info").out.find("config.exit_doubts\t1\n") !=
        std::string::npos);
  CHECK(
      place.sh("bipft eval learned.bipft dev.tsv --exit-sweep --json").out.find("\"learned:tau") !=
      std::string::npos);
  const Json fixed = Json::parse(place.sh("bipft eval two.bipft dev.tsv --json").out, "out");
  CHECK(fixed["exit"]["histogram"].dump() == "[0,40,0]");
  // What a line says does not depend on its neighbours.
  const std::string by_rule = text + "--exit entropy:tau=0.6 --logits";
  CHECK(
      place.sh("cut -f1 dev.tsv | tac | bipft run two.bipft --exit entropy:tau=0.6 --logits | tac")
          .out == place.sh(by_rule).out);

  const Outcome sweep =
      place.sh("bipft eval two.bipft dev.tsv --exit-sweep --plot front.svg --json");
  REQUIRE(sweep.code == 0);
  const Json json = Json::parse(sweep.out, "out");
  CHECK(json["sweep"].size() > 100);
  CHECK(json["front"].size() > 0);
  CHECK(json["splits"]["splits"].as_int() == 20);
  CHECK(json["splits"].contains("time_saved_32"));
  const std::string plot = place.folder.read("front.svg");
  CHECK(plot.starts_with("<svg"));
  CHECK(plot.find("layers a text") != std::string::npos);
  CHECK(plot.find("milliseconds a text") != std::string::npos);
  CHECK(place.sh("bipft eval two.bipft dev.tsv --exit-sweep").out.find("oracle") !=
        std::string::npos);
}
