#include "bipft/io/file.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <filesystem>
#include <thread>

#include "support/temporary_folder.hpp"

using namespace bipft;
namespace fs = std::filesystem;

namespace {

/// Makes the calls of this thread fail as told, while it lives.
struct Faults : detail::FileFaults {
  Faults(std::size_t at, int why) {
    fail_at = at;
    error = why;
    detail::file_faults = this;
  }
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  ~Faults() { detail::file_faults = nullptr; }
};

template <class Action>
std::string message_of(Fault fault, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.fault() == fault);
    return error.what();
  }
  return "no error";
}

bool has(const std::string& message, std::string_view part) {
  return message.find(part) != std::string::npos;
}

std::size_t open_files() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace

TEST_CASE("read_file: gives every byte, and refuses what is missing or too long") {
  const test::TemporaryFolder folder;
  std::string text = "a\0b\r\n\xFF";
  text += std::string(300'000, 'x') + '\0';
  CHECK(read_file(folder.write("a", text), Fault::data).compare(text) == 0);
  CHECK(read_stream(folder.path("a"), Fault::data).compare(text) == 0);
  CHECK(read_file(folder.write("empty", ""), Fault::data) == "");
  CHECK(read_stream(folder.path("empty"), Fault::data) == "");
  CHECK(read_file(folder.path("a"), Fault::data, text.size()).compare(text) == 0);
  CHECK(read_stream(folder.path("a"), Fault::data, text.size()).compare(text) == 0);

  const std::string missing = folder.path("missing");
  for (const Fault fault : {Fault::data, Fault::model}) {
    CHECK(message_of(fault, [&] { (void)read_file(missing, fault); }) ==
          missing + ": cannot be opened: No such file or directory");
    CHECK(has(message_of(fault, [&] { (void)read_stream(missing, fault); }), "No such file"));
  }
  const auto limited = [&] { (void)read_file(folder.path("a"), Fault::model, text.size() - 1); };
  CHECK(has(message_of(Fault::model, limited), "more than the"));
  const auto limited_stream = [&] { (void)read_stream(folder.path("a"), Fault::data, 10); };
  CHECK(has(message_of(Fault::data, limited_stream), "more than the 10 bytes allowed"));
}

TEST_CASE("read_file: a directory, a pipe or a device is refused at once") {
  const test::TemporaryFolder folder;
  REQUIRE(mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  const auto refused = [](const std::string& path) {
    return message_of(Fault::model, [&] { (void)read_file(path, Fault::model); });
  };
  CHECK(has(refused(folder.path()), "is a directory"));
  CHECK(has(refused(folder.path("fifo")), "is a pipe or a device"));  // nobody writes to it
  CHECK(has(refused("/dev/zero"), "is a pipe or a device"));
  CHECK(has(refused("/dev/null"), "is a pipe or a device"));
  const auto stream = [](const std::string& path) { (void)read_stream(path, Fault::data); };
  CHECK(has(message_of(Fault::data, [&] { stream(folder.path()); }), "is a directory"));
  CHECK(has(message_of(Fault::data, [] { (void)read_stream("/dev/zero", Fault::data); }),
            "is a device without an end"));
  CHECK(read_stream("/dev/null", Fault::data) == "");
}

TEST_CASE("read_stream: reads a pipe to its end, and a file that states no size") {
  const test::TemporaryFolder folder;
  REQUIRE(mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  const std::string text(1'000'000, 'y');
  std::jthread writer([&] { std::ofstream(folder.path("fifo")) << text; });
  CHECK(read_stream(folder.path("fifo"), Fault::data).compare(text) == 0);
  CHECK(has(read_stream("/proc/self/status", Fault::data), "Pid:"));
}

TEST_CASE("read_file: an unreadable file and a failing disk are the caller's fault code") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("a", "hello");
  for (std::size_t n = 1; n <= 2; ++n) {
    const Faults faults(n, EIO);
    const std::string said = message_of(Fault::model, [&] { (void)read_file(path, Fault::model); });
    CHECK(has(said, path + ": cannot be "));
    CHECK(has(said, "Input/output error"));
  }
  const Faults interrupted(2, EINTR);
  CHECK(read_file(path, Fault::model) == "hello");
  CHECK(interrupted.failed == "read");
}

TEST_CASE("write_file_atomically: the file is there, whole, and nothing else") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("model");
  write_file_atomically(path, "first");
  CHECK(folder.read("model") == "first");

  const std::string big(1'000'003, 'z');
  const std::array<std::span<const std::byte>, 3> parts{bytes_of("ab"), bytes_of(big),
                                                        bytes_of("c")};
  write_file_atomically(path, parts);
  CHECK(folder.read("model").compare("ab" + big + 'c') == 0);

  const std::size_t before = open_files();
  AtomicFile many(path);
  for (int i = 0; i < 100'000; ++i) many.write("0123456789");
  CHECK(folder.read("model").size() == big.size() + 3);  // not before commit
  many.commit();
  CHECK(folder.read("model").size() == 1'000'000);
  CHECK(folder.count() == 1);
  CHECK(open_files() == before);
}

TEST_CASE("AtomicFile: what the disk has no room for is refused before it is written") {
  const test::TemporaryFolder folder;
  folder.write("model", "the old file");
  AtomicFile file(folder.path("model"));
  file.require_room(12);
  const std::string said = message_of(
      Fault::system, [&] { file.require_room(std::numeric_limits<std::uint64_t>::max()); });
  CHECK(has(said, folder.path("model")));
  CHECK(has(said, "18446744073709551615 bytes and a tenth more are needed"));
  CHECK(folder.count() == 1);
  CHECK(folder.read("model") == "the old file");
}

TEST_CASE("write_file_atomically: whichever call fails, the old file stays and nothing is left") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("model");
  const std::string old = "the old file";
  const std::string fresh(600'000, 'n');
  const std::size_t before = open_files();
  for (const int error : {ENOSPC, EIO, EDQUOT}) {
    std::string calls;
    for (std::size_t n = 1;; ++n) {
      folder.write("model", old);
      Faults faults(n, error);
      faults.longest_write = 250'000;  // short writes, too
      const auto write = [&] { write_file_atomically(path, fresh); };
      const std::string said = message_of(Fault::system, write);
      CAPTURE(n);
      CHECK(folder.count() == 1);
      const std::string now = folder.read("model");
      // The folder is only read: closing it has nothing to lose.
      if (faults.failed == "none" || calls.ends_with("fsync folder ")) {
        CHECK(said == "no error");
        CHECK(now.compare(fresh) == 0);
        break;
      }
      calls += concat(faults.failed, ' ');
      CHECK(has(said, path));
      CHECK(has(said, detail::system_reason(error)));
      // Once renamed, the new file is in place, and complete.
      CHECK(now.compare(faults.failed == "fsync folder" ? fresh : old) == 0);
    }
    CHECK(calls == "open open write write write fsync close rename fsync folder ");
  }
  CHECK(open_files() == before);
}

TEST_CASE("write_file_atomically: a signal in any call changes nothing") {
  const test::TemporaryFolder folder;
  const std::string fresh(600'000, 'n');
  for (std::size_t n = 1; n < 20; ++n) {
    folder.write("model", "old");
    Faults faults(n, EINTR);
    faults.longest_write = 100'000;
    write_file_atomically(folder.path("model"), fresh);
    CHECK(folder.read("model").compare(fresh) == 0);
  }
}

TEST_CASE("AtomicFile: given up, it leaves no trace; after an error it cannot be committed") {
  const test::TemporaryFolder folder;
  folder.write("model", "old");
  {
    AtomicFile file(folder.path("model"));
    file.write(std::string(500'000, 'x'));
    CHECK(folder.count() == 2);
  }
  CHECK(folder.count() == 1);

  AtomicFile file(folder.path("model"));
  {
    const Faults faults(1, ENOSPC);
    CHECK_THROWS_AS(file.write(std::string(500'000, 'x')), Error);
  }
  CHECK(has(message_of(Fault::system, [&] { file.commit(); }), "an earlier write failed"));
  CHECK(folder.read("model") == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("write_file_atomically: says why it cannot, and keeps what is there") {
  const test::TemporaryFolder folder;
  const auto refused = [](const std::string& path) {
    return message_of(Fault::system, [&] { write_file_atomically(path, "new"); });
  };
  CHECK(has(refused(folder.path()), "it is a directory"));
  CHECK(has(refused(folder.path("missing/model")), "No such file or directory"));
  CHECK(has(refused(folder.path(std::string(300, 'n'))), "File name too long"));
  CHECK(has(refused(""), "No such file or directory"));
  fs::create_symlink("circle", folder.path("circle"));
  CHECK(has(refused(folder.path("circle")), "circle of symbolic links"));
  fs::remove(folder.path("circle"));
  CHECK(folder.count() == 0);

  if (geteuid() != 0) {  // root may write anywhere
    folder.write("locked", "old");
    fs::permissions(folder.path("locked"), fs::perms::owner_read);
    CHECK(has(refused(folder.path("locked")), "Permission denied"));
    fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
    CHECK(has(refused(folder.path("other")), "Permission denied"));
    CHECK(folder.read("locked") == "old");
  }
}

TEST_CASE("write_file_atomically: odd names are names") {
  const test::TemporaryFolder folder;
  const std::string longest(255, 'n');
  for (const std::string& name : {longest, std::string(225, 'm'), std::string("two\nlines"),
                                  std::string("größer"), std::string("-o"), std::string(".x")}) {
    write_file_atomically(folder.path(name), name);
    CHECK(folder.read(name) == name);
  }
  CHECK(folder.count() == 6);
}

TEST_CASE("write_file_atomically: devices and pipes are written to directly") {
  CHECK(has(message_of(Fault::system, [] { write_file_atomically("/dev/full", "x"); }),
            "/dev/full: cannot be written: No space left on device"));
  write_file_atomically("/dev/null", "x");
  CHECK(fs::is_character_file("/dev/null"));

  const test::TemporaryFolder folder;
  REQUIRE(mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  std::string got;
  std::jthread reader([&] { got = folder.read("fifo"); });
  write_file_atomically(folder.path("fifo"), "through the pipe");
  reader.join();
  CHECK(got == "through the pipe");
  CHECK(fs::is_fifo(folder.path("fifo")));

  // An open file by its number has no name that a rename could take.
  const detail::Descriptor open(folder.path("by number"), O_RDWR | O_CREAT, 0600);
  write_file_atomically(concat("/proc/self/fd/", open.get()), "appended");
  CHECK(folder.read("by number") == "appended");
}

TEST_CASE("write_file_atomically: a symbolic link stays one, and permissions stay") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder.path("there"));
  fs::create_symlink("there/target", folder.path("link"));
  write_file_atomically(folder.path("link"), "new");  // the target does not exist yet
  CHECK(fs::is_symlink(folder.path("link")));
  CHECK(folder.read("there/target") == "new");

  fs::permissions(folder.path("there/target"), fs::perms(0640));
  fs::create_symlink(folder.path("link"), folder.path("there/link to the link"));
  write_file_atomically(folder.path("there/link to the link"), "newer");
  CHECK(folder.read("there/target") == "newer");
  CHECK(fs::status(folder.path("there/target")).permissions() == fs::perms(0640));
  CHECK(fs::is_symlink(folder.path("there/link to the link")));
}

TEST_CASE("AtomicFile: removes what dead writers left, and nothing of living ones") {
  const test::TemporaryFolder folder;
  const pid_t dead = fork();
  if (dead == 0) _exit(0);
  REQUIRE(waitpid(dead, nullptr, 0) == dead);
  const std::string stale = concat(".model.tmp.", static_cast<int>(dead));
  const std::string own = concat(".model.tmp.", static_cast<int>(getpid()));
  folder.write(stale, "half");
  folder.write(own, "half, of a process that had the same number");
  folder.write(".model.tmp.1", "of process 1, which lives");
  folder.write(".model.tmp.12x", "of somebody else");
  folder.write(concat(".other.tmp.", static_cast<int>(dead)), "of another file");
  write_file_atomically(folder.path("model"), "new");
  CHECK_FALSE(fs::exists(folder.path(stale)));
  CHECK_FALSE(fs::exists(folder.path(own)));
  CHECK(folder.count() == 4);

  AtomicFile first(folder.path("model"));
  first.write("first");
  CHECK(has(message_of(Fault::system, [&] { write_file_atomically(folder.path("model"), "x"); }),
            "this very process is already writing it"));
  first.commit();
  CHECK(folder.read("model") == "first");
}

TEST_CASE("AtomicFile: killed before any of its calls, it leaves the old file or the new one") {
  const test::TemporaryFolder folder;
  const std::string old(300'000, 'o');
  const std::string fresh(600'000, 'n');
  std::size_t replaced = 0;
  std::size_t killed = 0;
  for (std::size_t n = 1; n <= 11; ++n) {
    folder.write("model", old);
    const pid_t child = fork();
    if (child == 0) {
      detail::FileFaults faults;
      faults.longest_write = 250'000;
      faults.fail_at = n;
      faults.before = [](const detail::FileFaults& now) {
        if (now.calls == now.fail_at) ::kill(getpid(), SIGKILL);
      };
      detail::file_faults = &faults;
      write_file_atomically(folder.path("model"), fresh);
      _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) ++killed;
    const std::string now = folder.read("model");
    CHECK((now == old || now == fresh));
    replaced += now == fresh ? 1U : 0U;
  }
  CHECK(killed == 10);   // open, open, write, write, write, fsync, close, rename, fsync, close
  CHECK(replaced == 3);  // the last two of these, and the run that nobody killed
  write_file_atomically(folder.path("model"), fresh);
  CHECK(folder.count() == 1);  // what the dead left is gone
}

TEST_CASE("same_file: by what a path leads to, not by how it is spelt") {
  const test::TemporaryFolder folder;
  folder.write("a", "");
  folder.write("b", "");
  fs::create_symlink("a", folder.path("link"));
  CHECK(same_file(folder.path("a"), folder.path("./a")));
  CHECK(same_file(folder.path("a"), folder.path("link")));
  CHECK_FALSE(same_file(folder.path("a"), folder.path("b")));
  CHECK_FALSE(same_file(folder.path("c"), folder.path("c")));
}

TEST_CASE("FileLock: one holder, named to the second, gone when it ends") {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("model");
  {
    const FileLock lock(path);
    CHECK(folder.read("model.lock") == concat(static_cast<int>(getpid()), '\n'));
    CHECK(has(message_of(Fault::system, [&] { const FileLock second(path); }),
              concat(path, ": process ", static_cast<int>(getpid()), " is writing it")));
    CHECK(folder.read("model.lock") == concat(static_cast<int>(getpid()), '\n'));
  }
  CHECK(folder.count() == 0);

  folder.write("model.lock", "999999999\n");  // left by one that died
  const FileLock lock(path);
  CHECK(folder.read("model.lock") == concat(static_cast<int>(getpid()), '\n'));
}

TEST_CASE("FileLock: the lock of a killed process is free") {
  const test::TemporaryFolder folder;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const FileLock lock(folder.path("model"));
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  const auto lock = [&] { const FileLock second(folder.path("model")); };
  CHECK(has(message_of(Fault::system, lock), concat("process ", static_cast<int>(child))));
  kill(child, SIGKILL);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK(message_of(Fault::system, lock) == "no error");
  CHECK(folder.count() == 0);
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE("FileLock: a lock file that was removed between its opening and its locking is no lock") {
  static const test::TemporaryFolder folder;
  Faults faults(0, 0);
  faults.before = [](const detail::FileFaults& now) {
    // The second call is the locking. Just then the last holder removes the file, and a third one
    // makes its own.
    if (now.calls != 2) return;
    CHECK(::unlink(folder.path("model.lock").c_str()) == 0);
    folder.write("model.lock", "");
  };
  const FileLock lock(folder.path("model"));
  CHECK(fs::exists(folder.path("model.lock")));
  CHECK(faults.calls > 4);
  CHECK_THROWS_AS(FileLock(folder.path("model")), Error);
}

TEST_CASE("FileLock: never two holders, however they come and go") {
  const test::TemporaryFolder folder;
  std::atomic<int> holders = 0;
  std::atomic<int> most = 0;
  std::atomic<int> held = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          try {
            const FileLock lock(folder.path("model"));
            const int together = ++holders;
            if (together > most) most = together;
            ++held;
            --holders;
          } catch (const Error&) {
          }
        }
      });
    }
  }
  CHECK(most == 1);
  CHECK(held > 0);
  CHECK(folder.count() == 0);
}

TEST_CASE("FileLock: says why it cannot") {
  const test::TemporaryFolder folder;
  const auto said = [&](const std::string& name) {
    return message_of(Fault::system, [&] { const FileLock lock(folder.path(name)); });
  };
  CHECK(has(said("missing/model"), "missing/model.lock: cannot be created: No such file"));
  CHECK(has(said(std::string(255, 'n')), "File name too long"));
  for (std::size_t n = 1; n <= 3; ++n) {
    const Faults faults(n, EIO);
    CHECK(has(said("model"), "Input/output error"));
  }
  CHECK(said("model") == "no error");
}

TEST_CASE("Descriptor: closed standard streams never become a file") {
  const pid_t child = fork();
  if (child == 0) {
    for (int fd = 0; fd < 3; ++fd) close(fd);
    const detail::Descriptor file("/dev/null", O_WRONLY);
    _exit(file.get() > 2 && fcntl(0, F_GETFD) == -1 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
