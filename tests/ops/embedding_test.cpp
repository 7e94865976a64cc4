#include "bipft/ops/embedding.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bipft/ops/arithmetic.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

/// dtable for a table of 3 rows of 2, and rows' gradients 1 2, 3 4, 5 6, ...
[[nodiscard]] Tensor gradient(Device& device, const IdTensor& ids, std::int32_t fixed) {
  Parameter table(test::random_tensor(Shape{3, 2}, 1));
  Tensor weights(Shape{ids.numel(), 2});
  float next = 0.0F;
  for (float& weight : weights.mutable_data()) weight = next += 1.0F;
  test::run_backward(
      device,
      [&](Tape& tape) { return test::weighted_sum(embedding(tape, table, ids, fixed), weights); },
      {&table});
  return table.whole_grad(device);
}

}  // namespace

TEST_CASE("embedding: looks rows up, as often as they are asked for") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    Parameter table(test::tensor({3, 2}, {1, 2, 3, 4, 5, 6}));
    test::check_equal(embedding(tape, table, test::ids({2, 0, 2})).value(),
                      test::tensor({3, 2}, {5, 6, 1, 2, 5, 6}));
  }
}

TEST_CASE("embedding: gradients add up by id, and [PAD] gets none") {
  for (Device* device : test::devices()) {
    const IdTensor ids = test::ids({2, 0, 2, 1});
    test::check_equal(gradient(*device, ids, pad_id), test::tensor({3, 2}, {0, 0, 7, 8, 6, 8}));
    test::check_equal(gradient(*device, ids, -1), test::tensor({3, 2}, {3, 4, 7, 8, 6, 8}));
    test::check_equal(gradient(*device, test::ids({1, 2}), pad_id),
                      test::tensor({3, 2}, {0, 0, 1, 2, 3, 4}));
    CHECK(gradient(*device, test::ids({0, 0}), pad_id).empty());
  }
}

TEST_CASE("embedding: keeps the gradient of the rows alone, until more is added to it") {
  for (Device* device : test::devices()) {
    Parameter table(test::random_tensor(Shape{5, 2}, 1));
    const Tensor weights(Shape{3, 2}, 1.0F);
    const auto look_up = [&](Tape& tape) {
      return test::weighted_sum(embedding(tape, table, test::ids({4, 1, 4})), weights);
    };
    test::run_backward(*device, look_up, {&table});
    CHECK(std::ranges::equal(table.rows.data(), test::ids({1, 4}).data()));
    test::check_equal(table.grad, test::tensor({2, 2}, {1, 1, 2, 2}));

    Tape again(*device);
    again.backward(look_up(again));
    CHECK(table.rows.empty());
    test::check_equal(table.grad, test::tensor({5, 2}, {0, 0, 2, 2, 0, 0, 0, 0, 4, 4}));

    // A table that is looked into and multiplied with, as a tied decoder's is.
    table.clear_grad();
    Tape both(*device);
    both.backward(
        add(look_up(both), test::weighted_sum(both.leaf(table), Tensor(Shape{5, 2}, 3.0F))));
    CHECK(table.rows.empty());
    test::check_equal(table.grad, test::tensor({5, 2}, {3, 3, 4, 4, 3, 3, 3, 3, 5, 5}));
  }
}

TEST_CASE("embedding: refuses ids outside the table") {
  Tape tape(test::plain_device());
  Parameter table(Tensor(Shape{3, 2}));
  CHECK_THROWS_WITH_AS((void)embedding(tape, table, test::ids({0, 3})),
                       "embedding: id 3 is not in a table of 3 rows", Error);
  CHECK_THROWS_AS((void)embedding(tape, table, test::ids({-1})), Error);
  Parameter vector(Tensor(Shape{3}));
  CHECK_THROWS_WITH_AS((void)embedding(tape, vector, test::ids({0})),
                       "embedding: table is [3], ids are [1]", Error);
}
