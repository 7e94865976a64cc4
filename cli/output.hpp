#pragma once
/// Output: results to standard output, every byte of them accepted by the system or an Error.

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "bipft/core/error.hpp"

namespace bipft::cli {

/// A buffered stream to a file descriptor. Call `flush` at the end: a destructor could not say that
/// the disk is full.
class Output {
 public:
  explicit Output(int fd = STDOUT_FILENO) : fd_(fd) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Throws Error{Fault::system} if the system does not take what has been gathered. (Where the
  /// reader is gone, SIGPIPE ends the process.)
  void write(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= buffer_size) flush();
  }

  void flush() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const ssize_t written = ::write(fd_, rest.data(), rest.size());
      if (written > 0) {
        rest.remove_prefix(static_cast<std::size_t>(written));
      } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
        (void)::poll(&ready, 1, -1);
      } else if (written == 0 || errno != EINTR) {
        fail(Fault::system, "standard output: cannot be written: ",
             std::generic_category().message(written < 0 ? errno : ENOSPC));
      }
    }
    buffer_.clear();
  }

  [[nodiscard]] bool is_terminal() const { return ::isatty(fd_) == 1; }

 private:
  static constexpr std::size_t buffer_size = std::size_t{1} << 16U;
  int fd_;
  std::string buffer_;
};

}  // namespace bipft::cli
