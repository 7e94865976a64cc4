#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/training_targets.hpp"
#include "support/bits.hpp"
#include "support/share.hpp"

using namespace bipft;
using kernels::KernelTable;

#if defined(__SANITIZE_ADDRESS__)
#define BIPFT_TEST_SLOW
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BIPFT_TEST_SLOW
#endif
#endif

namespace {

#if defined(BIPFT_TEST_SLOW) || defined(BIPFT_SIMDE) || !defined(__OPTIMIZE__)
constexpr std::size_t all_shapes = 4000;
#else
constexpr std::size_t all_shapes = 100000;
#endif

/// A product and everything that it points to.
struct Case {
  Case(test::Dice& dice, std::size_t rows, std::size_t outputs, std::size_t inputs)
      : a(test::random_bits(dice, rows, inputs)),
        w(test::random_bits(dice, outputs, inputs)),
        step(dice.word() % 2 == 0 ? 1 : 2),
        base(outputs),
        most(outputs),
        least(outputs),
        bias(test::random_reals(dice, outputs)),
        scale(test::random_reals(dice, outputs)) {
    for (std::size_t o = 0; o < outputs; ++o) {
      base[o] = static_cast<std::int32_t>(dice.between(0, inputs));
      most[o] = static_cast<std::int32_t>(dice.between(0, inputs));
      if (dice.word() % 16 == 0) most[o] = -1;
      if (dice.word() % 16 == 0) most[o] = INT32_MAX;
      least[o] = static_cast<std::int32_t>(dice.between(0, inputs + 1));
    }
  }

  /// Where row n and the weights of output o differ.
  [[nodiscard]] std::int32_t naive(std::size_t n, std::size_t o) const {
    std::int32_t different = 0;
    for (std::size_t k = 0; k < words_for(a.cols()); ++k) {
      different += std::popcount(a.view().row(n)[k] ^ w.view().row(o)[k]);
    }
    return different;
  }

  BitMatrix a, w;
  std::int32_t step;
  std::vector<std::int32_t> base, most, least;
  std::vector<float> bias, scale;
};

/// What one target makes of it.
struct Answer {
  Answer(const KernelTable& target, const Case& c)
      : ints(c.a.rows() * c.w.rows()),
        floats(ints.size()),
        sums(ints.size()),
        bits(c.a.rows() * words_for(c.w.rows()), ~std::uint64_t{0}),
        ends(bits) {
    std::vector<std::uint32_t> panels(target.layout_words(c.w.rows(), c.w.cols()));
    target.lay_out(c.w.view(), panels.data());
    std::vector<std::uint32_t> scratch(kernels::product_scratch(c.a.cols()));
    kernels::BinaryProduct product;
    product.a = c.a.view();
    product.weight = panels.data();
    product.outputs = c.w.rows();
    product.step = c.step;
    product.base = c.base.data();
    product.scratch = scratch.data();
    kernels::training_of(target).bgemm_ints(product, ints.data());
    target.bgemm_floats(product, c.scale.data(), c.bias.data(), nullptr, floats.data());
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = residual(i);
    target.bgemm_floats(product, c.scale.data(), c.bias.data(), sums.data(), sums.data());
    const std::size_t words = words_for(c.w.rows());
    target.bgemm_bits(product, c.most.data(), nullptr, bits.data(), words);
    target.bgemm_bits(product, c.most.data(), c.least.data(), ends.data(), words);
  }

  [[nodiscard]] static float residual(std::size_t i) {
    return 0.37F * static_cast<float>(i % 23) - 4.0F;
  }

  std::vector<std::int32_t> ints;
  std::vector<float> floats;
  std::vector<float> sums;  ///< the same with a residual, in its place
  std::vector<std::uint64_t> bits;
  std::vector<std::uint64_t> ends;  ///< with a limit at either end
};

void check_against_loops(const KernelTable& target, const Case& c) {
  const Answer answer(target, c);
  const std::size_t outputs = c.w.rows();
  const std::size_t words = words_for(outputs);
  for (std::size_t n = 0; n < c.a.rows(); ++n) {
    std::vector<std::uint64_t> bits(words);
    std::vector<std::uint64_t> ends(words);
    for (std::size_t o = 0; o < outputs; ++o) {
      const std::int32_t different = c.naive(n, o);
      const std::int32_t v = c.base[o] - c.step * different;
      REQUIRE(answer.ints[n * outputs + o] == v);
      const float product = c.scale[o] * static_cast<float>(v);
      volatile float rounded = product;  // a product that is added without being rounded is wrong
      volatile float sum = rounded + c.bias[o];
      REQUIRE(answer.floats[n * outputs + o] == sum);
      REQUIRE(answer.sums[n * outputs + o] == Answer::residual(n * outputs + o) + sum);
      const std::uint64_t bit = std::uint64_t{1} << (o % 64);
      if (different <= c.most[o]) bits[o / 64] |= bit;
      if (different <= c.most[o] || different >= c.least[o]) ends[o / 64] |= bit;
    }
    for (std::size_t k = 0; k < words; ++k) {
      REQUIRE(answer.bits[n * words + k] == bits[k]);
      REQUIRE(answer.ends[n * words + k] == ends[k]);
    }
  }
}

}  // namespace

TEST_CASE("bgemm: every target makes the integers, floats and bits of plain loops") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(1);
    for (const std::size_t rows : {1U, 2U, 3U, 4U, 7U, 8U, 9U, 17U}) {
      for (const std::size_t outputs : {1U, 15U, 16U, 17U, 64U, 65U}) {
        for (const std::size_t inputs : {1U, 31U, 32U, 33U, 63U, 64U, 65U, 384U, 961U, 3072U}) {
          CAPTURE(rows);
          CAPTURE(outputs);
          CAPTURE(inputs);
          check_against_loops(*target, Case(dice, rows, outputs, inputs));
        }
      }
    }
  }
}

TEST_CASE("bgemm: so does every target of many rows, which may go another way") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(4);
    for (const std::size_t rows : {95U, 96U, 97U, 112U, 113U, 128U, 129U, 255U, 257U, 300U, 545U}) {
      for (const std::size_t outputs : {1U, 16U, 33U, 65U, 113U, 129U, 160U}) {
        const std::size_t more = (rows + outputs) % 3;
        for (const std::size_t inputs : {1 + more, 62 + more, 127 + more, 260 + 31 * more}) {
          CAPTURE(rows);
          CAPTURE(outputs);
          CAPTURE(inputs);
          check_against_loops(*target, Case(dice, rows, outputs, inputs));
        }
      }
    }
    check_against_loops(*target, Case(dice, 97, 40, 5001));
    check_against_loops(*target, Case(dice, 99, 411, 130));
  }
}

TEST_CASE("bgemm: nor do a hundred and more rows depend on each other") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(5);
    const Case all(dice, 131, 50, 384);
    const Answer together(*target, all);
    Case few = all;
    few.a = BitMatrix(3, 384);
    for (std::size_t n = 0; n < 3; ++n) {
      for (std::size_t k = 0; k < 6; ++k) few.a.mutable_row(n)[k] = all.a.view().row(128 + n)[k];
    }
    const Answer apart(*target, few);
    for (std::size_t n = 0; n < 3; ++n) {
      for (std::size_t o = 0; o < 50; ++o) {
        REQUIRE(apart.floats[n * 50 + o] == together.floats[(128 + n) * 50 + o]);
      }
      REQUIRE(apart.bits[n] == together.bits[128 + n]);
    }
  }
}

TEST_CASE("bgemm: targets agree on a hundred thousand random shapes") {
  const KernelTable& scalar = kernels::find_target("scalar");
  const std::size_t shapes = test::share_of(all_shapes);
  for (const KernelTable* target : kernels::supported_targets()) {
    if (target == &scalar) continue;
    CAPTURE(target->name);
    test::Dice dice(2);
    for (std::size_t i = 0; i < shapes; ++i) {
      const bool deep = i % 64 == 0;
      const std::size_t rows = i % 256 == 1 ? dice.between(96, 300) : dice.between(1, 12);
      const std::size_t outputs = dice.between(1, 40);
      const std::size_t inputs = deep ? dice.between(1, 5000) : dice.between(1, 200);
      const Case c(dice, rows, outputs, inputs);
      const Answer expected(scalar, c);
      const Answer found(*target, c);
      CAPTURE(rows);
      CAPTURE(outputs);
      CAPTURE(inputs);
      REQUIRE(found.ints == expected.ints);
      REQUIRE(found.floats == expected.floats);
      REQUIRE(found.sums == expected.sums);
      REQUIRE(found.bits == expected.bits);
      REQUIRE(found.ends == expected.ends);
    }
  }
}

TEST_CASE("bgemm: the popcount identities of signed and unsigned inputs (golden vector TV15)") {
  const bool a_bits[] = {true, false, true, true, false, true, false, true};
  const bool w_bits[] = {true, true, false, true, false, true, true, false};
  constexpr std::int32_t dot_signed = 0;
  constexpr std::int32_t dot_unsigned = 1;
  BitMatrix a(1, 8);
  BitMatrix w(1, 8);
  std::int32_t weight_sum = 0;
  for (std::size_t c = 0; c < 8; ++c) {
    a.set(0, c, a_bits[c]);
    w.set(0, c, w_bits[c]);
    weight_sum += w_bits[c] ? 1 : -1;
  }
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    std::vector<std::uint32_t> panels(target->layout_words(1, 8));
    target->lay_out(w.view(), panels.data());
    std::vector<std::uint32_t> scratch(kernels::product_scratch(8));
    std::int32_t base = 8;
    kernels::BinaryProduct product{a.view(), panels.data(), 1, 2, &base, scratch.data()};
    std::int32_t v = -1;
    kernels::training_of(*target).bgemm_ints(product, &v);
    CHECK(v == dot_signed);
    base = (8 + weight_sum) / 2;
    product.step = 1;
    kernels::training_of(*target).bgemm_ints(product, &v);
    CHECK(v == dot_unsigned);
  }
}

TEST_CASE("bgemm: a row's result does not depend on the rows around it") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    test::Dice dice(3);
    const Case all(dice, 21, 50, 384);
    const Answer together(*target, all);
    for (std::size_t n = 0; n < 21; ++n) {
      Case one = all;
      one.a = BitMatrix(1, 384);
      for (std::size_t k = 0; k < 6; ++k) one.a.mutable_row(0)[k] = all.a.view().row(n)[k];
      const Answer alone(*target, one);
      for (std::size_t o = 0; o < 50; ++o) {
        REQUIRE(alone.floats[o] == together.floats[n * 50 + o]);
      }
      REQUIRE(alone.bits[0] == together.bits[n]);
    }
  }
}
