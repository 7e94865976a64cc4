#pragma once
/// DType: the number formats that tensors are stored in, and how they become floats.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "bipft/core/checked.hpp"
#include "bipft/core/error.hpp"

namespace bipft {

/// Every format that safetensors names. bipft computes with f32, u8 and the integers, reads f16 and
/// bf16 as floats, and passes the rest on as bytes.
enum class DType : std::uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64,
};

namespace detail {

struct DTypeRow {
  std::string_view name;
  std::size_t bits;
};
inline constexpr std::array<DTypeRow, 22> dtype_rows{{
    {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
    {"I64", 64},        {"U64", 64},
}};

}  // namespace detail

/// "F32", as files spell it.
[[nodiscard]] constexpr std::string_view to_string(DType dtype) {
  return detail::dtype_rows[static_cast<std::size_t>(dtype)].name;
}
/// Bits of one element.
[[nodiscard]] constexpr std::size_t bits_of(DType dtype) {
  return detail::dtype_rows[static_cast<std::size_t>(dtype)].bits;
}
/// The format that files spell `name`, or nothing.
[[nodiscard]] constexpr std::optional<DType> dtype_named(std::string_view name) {
  for (std::size_t i = 0; i < detail::dtype_rows.size(); ++i) {
    if (detail::dtype_rows[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

/// Bytes of a tensor; nothing if they overflow or are no whole number. No extents: one element.
[[nodiscard]] constexpr std::optional<std::size_t> byte_size(DType dtype,
                                                             std::span<const std::size_t> shape) {
  std::optional<std::size_t> bits = bits_of(dtype);
  for (const std::size_t extent : shape) {
    bits = checked_multiply(*bits, extent);
    if (!bits) return std::nullopt;
  }
  if (*bits % 8 != 0) return std::nullopt;
  return *bits / 8;
}

/// IEEE binary16 to float; exact, NaN payloads and subnormals included.
[[nodiscard]] constexpr float float_from_f16(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 31U;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13U));
  if (exponent != 0) {
    return std::bit_cast<float>(sign | ((exponent + 112U) << 23U) | (fraction << 13U));
  }
  const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

/// bfloat16 to float; exact: the upper half of one.
[[nodiscard]] constexpr float float_from_bf16(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16U);
}

/// Fills `out` with the elements of `bytes`, which may lie at any address: f32, f16 and bf16,
/// exactly. Throws Error{Fault::model} for other formats and if the number of elements is another;
/// `name` stands in messages.
inline void copy_floats(DType dtype, std::span<const std::byte> bytes, std::span<float> out,
                        std::string_view name) {
  if (dtype != DType::f32 && dtype != DType::f16 && dtype != DType::bf16) {
    fail(Fault::model, name, ": is ", dtype, " where F32, F16 or BF16 should be");
  }
  if (bytes.size() / (bits_of(dtype) / 8) != out.size()) {
    fail(Fault::model, name, ": ", bytes.size(), " bytes of ", dtype, " where ", out.size(),
         " elements should be");
  }
  if (dtype == DType::f32) {
    if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes.data() + 2 * i, 2);
    out[i] = dtype == DType::f16 ? float_from_f16(half) : float_from_bf16(half);
  }
}

}  // namespace bipft
