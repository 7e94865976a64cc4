#pragma once
/// What a file is that was taken for a model: people name the wrong file more often than a broken
/// one.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace bipft {

/// A name for the common kinds of file that are no safetensors, with what to do about it: "a PNG
/// image". `start` holds the first bytes of the file, 512 if it has them. Empty if the kind is
/// unknown.
[[nodiscard, gnu::cold]] inline std::string_view wrong_kind(std::span<const std::byte> start,
                                                            std::size_t file_bytes) {
  struct Kind {
    std::string_view magic;
    std::string_view name;
  };
  using namespace std::string_view_literals;
  constexpr std::array<Kind, 17> kinds{{
      {"version https://git-lfs"sv, "a Git LFS pointer, not the file itself; run `git lfs pull`"sv},
      {"\x89PNG"sv, "a PNG image"sv},
      {"\xFF\xD8\xFF"sv, "a JPEG image"sv},
      {"GGUF"sv, "a GGUF model, which bipft does not read"sv},
      {"\x93NUMPY"sv, "a NumPy array"sv},
      {"\x89HDF\r\n"sv, "an HDF5 file; save the model as safetensors"sv},
      {"PK\x03\x04"sv,
       "a zip archive (pytorch_model.bin and .pt are); save the model as safetensors"sv},
      {"\x80\x02"sv, "a Python pickle; save the model as safetensors"sv},
      {"\x80\x03"sv, "a Python pickle; save the model as safetensors"sv},
      {"\x80\x04"sv, "a Python pickle; save the model as safetensors"sv},
      {"\x80\x05"sv, "a Python pickle; save the model as safetensors"sv},
      {"\x1F\x8B"sv, "gzip data; unpack it first"sv},
      {"\xBA\x16\x4F\x2F"sv, "a fastText model, which bipft does not read"sv},
      {"\x7F"sv
       "ELF"sv,
       "a program"sv},
      {"%PDF"sv, "a PDF document"sv},
      {"<"sv, "a web page or XML, perhaps of a download that failed"sv},
      {"{"sv, "JSON text, not a model; a config.json alone has no weights"sv},
  }};
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  for (const Kind& kind : kinds) {
    if (text.starts_with(kind.magic)) return kind.name;
  }
  if (text.size() >= 8) {
    std::array<char, 8> swapped{};
    std::reverse_copy(text.begin(), text.begin() + 8, swapped.begin());
    const auto length = std::bit_cast<std::uint64_t>(swapped);
    if (length >= 2 && length <= file_bytes - 8 && text[7] != 0 && text.substr(8, 1) == "{") {
      return "written in the byte order of another kind of machine; write it again there as "
             "little-endian";
    }
  }
  const auto plain = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    // 0xF5 and above stand in no UTF-8; lengths near 2^64 have them.
    return byte >= 0x20 ? byte != 0x7F && byte < 0xF5
                        : byte == '\n' || byte == '\r' || byte == '\t';
  };
  if (std::all_of(text.begin(), text.end(), plain)) return "a text file, not a model";
  return {};
}

}  // namespace bipft
