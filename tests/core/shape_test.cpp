#include "bipft/core/shape.hpp"

#include <doctest/doctest.h>

#include <cstddef>

using namespace bipft;

TEST_CASE("Shape: folds all but its innermost extent into rows") {
  const Shape shape{2, 3, 5};
  CHECK(shape.rank() == 3);
  CHECK(shape[1] == 3);
  CHECK(shape.numel() == 30);
  CHECK(shape.rows() == 6);
  CHECK(shape.cols() == 5);
  CHECK(shape.with_cols(7) == Shape{2, 3, 7});
  CHECK(Shape{4}.rows() == 1);
}

TEST_CASE("Shape: nothing, and extents of zero, hold no elements") {
  CHECK(Shape{}.numel() == 0);
  CHECK(Shape{}.rows() == 0);
  CHECK(Shape{}.cols() == 0);
  CHECK(Shape{0, 5}.numel() == 0);
  CHECK(Shape{5, 0}.rows() == 0);
}

TEST_CASE("Shape: equality looks at rank and extents") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2} != Shape{2, 1});
  CHECK(Shape{} != Shape{0});
}

TEST_CASE("Shape: shows itself as people write it") {
  CHECK(to_string(Shape{32, 384}) == "[32, 384]");
  CHECK(to_string(Shape{}) == "[]");
}

TEST_CASE("Shape: refuses more than four extents, and another width for nothing") {
  CHECK_THROWS_WITH_AS((Shape{1, 2, 3, 4, 5}), "Shape: rank 5 exceeds 4", Error);
  CHECK_THROWS_AS((void)Shape{}.with_cols(3), Error);
}

TEST_CASE("Shape: refuses more elements than memory can hold") {
  const std::size_t large = std::size_t{1} << 33U;
  CHECK_THROWS_WITH_AS((Shape{large, large}),
                       "Shape: [8589934592, 8589934592] has more elements than memory can hold",
                       Error);
  CHECK_THROWS_AS((void)(Shape{large, 3}.with_cols(large)), Error);
  CHECK_THROWS_AS((Shape{std::size_t{1} << 61U}), Error);
  CHECK(Shape{std::size_t{1} << 60U}.numel() == std::size_t{1} << 60U);
  CHECK(Shape{large, 0}.numel() == 0);
}
