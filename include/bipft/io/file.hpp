#pragma once
/// Files: read whole, written atomically and durably, locked. The one place that calls the system.
///
///   std::string text = read_stream("train.tsv", Fault::data);       // files, pipes, /dev/stdin
///   write_file_atomically("model.bipft", text);                     // the old, or the new
///   const FileLock lock("model.bipft");                             // one writer at a time
///
/// Whatever fails says which path and why. A writer that is killed leaves the old file and a
/// temporary one, `.NAME.tmp.PID`, which the next writer of the same path removes.
///
/// POSIX only. Not preserved when a file is replaced: its owner, its hard links, its extended
/// attributes. Nothing here is mapped into memory: a mapped file that somebody truncates kills the
/// process. Caches, which nobody else writes, are (io/mapped_file.hpp).

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"

namespace bipft {

namespace detail {

/// For tests: makes the n-th system call of a thread fail, and writes short.
struct FileFaults {
  std::size_t calls = 0;                        ///< calls seen so far
  std::size_t fail_at = 0;                      ///< the call that fails, from 1; 0 for none
  int error = 0;                                ///< the errno it fails with
  std::size_t longest_write = 0;                ///< bytes a write accepts at most; 0 for all
  std::string_view failed = "none";             ///< the name of the call that failed
  void (*before)(const FileFaults&) = nullptr;  ///< called before each call
};
inline thread_local FileFaults* file_faults = nullptr;

/// Whether the call `name` is the one that a test wants to fail; sets errno.
[[nodiscard]] inline bool injected_failure(std::string_view name) {
  if (file_faults == nullptr) return false;
  ++file_faults->calls;
  if (file_faults->before != nullptr) file_faults->before(*file_faults);
  if (file_faults->calls != file_faults->fail_at) return false;
  file_faults->failed = name;
  errno = file_faults->error;
  return true;
}

/// Calls again what a signal has interrupted.
template <class Call>
auto uninterrupted(std::string_view name, const Call& call) {
  decltype(call()) result{};
  do {
    result = injected_failure(name) ? decltype(call())(-1) : call();
  } while (result == -1 && errno == EINTR);
  return result;
}

[[nodiscard]] inline std::string system_reason(int error) {
  return std::generic_category().message(error);
}

/// An open file; closed with it. Never 0, 1 or 2: where a caller has closed its standard streams, a
/// model must not become what the next printf writes to.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const std::string& path, int flags, mode_t mode = 0) {
    fd_ = uninterrupted("open", [&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
    if (fd_ < 0 || fd_ > 2) return;
    const int low = std::exchange(fd_, ::fcntl(fd_, F_DUPFD_CLOEXEC, 3));
    const int reason = errno;
    ::close(low);
    errno = reason;
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { (void)close(); }

  [[nodiscard]] bool open() const { return fd_ >= 0; }
  [[nodiscard]] int get() const { return fd_; }

  /// Closes; false, with errno, if the system had something left to complain about. An interrupted
  /// close has closed.
  [[nodiscard]] bool close() {
    if (fd_ < 0) return true;
    const bool injected = injected_failure("close");
    const int reason = errno;
    const bool closed = ::close(std::exchange(fd_, -1)) == 0 || errno == EINTR;
    if (!injected || reason == EINTR) return closed;
    errno = reason;
    return false;
  }

 private:
  int fd_ = -1;
};

/// "dir/name" in its two halves: "dir" ("." or "/" where there is none) and "name".
struct SplitPath {
  std::string directory;
  std::string name;

  explicit SplitPath(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    name = slash == std::string::npos ? path : path.substr(slash + 1);
    directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  }
};

}  // namespace detail

/// Bytes of anything trivially made of them, as the functions here take them.
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// A regular file, open for reading.
class InputFile {
 public:
  /// Throws Error of `fault` unless `path` is a regular file that can be read. A directory, a pipe
  /// or a device is refused at once; none of them makes the program wait.
  InputFile(std::string path, Fault fault) : path_(std::move(path)), fault_(fault) {
    file_ = detail::Descriptor(path_, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat status {};
    if (!file_.open() || ::fstat(file_.get(), &status) != 0) {
      fail(fault_, path_, ": cannot be opened: ", detail::system_reason(errno));
    }
    if (S_ISDIR(status.st_mode)) fail(fault_, path_, ": is a directory, not a file");
    if (!S_ISREG(status.st_mode)) {
      fail(fault_, path_, ": is a pipe or a device, not a regular file; save it to a file first");
    }
    size_ = static_cast<std::size_t>(status.st_size);
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Fills `into` from where the last read ended; returns how many bytes there were, fewer than
  /// asked for only at the end of the file.
  [[nodiscard]] std::size_t read(std::span<std::byte> into) {
    constexpr std::size_t longest = std::size_t{1} << 30U;  // systems refuse reads above 2^31
    std::size_t done = 0;
    while (done < into.size()) {
      const std::size_t wanted = std::min(longest, into.size() - done);
      const ssize_t got = detail::uninterrupted(
          "read", [&] { return ::read(file_.get(), into.data() + done, wanted); });
      if (got < 0) fail(fault_, path_, ": cannot be read: ", detail::system_reason(errno));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  std::string path_;
  Fault fault_;
  detail::Descriptor file_;
  std::size_t size_ = 0;
};

/// The bytes of the regular file `path`. Throws Error of `fault` if it is missing, unreadable, no
/// regular file, or longer than `limit` bytes.
[[nodiscard]] inline std::string read_file(const std::string& path, Fault fault,
                                           std::size_t limit = std::size_t{1} << 32U) {
  InputFile file(path, fault);
  if (file.size() > limit) {
    fail(fault, path, ": has ", file.size(), " bytes, more than the ", limit, " allowed");
  }
  std::string text(file.size(), '\0');
  text.resize(file.read(std::as_writable_bytes(std::span(text.data(), text.size()))));
  return text;
}

/// The bytes of `path` to its end: a regular file, a pipe, a terminal, /dev/stdin. Memory grows
/// with the bytes that came, never with what a size field says. Throws Error of `fault` if the path
/// cannot be read, is a directory or a device without an end, or yields more than `limit` bytes.
[[nodiscard]] inline std::string read_stream(const std::string& path, Fault fault,
                                             std::size_t limit = std::size_t{1} << 32U) {
  const detail::Descriptor file(path, O_RDONLY | O_NOCTTY);
  struct stat status {};
  if (!file.open() || ::fstat(file.get(), &status) != 0) {
    fail(fault, path, ": cannot be opened: ", detail::system_reason(errno));
  }
  if (S_ISDIR(status.st_mode)) fail(fault, path, ": is a directory, not a file");
  const bool device = S_ISBLK(status.st_mode) || (S_ISCHR(status.st_mode) && !::isatty(file.get()));

  std::string text;
  if (S_ISREG(status.st_mode)) {
    text.reserve(std::min(limit, static_cast<std::size_t>(status.st_size)) + 1);
  }
  std::vector<char> chunk(std::size_t{1} << 18U);
  for (;;) {
    const ssize_t got = detail::uninterrupted(
        "read", [&] { return ::read(file.get(), chunk.data(), chunk.size()); });
    if (got < 0) fail(fault, path, ": cannot be read: ", detail::system_reason(errno));
    if (got == 0) return text;
    if (device) fail(fault, path, ": is a device without an end; save what it yields to a file");
    if (static_cast<std::size_t>(got) > limit - text.size()) {
      fail(fault, path, ": has more than the ", limit, " bytes allowed");
    }
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

/// Whether both paths name one existing file: an output must not overwrite its input.
[[nodiscard]] inline bool same_file(const std::string& a, const std::string& b) {
  struct stat first {};
  struct stat second {};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/// A file in the making: complete and in place after `commit()`, or not there at all.
///
///   AtomicFile file(path);
///   file.write(header);
///   file.write(data);
///   file.commit();
///
/// The bytes go to `.NAME.tmp.PID` beside the target (so that a rename can replace it), are flushed
/// to the disk, and only then take the target's name. Until that moment the old file is untouched;
/// if anything fails, or the object dies before, the temporary file is removed. A symbolic link
/// stays one: its target is replaced. A pipe or a device (/dev/stdout, /dev/full) is written to
/// directly.
///
/// Everything throws Error{Fault::system} naming the path and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path) : path_(std::move(path)) {
    struct stat status {};
    const bool exists = ::stat(path_.c_str(), &status) == 0;
    if (exists && S_ISDIR(status.st_mode)) fail_here("it is a directory");
    if ((exists && !S_ISREG(status.st_mode)) || !follow_links()) {
      file_ = detail::Descriptor(path_, O_WRONLY | O_APPEND | O_NOCTTY);
      if (!file_.open()) fail_here("cannot be opened for writing", errno);
      return;
    }
    if (exists && ::faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0) {
      fail_here("the file is there and may not be changed", errno);
    }

    const detail::SplitPath split(target_);
    const std::string prefix = temporary_prefix(split.name);
    remove_stale(split.directory, prefix);
    directory_ = detail::Descriptor(split.directory, O_RDONLY | O_DIRECTORY);
    if (!directory_.open()) fail_here("cannot open the folder", errno);
    const std::string temporary =
        concat(split.directory, '/', prefix, static_cast<long long>(::getpid()));
    file_ = detail::Descriptor(temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (!file_.open()) {
      if (errno == EEXIST) fail_here("this very process is already writing it");
      fail_here("cannot create a file in its folder", errno);
    }
    temporary_ = temporary;
    // Held while writing, so that nobody takes this temporary file for a dead writer's.
    (void)::flock(file_.get(), LOCK_EX | LOCK_NB);
    if (exists) (void)::fchmod(file_.get(), status.st_mode & 0777U);
  }

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() { abandon(); }

  /// Throws if the disk has no room for `bytes` and a tenth more: better now than half-way, when
  /// nothing else could be saved either.
  void require_room(std::uint64_t bytes) {
    struct statvfs disk {};
    if (temporary_.empty() || ::fstatvfs(file_.get(), &disk) != 0) return;
    const double room = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
    if (room >= 1.1 * static_cast<double>(bytes)) return;
    fail_here(concat(bytes, " bytes and a tenth more are needed, and the disk has ",
                     static_cast<std::uint64_t>(room)));
  }

  /// Appends. Large pieces go straight to the system, small ones are gathered.
  void write(std::span<const std::byte> bytes) {
    if (!file_.open()) fail_here("an earlier write failed");
    if (bytes.size() >= buffer_size) {
      flush();
      write_through(bytes);
      return;
    }
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (buffer_.size() >= buffer_size) flush();
  }
  void write(std::string_view text) { write(bytes_of(text)); }

  /// Makes the file durable and gives it its name.
  void commit() {
    if (!file_.open()) fail_here("an earlier write failed");
    flush();
    if (temporary_.empty()) {
      if (!file_.close()) fail_here("cannot be written", errno);
      return;
    }
    if (detail::uninterrupted("fsync", [&] { return ::fsync(file_.get()); }) != 0 ||
        !file_.close() || detail::uninterrupted("rename", [&] {
                            return ::rename(temporary_.c_str(), target_.c_str());
                          }) != 0) {
      fail_here("cannot be written", errno);
    }
    temporary_.clear();
    // Some file systems cannot flush a folder and say EINVAL; there is nothing more to be done
    // there.
    const int synced =
        detail::uninterrupted("fsync folder", [&] { return ::fsync(directory_.get()); });
    if (synced != 0 && errno != EINVAL && errno != ENOTSUP) {
      fail_here("is in place and complete, but its folder could not be flushed", errno);
    }
    (void)directory_.close();
  }

 private:
  static constexpr std::size_t buffer_size = std::size_t{1} << 18U;
  static constexpr std::size_t longest_name = 255;  // NAME_MAX of every file system in use

  [[noreturn]] void fail_here(std::string_view what, int reason = 0) {
    abandon();
    if (reason == 0) fail(Fault::system, path_, ": cannot be written: ", what);
    fail(Fault::system, path_, ": ", what, ": ", detail::system_reason(reason));
  }

  void abandon() {
    (void)file_.close();
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  /// Puts the place that `path_` leads to into `target_`. False if that is an open file of a
  /// process (/dev/stdout, /dev/fd/3), which has no place to rename to.
  [[nodiscard]] bool follow_links() {
    target_ = path_;
    for (int hops = 0; hops < 40; ++hops) {
      if (target_.starts_with("/proc/") || target_.starts_with("/dev/fd/")) return false;
      char link[4096];
      const ssize_t length = ::readlink(target_.c_str(), link, sizeof link);
      if (length < 0) return true;
      const std::string_view next(link, static_cast<std::size_t>(length));
      target_ = next.starts_with('/') ? std::string(next)
                                      : concat(detail::SplitPath(target_).directory, '/', next);
    }
    fail_here("it is a circle of symbolic links");
  }

  /// ".NAME.tmp."; a name too long for that is cut and told apart by a hash.
  [[nodiscard]] static std::string temporary_prefix(const std::string& name) {
    constexpr std::size_t room = longest_name - 26;  // ".", ".tmp.", and 20 digits
    if (name.size() <= room) return concat('.', name, ".tmp.");
    std::uint32_t hash = 2166136261U;  // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return concat('.', std::string_view(name).substr(0, room - 11), '-', hash, ".tmp.");
  }

  /// Removes the temporary files of writers that are no more. A process id alone does not tell
  /// (they come again, in containers soon): the lock does.
  static void remove_stale(const std::string& directory, const std::string& prefix) {
    DIR* const folder = ::opendir(directory.c_str());
    if (folder == nullptr) return;
    while (const dirent* const entry = ::readdir(folder)) {
      const std::string_view name = entry->d_name;
      if (!name.starts_with(prefix)) continue;
      long pid = 0;
      const char* const end = name.data() + name.size();
      const auto [rest, error] = std::from_chars(name.data() + prefix.size(), end, pid);
      if (error != std::errc() || rest != end || pid <= 0) continue;
      const bool dead = ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
      if (!dead && pid != static_cast<long>(::getpid())) continue;
      const std::string stale = concat(directory, '/', name);
      const int fd = ::open(stale.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
      if (fd < 0) continue;
      if (::flock(fd, LOCK_EX | LOCK_NB) == 0) ::unlink(stale.c_str());
      ::close(fd);
    }
    ::closedir(folder);
  }

  void flush() {
    write_through(bytes_of(buffer_));
    buffer_.clear();
  }

  void write_through(std::span<const std::byte> bytes) {
    constexpr std::size_t longest = std::size_t{1} << 30U;
    while (!bytes.empty()) {
      std::size_t wanted = std::min(longest, bytes.size());
      if (detail::file_faults != nullptr && detail::file_faults->longest_write > 0) {
        wanted = std::min(wanted, detail::file_faults->longest_write);
      }
      const ssize_t written = detail::uninterrupted(
          "write", [&] { return ::write(file_.get(), bytes.data(), wanted); });
      if (written <= 0) fail_here("cannot be written", written < 0 ? errno : ENOSPC);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  std::string path_;       ///< as the caller named it, for messages
  std::string target_;     ///< where its links lead
  std::string temporary_;  ///< empty once renamed, or where writing is direct
  detail::Descriptor file_;
  detail::Descriptor directory_;
  std::string buffer_;
};

/// Replaces `path` by all `parts` in a row, atomically and durably (see AtomicFile).
inline void write_file_atomically(const std::string& path,
                                  std::span<const std::span<const std::byte>> parts) {
  AtomicFile file(path);
  std::uint64_t bytes = 0;
  for (const std::span<const std::byte> part : parts) bytes += part.size();
  file.require_room(bytes);
  for (const std::span<const std::byte> part : parts) file.write(part);
  file.commit();
}
inline void write_file_atomically(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// The right to write `path`, held by one process at a time. Stands as `PATH.lock`, which holds the
/// process id; the system releases the lock when its holder dies, however it dies.
class FileLock {
 public:
  /// Throws Error{Fault::system}, naming the holder, if another process (or another FileLock of
  /// this one) has the lock; never waits.
  explicit FileLock(const std::string& path) : path_(path + ".lock") {
    for (;;) {
      file_ = detail::Descriptor(path_, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0666);
      if (!file_.open()) {
        fail(Fault::system, path_, ": cannot be created: ", detail::system_reason(errno));
      }
      if (detail::uninterrupted("flock", [&] { return ::flock(file_.get(), LOCK_EX | LOCK_NB); }) !=
          0) {
        if (errno != EWOULDBLOCK) {
          fail(Fault::system, path_, ": cannot be locked: ", detail::system_reason(errno));
        }
        fail(Fault::system, path, ": ", holder(), " is writing it (", path_,
             "); wait for it to end, or choose another output");
      }
      // The last holder may have removed the file between our open and our lock; then what we
      // locked has no name any more, and the next process would lock another file.
      struct stat ours {};
      struct stat named {};
      if (::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
          ours.st_dev == named.st_dev && ours.st_ino == named.st_ino) {
        break;
      }
      (void)file_.close();
    }
    const std::string pid = concat(static_cast<long long>(::getpid()), '\n');
    if (::ftruncate(file_.get(), 0) != 0 || detail::uninterrupted("write", [&] {
                                              return ::write(file_.get(), pid.data(), pid.size());
                                            }) != static_cast<ssize_t>(pid.size())) {
      const int reason = errno;
      ::unlink(path_.c_str());
      fail(Fault::system, path_, ": cannot be written: ", detail::system_reason(reason));
    }
  }

  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() {
    ::unlink(
        path_.c_str());  // first the name, then the lock: nobody can lock a file we still remove
  }

 private:
  /// "process 4711", from the locked file; "another process" if it has not yet said.
  [[nodiscard]] std::string holder() const {
    char digits[32];
    const ssize_t length = ::pread(file_.get(), digits, sizeof digits, 0);
    long long pid = 0;
    if (length > 0 && std::from_chars(digits, digits + length, pid).ec == std::errc() && pid > 0) {
      return concat("process ", pid);
    }
    return "another process";
  }

  std::string path_;
  detail::Descriptor file_;
};

}  // namespace bipft
