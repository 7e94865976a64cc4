#pragma once
/// Signals: a wish to stop that a training hears of between two steps.

#include <unistd.h>

#include <csignal>

namespace bipft::cli {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP is only noted; a second one ends the process
/// at once. SIGUSR1 asks for a checkpoint now. There can be one at a time.
class Signals {
 public:
  Signals() {
    stop_ = 0;
    save_ = 0;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) (void)std::signal(signal, &on_stop);
    (void)std::signal(SIGUSR1, [](int) { save_ = 1; });
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) (void)std::signal(signal, SIG_DFL);
  }

  [[nodiscard]] bool stop() const { return stop_ != 0; }
  /// Whether a checkpoint was asked for since the last call.
  [[nodiscard]] bool take_save() {
    if (save_ == 0) return false;
    save_ = 0;
    return true;
  }
  /// 130 for SIGINT, 143 for the others.
  [[nodiscard]] int exit_code() const { return code_of(stop_); }

 private:
  [[nodiscard]] static int code_of(int signal) {
    return 128 + (signal == SIGINT ? SIGINT : SIGTERM);
  }
  static void on_stop(int signal) {
    if (stop_ != 0) ::_exit(code_of(signal));
    stop_ = signal;
  }

  static inline volatile std::sig_atomic_t stop_ = 0;
  static inline volatile std::sig_atomic_t save_ = 0;
};

}  // namespace bipft::cli
