#include "bipft/binarize/elastic_bits.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "golden/binarization.hpp"
#include "support/devices.hpp"
#include "support/grad_check.hpp"
#include "support/random_tensor.hpp"
#include "support/tensors.hpp"

using namespace bipft;

namespace {

[[nodiscard]] ElasticBits bits_of(std::size_t channels, std::size_t bits, bool both_signs,
                                  double alpha) {
  ElasticBits result(channels, bits, both_signs);
  result.alpha.value = Tensor(Shape{1}, static_cast<float>(alpha));
  result.calibrated.value = true;
  return result;
}

const Ragged two_rows(std::vector<std::size_t>{2});

}  // namespace

TEST_CASE("ElasticBits: agrees with the published vectors") {
  for (Device* device : test::devices()) {
    for (const bool both_signs : {true, false}) {
      ElasticBits bits =
          bits_of(0, 2, both_signs, both_signs ? golden::tv7a_alpha : golden::tv7b_alpha);
      Parameter x(both_signs ? test::tensor({2, 4}, golden::tv7a_x)
                             : test::tensor({2, 4}, golden::tv7b_x));
      Tape tape(*device);
      const Var y = bits(tape.leaf(x), two_rows);
      test::check_equal(y.value(), both_signs ? test::tensor({2, 4}, golden::tv7a_y)
                                              : test::tensor({2, 4}, golden::tv7b_y));
      tape.backward(test::weighted_sum(y, both_signs ? test::tensor({2, 4}, golden::tv7a_g)
                                                     : test::tensor({2, 4}, golden::tv7b_g)));
      test::check_equal(x.grad, both_signs ? test::tensor({2, 4}, golden::tv7a_dx)
                                           : test::tensor({2, 4}, golden::tv7b_dx));
      const double dalpha = both_signs ? golden::tv7a_dalpha : golden::tv7b_dalpha;
      test::check_close(bits.alpha.grad, test::tensor({1}, {dalpha}), 1e-6F);
    }
  }
}

TEST_CASE("ElasticBits: starts at the published α") {
  for (Device* device : test::devices()) {
    Tape tape(*device);
    ElasticBits both(0, 2, true);
    (void)both(tape.constant(test::tensor({2, 4}, golden::tv7a_x)), two_rows);
    CHECK(static_cast<double>(both.scale()) == doctest::Approx(golden::tv7a_alpha_init_code));
    ElasticBits upwards(0, 2, false);
    (void)upwards(tape.constant(test::tensor({2, 4}, golden::tv7b_x)), two_rows);
    CHECK(static_cast<double>(upwards.scale()) == doctest::Approx(golden::tv7b_alpha_init_code));
  }
}

TEST_CASE("ElasticBits: gradients are those of the surrogate, with a shift, for 2 and 4 bits") {
  for (Device* device : test::devices()) {
    for (const std::size_t k : {2U, 4U}) {
      for (const bool both_signs : {true, false}) {
        const double a = k == 2 ? 0.5 : 0.125;
        ElasticBits bits = bits_of(6, k, both_signs, a);
        bits.shift.value = test::random_tensor(Shape{6}, 2);
        Parameter x(test::random_tensor(Shape{9, 6}, 1));
        const Tensor w = test::random_tensor(Shape{9, 6}, 3);
        const Ragged texts(std::vector<std::size_t>{4, 5});
        test::run_backward(
            *device, [&](Tape& tape) { return test::weighted_sum(bits(tape.leaf(x), texts), w); },
            {&x, &bits.shift, &bits.alpha});
        const Tensor xs = device->add_row(x.value, bits.shift.value);
        const double m =
            both_signs ? 0.0
                       : static_cast<double>(*std::min_element(xs.data().begin(), xs.data().end()));
        const double least = static_cast<double>(bits.least());
        const double most = static_cast<double>(bits.most());
        Tensor dx(x.value.shape());
        Tensor dshift(Shape{6});
        double dalpha = 0;
        for (std::size_t i = 0; i < xs.numel(); ++i) {
          const double q = (static_cast<double>(xs.data()[i]) - m) / a;
          const double t = q < least ? least : q > most ? most : std::nearbyint(q) - q;
          dalpha += t * static_cast<double>(w.data()[i]);
          if (q < least || q > most) continue;
          dx.mutable_data()[i] = w.data()[i];
          dshift.mutable_data()[i % 6] += w.data()[i];
        }
        test::check_equal(x.grad, dx);
        test::check_close(bits.shift.grad, dshift);
        test::check_close(bits.alpha.grad, test::tensor({1}, {dalpha / std::sqrt(54.0 * most)}),
                          1e-5F);
      }
    }
  }
}

TEST_CASE("ElasticBits: outside training a text's levels do not depend on its neighbours") {
  for (Device* device : test::devices()) {
    ElasticBits bits = bits_of(0, 2, false, 0.3);
    const Tensor x = test::random_tensor(Shape{5, 3}, 1);
    const Tensor first(Shape{2, 3}, x.data().first(6));
    const Tensor rest(Shape{3, 3}, x.data().subspan(6));
    Tape tape(*device, Tape::Mode::inference);
    const Tensor both = bits(tape.constant(x), Ragged(std::vector<std::size_t>{2, 3})).value();
    test::check_equal(Tensor(Shape{2, 3}, both.data().first(6)),
                      bits(tape.constant(first), two_rows).value());
    test::check_equal(Tensor(Shape{3, 3}, both.data().subspan(6)),
                      bits(tape.constant(rest), Ragged(std::vector<std::size_t>{3})).value());
    // Attention's probabilities: [H, T, T] of one text, then of the next.
    const Tensor p = test::random_tensor(Shape{2 * (4 + 9)}, 2);
    const Tensor all = bits(tape.constant(p), Ragged(std::vector<std::size_t>{2, 3})).value();
    test::check_equal(Tensor(Shape{8}, all.data().first(8)),
                      bits(tape.constant(Tensor(Shape{8}, p.data().first(8))), two_rows).value());
    CHECK_THROWS_AS((void)bits(tape.constant(x), Ragged(std::vector<std::size_t>{2})), Error);
  }
}
