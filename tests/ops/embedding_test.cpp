#include "bipft/ops/embedding.hpp"

#include <doctest/doctest.h>

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
  test::run_backward(device,
                     [&](Tape& tape) {
                       return test::weighted_sum(embedding(tape.leaf(table), ids, fixed), weights);
                     },
                     {&table});
  return table.grad;
}

}  // namespace

TEST_CASE("embedding: looks rows up, as often as they are asked for") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var table = tape.constant(test::tensor({3, 2}, {1, 2, 3, 4, 5, 6}));
    test::check_equal(embedding(table, test::ids({2, 0, 2})).value(),
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
    test::check_equal(gradient(*device, test::ids({0, 0}), pad_id), Tensor(Shape{3, 2}));
  }
}

TEST_CASE("embedding: refuses ids outside the table") {
  Tape tape(test::plain_device());
  const Var table = tape.constant(Tensor(Shape{3, 2}));
  CHECK_THROWS_WITH_AS((void)embedding(table, test::ids({0, 3})),
                       "embedding: id 3 is not in a table of 3 rows", Error);
  CHECK_THROWS_AS((void)embedding(table, test::ids({-1})), Error);
  CHECK_THROWS_WITH_AS((void)embedding(tape.constant(Tensor(Shape{3})), test::ids({0})),
                       "embedding: table is [3], ids are [1]", Error);
}
