#pragma once
/// Bench: what the bench programs share: clocks, medians, tables, JSON lines and options.
///
/// A machine is seldom idle. One thread is therefore timed by its own processor time, whatever else
/// runs; several threads by the clock on the wall, for their sum would hide that they wait. Cells
/// that are to be compared take turns, round by round, and are told apart by medians.

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/io/json.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/version.hpp"

namespace bipft::bench {

// --- Clocks --------------------------------------------------------------------------------------

[[nodiscard]] inline double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
[[nodiscard]] inline double thread_seconds() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }
[[nodiscard]] inline double process_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }
[[nodiscard]] inline double wall_seconds() { return seconds_of(CLOCK_MONOTONIC); }

/// What one call took.
struct Took {
  double cpu = 0;   ///< processor time of all threads
  double wall = 0;  ///< on the wall
  std::size_t calls = 0;

  /// The one of the two to compare by, on that many threads.
  [[nodiscard]] double seconds(std::size_t on_threads) const {
    return on_threads == 1 ? cpu : wall;
  }
};

/// The mean over as many calls as last `least` seconds. The first call of a turn finds the caches
/// full of somebody else's numbers, so it goes before the clock starts, unless it is long enough
/// not to matter.
template <class Body>
[[nodiscard]] Took time_calls(double least, Body&& body) {
  const double cpu_first = process_seconds();
  const double wall_first = wall_seconds();
  body();
  Took took{process_seconds() - cpu_first, wall_seconds() - wall_first, 1};
  if (took.wall > 10 * least) return took;
  const double cpu = process_seconds();
  const double wall = wall_seconds();
  took.calls = 0;
  do {
    body();
    ++took.calls;
  } while (wall_seconds() - wall < least);
  took.cpu = (process_seconds() - cpu) / static_cast<double>(took.calls);
  took.wall = (wall_seconds() - wall) / static_cast<double>(took.calls);
  return took;
}

/// Binds this process to one core, or leaves it alone if there is no such core.
inline void pin(std::size_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) std::perror("sched_setaffinity");
}

/// The most memory that this process has had at once, in bytes.
[[nodiscard]] inline std::size_t peak_bytes() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

// --- Samples -------------------------------------------------------------------------------------

/// A tenth of the samples lies below p10, half below p50, a tenth above p90.
struct Spread {
  double p10 = 0, p50 = 0, p90 = 0;
};

[[nodiscard]] inline Spread spread_of(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::ranges::sort(samples);
  const auto at = [&](double share) {
    const double last = static_cast<double>(samples.size() - 1);
    return samples[static_cast<std::size_t>(share * last + 0.5)];
  };
  return {at(0.1), at(0.5), at(0.9)};
}

// --- Output --------------------------------------------------------------------------------------

[[nodiscard]] inline std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

/// Rows of words under a heading, each column as wide as its widest word, numbers to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}
  void row(std::vector<std::string> words) { rows_.push_back(std::move(words)); }

  void print() const {
    std::vector<std::size_t> widths(rows_[0].size());
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const char first = rows_.back()[i].empty() ? ' ' : rows_.back()[i][0];
        const bool number = (first >= '0' && first <= '9') || first == '-';
        const int width = number ? static_cast<int>(widths[i]) : -static_cast<int>(widths[i]);
        std::printf("%*s  ", width, row[i].c_str());
      }
      std::printf("\n");
    }
    std::fflush(stdout);
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// What of the processor's features decides how fast bits are, as the system lists them.
[[nodiscard]] inline std::string cpu_features() {
  std::ifstream in("/proc/cpuinfo");
  std::string line;
  while (std::getline(in, line) && !line.starts_with("flags")) {
  }
  std::istringstream words(line);
  std::string features;
  for (std::string word; words >> word;) {
    const bool wide = word.starts_with("avx") || word.starts_with("amx");
    if (!wide && word != "fma" && word != "popcnt" && word != "gfni") continue;
    features += (features.empty() ? "" : " ") + word;
  }
  return features;
}

/// One JSON object a line: where it was measured, and what.
class JsonLines {
 public:
  JsonLines(const std::string& path, std::string_view program) {
    about_.set("program", program)
        .set("version",
             concat(BIPFT_VERSION_MAJOR, '.', BIPFT_VERSION_MINOR, '.', BIPFT_VERSION_PATCH))
        .set("compiler", compiler())
        .set("features", cpu_features())
        .set("cores", usable_cores())
        .set("load", load())
        .set("target", kernels::active().name);
    if (path.empty()) return;
    out_.open(path, std::ios::trunc);
    if (!out_) fail(Fault::system, path, ": cannot be written");
  }

  /// What every line begins with.
  [[nodiscard]] const Json& about() const { return about_; }
  void print_about() const {
    std::printf("%s %s, target %s, %zu cores, load %.1f, %s\n%s\n",
                about_["program"].as_string().c_str(), about_["version"].as_string().c_str(),
                about_["target"].as_string().c_str(), about_["cores"].as_size(),
                about_["load"].as_double(), compiler().c_str(), cpu_features().c_str());
  }

  void write(const Json& figures) {
    if (!out_.is_open()) return;
    Json line = about_;
    for (const auto& [key, value] : figures.members()) line.set(key, value);
    out_ << line.dump() << std::endl;
  }

 private:
  /// How many processes wanted a core in the last minute: above 0, times on the wall are doubtful.
  [[nodiscard]] static double load() {
    double last_minute = 0;
    return getloadavg(&last_minute, 1) == 1 ? last_minute : -1;
  }
  [[nodiscard]] static std::string compiler() {
#if defined(__clang__)
    return concat("clang ", __VERSION__);
#else
    return concat("g++ ", __VERSION__);
#endif
  }

  Json about_ = Json::object();
  std::ofstream out_;
};

// --- Options -------------------------------------------------------------------------------------

[[nodiscard]] inline std::vector<std::string> split(const std::string& list, char by = ',') {
  std::vector<std::string> words;
  std::istringstream in(list);
  for (std::string word; std::getline(in, word, by);) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

/// `--name value` and `--flag`. Asking for an option declares it; `finish` prints the help if it
/// was wanted, and refuses what nobody asked for.
class Options {
 public:
  Options(int count, char** words, std::string about) : about_(std::move(about)) {
    for (int i = 1; i < count; ++i) given_.emplace_back(words[i]);
    used_.resize(given_.size());
  }

  [[nodiscard]] bool flag(const std::string& name, const std::string& help) {
    declare("--" + name, help);
    return take("--" + name) != given_.size();
  }
  [[nodiscard]] std::string word(const std::string& name, const std::string& usual,
                                 const std::string& help) {
    declare("--" + name + " " + (usual.empty() ? "..." : usual), help);
    const std::size_t at = take("--" + name);
    if (at == given_.size()) return usual;
    if (at + 1 == given_.size()) fail(Fault::usage, "--", name, ": a value is missing");
    used_[at + 1] = true;
    return given_[at + 1];
  }
  [[nodiscard]] std::vector<std::string> words(const std::string& name, const std::string& usual,
                                               const std::string& help) {
    return split(word(name, usual, help));
  }
  [[nodiscard]] std::vector<std::size_t> numbers(const std::string& name, const std::string& usual,
                                                 const std::string& help) {
    std::vector<std::size_t> result;
    for (const std::string& one : words(name, usual, help)) result.push_back(number_of(name, one));
    return result;
  }
  [[nodiscard]] std::size_t number(const std::string& name, std::size_t usual,
                                   const std::string& help) {
    return number_of(name, word(name, std::to_string(usual), help));
  }

  void finish() const {
    for (std::size_t i = 0; i < given_.size(); ++i) {
      if (given_[i] == "--help") {
        std::printf("%s\n\n%s", about_.c_str(), help_.c_str());
        std::exit(0);
      }
      if (!used_[i]) fail(Fault::usage, "no option is called '", given_[i], "'; see --help");
    }
  }

 private:
  void declare(const std::string& option, const std::string& help) {
    help_ +=
        "  " + option + std::string(option.size() < 36 ? 36 - option.size() : 1, ' ') + help + '\n';
  }
  [[nodiscard]] std::size_t take(const std::string& option) {
    const auto found = std::ranges::find(given_, option);
    const auto at = static_cast<std::size_t>(found - given_.begin());
    if (at != given_.size()) used_[at] = true;
    return at;
  }
  [[nodiscard]] static std::size_t number_of(const std::string& name, const std::string& word) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(word.c_str(), &end, 10);
    if (word.empty() || *end != '\0') fail(Fault::usage, "--", name, " ", word, ": no number");
    return value;
  }

  std::string about_;
  std::string help_;
  std::vector<std::string> given_;
  std::vector<bool> used_;
};

/// main's body: errors become a line and an exit status.
template <class Body>
[[nodiscard]] int guarded(Body&& body) {
  try {
    body();
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return static_cast<int>(error.fault());
  }
}

}  // namespace bipft::bench
