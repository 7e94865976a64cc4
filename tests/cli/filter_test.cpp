#include "filter.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "bipft/core/random.hpp"

using namespace bipft;
using namespace bipft::cli;

namespace {

/// A file with `text` in it, gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text = {}) {
    fd_ = ::mkstemp(path_.data());
    REQUIRE(fd_ >= 0);
    REQUIRE(::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    ::close(fd_);
    ::unlink(path_.data());
  }
  [[nodiscard]] std::string path() const { return path_.data(); }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::string text() const {
    std::string all;
    char chunk[4096];
    for (off_t at = 0;;) {
      const ssize_t got = ::pread(fd_, chunk, sizeof chunk, at);
      if (got <= 0) return all;
      all.append(chunk, static_cast<std::size_t>(got));
      at += got;
    }
  }

 private:
  std::array<char, 32> path_{"/tmp/bipft-filter-XXXXXX"};
  int fd_ = -1;
};

/// "number:text" a line; what the filter makes of `input`.
std::string filtered(std::string_view input, const FilterOptions& options = {},
                     std::size_t longest = longest_line) {
  const TemporaryFile in(input);
  const TemporaryFile out;
  LineReader reader(in.path(), longest);
  Output output(out.fd());
  filter(reader, output, options, [](std::span<const Line> lines, std::string& answer) {
    for (const Line& line : lines) {
      answer += concat(line.number, ':', line.too_long ? "(too long)" : line.text, '\n');
    }
  });
  return out.text();
}

}  // namespace

TEST_CASE("filter: a line out for every line in, whatever stands in it") {
  using namespace std::string_literals;
  CHECK(filtered("") == "");
  CHECK(filtered("\n") == "1:\n");
  CHECK(filtered("a") == "1:a\n");
  CHECK(filtered("a\n\nb\0c\r\n\xFF\xFE\r\n \r\n\r\nz"s) ==
        "1:a\n2:\n3:b\0c\n4:\xFF\xFE\n5: \n6:\n7:z\n"s);
}

TEST_CASE("filter: the answers do not depend on the size of a block") {
  const Random random(7, "lines");
  std::string input;
  std::string expected;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    const std::string line(random.below(i, 40) * (i % 999 == 0 ? 4000U : 1U), 'x');
    input += line + '\n';
    expected += concat(i + 1, ':', line, '\n');
  }
  for (const std::size_t block : {1U, 3U, 512U, 100000U}) {
    FilterOptions options;
    options.block = block;
    CHECK((filtered(input, options) == expected));
  }
}

TEST_CASE("filter: a line beyond the longest is one line, and the next one is whole again") {
  const std::string exact(200'000, 'a');
  const std::string longer(200'001, 'b');
  const std::string much(2'000'000, 'c');
  const std::string input = exact + '\n' + longer + '\n' + much + "\nd\n" + much;
  CHECK((filtered(input, {}, 200'000) ==
         concat("1:", exact, "\n2:(too long)\n3:(too long)\n4:d\n", "5:(too long)\n")));
}

TEST_CASE("filter: skip, limit and shard choose lines, and all shards together are the whole") {
  std::string input;
  for (int i = 1; i <= 50; ++i) input += concat("line ", i, '\n');
  FilterOptions options;
  options.block = 7;
  options.selection = {.skip = 2, .limit = 3};
  CHECK(filtered(input, options) == "3:line 3\n4:line 4\n5:line 5\n");
  options.selection = {.skip = 48, .limit = 1000};
  CHECK(filtered(input, options) == "49:line 49\n50:line 50\n");
  options.selection = {.skip = 0, .limit = 0};
  CHECK(filtered(input, options) == "");
  options.selection = {.skip = 1000};
  CHECK(filtered(input, options) == "");

  for (std::uint64_t shards = 1; shards <= 13; ++shards) {
    std::vector<std::vector<std::string>> parts;
    for (std::uint64_t shard = 0; shard < shards; ++shard) {
      options.selection = {.skip = 3, .limit = 40, .shard = shard, .shards = shards};
      std::vector<std::string>& part = parts.emplace_back();
      const std::string text = filtered(input, options);
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        part.push_back(text.substr(begin, end - begin));
        begin = end + 1;
      }
    }
    std::vector<std::size_t> taken(shards);
    for (std::uint64_t line = 3; line < 43; ++line) {  // counted from 0
      const std::size_t shard = line % shards;
      REQUIRE(taken[shard] < parts[shard].size());
      CHECK(parts[shard][taken[shard]++] == concat(line + 1, ":line ", line + 1));
    }
    for (std::size_t shard = 0; shard < shards; ++shard) CHECK(taken[shard] == parts[shard].size());
  }
}

TEST_CASE("filter: a line is answered and flushed before the next one is waited for") {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  REQUIRE(::pipe(in.data()) == 0);
  REQUIRE(::pipe(out.data()) == 0);
  std::thread server([&] {
    {
      LineReader reader(concat("/dev/fd/", in[0]));
      Output output(out[1]);
      filter(reader, output, {}, [](std::span<const Line> lines, std::string& answer) {
        for (const Line& line : lines) answer += concat("<", line.text, ">\n");
      });
    }
    ::close(out[1]);
  });
  for (int i = 0; i < 200; ++i) {
    const std::string line = concat("question ", i, '\n');
    REQUIRE(::write(in[1], line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    char answer[64];
    const ssize_t got =
        ::read(out[0], answer, sizeof answer);  // would wait for ever if not flushed
    CHECK(std::string(answer, static_cast<std::size_t>(got)) == concat("<question ", i, ">\n"));
  }
  ::close(in[1]);
  server.join();
  ::close(in[0]);
  ::close(out[0]);
}

TEST_CASE("filter: with a limit that is reached no further line is waited for") {
  std::array<int, 2> in{};
  REQUIRE(::pipe(in.data()) == 0);
  REQUIRE(::write(in[1], "one\ntwo\n", 8) == 8);
  const TemporaryFile out;
  LineReader reader(concat("/dev/fd/", in[0]));
  Output output(out.fd());
  FilterOptions options;
  options.block = 1;
  options.selection.limit = 2;
  filter(reader, output, options, [](std::span<const Line> lines, std::string& answer) {
    for (const Line& line : lines) answer += concat(line.text, '\n');
  });
  CHECK(out.text() == "one\ntwo\n");
  ::close(in[0]);
  ::close(in[1]);
}

TEST_CASE("LineReader: what cannot be read is named") {
  CHECK_THROWS_WITH_AS(LineReader("/no/such/file"),
                       "/no/such/file: cannot be opened: No such file or directory", Error);
  LineReader folder("/tmp");
  CHECK_THROWS_WITH_AS((void)folder.next(1, [] {}), "/tmp: cannot be read: Is a directory", Error);
}

TEST_CASE("Output: a full disk is an error, at the latest when flushed") {
  FILE* const full = std::fopen("/dev/full", "w");
  if (full == nullptr) return;
  Output output(::fileno(full));
  output.write("a");
  CHECK_THROWS_WITH_AS(output.flush(),
                       "standard output: cannot be written: No space left on device", Error);
  std::fclose(full);
}
