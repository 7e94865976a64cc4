#pragma once
/// BufferPool: memory that is asked for again is handed out again, so that the second batch of a
/// shape costs no system allocation.
///
/// Sizes are rounded up to a quarter of a power of two, which wastes at most a fifth. What is given
/// back stays here until `trim()`. Thread-safe.

#include <array>
#include <bit>
#include <cstddef>
#include <mutex>
#include <new>
#include <vector>

namespace bipft {

class BufferPool {
 public:
  static constexpr std::size_t alignment = 64;  // one cache line, one 512-bit register

  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() { trim(); }

  /// At least `bytes` bytes, aligned, with undefined contents. Throws std::bad_alloc.
  [[nodiscard, gnu::noinline]] void* take(std::size_t bytes) {
    const Class size = class_of(bytes);
    {
      const std::scoped_lock lock(mutex_);
      auto& list = free_[size.index];
      if (!list.empty()) {
        void* memory = list.back();
        list.pop_back();
        return memory;
      }
    }
    return ::operator new (size.bytes, std::align_val_t{alignment});
  }

  /// Gives back what `take(bytes)` returned.
  [[gnu::noinline]] void give(void* memory, std::size_t bytes) noexcept {
    try {
      const std::scoped_lock lock(mutex_);
      free_[class_of(bytes).index].push_back(memory);
    } catch (...) {  // no room for the list itself
      ::operator delete (memory, std::align_val_t{alignment});
    }
  }

  /// Returns everything unused to the system.
  [[gnu::noinline]] void trim() noexcept {
    const std::scoped_lock lock(mutex_);
    for (auto& list : free_) {
      for (void* memory : list) ::operator delete (memory, std::align_val_t{alignment});
      list.clear();
    }
  }

  /// The pool that tensors use. Never destroyed, so that tensors of any lifetime may return to it.
  [[nodiscard, gnu::noinline]] static BufferPool& shared() {
    static BufferPool* const pool = new BufferPool;
    return *pool;
  }

 private:
  struct Class {
    std::size_t index;
    std::size_t bytes;
  };

  [[nodiscard]] static Class class_of(std::size_t bytes) {
    if (bytes <= alignment) return {0, alignment};
    if (bytes > (std::size_t{1} << 62U)) throw std::bad_alloc();
    const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes
    const std::size_t step = std::size_t{1} << (power - 2);
    const std::size_t quarter = (bytes - 1 - (std::size_t{1} << power)) / step;  // 0 ... 3
    const std::size_t rounded = (std::size_t{1} << power) + (quarter + 1) * step;
    return {4 * power + quarter, (rounded + alignment - 1) / alignment * alignment};
  }

  std::mutex mutex_;
  std::array<std::vector<void*>, 256> free_;
};

/// Elements of the shared pool for as long as this lives: aligned, with undefined contents.
template <class T>
class PoolArray {
 public:
  explicit PoolArray(std::size_t count)
      : bytes_(count * sizeof(T)), begin_(static_cast<T*>(BufferPool::shared().take(bytes_))) {}
  PoolArray(const PoolArray&) = delete;
  PoolArray& operator=(const PoolArray&) = delete;
  ~PoolArray() { BufferPool::shared().give(begin_, bytes_); }

  [[nodiscard]] T* begin() const { return begin_; }

 private:
  std::size_t bytes_;
  T* begin_;
};

/// Lets the standard library take from the shared pool:
///   std::allocate_shared<Storage>(PoolAllocator<Storage>(), bytes)
template <class T>
struct PoolAllocator {
  using value_type = T;
  static_assert(alignof(T) <= BufferPool::alignment);

  PoolAllocator() = default;
  template <class U>
  explicit PoolAllocator(const PoolAllocator<U>& /*other*/) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    return static_cast<T*>(BufferPool::shared().take(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    BufferPool::shared().give(memory, count * sizeof(T));
  }
  [[nodiscard]] friend bool operator==(PoolAllocator, PoolAllocator) { return true; }
};

}  // namespace bipft
