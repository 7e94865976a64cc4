#include "bipft/data/dataset.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace bipft;

namespace {

/// A folder of its own, gone with the test.
struct Folder {
  std::filesystem::path path;

  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "bipft-data-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }

  [[nodiscard]] std::string file(const std::string& name, std::string_view text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return (path / name).string();
  }
};

Fault fault_of(const std::vector<std::string>& paths) {
  try {
    (void)read_dataset(paths);
  } catch (const Error& error) {
    CHECK(std::string(error.what()).starts_with(paths.back() + ":"));
    return error.fault();
  }
  FAIL("accepted");
  return Fault::usage;
}

}  // namespace

TEST_CASE("format_of: the name says it, else the first line does") {
  CHECK(format_of("a.tsv", "x") == Format::tsv);
  CHECK(format_of("a.CSV", "{\"x\"},y") == Format::csv);
  CHECK(format_of("a.jsonl", "x") == Format::jsonl);
  CHECK(format_of("a.ndjson", "x") == Format::jsonl);
  CHECK(format_of("a.txt", "__label__x a, b\tc") == Format::fasttext);
  CHECK(format_of("a.csv", "__label__x a") == Format::fasttext);
  CHECK(format_of("a.txt", "\n {\"text\": \"a\tb\"}") == Format::jsonl);
  CHECK(format_of("a", "a, b\tc") == Format::tsv);
  CHECK(format_of("a", "\xEF\xBB\xBFtext,label\na\tb") == Format::csv);
  CHECK_THROWS_WITH_AS((void)format_of("a", "one\ntwo\t2\n"),
                       doctest::Contains("a:1: is neither TSV, CSV, JSONL nor fastText"), Error);
}

TEST_CASE("parse_dataset: the same examples from every format") {
  for (const char* text : {"text\tlabel\na b\tx\nc\ty\n", "text,label\na b,x\n\"c\",y\n",
                           "{\"text\":\"a b\",\"label\":\"x\"}\n{\"text\":\"c\",\"label\":\"y\"}\n",
                           "__label__x a b\n__label__y c\n"}) {
    CAPTURE(text);
    const Dataset dataset = parse_dataset(text, "data");
    REQUIRE(dataset.size() == 2);
    CHECK(dataset.examples[0].text == "a b");
    CHECK(dataset.examples[0].label == "x");
    CHECK(dataset.examples[1].text == "c");
    CHECK(dataset.examples[1].label == "y");
  }
}

TEST_CASE("parse_dataset: labels that differ by case alone are warned of") {
  CHECK(parse_dataset("text\tlabel\na\tX\nb\tx\n", "f").warnings.size() == 1);
}

TEST_CASE("read_dataset: several files in a row, each example with its place") {
  const Folder folder;
  const std::string a = folder.file("a.tsv", "text\tlabel\na\tx\n");
  const std::string b = folder.file("b.csv", "label,text\ny,b\n");
  const Dataset dataset = read_dataset({a, b});
  REQUIRE(dataset.size() == 2);
  CHECK(dataset.place(dataset.examples[0]) == a + ":2");
  CHECK(dataset.place(dataset.examples[1]) == b + ":2");
  const std::string pairs = folder.file("c.tsv", "text\ttext2\tlabel\na\tb\tx\n");
  CHECK_THROWS_WITH_AS((void)read_dataset({a, pairs}),
                       (pairs + ": holds pairs, but " + a + " holds single texts").c_str(), Error);
}

TEST_CASE("read_dataset: what cannot be read is the data's fault, and named") {
  const Folder folder;
  CHECK(fault_of({(folder.path / "missing.tsv").string()}) == Fault::data);
  CHECK(fault_of({folder.path.string()}) == Fault::data);
  CHECK(fault_of({folder.file("empty.tsv", "")}) == Fault::data);
  CHECK(fault_of({folder.file("header.csv", "text,label\n")}) == Fault::data);
  CHECK(fault_of({"/dev/zero"}) == Fault::data);
  if (::geteuid() != 0) {
    const std::string locked = folder.file("locked.tsv", "text\tlabel\na\tx\n");
    REQUIRE(::chmod(locked.c_str(), 0) == 0);
    CHECK(fault_of({locked}) == Fault::data);
  }
}

TEST_CASE("read_dataset: a pipe is read to its end") {
  const Folder folder;
  const std::string pipe = (folder.path / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const pid_t writer = ::fork();
  if (writer == 0) {
    std::ofstream(pipe) << "text\tlabel\na\tx\nb\ty\n" << std::flush;
    ::_exit(0);
  }
  CHECK(read_dataset(pipe).size() == 2);
  ::waitpid(writer, nullptr, 0);
}
