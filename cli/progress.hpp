#pragma once
/// Progress: what a training tells a person on the terminal, and a program in --log.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "bipft/core/error.hpp"
#include "bipft/io/file.hpp"
#include "bipft/io/json.hpp"
#include "bipft/train/fit.hpp"
#include "console.hpp"
#include "report.hpp"

namespace bipft::cli {

/// "0:21", "1:02:03"
[[nodiscard]] inline std::string clock_time(double seconds) {
  const auto all =
      static_cast<std::size_t>(std::isfinite(seconds) && seconds > 0 ? seconds + 0.5 : 0);
  const auto two = [](std::size_t n) { return concat(n < 10 ? "0" : "", n); };
  const std::size_t hours = all / 3600;
  const std::size_t minutes = all / 60 % 60;
  return hours > 0 ? concat(hours, ':', two(minutes), ':', two(all % 60))
                   : concat(minutes, ':', two(all % 60));
}

/// "950", "18.2k", "3.4M"
[[nodiscard]] inline std::string short_number(double number) {
  if (number >= 999'950) return fixed(number / 1e6, 1) + 'M';
  if (number >= 999.5) return fixed(number / 1e3, 1) + 'k';
  return fixed(number, 0);
}

/// "5.0e-04" without what nobody needs: "5e-4".
[[nodiscard]] inline std::string short_rate(double rate) {
  char text[32];
  const auto end =
      std::to_chars(text, text + sizeof text, rate, std::chars_format::scientific, 1).ptr;
  std::string result(text, end);
  if (const std::size_t at = result.find(".0e"); at != std::string::npos) result.erase(at, 2);
  if (const std::size_t at = result.find("e-0"); at != std::string::npos) result.erase(at + 2, 1);
  return result;
}

/// A file of JSON lines that grows while the training runs. Empty path: none.
class TrainingLog {
 public:
  TrainingLog(const std::string& path, bool append, Console& console)
      : path_(path), console_(&console) {
    if (path.empty()) return;
    file_ = bipft::detail::Descriptor(
        path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | (append ? 0 : O_TRUNC), 0666);
    if (!file_.open()) {
      fail(Fault::system, path, ": cannot be written: ", bipft::detail::system_reason(errno));
    }
  }
  /// A line that cannot be written is warned of once; the training goes on.
  void write(const Json& report) {
    if (!file_.open()) return;
    const std::string line = report.dump() + '\n';
    if (::write(file_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size())) return;
    console_->warn(path_, ": cannot be written: ", bipft::detail::system_reason(errno),
                   "; the log ends here");
    (void)file_.close();
  }

 private:
  std::string path_;
  Console* console_;
  bipft::detail::Descriptor file_;
};

/// Says what `fit` reports: one line rewritten on a terminal; elsewhere a line every ten seconds;
/// and always a line an epoch.
class Progress {
 public:
  /// `accuracy`: whether that of training texts means anything. `unit`: what an epoch is called.
  Progress(Console& console, TrainingLog& log, bool accuracy = true,
           std::string_view unit = "epoch")
      : console_(&console), log_(&log), accuracy_(accuracy), unit_(unit) {}

  void step(const StepReport& report) {
    const Clock::time_point now = Clock::now();
    tokens_ += report.tokens;
    ++steps_;
    const double since = seconds(last_shown_, now);
    const bool due = console_->terminal() ? since >= 0.1 : since >= 10;
    const bool logged = report.step % steps_a_log_line == 0;
    if (!due && !logged) return;
    const double spent = std::max(seconds(begin_, now), 1e-9);
    const double rate = static_cast<double>(tokens_) / spent;
    if (logged) {
      log_->write(Json::object()
                      .set("event", "step")
                      .set("step", report.step)
                      .set(unit_, report.epoch)
                      .set("loss", report.loss)
                      .set("accuracy", accuracy_ ? Json(report.accuracy) : Json())
                      .set("lr", report.lr)
                      .set("gradient_norm", report.gradient_norm)
                      .set("tokens_per_second", std::round(rate)));
    }
    if (!due) return;
    last_shown_ = now;
    const double left =
        spent / static_cast<double>(steps_) * static_cast<double>(report.steps - report.step);
    const std::string line = concat(
        unit_, ' ', report.epoch, '/', report.epochs, "  step ", report.step, '/', report.steps,
        "  loss ", fixed(report.loss, 3), accuracy(report.accuracy, 3), "  lr ",
        short_rate(report.lr), "  ", short_number(rate), " tok/s  ", clock_time(left), " left");
    console_->terminal() ? console_->progress(line) : console_->say(line);
  }

  /// `figures`: what else was measured on dev, an object of numbers.
  void epoch(const EpochReport& report, bool binary, const Json* figures = nullptr) {
    const double spent = seconds(begin_, Clock::now());
    std::string line = concat(unit_, ' ', report.epoch, '/', report.epochs, "  loss ",
                              fixed(report.loss, 4), accuracy(report.accuracy, 4));
    const bool scored = report.score > -1;
    if (scored) line += concat("  dev ", fixed(report.score, 4));
    if (figures != nullptr) {
      for (const auto& [name, value] : figures->members()) {
        line += concat("  ", name, ' ', fixed(value.as_double(), 4));
      }
    }
    if (binary) line += concat("  flips ", fixed(100 * report.flips, 2), '%');
    line += concat("  ", clock_time(spent), scored && report.best ? "  *best" : "");
    console_->say(line);
    last_shown_ = Clock::now();
    Json json = Json::object();
    json.set("event", unit_)
        .set("step", report.step)
        .set(unit_, report.epoch)
        .set("loss", report.loss)
        .set("accuracy", accuracy_ ? Json(report.accuracy) : Json())
        .set("dev", scored               ? Json(report.score)
                    : figures != nullptr ? *figures
                                         : Json())
        .set("flips", binary ? Json(report.flips) : Json())
        .set("best", report.best)
        .set("tokens_per_second", std::round(static_cast<double>(tokens_) / std::max(spent, 1e-9)));
    log_->write(json);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t steps_a_log_line = 20;

  [[nodiscard]] static double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }

  [[nodiscard]] std::string accuracy(double value, int digits) const {
    return accuracy_ ? concat("  acc ", fixed(value, digits)) : std::string();
  }

  Console* console_;
  TrainingLog* log_;
  bool accuracy_;
  std::string unit_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_shown_ = begin_;
  std::size_t tokens_ = 0;
  std::size_t steps_ = 0;
};

}  // namespace bipft::cli
