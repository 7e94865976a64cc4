#include "bipft/binarize/embedding_rows.hpp"

#include <doctest/doctest.h>

#include "bipft/ops/embedding.hpp"
#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("embedding_rows: agrees with the published vectors") {
  const Tensor weights = test::tensor({2, 4}, golden::tv1_w);
  for (Device* device : test::devices()) {
    Parameter table(weights);
    Tape tape(*device);
    const Var rows = embedding(tape, table, test::ids({0, 1}), -1);
    const Var y = EmbeddingRows()(rows, table.value);
    CHECK(static_cast<double>(EmbeddingRows().threshold(*device, weights)) == golden::tv2_mean);
    test::check_equal(y.value(), test::tensor({2, 4}, golden::tv2_w_b));
    tape.backward(test::weighted_sum(y, test::tensor({2, 4}, golden::tv1_g)));
    test::check_equal(table.grad, test::tensor({2, 4}, golden::tv2_dw));

    const SignMatrix packed = EmbeddingRows().signs(*device, weights);
    test::check_equal(packed.scale, test::tensor({2}, golden::tv2_alpha_row));
  }
}

TEST_CASE("embedding_rows: only rows that were looked up learn, and [PAD] does not") {
  for (Device* device : test::devices()) {
    Parameter table(test::random_tensor(Shape{4, 3}, 1));
    Tape tape(*device);
    const Var rows = embedding(tape, table, test::ids({2, 0, 2}));
    tape.backward(test::weighted_sum(EmbeddingRows()(rows, table.value),
                                     test::tensor({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9})));
    test::check_equal(table.whole_grad(*device),
                      test::tensor({4, 3}, {0, 0, 0, 0, 0, 0, 8, 10, 12, 0, 0, 0}));
  }
}

TEST_CASE("embedding_rows: what is packed is what was looked up") {
  const Tensor table = test::random_tensor(Shape{20, 70}, 1);
  const IdTensor ids = test::ids({3, 19, 0, 3});
  for (Device* device : test::devices()) {
    Tape tape(*device, Tape::Mode::inference);
    Parameter parameter(table);
    const Var y = EmbeddingRows()(embedding(tape, parameter, ids), table);
    const SignMatrix packed = EmbeddingRows().signs(*device, table);
    for (std::size_t n = 0; n < 4; ++n) {
      const auto row = static_cast<std::size_t>(ids.data()[n]);
      for (std::size_t c = 0; c < 70; ++c) {
        const float scale = packed.scale.data()[row];
        const float level = packed.bits.bit(row, c) ? scale : -scale;
        REQUIRE(y.value().row(n)[c] == level);
      }
    }
  }
}

TEST_CASE("embedding_rows: says which shapes do not fit") {
  Tape tape(test::plain_device());
  CHECK_THROWS_WITH_AS(
      (void)EmbeddingRows()(tape.constant(Tensor(Shape{2, 3})), Tensor(Shape{5, 4})),
      "embedding_rows: rows are [2, 3] of a table [5, 4]", Error);
}
