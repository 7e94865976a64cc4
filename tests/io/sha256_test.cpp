#include "bipft/io/sha256.hpp"

#include <doctest/doctest.h>

using namespace bipft;

namespace {

std::string digest(std::string_view text, bool portable, std::size_t piece = 1000) {
  Sha256 sha(portable);
  for (std::size_t at = 0; at < text.size(); at += piece) sha.update(text.substr(at, piece));
  return hex(sha.digest());
}

}  // namespace

TEST_CASE("Sha256: the examples of FIPS 180-4, with and without the processor's help") {
  const std::string million(1'000'000, 'a');
  for (const bool portable : {false, true}) {
    CHECK(digest("", portable) ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest("abc", portable) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", portable) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(digest(million, portable) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
  CHECK(hex(Sha256::of("abc")) == digest("abc", true));
}

TEST_CASE("Sha256: any length in any pieces, and the digest so far does not disturb") {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (std::size_t length = 0; length < text.size(); ++length) {
    const std::string_view part = std::string_view(text).substr(0, length);
    const std::string whole = digest(part, true);
    CHECK(digest(part, false) == whole);
    CHECK(digest(part, false, 1 + length % 67) == whole);
  }
  Sha256 sha;
  sha.update("a");
  (void)sha.digest();
  sha.update("bc");
  CHECK(hex(sha.digest()) == digest("abc", true));
}

TEST_CASE("hex: two lower-case digits a byte") {
  const std::byte bytes[] = {std::byte{0}, std::byte{0xAF}, std::byte{9}};
  CHECK(hex(bytes) == "00af09");
  CHECK(hex({}) == "");
}
