#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/kernels/training_targets.hpp"

using namespace bipft;
using kernels::KernelTable;

namespace {

/// Every bit of a row against none of its columns: the most that there is to count.
bool counts_all(const KernelTable& target, std::size_t rows, std::size_t inputs) {
  constexpr std::size_t outputs = 17;
  BitMatrix ones(rows, inputs);
  for (std::size_t n = 0; n < rows; ++n) {
    for (std::size_t c = 0; c < inputs; ++c) ones.set(n, c, true);
  }
  const BitMatrix zeros(outputs, inputs);
  std::vector<std::uint32_t> panels(target.layout_words(outputs, inputs));
  target.lay_out(zeros.view(), panels.data());
  std::vector<std::uint32_t> scratch(kernels::product_scratch(inputs));
  const std::vector<std::int32_t> base(outputs);
  std::vector<std::int32_t> v(rows * outputs, 1);
  const kernels::BinaryProduct product{ones.view(), panels.data(), outputs,
                                       1,           base.data(),   scratch.data()};
  kernels::training_of(target).bgemm_ints(product, v.data());
  const auto all = -static_cast<std::int32_t>(inputs);
  return std::count(v.begin(), v.end(), all) == static_cast<std::ptrdiff_t>(v.size());
}

}  // namespace

// Random bits fill a byte's or a lane's count by half, and would not see it run over.
TEST_CASE("bcount: no target's counts run over, however long the rows are") {
  for (const KernelTable* target : kernels::supported_targets()) {
    CAPTURE(target->name);
    for (const std::size_t rows : {1U, 2U, 3U, 4U, 7U, 8U}) {
      for (std::size_t words = 1; words <= 200; words += words < 80 ? 1 : 17) {
        CAPTURE(rows);
        CAPTURE(words);
        CHECK(counts_all(*target, rows, 64 * words - 1));
        CHECK(counts_all(*target, rows, 64 * words));
      }
    }
    CHECK(counts_all(*target, 5, 64 * 1023));
    CHECK(counts_all(*target, 5, 64 * 2050));
  }
}
