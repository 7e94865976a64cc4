#pragma once
/// Sha256: the checksum of a model file and the name of its contents (FIPS 180-4).
///
///   Sha256 sha;
///   sha.update(header);
///   sha.update(data);
///   std::string id = hex(sha.digest());
///
/// It finds damage and tells files apart. It is no signature: whoever can change a file can change
/// its checksum too.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

namespace bipft {

class Sha256 {
 public:
  using Digest = std::array<std::byte, 32>;

  Sha256() = default;
  /// For tests: `portable` leaves the processor's SHA instructions aside.
  explicit Sha256(bool portable) : portable_(portable) {}

  /// Appends to the message; any cutting into pieces gives the same digest.
  void update(std::span<const std::byte> bytes) {
    size_ += bytes.size();
    if (filled_ > 0) {
      const std::size_t taken = std::min(block_size - filled_, bytes.size());
      std::copy_n(bytes.begin(), taken, block_.begin() + static_cast<std::ptrdiff_t>(filled_));
      filled_ += taken;
      bytes = bytes.subspan(taken);
      if (filled_ < block_size) return;
      absorb(block_.data(), 1);
      filled_ = 0;
    }
    const std::size_t whole = bytes.size() / block_size;
    absorb(bytes.data(), whole);
    bytes = bytes.subspan(whole * block_size);
    std::copy(bytes.begin(), bytes.end(), block_.begin());
    filled_ = bytes.size();
  }
  void update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }

  /// The digest of all that came so far; more may follow.
  [[nodiscard]] Digest digest() const {
    Sha256 last = *this;
    std::array<std::byte, 2 * block_size> tail{};
    tail[0] = std::byte{0x80};
    const std::size_t length = (filled_ < 56 ? 64 : 128) - filled_;
    for (std::size_t i = 0; i < 8; ++i) {
      tail[length - 1 - i] = static_cast<std::byte>((size_ * 8U) >> (8 * i));
    }
    last.update(std::span(tail).first(length));
    Digest result{};
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i] = static_cast<std::byte>(last.state_[i / 4] >> (24U - 8U * (i % 4)));
    }
    return result;
  }

  [[nodiscard]] static Digest of(std::span<const std::byte> bytes) {
    Sha256 sha;
    sha.update(bytes);
    return sha.digest();
  }
  [[nodiscard]] static Digest of(std::string_view text) {
    return of(std::as_bytes(std::span(text.data(), text.size())));
  }

 private:
  static constexpr std::size_t block_size = 64;

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  static constexpr std::array<std::uint32_t, 64> round_constants{
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
      0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
      0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
      0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
      0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
      0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
      0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
      0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
      0xc67178f2};

  [[nodiscard]] static constexpr std::uint32_t rotate(std::uint32_t x, unsigned bits) {
    return (x >> bits) | (x << (32U - bits));
  }
  [[nodiscard]] static std::uint32_t big_endian(const std::byte* p) {
    return (static_cast<std::uint32_t>(p[0]) << 24U) | (static_cast<std::uint32_t>(p[1]) << 16U) |
           (static_cast<std::uint32_t>(p[2]) << 8U) | static_cast<std::uint32_t>(p[3]);
  }

  /// One round. Instead of moving eight registers along, the next round is called with their names
  /// turned by one.
  static void round(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t& d,
                    std::uint32_t e, std::uint32_t f, std::uint32_t g, std::uint32_t& h,
                    std::uint32_t word) {
    h += (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) + word;
    d += h;
    h += (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));
  }

  void absorb(const std::byte* bytes, std::size_t blocks) {
    for (; blocks > 0; --blocks, bytes += block_size) {
#if defined(__x86_64__) && defined(__GNUC__)
      if (!portable_ && has_instructions()) {
        absorb_x86(bytes);
        continue;
      }
#endif
      absorb_portable(bytes);
    }
  }

  void absorb_portable(const std::byte* bytes) {
    std::array<std::uint32_t, 64> w;
    for (std::size_t i = 0; i < 16; ++i) w[i] = big_endian(bytes + 4 * i);
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3U);
      const std::uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10U);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t i = 0; i < 64; i += 8) {
      const auto word = [&](std::size_t j) { return w[i + j] + round_constants[i + j]; };
      round(a, b, c, d, e, f, g, h, word(0));
      round(h, a, b, c, d, e, f, g, word(1));
      round(g, h, a, b, c, d, e, f, word(2));
      round(f, g, h, a, b, c, d, e, word(3));
      round(e, f, g, h, a, b, c, d, word(4));
      round(d, e, f, g, h, a, b, c, word(5));
      round(c, d, e, f, g, h, a, b, word(6));
      round(b, c, d, e, f, g, h, a, word(7));
    }
    const std::array<std::uint32_t, 8> mixed{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state_[i] += mixed[i];
  }

#if defined(__x86_64__) && defined(__GNUC__)
  /// Whether the processor has SHA instructions; their registers are those every system saves.
  [[nodiscard]] static bool has_instructions() {
    static const bool has = [] {
      unsigned a = 0;
      unsigned b = 0;
      unsigned c = 0;
      unsigned d = 0;
      if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & (1U << 19U)) == 0) return false;  // SSE4.1
      return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1U << 29U)) != 0;
    }();
    return has;
  }

  /// The same with x86's SHA instructions, some seven times as fast: two rounds each, on a state
  /// kept as (F, E, B, A) and (H, G, D, C).
  __attribute__((target("sha,sse4.1"))) void absorb_x86(const std::byte* bytes) {
    using Words [[gnu::vector_size(16)]] = int;
    using Quad [[gnu::vector_size(16)]] = std::uint32_t;  // these may wrap
    const auto words = [](auto... x) { return Words{static_cast<int>(x)...}; };
    const auto add = [](Words x, Words y) {
      return std::bit_cast<Words>(std::bit_cast<Quad>(x) + std::bit_cast<Quad>(y));
    };
    std::array<Words, 4> w;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::byte* const p = bytes + 16 * i;
      w[i] = words(big_endian(p), big_endian(p + 4), big_endian(p + 8), big_endian(p + 12));
    }
    Words feba = words(state_[5], state_[4], state_[1], state_[0]);
    Words hgdc = words(state_[7], state_[6], state_[3], state_[2]);
    for (std::size_t i = 0; i < 16; ++i) {
      if (i >= 4) {  // w[t] from w[t-16], w[t-15], w[t-7] and w[t-2], four at a time
        const Words sum = add(__builtin_ia32_sha256msg1(w[i % 4], w[(i + 1) % 4]),
                              __builtin_shufflevector(w[(i + 2) % 4], w[(i + 3) % 4], 1, 2, 3, 4));
        w[i % 4] = __builtin_ia32_sha256msg2(sum, w[(i + 3) % 4]);
      }
      const std::uint32_t* const k = round_constants.data() + 4 * i;
      const Words word = add(w[i % 4], words(k[0], k[1], k[2], k[3]));
      hgdc = __builtin_ia32_sha256rnds2(hgdc, feba, word);
      feba =
          __builtin_ia32_sha256rnds2(feba, hgdc, __builtin_shufflevector(word, word, 2, 3, 2, 3));
    }
    const std::array<int, 8> mixed{feba[3], feba[2], hgdc[3], hgdc[2],
                                   feba[1], feba[0], hgdc[1], hgdc[0]};
    for (std::size_t i = 0; i < 8; ++i) state_[i] += static_cast<std::uint32_t>(mixed[i]);
  }
#endif

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, block_size> block_{};
  [[maybe_unused]] bool portable_ = false;  // only x86 has a choice
  std::size_t filled_ = 0;  ///< bytes waiting in block_
  std::uint64_t size_ = 0;  ///< bytes of the message so far
};

/// "ab12cd...": two lower-case digits a byte.
[[nodiscard]] inline std::string hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(2 * bytes.size(), '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[2 * i] = digits[static_cast<std::size_t>(bytes[i] >> 4U)];
    text[2 * i + 1] = digits[static_cast<std::size_t>(bytes[i] & std::byte{15})];
  }
  return text;
}

}  // namespace bipft
