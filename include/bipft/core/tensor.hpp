#pragma once
/// Tensor: a dense, contiguous, row-major block of numbers.
///
/// Copying a tensor copies a handle; the numbers are shared. The rule that keeps this safe: **a
/// tensor that is shared is never written to**; `mutable_data()` copies first where it is shared.
/// There are no views and no strides.
///
/// The numbers live where they were last written. A device that keeps its results to itself hands
/// out tensors whose storage has a `Residence`; asking for them on the host brings them over, once.
/// As a shared tensor is never written to, a copy on a device can never be stale.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <type_traits>
#include <utility>

#include "bipft/core/error.hpp"
#include "bipft/core/pool.hpp"
#include "bipft/core/shape.hpp"

namespace bipft {

/// Where numbers are when they are not on the host. A device derives from this.
class Residence {
 public:
  virtual ~Residence() = default;
  /// Copies all numbers to `host`, which has room for `bytes` bytes.
  virtual void fetch(void* host, std::size_t bytes) const = 0;
};

namespace detail {

/// The numbers behind one or more tensors: on the host, on a device, or on both.
class Storage {
 public:
  explicit Storage(std::size_t bytes)
      : bytes_(bytes), host_(BufferPool::shared().take(bytes)), on_host_(true) {}
  Storage(std::size_t bytes, std::shared_ptr<const Residence> residence)
      : bytes_(bytes), residence_(std::move(residence)) {}
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage() {
    if (host_ != nullptr) BufferPool::shared().give(host_, bytes_);
  }

  [[nodiscard]] const void* read() {
    if (!on_host_.load(std::memory_order_acquire)) bring();
    return host_;
  }
  /// For the only owner: the host's copy becomes the truth.
  [[nodiscard, gnu::noinline]] void* write() {
    if (!on_host_.load(std::memory_order_acquire)) bring();
    residence_.reset();
    return host_;
  }
  [[nodiscard]] const std::shared_ptr<const Residence>& residence() const { return residence_; }
  /// Remembers a device's copy of numbers that are on the host too. For the device only.
  void remember(std::shared_ptr<const Residence> residence) { residence_ = std::move(residence); }

 private:
  [[gnu::noinline]] void bring() {
    const std::scoped_lock lock(mutex_);
    if (on_host_.load(std::memory_order_relaxed)) return;
    host_ = BufferPool::shared().take(bytes_);
    residence_->fetch(host_, bytes_);
    on_host_.store(true, std::memory_order_release);
  }

  std::size_t bytes_;
  void* host_ = nullptr;
  std::shared_ptr<const Residence> residence_;
  std::atomic<bool> on_host_{false};
  std::mutex mutex_;
};

/// A shared storage, or none. Copied and dropped all over the library, so out of line: inlined, the
/// counting is most of what a struct of tensors compiles to.
class StorageHandle {
 public:
  StorageHandle() = default;
  [[gnu::noinline]] explicit StorageHandle(std::size_t bytes)
      : storage_(std::allocate_shared<Storage>(PoolAllocator<Storage>(), bytes)) {}
  StorageHandle(std::size_t bytes, std::shared_ptr<const Residence> residence)
      : storage_(std::allocate_shared<Storage>(PoolAllocator<Storage>(), bytes,
                                               std::move(residence))) {}
  [[gnu::noinline]] StorageHandle(const StorageHandle& other) : storage_(other.storage_) {}
  StorageHandle(StorageHandle&& other) noexcept = default;
  [[gnu::noinline]] StorageHandle& operator=(const StorageHandle& other) {
    storage_ = other.storage_;
    return *this;
  }
  [[gnu::noinline]] StorageHandle& operator=(StorageHandle&& other) noexcept {
    storage_ = std::move(other.storage_);
    return *this;
  }
  [[gnu::noinline]] ~StorageHandle() {}

  [[nodiscard]] Storage* operator->() const { return storage_.get(); }
  [[nodiscard]] bool empty() const { return storage_ == nullptr; }
  [[nodiscard]] bool shared() const { return storage_.use_count() > 1; }

 private:
  std::shared_ptr<Storage> storage_;
};

}  // namespace detail

template <class T>
class BasicTensor {
  static_assert(std::is_trivially_copyable_v<T>, "tensors hold plain numbers");

 public:
  /// A tensor of nothing: `empty()` is true.
  BasicTensor() = default;

  /// Every element is `value`.
  explicit BasicTensor(const Shape& shape, T value = T{}) : BasicTensor(uninitialized(shape)) {
    if (!empty()) std::fill_n(static_cast<T*>(storage_->write()), numel(), value);
  }

  /// Throws Error unless `values` has exactly `shape.numel()` elements.
  BasicTensor(const Shape& shape, std::span<const T> values) : BasicTensor(uninitialized(shape)) {
    if (values.size() != numel()) fail("Tensor: ", values.size(), " values for shape ", shape);
    if (!empty()) std::copy(values.begin(), values.end(), static_cast<T*>(storage_->write()));
  }

  /// Elements of no particular value: for whoever writes each of them next.
  [[nodiscard]] static BasicTensor uninitialized(const Shape& shape) {
    BasicTensor result;
    result.shape_ = shape;
    if (shape.numel() != 0) {
      result.storage_ = detail::StorageHandle(shape.numel() * sizeof(T));
    }
    return result;
  }

  /// Numbers that are on a device.
  [[nodiscard]] static BasicTensor resident(const Shape& shape,
                                            std::shared_ptr<const Residence> residence) {
    BasicTensor result;
    result.shape_ = shape;
    result.storage_ = detail::StorageHandle(shape.numel() * sizeof(T), std::move(residence));
    return result;
  }

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::size_t numel() const { return shape_.numel(); }
  [[nodiscard]] std::size_t rows() const { return shape_.rows(); }
  [[nodiscard]] std::size_t cols() const { return shape_.cols(); }
  [[nodiscard]] bool empty() const { return storage_.empty(); }

  /// The numbers, on the host.
  [[nodiscard]] std::span<const T> data() const {
    if (empty()) return {};
    return {static_cast<const T*>(storage_->read()), numel()};
  }
  [[nodiscard]] std::span<const T> row(std::size_t i) const {
    return data().subspan(i * cols(), cols());
  }

  /// Write access on the host. Copies first if another handle shares the numbers.
  [[nodiscard]] std::span<T> mutable_data() {
    if (empty()) return {};
    if (storage_.shared()) *this = BasicTensor(shape_, data());
    return {static_cast<T*>(storage_->write()), numel()};
  }
  [[nodiscard]] std::span<T> mutable_row(std::size_t i) {
    return mutable_data().subspan(i * cols(), cols());
  }

  /// Does another handle share the numbers, so that mutable_data() would copy them?
  [[nodiscard]] bool shared() const { return !empty() && storage_.shared(); }

  /// The same numbers in another shape. Throws Error if their count differs.
  [[nodiscard]] BasicTensor reshaped(const Shape& shape) const {
    if (shape.numel() != numel()) fail("Tensor: ", shape_, " cannot be read as ", shape);
    BasicTensor result = *this;
    result.shape_ = shape;
    return result;
  }

  /// The device's copy, if there is one. For devices.
  [[nodiscard]] std::shared_ptr<const Residence> residence() const {
    return empty() ? nullptr : storage_->residence();
  }

 private:
  Shape shape_;
  detail::StorageHandle storage_;
};

using Tensor = BasicTensor<float>;           ///< values, gradients, parameters
using IdTensor = BasicTensor<std::int32_t>;  ///< token ids, labels, integer products

}  // namespace bipft
