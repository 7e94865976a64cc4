#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bipft/device/plan_check.hpp"
#include "support/bits.hpp"
#include "support/random_plan.hpp"

using namespace bipft;
using test::complaint;
using test::step_at;

namespace {

/// That `good`, once `change` was made to its step of that number, is refused there.
template <class Change>
void refuse(const Plan& good, const test::PlanBatch& batch, std::size_t step,
            const Change& change) {
  Plan plan = good;
  change(step_at(plan, step));
  const std::string message = complaint(plan, batch);
  CAPTURE(message);
  CHECK(message.starts_with(concat("plan: step ", step, ": ")));
}

constexpr std::size_t wide = 24;

/// A plan in floats: an embedding, `between`, a classifier.
Plan plan_of(test::Dice& dice, std::vector<Step> between) {
  Plan plan;
  plan.width = wide;
  plan.inner = 40;
  plan.positions = 30;
  plan.labels = 3;
  EmbedStep embed;
  embed.table = test::random_matrix(dice, test::random_plan_vocabulary, wide);
  embed.position = test::random_matrix(dice, plan.positions, wide);
  embed.type = test::random_matrix(dice, 2, wide);
  plan.add(std::move(embed));
  for (Step& step : between) plan.add(std::move(step));
  ClassifyStep classify;
  classify.weight = test::random_matrix(dice, 3, wide);
  classify.bias = test::random_vector(dice, 3);
  plan.add(std::move(classify));
  return plan;
}

}  // namespace

TEST_CASE("plan check: a plan that is not sound is refused at its step") {
  const test::PlanBatch batch = test::random_batch(20, {5});
  const Plan good = test::random_plan(1, 64, 128, 32);
  REQUIRE(complaint(good, batch).empty());
  const auto refused = [&](std::size_t step, auto change) { refuse(good, batch, step, change); };
  refused(0, [](Step& s) { get<EmbedStep>(s).scale = Tensor(Shape{3}); });
  refused(0, [](Step& s) { get<EmbedStep>(s).position = Tensor(Shape{519, 64}); });
  refused(1, [](Step& s) { get<NormStep>(s).gamma = Tensor(Shape{1}); });
  refused(1, [](Step& s) { get<NormStep>(s).add_branch = true; });
  refused(1, [](Step& s) { get<NormStep>(s).packs[0].shift = Tensor(Shape{63}); });
  refused(1, [](Step& s) { get<NormStep>(s).packs[0].first_only = true; });
  refused(1, [](Step& s) { get<NormStep>(s).packs[2].from = Floats::branch; });
  refused(2, [](Step& s) { get<LinearBitsStep>(s).most.pop_back(); });
  refused(2, [](Step& s) { get<LinearBitsStep>(s).least.resize(63); });
  refused(2, [](Step& s) { get<LinearBitsStep>(s).from = Bits::context; });
  refused(2, [](Step& s) { get<LinearBitsStep>(s).product.weight = nullptr; });
  refused(5, [](Step& s) { get<AttentionStep>(s).head_size = 16; });
  refused(5, [](Step& s) { get<AttentionStep>(s).exponential.pop_back(); });
  refused(5, [](Step& s) { get<AttentionStep>(s).half_alpha = std::nanf(""); });
  const auto estimators = [](Step& s, std::size_t rows, std::size_t width, std::size_t shifts) {
    get<AttentionStep>(s).estimators.emplace(AttentionStep::Estimators{
        Tensor(Shape{rows, width}), Tensor(Shape{5}), 1.0F, 1.0F, 1.0F, Tensor(Shape{shifts})});
  };
  refused(5, [&](Step& s) { estimators(s, 6, 64, 64); });
  refused(5, [&](Step& s) { estimators(s, 1, 64, 64); });
  refused(5, [&](Step& s) { estimators(s, 9, 64, 64); });
  refused(5, [&](Step& s) { estimators(s, 5, 63, 64); });
  refused(5, [&](Step& s) { estimators(s, 5, 64, 1); });
  refused(5, [&](Step& s) {
    estimators(s, 5, 64, 64);
    get<AttentionStep>(s).exponential.clear();
  });
  refused(6, [](Step& s) { get<LinearStep>(s).to = Floats::pooled; });
  refused(6, [](Step& s) { get<LinearStep>(s).to = Floats::branch; });
  refused(6, [](Step& s) { get<LinearStep>(s).bias = Tensor(Shape{1}); });
  refused(6, [](Step& s) { get<LinearStep>(s).base.pop_back(); });
  refused(6, [](Step& s) { get<LinearStep>(s).scale = Tensor(Shape{1}); });
  refused(6, [](Step& s) { get<LinearStep>(s).step = 3; });
  refused(11, [](Step& s) { get<PackStep>(s).from = Floats::branch; });
  refused(11, [](Step& s) { get<PackStep>(s).first_only = false; });
  refused(13, [](Step& s) { get<ClassifyStep>(s).weight = Tensor(Shape{3, 63}); });
  refused(12, [](Step& s) { s = PoolStep{Tensor(Shape{64}), Tensor(Shape{64}), 1e-12F}; });
  refused(2, [](Step& s) { s = PoolStep{Tensor(Shape{64}), Tensor(Shape{64}), 1e-12F}; });

  struct Foreign : WeightLayout {};
  Plan plan = good;
  get<LinearStep>(step_at(plan, 6)).product.weight = std::make_shared<Foreign>();
  CHECK(complaint(plan, batch) == "run: the plan's weights are laid out for another device");
  get<LinearStep>(step_at(plan, 6)).product.weight = lay_out_on_cpu(BitMatrix(64, 63));
  CHECK(complaint(plan, batch) == "run: weights of 64 x 63 in a product of 64 x 64");
}

TEST_CASE("plan check: an exit that is not sound is refused, but only where texts may stop") {
  const test::PlanBatch batch = test::random_batch(20, {5});
  Plan good = test::random_plan(1, 64, 128, 32);
  PlanExit exit{.after = 2};
  for (std::size_t i = 11; i < 14; ++i) exit.steps.push_back(step_at(good, i));
  good.exits.push_back(exit);
  const auto refused = [&](auto change) {
    Plan plan = good;
    change(plan);
    CHECK(complaint(plan, batch).empty());
    CHECK_THROWS_AS((void)check_plan_with_exits(plan), Error);
  };
  CHECK(check_plan_with_exits(good).has(Floats::pooled));
  refused([](Plan& p) { p.exits[0].after = 0; });
  refused([](Plan& p) { p.exits[0].after = p.steps.size(); });
  refused([](Plan& p) { p.exits.push_back(p.exits[0]); });
  refused([](Plan& p) { p.exits[0].steps.pop_back(); });
  refused([](Plan& p) { p.exits[0].steps.clear(); });
  refused([](Plan& p) { p.exits[0].steps.erase(p.exits[0].steps.begin()); });
  refused([](Plan& p) { get<PackStep>(p.exits[0].steps.front()).from = Floats::first; });
  refused([](Plan& p) { get<ClassifyStep>(p.exits[0].steps.back()).bias = Tensor(Shape{9}); });
}

TEST_CASE("plan check: a plan in floats that is not sound is refused at its step") {
  test::Dice dice(21);
  const auto matrix = [&](Floats from, Floats to, std::size_t outputs, std::size_t inputs) {
    MatrixStep s;
    s.from = from;
    s.to = to;
    s.weight = test::random_matrix(dice, outputs, inputs);
    s.bias = test::random_vector(dice, outputs);
    return s;
  };
  const Plan good =
      plan_of(dice, {matrix(Floats::hidden, Floats::q, wide, wide),
                     matrix(Floats::hidden, Floats::k, wide, wide),
                     matrix(Floats::hidden, Floats::v, wide, wide), FloatAttentionStep{3, 0.4F},
                     matrix(Floats::context, Floats::branch, wide, wide),
                     matrix(Floats::hidden, Floats::inner, 40, wide), FirstStep{},
                     matrix(Floats::first, Floats::pooled, wide, wide)});
  const test::PlanBatch batch = test::random_batch(22, {5, 30, 1});
  REQUIRE(complaint(good, batch).empty());
  const auto refused = [&](std::size_t step, auto change) { refuse(good, batch, step, change); };
  refused(1, [](Step& s) { get<MatrixStep>(s).bias = Tensor(Shape{1}); });
  refused(1, [](Step& s) { get<MatrixStep>(s).weight = Tensor(Shape{wide, wide + 1}); });
  refused(1, [](Step& s) { get<MatrixStep>(s).from = Floats::q; });
  refused(1, [](Step& s) { get<MatrixStep>(s).to = Floats::pooled; });
  refused(4, [](Step& s) { get<FloatAttentionStep>(s).heads = 5; });
  refused(4, [](Step& s) { get<FloatAttentionStep>(s).heads = 0; });
  refused(5, [](Step& s) { get<MatrixStep>(s).to = Floats::context; });
  refused(6, [](Step& s) { get<MatrixStep>(s).to = Floats::branch; });
  refused(8, [](Step& s) { get<MatrixStep>(s).from = Floats::hidden; });
}

TEST_CASE("plan check: a plan of signs and floats that is not sound is refused at its step") {
  test::Dice dice(21);
  const auto signs = [&](Floats from, Floats to, std::size_t outputs, std::size_t inputs) {
    SignStep s;
    s.from = from;
    s.to = to;
    s.signs = test::random_bits(dice, inputs, outputs);
    s.scale = test::random_vector(dice, outputs);
    s.bias = test::random_vector(dice, outputs);
    return s;
  };
  const Plan good =
      plan_of(dice, {signs(Floats::hidden, Floats::inner, 40, wide), SigmoidStep{Floats::inner},
                     signs(Floats::inner, Floats::gate, wide, 40),
                     signs(Floats::hidden, Floats::branch, wide, wide), MultiplyStep{}, FirstStep{},
                     signs(Floats::first, Floats::pooled, wide, wide)});
  const test::PlanBatch batch = test::random_batch(22, {5, 30, 1});
  REQUIRE(complaint(good, batch).empty());
  const auto refused = [&](std::size_t step, auto change) { refuse(good, batch, step, change); };
  refused(1, [](Step& s) { get<SignStep>(s).bias = Tensor(Shape{1}); });
  refused(1, [](Step& s) { get<SignStep>(s).scale = Tensor(Shape{1}); });
  refused(1, [](Step& s) { get<SignStep>(s).signs = BitMatrix(wide, 41); });
  refused(1, [](Step& s) { get<SignStep>(s).signs = BitMatrix(wide + 1, 40); });
  refused(1, [](Step& s) { get<SignStep>(s).from = Floats::q; });
  refused(1, [](Step& s) { get<SignStep>(s).to = Floats::pooled; });
  refused(2, [](Step& s) { get<SigmoidStep>(s).at = Floats::gate; });
  refused(3, [](Step& s) { get<SignStep>(s).to = Floats::inner; });
  refused(5, [](Step& s) { get<MultiplyStep>(s).by = Floats::inner; });
  refused(5, [](Step& s) { get<MultiplyStep>(s).by = Floats::context; });
  refused(5, [](Step& s) { get<MultiplyStep>(s).at = Floats::pooled; });
  refused(7, [](Step& s) { get<SignStep>(s).from = Floats::hidden; });
}
