#pragma once
/// Knobs: the numbers of a rule by name, as text. A rule lists them once, in its `visit`:
///
///   void visit(auto&& knob) { knob("tau", tau, Knob{"nats below which it stops", 0.0, 100.0}); }
///
/// and from that list come `entropy:tau=0.3` of the command line, the record in a model file, and
/// the message that lists what there is. A knob is a real number, a count, a bool, an enum of one
/// byte (whose values are the words of `choices`), or a list of real numbers, "0.5/0.7/1".

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "bipft/core/error.hpp"
#include "bipft/core/visit.hpp"

namespace bipft {

/// What a knob does, and what it may be.
struct Knob {
  std::string_view help = {};
  double low = 0.0;
  double high = std::numeric_limits<double>::max();
  std::string_view choices = {};  ///< of an enum: the names of its values, "plateau|drop"
};

/// A list of numbers, held in place: a rule is copied as plainly as its bytes, which is what makes
/// the menu of all rules cheap to compile.
class KnobNumbers {
 public:
  static constexpr std::size_t most = 96;  ///< as many as a model has layers

  KnobNumbers() = default;
  KnobNumbers(std::initializer_list<double> values) {
    for (const double value : values) push_back(value);
  }
  /// Throws Error where there is no room.
  void push_back(double value) {
    if (size_ == most) fail("a knob of more than ", most, " numbers");
    values_[size_++] = value;
  }
  void clear() { size_ = 0; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] double operator[](std::size_t i) const { return values_[i]; }
  [[nodiscard]] const double* begin() const { return values_; }
  [[nodiscard]] const double* end() const { return values_ + size_; }
  friend bool operator==(const KnobNumbers& a, const KnobNumbers& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  double values_[most] = {};
  std::size_t size_ = 0;
};

/// One knob of a rule, its type forgotten: what follows is compiled once, not once a rule.
struct BoundKnob {
  enum class Kind { real, count, flag, word, reals };

  std::string_view name = {};
  Knob about = {};
  Kind kind = Kind::real;
  void* value = nullptr;
};

/// All knobs of a rule.
class BoundKnobs {
 public:
  static constexpr std::size_t most = 8;

  [[gnu::cold, gnu::noinline]] void add(std::string_view name, const Knob& about,
                                        BoundKnob::Kind kind, void* value) {
    if (size_ == most) fail("a rule of more than ", most, " knobs");
    knobs_[size_++] = {name, about, kind, value};
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const BoundKnob& operator[](std::size_t i) const { return knobs_[i]; }
  [[nodiscard]] const BoundKnob* begin() const { return knobs_; }
  [[nodiscard]] const BoundKnob* end() const { return knobs_ + size_; }

 private:
  BoundKnob knobs_[most] = {};
  std::size_t size_ = 0;
};

namespace detail {

template <class Value>
[[nodiscard]] constexpr BoundKnob::Kind kind_of_knob() {
  using Kind = BoundKnob::Kind;
  if constexpr (std::is_same_v<Value, double>) return Kind::real;
  if constexpr (std::is_same_v<Value, std::size_t>) return Kind::count;
  if constexpr (std::is_same_v<Value, bool>) return Kind::flag;
  if constexpr (std::is_same_v<Value, KnobNumbers>) return Kind::reals;
  if constexpr (std::is_enum_v<Value>) {
    static_assert(std::is_same_v<std::underlying_type_t<Value>, unsigned char>);
    return Kind::word;
  }
}

/// The word number `index` of "a|b|c"; empty beyond the last.
[[nodiscard]] inline std::string_view choice(std::string_view choices, std::size_t index) {
  for (; index > 0 && !choices.empty(); --index) {
    const std::size_t end = choices.find('|');
    choices = end == std::string_view::npos ? std::string_view() : choices.substr(end + 1);
  }
  return choices.substr(0, choices.find('|'));
}

template <class Number>
[[nodiscard]] bool read_number(std::string_view text, const Knob& about, Number& value) {
  Number read{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, read);
  const double wide = static_cast<double>(read);
  if (error != std::errc() || rest != end || !(wide >= about.low && wide <= about.high)) {
    return false;
  }
  value = read;
  return true;
}

/// "0.5/0.7/1"; no numbers of no text.
[[nodiscard]] inline bool read_numbers(std::string_view text, const Knob& about,
                                       KnobNumbers& values) {
  KnobNumbers all;
  for (bool more = !text.empty(); more;) {
    const std::size_t end = text.find('/');
    double value = 0;
    if (all.size() == KnobNumbers::most || !read_number(text.substr(0, end), about, value)) {
      return false;
    }
    all.push_back(value);
    more = end != std::string_view::npos;
    if (more) text.remove_prefix(end + 1);
  }
  values = all;
  return true;
}

}  // namespace detail

/// The knobs of `rule`, bound to it.
template <Visitable Rule>
[[nodiscard, gnu::cold]] BoundKnobs knobs_of(Rule& rule) {
  BoundKnobs knobs;
  rule.visit([&](std::string_view name, auto& value, const Knob& about) {
    using Value = std::remove_reference_t<decltype(value)>;
    knobs.add(name, about, detail::kind_of_knob<Value>(), &value);
  });
  return knobs;
}

/// The knob as `assign_knob` takes it back: the shortest number that reads back the same.
[[nodiscard, gnu::cold]] inline std::string knob_text(const BoundKnob& knob) {
  switch (knob.kind) {
    case BoundKnob::Kind::real:
      return concat(*static_cast<const double*>(knob.value));
    case BoundKnob::Kind::count:
      return concat(*static_cast<const std::size_t*>(knob.value));
    case BoundKnob::Kind::flag:
      return concat(*static_cast<const bool*>(knob.value));
    case BoundKnob::Kind::word:
      return std::string(
          detail::choice(knob.about.choices, *static_cast<const unsigned char*>(knob.value)));
    case BoundKnob::Kind::reals:
      break;
  }
  std::string text;
  for (const double one : *static_cast<const KnobNumbers*>(knob.value)) {
    text += concat(text.empty() ? "" : "/", one);
  }
  return text;
}

/// Sets a knob; false, and nothing is set, if `text` is none of what it may be.
[[nodiscard, gnu::cold]] inline bool assign_knob(std::string_view text, const BoundKnob& knob) {
  switch (knob.kind) {
    case BoundKnob::Kind::real:
      return detail::read_number(text, knob.about, *static_cast<double*>(knob.value));
    case BoundKnob::Kind::count:
      return detail::read_number(text, knob.about, *static_cast<std::size_t*>(knob.value));
    case BoundKnob::Kind::flag:
      if (text != "true" && text != "false") return false;
      *static_cast<bool*>(knob.value) = text == "true";
      return true;
    case BoundKnob::Kind::word:
      for (unsigned char i = 0; !detail::choice(knob.about.choices, i).empty(); ++i) {
        if (detail::choice(knob.about.choices, i) != text) continue;
        *static_cast<unsigned char*>(knob.value) = i;
        return true;
      }
      return false;
    case BoundKnob::Kind::reals:
      break;
  }
  return detail::read_numbers(text, knob.about, *static_cast<KnobNumbers*>(knob.value));
}

/// What a knob may be, for help and messages: "a number from 0 to 1".
[[nodiscard, gnu::cold]] inline std::string knob_kind(const BoundKnob& knob) {
  std::string text = "a number";
  if (knob.kind == BoundKnob::Kind::flag) return "true or false";
  if (knob.kind == BoundKnob::Kind::word) return concat("one of ", knob.about.choices);
  if (knob.kind == BoundKnob::Kind::count) text = "a whole number";
  if (knob.kind == BoundKnob::Kind::reals) text = "numbers parted by /, each";
  constexpr double most = std::numeric_limits<double>::max();
  if (knob.about.low > -most) text += concat(" from ", knob.about.low);
  if (knob.about.high < most) text += concat(" to ", knob.about.high);
  return text;
}

/// Sets the knob called `name` of the rule called `rule` to what `text` says. Throws Error of
/// `fault`, with the list of knobs there are, or of what the knob may be.
[[gnu::cold]] inline void set_knob(std::string_view rule, const BoundKnobs& knobs,
                                   std::string_view name, std::string_view text,
                                   Fault fault = Fault::usage) {
  std::string names;
  for (const BoundKnob& knob : knobs) {
    names.append(names.empty() ? "" : ", ").append(knob.name);
    if (knob.name != name) continue;
    if (assign_knob(text, knob)) return;
    fail(fault, "exit rule ", rule, ": ", name, " is '", text, "', not ", knob_kind(knob));
  }
  if (names.empty()) fail(fault, "exit rule ", rule, " has no knobs, and no '", name, "'");
  fail(fault, "exit rule ", rule, " has no knob '", name, "'; it has: ", names);
}

}  // namespace bipft
