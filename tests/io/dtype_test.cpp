#include "bipft/io/dtype.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace bipft;

TEST_CASE("DType: every name leads to its format and back") {
  std::size_t count = 0;
  for (const char* name :
       {"BOOL",    "F4",          "F6_E2M3",     "F6_E3M2", "U8",  "I8",  "F8_E5M2", "F8_E4M3",
        "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "I16",     "U16", "F16", "BF16",    "I32",
        "U32",     "F32",         "C64",         "F64",     "I64", "U64"}) {
    REQUIRE(dtype_named(name));
    CHECK(to_string(*dtype_named(name)) == name);
    ++count;
  }
  CHECK(count == 22);
  CHECK_FALSE(dtype_named("f32"));
  CHECK_FALSE(dtype_named(""));
  CHECK(to_string(DType::f32) == "F32");
  CHECK(to_string(DType::u64) == "U64");
  CHECK(to_string(DType::bf16) == "BF16");
  CHECK(bits_of(DType::f6_e3m2) == 6);
  CHECK(bits_of(DType::f16) == 16);
  CHECK(bits_of(DType::i64) == 64);
}

TEST_CASE("byte_size: no product wraps, no byte is shared") {
  const auto size = [](DType dtype, std::vector<std::size_t> shape) {
    return byte_size(dtype, shape);
  };
  CHECK(size(DType::f32, {}) == 4);
  CHECK(size(DType::f32, {2, 3}) == 24);
  CHECK(size(DType::u8, {0, 5}) == 0);
  CHECK(size(DType::f4, {3, 2}) == 3);
  CHECK(size(DType::f4, {3}) == std::nullopt);
  CHECK(size(DType::u8, {std::size_t{1} << 32U, std::size_t{1} << 32U}) == std::nullopt);
  CHECK(size(DType::f32, {std::size_t{1} << 60U}) == std::nullopt);
  CHECK(size(DType::f64, {std::size_t{1} << 31U, std::size_t{1} << 31U}) == std::nullopt);
}

TEST_CASE("float_from_f16: every one of the 65,536, against its definition") {
  for (unsigned bits = 0; bits < 0x10000U; ++bits) {
    const float value = float_from_f16(static_cast<std::uint16_t>(bits));
    const int exponent = static_cast<int>((bits >> 10U) & 31U);
    const int fraction = static_cast<int>(bits & 0x3FFU);
    double expected =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31) expected = fraction == 0 ? HUGE_VAL : NAN;
    if ((bits & 0x8000U) != 0) expected = -expected;
    const bool same = std::isnan(expected) ? std::isnan(value)
                                           : static_cast<double>(value) == expected &&
                                                 std::signbit(value) == std::signbit(expected);
    if (!same) CHECK_MESSAGE(same, "bits ", bits);
  }
}

TEST_CASE("float_from_bf16: the upper half of a float") {
  for (const float value : {0.0F, -0.0F, 1.0F, -2.5F, 0x1p-130F, 3.0e38F}) {
    const auto bits = std::bit_cast<std::uint32_t>(value) & 0xFFFF0000U;
    const float cut = std::bit_cast<float>(bits);
    const float read = float_from_bf16(static_cast<std::uint16_t>(bits >> 16U));
    CHECK(std::bit_cast<std::uint32_t>(read) == std::bit_cast<std::uint32_t>(cut));
  }
}

TEST_CASE("copy_floats: three formats, any address, and nothing else") {
  const unsigned char raw[] = {0xEE, 0x00, 0x00, 0x80, 0x3F, 0x00, 0x00, 0x00, 0xC0};
  const std::span<const std::byte> odd = std::as_bytes(std::span(raw)).subspan(1);
  std::vector<float> out(2);
  copy_floats(DType::f32, odd, out, "x");
  CHECK(out == std::vector<float>{1.0F, -2.0F});
  out.resize(4);
  copy_floats(DType::bf16, odd, out, "x");
  CHECK(out == std::vector<float>{0.0F, 1.0F, 0.0F, -2.0F});
  copy_floats(DType::f16, odd, out, "x");
  CHECK(out == std::vector<float>{0.0F, 1.875F, 0.0F, -2.0F});
  copy_floats(DType::f32, {}, {}, "x");
  CHECK_THROWS_WITH_AS(copy_floats(DType::f32, odd, out, "w"),
                       "w: 8 bytes of F32 where 4 elements should be", Error);
  CHECK_THROWS_WITH_AS(copy_floats(DType::i32, odd, out, "w"),
                       "w: is I32 where F32, F16 or BF16 should be", Error);
}
