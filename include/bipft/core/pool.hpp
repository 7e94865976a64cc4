#pragma once
/// BufferPool: memory that is asked for again is handed out again, so that the second batch of a
/// shape costs no system allocation.
///
/// Sizes are rounded up to a quarter of a power of two, which wastes at most a fifth. What is given
/// back stays here, as long as all of it is no more than one and a half times what was ever out at
/// once, and `slack`: batches of many lengths ask for many sizes, and each would otherwise stay at
/// its most. What was asked for longest ago goes first. Thread-safe.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

namespace bipft {

class BufferPool {
 public:
  static constexpr std::size_t alignment = 64;  // one cache line, one 512-bit register
  static constexpr std::size_t slack = std::size_t{64} << 20U;

  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() { trim(); }

  /// At least `bytes` bytes, aligned, with undefined contents. Throws std::bad_alloc.
  [[nodiscard, gnu::noinline]] void* take(std::size_t bytes) {
    const Size size = size_of(bytes);
    const std::scoped_lock lock(mutex_);
    Shelf& shelf = shelves_[size.index];
    shelf.asked = ++clock_;
    if (!shelf.idle.empty()) {
      void* memory = shelf.idle.back();
      shelf.idle.pop_back();
      idle_ -= size.bytes;
      count_out(size.bytes);
      return memory;
    }
    const std::size_t most = std::max(most_, out_ + size.bytes);
    while (idle_ != 0 && out_ + size.bytes + idle_ > most + most / 2 + slack) release_oldest();
    void* memory = ::operator new (size.bytes, std::align_val_t{alignment}, std::nothrow);
    if (memory == nullptr) {
      while (idle_ != 0) release_oldest();
      memory = ::operator new (size.bytes, std::align_val_t{alignment});
    }
    shelf.bytes = size.bytes;
    count_out(size.bytes);
    return memory;
  }

  /// Gives back what `take(bytes)` returned.
  [[gnu::noinline]] void give(void* memory, std::size_t bytes) noexcept {
    const Size size = size_of(bytes);
    const std::scoped_lock lock(mutex_);
    out_ -= size.bytes;
    try {
      shelves_[size.index].idle.push_back(memory);
      idle_ += size.bytes;
    } catch (...) {  // no room for the list itself
      ::operator delete (memory, std::align_val_t{alignment});
    }
  }

  /// Returns everything unused to the system.
  [[gnu::noinline]] void trim() noexcept {
    const std::scoped_lock lock(mutex_);
    while (idle_ != 0) release_oldest();
  }

  /// Bytes that wait here to be asked for.
  [[nodiscard]] std::size_t idle() const {
    const std::scoped_lock lock(mutex_);
    return idle_;
  }

  /// The pool that tensors use. Never destroyed, so that tensors of any lifetime may return to it.
  [[nodiscard, gnu::noinline]] static BufferPool& shared() {
    static BufferPool* const pool = new BufferPool;
    return *pool;
  }

 private:
  struct Size {
    std::size_t index;
    std::size_t bytes;
  };
  /// The memory of one rounded size.
  struct Shelf {
    std::vector<void*> idle;
    std::size_t bytes = 0;  // of each
    std::uint64_t asked = 0;
  };

  [[nodiscard]] static Size size_of(std::size_t bytes) {
    if (bytes <= alignment) return {0, alignment};
    if (bytes > (std::size_t{1} << 62U)) throw std::bad_alloc();
    const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes
    const std::size_t step = std::size_t{1} << (power - 2);
    const std::size_t quarter = (bytes - 1 - (std::size_t{1} << power)) / step;  // 0 ... 3
    const std::size_t rounded = (std::size_t{1} << power) + (quarter + 1) * step;
    return {4 * power + quarter, (rounded + alignment - 1) / alignment * alignment};
  }

  void count_out(std::size_t bytes) {
    out_ += bytes;
    most_ = std::max(most_, out_);
  }
  void release_oldest() noexcept {
    Shelf* oldest = nullptr;
    for (Shelf& shelf : shelves_) {
      if (shelf.idle.empty() || (oldest != nullptr && oldest->asked <= shelf.asked)) continue;
      oldest = &shelf;
    }
    for (void* memory : oldest->idle) ::operator delete (memory, std::align_val_t{alignment});
    idle_ -= oldest->idle.size() * oldest->bytes;
    oldest->idle.clear();
  }

  mutable std::mutex mutex_;
  std::array<Shelf, 256> shelves_;
  std::uint64_t clock_ = 0;
  std::size_t out_ = 0, idle_ = 0;  // bytes
  std::size_t most_ = 0;            // that were ever out
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
