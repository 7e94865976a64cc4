#pragma once
/// Safetensors files made by hand: any header, true or not, before any data.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "bipft/io/safetensors.hpp"

namespace bipft::test {

/// A length word and what follows it.
[[nodiscard]] inline std::string with_length(std::uint64_t length, std::string_view rest) {
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file.append(rest);
}
[[nodiscard]] inline std::string with_header(std::string_view header, std::string_view data = "") {
  return with_length(header.size(), std::string(header).append(data));
}

/// What the loader says about `file`, named "f"; "" if it loads and its checksum, if any, is right.
[[nodiscard]] inline std::string complaint(std::string_view file,
                                           const SafetensorsLimits& limits = {}) {
  try {
    const Safetensors loaded = Safetensors::borrow(bytes_of(file), "f", limits);
    (void)loaded.verify_checksum();
  } catch (const Error& error) {
    return error.fault() == Fault::model ? error.what() : "the wrong fault";
  }
  return "";
}

/// Replaces the checksum at the end of `file` by the right one.
inline void recompute_checksum(std::string& file) {
  const std::string_view body = std::string_view(file).substr(0, file.size() - 32);
  const Sha256::Digest digest = Sha256::of(body);
  std::memcpy(file.data() + body.size(), digest.data(), digest.size());
}

}  // namespace bipft::test
