#pragma once
/// Console: what the program says to a person, on standard error.

#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "bipft/core/error.hpp"
#include "options.hpp"

namespace bipft::cli {

/// The options of every verb.
struct CommonOptions {
  std::optional<std::size_t> threads;
  std::string device = "cpu";
  std::string target;
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  std::string color = "auto";
  bool help = false;

  void visit(auto&& option) {
    option("threads", threads, "how many to use [usable cores, or BIPFT_THREADS]",
           Form{"N", 1, 1024});
    option("device", device, "who computes", Form{"cpu|vulkan|auto"});
    option("target", target,
           "instruction set: amx, avx512_bf16, avx512, avx2, neon_dotprod, neon or scalar"
           " [the best; BIPFT_TARGET]",
           Form{"NAME"});
    option("q,quiet", quiet, "say nothing but errors");
    option("v,verbose", verbose, "say more");
    option("json", json, "results as JSON");
    option("color", color, "when to write in colour", Form{"auto|always|never"});
    option("h,help", help, "this text");
  }
};

/// Talk goes to standard error, so that results can be piped, and failing to talk is no failure.
class Console {
 public:
  explicit Console(const CommonOptions& options = {})
      : quiet_(options.quiet),
        verbose_(options.verbose),
        terminal_(::isatty(STDERR_FILENO) == 1 && term() != "dumb"),
        color_(options.color == "always" ||
               (options.color == "auto" && terminal_ && environment("NO_COLOR").empty())) {}

  /// Whether a line can be rewritten.
  [[nodiscard]] bool terminal() const { return terminal_ && !quiet_; }
  [[nodiscard]] bool verbose() const { return verbose_ && !quiet_; }

  template <class... Parts>
  void say(const Parts&... parts) {
    if (!quiet_) line({}, concat(parts...));
  }
  /// Only with -v.
  template <class... Parts>
  void detail(const Parts&... parts) {
    if (verbose()) line({}, concat(parts...));
  }
  template <class... Parts>
  void warn(const Parts&... parts) {
    if (!quiet_) line(colored("33", "warning: "), concat(parts...));
  }
  /// Always, even with -q.
  template <class... Parts>
  void error(const Parts&... parts) {
    line(colored("1;31", "bipft: "), concat(parts...));
  }

  /// Replaces the last progress line; for terminals only.
  void progress(std::string_view text) {
    if (!terminal()) return;
    write(concat("\r\x1b[K", text));
    pending_ = !text.empty();
  }

 private:
  [[nodiscard]] static std::string_view environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : value;
  }
  [[nodiscard]] static std::string_view term() { return environment("TERM"); }
  [[nodiscard]] std::string colored(std::string_view code, std::string_view text) const {
    return color_ ? concat("\x1b[", code, 'm', text, "\x1b[0m") : std::string(text);
  }

  /// Names in messages come from files: their control characters must not steer the terminal.
  void line(const std::string& prefix, std::string text) {
    if (pending_) progress({});
    for (char& c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
    }
    write(concat(prefix, text, '\n'));
  }

  static void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
      if (written <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  bool quiet_;
  bool verbose_;
  bool terminal_;
  bool color_;
  bool pending_ = false;  ///< a progress line stands there
};

}  // namespace bipft::cli
