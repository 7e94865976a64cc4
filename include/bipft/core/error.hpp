#pragma once
/// Errors: the one exception type, and the one way to throw it.

#include <charconv>
#include <concepts>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace bipft {

/// Whose fault an Error is. The values are the exit codes of the command.
enum class Fault {
  usage = 2,     ///< the caller: shapes that do not fit, options that make no sense
  data = 3,      ///< a data set: a missing column, a malformed row, an unknown label
  model = 4,     ///< a model, vocabulary or config: broken, truncated, foreign or hostile
  system = 5,    ///< the operating system: no space, no permission, a lock that is held
  diverged = 6,  ///< training that does not converge; the last good model is kept
};

/// Thrown when the caller or the outside world is at fault. A broken *internal* promise is an
/// `assert`, never this.
class Error : public std::runtime_error {
 public:
  Error(Fault fault, const std::string& message) : std::runtime_error(message), fault_(fault) {}
  [[nodiscard]] Fault fault() const { return fault_; }

 private:
  Fault fault_;
};

namespace detail {

/// One part of a message: text, a number, or whatever has a `to_string`. A plain value, so that the
/// one function below writes all messages of a program, and a place that throws is one small call.
/// It borrows what it is made of, and lives no longer than the call that it is made for.
class Part {
 public:
  Part(std::string_view text) : kind_(Kind::text), text_(text) {}
  Part(const char* text) : kind_(Kind::literal), literal_(text) {}
  Part(const std::string& text) : Part(std::string_view(text)) {}
  Part(char c) : kind_(Kind::character), character_(c) {}
  Part(bool value) : Part(value ? "true" : "false") {}
  Part(float value) : kind_(Kind::real_32), real_32_(value) {}
  Part(double value) : kind_(Kind::real_64), real_64_(value) {}
  Part(std::signed_integral auto value) : kind_(Kind::integer), integer_(value) {}
  Part(std::unsigned_integral auto value) : kind_(Kind::natural), natural_(value) {}

  template <class Value>
  requires(std::is_class_v<Value> || std::is_enum_v<Value>) Part(const Value& value)
      : kind_(Kind::other), other_{&value, [](std::string& out, const void* raw) {
                                     out.append(to_string(*static_cast<const Value*>(raw)));
                                   }} {}

  /// Appends itself as people write it, in no locale.
  void append_to(std::string& out) const {
    char digits[64];
    char* const end = digits + sizeof digits;
    switch (kind_) {
      case Kind::text:
        out.append(text_);
        return;
      case Kind::literal:
        out.append(literal_);
        return;
      case Kind::character:
        out.push_back(character_);
        return;
      case Kind::integer:
        if (integer_ < 0) out.push_back('-');
        out.append(digits, std::to_chars(digits, end, magnitude(integer_)).ptr);
        return;
      case Kind::natural:
        out.append(digits, std::to_chars(digits, end, natural_).ptr);
        return;
      case Kind::real_32:
        out.append(digits, std::to_chars(digits, end, real_32_).ptr);
        return;
      case Kind::real_64:
        out.append(digits, std::to_chars(digits, end, real_64_).ptr);
        return;
      case Kind::other:
        other_.append(out, other_.value);
    }
  }

 private:
  enum class Kind { text, literal, character, integer, natural, real_32, real_64, other };
  struct Other {
    const void* value;
    void (*append)(std::string&, const void*);
  };

  [[nodiscard]] static unsigned long long magnitude(long long value) {
    const auto bits = static_cast<unsigned long long>(value);
    return value < 0 ? 0 - bits : bits;
  }

  Kind kind_;
  union {
    std::string_view text_;
    const char* literal_;
    char character_;
    long long integer_;
    unsigned long long natural_;
    float real_32_;
    double real_64_;
    Other other_;
  };
};

/// The parts of a message, in braces: `refuse({"line ", n, " is empty"})`.
using Parts = std::initializer_list<Part>;

[[gnu::noinline]] inline void append(std::string& out, Parts parts) {
  for (const Part& part : parts) part.append_to(out);
}

[[nodiscard, gnu::noinline]] inline std::string joined(Parts parts) {
  std::string text;
  append(text, parts);
  return text;
}

/// Throws Error with all parts behind the place, which may be empty.
[[noreturn, gnu::cold, gnu::noinline]] inline void raise(Fault fault, std::string_view place,
                                                         Parts parts) {
  std::string message(place);
  append(message, parts);
  throw Error(fault, message);
}

}  // namespace detail

/// All parts in one string: text and numbers, independent of any locale.
template <class... Parts>
[[nodiscard, gnu::always_inline]] inline std::string concat(const Parts&... parts) {
  return detail::joined({detail::Part(parts)...});
}

/// Throws Error with all parts in one message. Start with the place, show the values that clashed,
/// and say what to try:  `fail(Fault::data, "train.tsv:17: ", n, " columns but the header has 3")`.
template <class... Parts>
[[noreturn, gnu::always_inline]] inline void fail(Fault fault, const Parts&... parts) {
  detail::raise(fault, "", {detail::Part(parts)...});
}

/// The same, for the caller's own mistakes (Fault::usage).
template <class First, class... Parts>
requires(!std::is_same_v<First, Fault>)
    [[noreturn, gnu::always_inline]] inline void fail(const First& first, const Parts&... parts) {
  detail::raise(Fault::usage, "", {detail::Part(first), detail::Part(parts)...});
}

}  // namespace bipft
