#pragma once
/// Errors: the one exception type, and the one way to throw it.

#include <charconv>
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

/// Appends `part` as people write it, in no locale: text, a number, or what `to_string` says.
template <class Part>
void append_part(std::string& message, const Part& part) {
  if constexpr (std::is_convertible_v<const Part&, std::string_view>) {
    message.append(std::string_view(part));
  } else if constexpr (std::is_same_v<Part, char>) {
    message.push_back(part);
  } else if constexpr (std::is_same_v<Part, bool>) {
    message.append(part ? "true" : "false");
  } else if constexpr (std::is_arithmetic_v<Part>) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, part).ptr;
    message.append(digits, end);
  } else {
    message.append(to_string(part));
  }
}

}  // namespace detail

/// All parts in one string: text and numbers, independent of any locale.
template <class... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
  std::string text;
  (detail::append_part(text, parts), ...);
  return text;
}

/// Throws Error with all parts in one message. Start with the place, show the values that clashed,
/// and say what to try:  `fail(Fault::data, "train.tsv:17: ", n, " columns but the header has 3")`.
template <class... Parts>
[[noreturn]] void fail(Fault fault, const Parts&... parts) {
  throw Error(fault, concat(parts...));
}

/// The same, for the caller's own mistakes (Fault::usage).
template <class First, class... Parts>
requires(!std::is_same_v<First, Fault>)
    [[noreturn]] void fail(const First& first, const Parts&... parts) {
  throw Error(Fault::usage, concat(first, parts...));
}

}  // namespace bipft
