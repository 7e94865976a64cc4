#pragma once
/// WordIndex: numbers distinct words in the order in which they come, 0, 1, 2, ...
///
///   WordIndex words;
///   ++counts[words.add("good")];
///
/// What belongs to a word stands in an array, at its number. So one table serves whoever counts,
/// looks up or tells apart, where each kind of std::unordered_map would be compiled for itself.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"

namespace bipft {

/// All words lie in one buffer, and one open-addressing table finds them.
class WordIndex {
 public:
  [[nodiscard]] std::size_t size() const { return ends_.size(); }

  /// Word number `i`, until another is added.
  [[nodiscard]] std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }

  /// The number of `word`: the next one, size(), if it is new. It may be any bytes.
  std::uint32_t add(std::string_view word) {
    if (2 * (size() + 1) > slots_.size()) grow();
    Slot& slot = slots_[slot_of(hash(word), word)];
    if (slot.number == none) {
      if (size() == none) fail("WordIndex: more than ", none, " words");
      slot = {tag_of(hash(word)), static_cast<std::uint32_t>(size())};
      bytes_.append(word);
      ends_.push_back(bytes_.size());
    }
    return slot.number;
  }

  /// The number of `word`, or nothing if it was never added.
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view word) const {
    if (slots_.empty()) return std::nullopt;
    const std::uint32_t number = slots_[slot_of(hash(word), word)].number;
    return number == none ? std::nullopt : std::optional(number);
  }
  [[nodiscard]] bool contains(std::string_view word) const { return find(word).has_value(); }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFFU;

  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number = none;
  };

  [[nodiscard]] static std::uint64_t hash(std::string_view word) {
    return std::hash<std::string_view>{}(word);
  }
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32U);
  }

  /// Where `word` is, or else the free slot that it belongs into.
  [[nodiscard]] std::size_t slot_of(std::uint64_t hash, std::string_view word) const {
    const std::size_t last = slots_.size() - 1;
    for (std::size_t i = hash & last;; i = (i + 1) & last) {
      const Slot& slot = slots_[i];
      if (slot.number == none) return i;
      if (slot.tag == tag_of(hash) && (*this)[slot.number] == word) return i;
    }
  }

  void grow() {
    const std::size_t slots = slots_.empty() ? 16 : 2 * slots_.size();
    slots_.clear();
    slots_.resize(slots);
    for (std::size_t i = 0; i < size(); ++i) {
      const std::uint64_t h = hash((*this)[i]);
      std::size_t at = h & (slots - 1);
      while (slots_[at].number != none) at = (at + 1) & (slots - 1);
      slots_[at] = {tag_of(h), static_cast<std::uint32_t>(i)};
    }
  }

  std::string bytes_;
  std::vector<std::size_t> ends_;  ///< of each word in bytes_
  std::vector<Slot> slots_;        ///< a power of two of them, at most half of them taken
};

}  // namespace bipft
