/// Reads requests and prints ids: the half of check_tokenizer.py that is bipft's own.
///
///   tokenize VOCAB [cased] [plain] < requests       one line of ids for each request
///   tokenize --learn SIZE < lines                   the vocabulary learned from the lines
///
/// A request is three little-endian 32-bit numbers (bytes of the first text, bytes of the second or
/// 2^32 - 1 for none, max_len), followed by the bytes.

#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/text/learn_vocabulary.hpp"
#include "bipft/text/wordpiece.hpp"

namespace {

std::string contents(std::istream& stream) {
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

int learn(std::size_t size) {
  const std::string text = contents(std::cin);
  std::vector<std::string_view> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::cout << bipft::learn_vocabulary(lines, size).bytes();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2 && arguments[0] == "--learn") {
    return learn(static_cast<std::size_t>(std::stoul(argv[2])));
  }
  bipft::TokenizerOptions options;
  options.special = true;
  for (const std::string_view argument : arguments) {
    if (argument == "cased") options.lowercase = options.strip_accents = false;
    if (argument == "plain") options.special = false;
    if (argument == "unclean") options.clean = false;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const bipft::WordPiece tokenizer(bipft::Vocabulary::parse(contents(file), argv[1]), options);

  const std::string requests = contents(std::cin);
  std::size_t at = 0;
  const auto number = [&] {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) {
      value |= std::uint32_t{static_cast<unsigned char>(requests[at++])} << (8 * i);
    }
    return value;
  };
  std::string out;
  while (at < requests.size()) {
    const std::uint32_t first_size = number();
    const std::uint32_t second_size = number();
    const std::uint32_t max_len = number();
    const bool pair = second_size != 0xFFFFFFFFU;
    const std::string_view first = std::string_view(requests).substr(at, first_size);
    at += first_size;
    const std::string_view second =
        pair ? std::string_view(requests).substr(at, second_size) : std::string_view();
    at += second.size();
    const bipft::Encoding encoding =
        pair ? tokenizer.encode(first, second, max_len) : tokenizer.encode(first, max_len);
    for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
      out += std::to_string(encoding.ids[i]) + (encoding.type_ids[i] == 0 ? " " : "' ");
    }
    out += '\n';
  }
  std::cout << out;
}
