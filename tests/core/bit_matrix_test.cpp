#include "bipft/core/bit_matrix.hpp"

#include <doctest/doctest.h>

using namespace bipft;

TEST_CASE("BitMatrix: column c is bit c % 64 of word c / 64, and rows are whole words") {
  BitMatrix bits(3, 70);
  CHECK(bits.rows() == 3);
  CHECK(bits.cols() == 70);
  CHECK(bits.view().words_per_row == 2);
  for (const std::size_t word : {0U, 1U}) CHECK(bits.view().row(1)[word] == 0);
  bits.set(1, 0, true);
  bits.set(1, 63, true);
  bits.set(1, 64, true);
  bits.set(1, 69, true);
  CHECK(bits.view().row(1)[0] == 0x8000000000000001U);
  CHECK(bits.view().row(1)[1] == 0x21U);
  CHECK(bits.view().row(0)[0] == 0);
  CHECK(bits.view().row(2)[0] == 0);
  CHECK(bits.bit(1, 63));
  CHECK_FALSE(bits.bit(1, 62));
  bits.set(1, 63, false);
  CHECK_FALSE(bits.bit(1, 63));
  CHECK(bits.bit(1, 64));
}

TEST_CASE("BitMatrix: a copy is another matrix as soon as one is written to") {
  BitMatrix a(1, 8);
  BitMatrix b = a;
  b.set(0, 3, true);
  CHECK_FALSE(a.bit(0, 3));
  CHECK(b.bit(0, 3));
}

TEST_CASE("BitMatrix: of nothing is empty") {
  CHECK(BitMatrix().empty());
  CHECK(BitMatrix().view().rows == 0);
  CHECK(BitMatrix(0, 5).empty());
  CHECK(words_for(0) == 0);
  CHECK(words_for(64) == 1);
  CHECK(words_for(65) == 2);
}
