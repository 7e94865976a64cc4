#include "bipft/ops/select.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("first_tokens and mean_tokens: one row a text") {
  const Ragged texts({1, 3});
  for (Device* device : test::devices()) {
    Tape tape(*device);
    const Var hidden = tape.constant(test::tensor({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
    test::check_equal(first_tokens(hidden, texts).value(), test::tensor({2, 2}, {1, 2, 3, 4}));
    test::check_close(mean_tokens(hidden, texts).value(), test::tensor({2, 2}, {1, 2, 5, 6}));
  }
}

TEST_CASE("first_tokens and mean_tokens: gradients agree with differences") {
  const Ragged texts({2, 1, 3});
  for (Device* device : test::devices()) {
    Parameter hidden(test::random_tensor(Shape{6, 3}, 1));
    const Tensor weights = test::random_tensor(Shape{3, 3}, 2);
    test::grad_check(*device,
                     [&](Tape& tape) {
                       return test::weighted_sum(first_tokens(tape.leaf(hidden), texts), weights);
                     },
                     {&hidden});
    test::grad_check(*device,
                     [&](Tape& tape) {
                       return test::weighted_sum(mean_tokens(tape.leaf(hidden), texts), weights);
                     },
                     {&hidden});
  }
}

TEST_CASE("select_rows: in any order, again and again, and gradients add up") {
  const IdTensor rows(Shape{4}, std::vector<std::int32_t>{3, 0, 3, 5});
  for (Device* device : test::devices()) {
    Parameter hidden(test::random_tensor(Shape{6, 2}, 1));
    const Tensor weights = test::random_tensor(Shape{4, 2}, 2);
    Tape quiet(*device, Tape::Mode::inference);
    const Tensor selected = select_rows(quiet.leaf(hidden), rows).value();
    for (std::size_t m = 0; m < 4; ++m) {
      const auto row = static_cast<std::size_t>(rows.data()[m]);
      CHECK(std::ranges::equal(selected.row(m), hidden.value.row(row)));
    }
    test::grad_check(*device,
                     [&](Tape& tape) {
                       return test::weighted_sum(select_rows(tape.leaf(hidden), rows), weights);
                     },
                     {&hidden});
    const IdTensor beyond(Shape{1}, std::vector<std::int32_t>{6});
    CHECK_THROWS_AS((void)select_rows(quiet.leaf(hidden), beyond), Error);
  }
}

TEST_CASE("first_tokens and mean_tokens: say which shapes do not fit") {
  Tape tape(test::plain_device());
  const Var hidden = tape.constant(Tensor(Shape{4, 2}));
  CHECK_THROWS_WITH_AS((void)first_tokens(hidden, Ragged({2, 3})),
                       "first_tokens: hidden is [4, 2] for 5 tokens", Error);
  CHECK_THROWS_WITH_AS((void)mean_tokens(hidden, Ragged({2, 1})),
                       "mean_tokens: hidden is [4, 2] for 3 tokens", Error);
}
