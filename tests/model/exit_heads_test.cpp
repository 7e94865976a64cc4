#include "bipft/model/exit_heads.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/device/exit_request.hpp"
#include "bipft/exit/exit_grid.hpp"
#include "bipft/model/exit_costs.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/model/network.hpp"
#include "bipft/model/tape_network.hpp"
#include "support/toy.hpp"

using namespace bipft;

namespace {

std::vector<ModelConfig> configs_with_exits() {
  std::vector<ModelConfig> all{test::toy_config(), test::toy_config(false),
                               test::toy_bibert_config(), test::toy_bipft_config(1)};
  for (ModelConfig& config : all) {
    config.layers = 3;
    config.set_exits("1,2,3");
  }
  for (std::size_t i = 0; i < 3; ++i) {
    all.push_back(all[i]);
    all.back().exit_pooling = "mean";
  }
  all.push_back(all[3]);  // a residual pooler
  all.back().exit_pooling = "mean";
  for (const std::size_t i : {0U, 1U}) {
    all.push_back(all[i]);
    all.back().exit_doubts = 1;
  }
  return all;
}

Network network_of(const ModelFile& file) {
  return file.packed ? Network(*file.packed, active_device())
                     : Network(*file.latent, active_device());
}

/// The answers of a network that stops, and where it did.
struct Stopped {
  std::vector<std::vector<float>> logits;
  std::vector<std::uint32_t> stops;

  friend bool operator==(const Stopped&, const Stopped&) = default;
};
Stopped stopped(const Network& network, std::span<const EncodedText> texts,
                const ExitRequest& request) {
  Stopped result;
  network.for_each_batch(
      texts, false,
      [&](const Batch& batch, const PlanResult& now) {
        REQUIRE(now.stops.numel() == batch.texts.texts());
        for (std::size_t b = 0; b < batch.texts.texts(); ++b) {
          result.logits.emplace_back(now.logits.row(b).begin(), now.logits.row(b).end());
          result.stops.push_back(now.stops.data()[b]);
        }
      },
      &request);
  return result;
}

}  // namespace

TEST_CASE("exits: a config names inner layers, and files say nothing where there are none") {
  ModelConfig config = test::toy_config();
  config.layers = 6;
  CHECK(config.inner_exits().empty());
  CHECK(to_json(config).dump().find("exit") == std::string::npos);
  config.set_exits("all");
  CHECK(config.exits == "1,2,3,4,5");
  config.set_exits("2,4,6");
  CHECK(config.exits == "2,4");
  CHECK(config.inner_exits() == std::vector<std::size_t>{2, 4});
  config.check();
  ModelConfig back;
  from_json(to_json(config), back);
  CHECK(back == config);
  config.set_exits("last");
  CHECK(config.exits.empty());
  CHECK_THROWS_AS(config.set_exits("7"), Error);
  for (const char* wrong : {"7", "2,2", "two", "6", "02", ",", "all"}) {
    CAPTURE(wrong);
    config.exits = wrong;
    CHECK_THROWS_AS(config.check(), Error);
  }
  config.exits = "2";
  config.exit_doubts = 1;
  config.check();
  config.exit_doubts = 2;
  CHECK_THROWS_AS(config.check(), Error);
  config.exits.clear();
  config.exit_doubts = 1;
  CHECK_THROWS_AS(config.check(), Error);
  config.exit_doubts = 0;
  config.exits = "2";
  config.exit_pooling = "max";
  CHECK_THROWS_AS(config.check(), Error);
}

TEST_CASE("exits: heads go through a file, in every method, trained and packed") {
  for (const ModelConfig& config : configs_with_exits()) {
    const ModelFile file = test::toy_file(config);
    const std::string bytes = serialize_model(file);
    const ModelFile read = load_model(std::as_bytes(std::span(bytes)), "memory");
    CHECK(serialize_model(read) == bytes);
    CHECK(read.card.config.exits == "1,2");
    Model before = file.packed ? Model::unpack(*file.packed, active_device()) : Model(*file.latent);
    Model after = read.packed ? Model::unpack(*read.packed, active_device()) : Model(*read.latent);
    const auto texts = test::toy_texts(9, 2, config);
    const auto first = tape_exit_logits(before, active_device(), texts);
    CHECK(first == tape_exit_logits(after, active_device(), texts));
    REQUIRE(first.size() == 3);
    CHECK(first[0] != first[1]);
    CHECK(first[1] != first[2]);
    if (file.packed) {
      CHECK(read.packed->exits.size() == 2);
      CHECK(Network(*read.packed, active_device()).logits(texts).size() == texts.size());
    }
  }
}

TEST_CASE("exits: a model without any has the parameters and the bytes that it had") {
  ModelConfig with = test::toy_config();
  with.set_exits("1");
  Model plain(test::toy_config(), 5);
  Model exits(with, 5);
  std::map<std::string, Tensor> values;
  for_each<Parameter>(plain,
                      [&](const std::string& name, Parameter& p) { values[name] = p.value; });
  std::size_t more = 0;
  for_each<Parameter>(exits, [&](const std::string& name, Parameter& p) {
    if (name.starts_with("exits.1.")) {
      ++more;
      return;
    }
    const auto a = values.at(name).data();
    CHECK(std::equal(a.begin(), a.end(), p.value.data().begin()));
  });
  CHECK(more == 6);  // alpha, shift, weight and bias of the pooler, weight and bias behind it
}

TEST_CASE("exits: a plan says at every exit what the form that learns says") {
  std::vector<ModelConfig> configs = configs_with_exits();
  configs.push_back(test::toy_beexformer_config());
  configs.back().set_exits("1");
  for (const ModelConfig& config : configs) {
    CAPTURE(to_json(config).dump());
    const ModelFile file = test::toy_file(config);
    Model model = file.packed ? Model::unpack(*file.packed, active_device()) : Model(*file.latent);
    if (file.packed) model.embedding.binary.reset();
    const auto texts = test::toy_texts(40, 2, config);
    const auto learnt = tape_exit_logits(model, active_device(), texts);
    const Network network = network_of(file);
    const ExitRequest every{.rule = {}, .all = true};
    const PlanResult all = network(make_batch(texts), false, &every);
    CHECK(all.stops.empty());
    CHECK(all.doubts.empty() == (config.exit_doubts == 0));
    const PlanResult by_tape =
        tape_network(std::move(model), active_device())(make_batch(texts), false, &every);
    REQUIRE(by_tape.doubts.numel() == all.doubts.numel());
    for (std::size_t i = 0; i < all.doubts.numel(); ++i) {
      CHECK(by_tape.doubts.data()[i] == doctest::Approx(all.doubts.data()[i]).epsilon(1e-4));
    }
    REQUIRE(all.logits.shape() == Shape{texts.size(), learnt.size() * config.labels});
    double worst = 0;
    for (std::size_t n = 0; n < texts.size(); ++n) {
      for (std::size_t i = 0; i < learnt.size(); ++i) {
        for (std::size_t k = 0; k < config.labels; ++k) {
          const float found = all.logits.row(n)[i * config.labels + k];
          worst = std::max(worst, std::abs(static_cast<double>(found - learnt[i][n][k])));
        }
      }
    }
    CHECK(worst < 2e-5);
    // Behind all exits stands what is answered without any.
    const auto whole = network.logits(texts);
    for (std::size_t n = 0; n < texts.size(); ++n) {
      const auto last = all.logits.row(n).last(config.labels);
      CHECK(std::equal(last.begin(), last.end(), whole[n].begin()));
    }
  }
}

TEST_CASE("exits: a text stops where its own logits say, alone or among others") {
  for (const ModelConfig& config : configs_with_exits()) {
    CAPTURE(to_json(config).dump());
    const ModelFile file = test::toy_file(config);
    const Network network = network_of(file);
    const auto texts = test::toy_texts(60, 3, config);
    const ExitRequest every{.rule = {}, .all = true};
    const PlanResult all = network(make_batch(texts), false, &every);

    std::vector<float> sorted;  // doubt at the first exit, so that half of the texts leave there
    for (std::size_t n = 0; n < texts.size(); ++n) {
      sorted.push_back(static_cast<float>(
          exit_point<float>(ExitAnswer::label, 1, 3, all.logits.row(n).first(3), {}).entropy));
    }
    std::ranges::sort(sorted);
    const double half = static_cast<double>(sorted[sorted.size() / 2]);
    const bool doubts = config.exit_doubts != 0;
    std::vector<ExitRules> rules =
        exit_grid({.exits = 3, .labels = 3, .doubts = doubts, .macs = {1e5, 2e5, 3e5}});
    rules.emplace_back(EntropyExit{.tau = half});
    if (doubts) rules.emplace_back(LearnedExit{.tau = doubt_of(all.doubts.row(5)[0])});
    std::set<std::uint32_t> seen;
    for (std::size_t r = 0; r < rules.size(); ++r) {
      CAPTURE(to_string(rules[r]));
      ExitRequest request{.rule = rules[r], .costs = exit_costs(config)};
      if (r % 2 == 0) request.temperatures = {2.0F, 0.5F, 1.25F};
      const Stopped together = stopped(network, texts, request);
      for (std::size_t n = 0; n < texts.size(); ++n) {
        const std::size_t stop = exit_by(request, texts[n].ids.size(), 3, all.logits.row(n),
                                         doubts ? all.doubts.row(n) : std::span<const float>());
        REQUIRE(together.stops[n] == stop);
        const auto row = all.logits.row(n).subspan(stop * 3, 3);
        REQUIRE(std::equal(row.begin(), row.end(), together.logits[n].begin()));
        seen.insert(together.stops[n]);
      }
      if (r % 40 != 0 && r + 1 != rules.size()) continue;
      const std::size_t before = threads();
      set_threads(1);
      CHECK(stopped(network, texts, request) == together);
      set_threads(3);
      CHECK(stopped(network, texts, request) == together);
      set_threads(before);
      Stopped alone;
      for (std::size_t n = texts.size(); n-- > 0;) {
        const Stopped one = stopped(network, std::span(texts).subspan(n, 1), request);
        alone.logits.insert(alone.logits.begin(), one.logits[0]);
        alone.stops.insert(alone.stops.begin(), one.stops[0]);
      }
      CHECK(alone == together);
    }
    CHECK(seen.size() == 3);
  }
}

TEST_CASE("exits: the form that learns stops where its logits say") {
  ModelConfig config = test::toy_config();
  config.layers = 3;
  config.set_exits("1,2");
  config.act_bits = 2;
  Model model = test::toy_model(config, 3);
  const auto texts = test::toy_texts(20, 3, config);
  const auto each = tape_exit_logits(model, active_device(), texts);
  const Network network = tape_network(test::toy_model(config, 3), active_device());
  const ExitRequest second{.rule = FixedExit{.k = 2}};
  const Stopped result = stopped(network, texts, second);
  CHECK(result.logits.size() == texts.size());
  CHECK(std::ranges::all_of(result.stops, [](std::uint32_t stop) { return stop == 1; }));
  for (std::size_t n = 0; n < texts.size(); ++n) {
    for (std::size_t k = 0; k < config.labels; ++k) {
      CHECK(result.logits[n][k] == doctest::Approx(each[1][n][k]).epsilon(1e-5));
    }
  }
}

TEST_CASE("exits: what does not fit is refused") {
  ModelConfig config = test::toy_config();
  config.set_exits("1");
  const Network network = network_of(test::toy_file(config));
  const auto texts = test::toy_texts(4, 1, config);
  const ExitRequest never{.rule = NeverExit{}};
  CHECK(stopped(network, texts, never).stops == std::vector<std::uint32_t>(4, 1));
  const ExitRequest three{.rule = NeverExit{}, .temperatures = {1, 1, 1}};
  CHECK_THROWS_AS((void)network(make_batch(texts), false, &three), Error);
  CHECK_THROWS_AS((void)network(make_batch(texts), true, &never), Error);
}
