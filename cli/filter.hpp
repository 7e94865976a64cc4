#pragma once
/// The filter: lines in, one answer a line out, in their order, in bounded memory.
///
/// Lines are read in blocks, a block is answered at once (in parallel, inside the model), and its
/// answers are written before more is read. So memory does not grow with the input, and a slow
/// reader slows the reading. What has been answered is flushed whenever the input has nothing more
/// to give at the moment: a program that sends one line and waits for its answer gets it.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/data/lines.hpp"
#include "output.hpp"

namespace bipft::cli {

/// A line of the input, without its end.
struct Line {
  std::string_view text;
  std::uint64_t number = 0;  ///< counted from 1
  bool too_long = false;     ///< beyond `longest_line`; `text` is empty then
};

/// Cuts what a file descriptor yields into lines. Holds one block, and at most one longest line.
class LineReader {
 public:
  /// "-" is standard input. Throws Error{Fault::data} if `path` cannot be opened.
  explicit LineReader(const std::string& path, std::size_t longest = longest_line)
      : name_(path == "-" ? "standard input" : path), longest_(longest) {
    if (path == "-") return;
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd_ < 0) fail_here("cannot be opened");
  }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader() {
    if (fd_ != STDIN_FILENO) ::close(fd_);
  }

  /// The next lines: at least one, unless the input has ended; at most `most`, and no more than
  /// have arrived. They are valid until the next call. `before_waiting` is called before every read
  /// that may have to wait.
  template <class BeforeWaiting>
  [[nodiscard]] const std::vector<Line>& next(std::size_t most,
                                              const BeforeWaiting& before_waiting) {
    lines_.clear();
    buffer_.erase(0, begin_);
    begin_ = scanned_ = 0;
    std::size_t bytes = 0;
    for (;;) {
      while (lines_.size() < most && bytes < block_bytes) {
        const std::size_t end = buffer_.find('\n', scanned_);
        if (end == std::string::npos) {
          scanned_ = buffer_.size();
          break;
        }
        bytes += end - begin_;
        take(end);
        begin_ = scanned_ = end + 1;
      }
      if (lines_.size() >= most || bytes >= block_bytes || (!lines_.empty() && !ready())) break;
      if (ended_) {
        if (begin_ < buffer_.size() || dropped_) take(buffer_.size());
        begin_ = scanned_ = buffer_.size();
        break;
      }
      if (!ready()) before_waiting();
      fill();
    }
    // The buffer moved while it grew; only now do the texts stay where they are.
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      lines_[i].text = std::string_view(buffer_).substr(places_[i].begin, places_[i].size);
    }
    places_.clear();
    return lines_;
  }

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{1} << 16U;
  static constexpr std::size_t block_bytes = std::size_t{1} << 18U;

  struct Place {
    std::size_t begin, size;
  };

  [[noreturn]] void fail_here(std::string_view what) const {
    fail(Fault::data, name_, ": ", what, ": ", std::generic_category().message(errno));
  }

  void take(std::size_t end) {
    Line line{.text = {}, .number = ++number_, .too_long = dropped_ || end - begin_ > longest_};
    Place place{.begin = begin_, .size = line.too_long ? 0 : end - begin_};
    if (place.size > 0 && buffer_[place.begin + place.size - 1] == '\r') --place.size;
    lines_.push_back(line);
    places_.push_back(place);
    dropped_ = false;
  }

  [[nodiscard]] bool ready() const {
    if (ended_) return true;
    pollfd input{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&input, 1, 0) != 0;
  }

  void fill() {
    const std::size_t unfinished = buffer_.size() - begin_;
    if (unfinished > longest_) {  // nothing of an overlong line is kept
      buffer_.resize(begin_);
      scanned_ = begin_;
      dropped_ = true;
    }
    const std::size_t old = buffer_.size();
    buffer_.resize(old + chunk_bytes);
    ssize_t got = 0;
    for (;;) {
      got = ::read(fd_, buffer_.data() + old, chunk_bytes);
      if (got >= 0) break;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        pollfd input{.fd = fd_, .events = POLLIN, .revents = 0};
        (void)::poll(&input, 1, -1);
      } else if (errno != EINTR) {
        fail_here("cannot be read");
      }
    }
    buffer_.resize(old + static_cast<std::size_t>(got));
    ended_ = got == 0;
  }

  std::string name_;
  std::size_t longest_;
  int fd_ = STDIN_FILENO;
  std::string buffer_;
  std::size_t begin_ = 0;    ///< of the line not yet taken
  std::size_t scanned_ = 0;  ///< up to where there is no line end
  std::uint64_t number_ = 0;
  bool dropped_ = false;  ///< the beginning of this line was too long to be kept
  bool ended_ = false;
  std::vector<Line> lines_;
  std::vector<Place> places_;
};

/// Which lines of the input are answered. Line L (counted from 0, at the beginning of the input)
/// belongs to shard L mod `shards`, whatever is skipped.
struct Selection {
  std::uint64_t skip = 0;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t shard = 0;
  std::uint64_t shards = 1;

  [[nodiscard]] bool takes(std::uint64_t number) const {
    return number > skip && !ends_before(number) && (number - 1) % shards == shard;
  }
  /// Whether neither line `number` nor any after it is taken.
  [[nodiscard]] bool ends_before(std::uint64_t number) const {
    return number > skip && number - skip > limit;
  }
};

/// How lines go through.
struct FilterOptions {
  Selection selection = {};
  std::size_t block = 512;     ///< lines answered at once
  bool line_buffered = false;  ///< flush after every block
};

/// Calls `answer(lines, out)` for block after block of the selected lines, and writes what it has
/// appended to `out`. Throws Error: of `reader` if the input cannot be read, of `output` if answers
/// cannot be written, and whatever `answer` throws.
template <class Answer>
void filter(LineReader& reader, Output& output, const FilterOptions& options, Answer&& answer) {
  std::vector<Line> selected;
  std::string out;
  for (std::uint64_t next = 1; !options.selection.ends_before(next);) {
    const std::vector<Line>& lines = reader.next(options.block, [&] { output.flush(); });
    if (lines.empty()) break;
    selected.clear();
    for (const Line& line : lines) {
      if (options.selection.takes(line.number)) selected.push_back(line);
    }
    next = lines.back().number + 1;
    if (selected.empty()) continue;
    out.clear();
    answer(std::span<const Line>(selected), out);
    output.write(out);
    if (options.line_buffered) output.flush();
  }
  output.flush();
}

}  // namespace bipft::cli
