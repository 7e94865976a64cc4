#pragma once
/// MappedFile: a file's bytes without reading them, for what is larger than memory should be.
///
/// Only for files that this program wrote itself and replaces as a whole (io/file.hpp): whoever
/// shortens a file while it is mapped kills the processes that read it. Models are read instead.

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "bipft/core/error.hpp"
#include "bipft/io/file.hpp"

namespace bipft {

class MappedFile {
 public:
  MappedFile() = default;
  /// Throws Error of `fault` unless `path` is a regular file that can be read and mapped.
  MappedFile(const std::string& path, Fault fault) {
    const detail::Descriptor file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat status {};
    if (!file.open() || ::fstat(file.get(), &status) != 0) {
      fail(fault, path, ": cannot be opened: ", detail::system_reason(errno));
    }
    if (!S_ISREG(status.st_mode)) fail(fault, path, ": is not a regular file");
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ == 0) return;  // which no system maps
    void* const at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (at == MAP_FAILED) {
      size_ = 0;
      fail(fault, path, ": cannot be mapped: ", detail::system_reason(errno));
    }
    data_ = static_cast<const std::byte*>(at);
  }
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace bipft
