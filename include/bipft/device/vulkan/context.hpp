#pragma once
/// Context: a device with its arenas and pipelines; and VulkanLayout, weights that lie on it.

#include "bipft/device/vulkan/recording.hpp"

#if BIPFT_VULKAN

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "bipft/core/bit_matrix.hpp"
#include "bipft/device/cpu_runner.hpp"
#include "bipft/device/plan.hpp"

namespace bipft::vulkan {

struct Context {
  explicit Context(const VulkanOptions& options)
      : device(std::make_shared<VulkanDevice>(options)),
        memory(std::make_shared<Arena>(device, MemoryKind::device)),
        uploads(std::make_shared<Arena>(device, MemoryKind::upload)),
        readbacks(std::make_shared<Arena>(device, MemoryKind::readback)),
        pipelines(device) {}

  std::shared_ptr<VulkanDevice> device;
  std::shared_ptr<Arena> memory, uploads, readbacks;
  Pipelines pipelines;

  /// Bytes on the device, copied there in pieces.
  [[nodiscard]] Memory store(std::span<const std::byte> bytes) {
    const std::lock_guard lock(device->mutex());
    constexpr std::size_t piece = std::size_t{16} << 20U;
    Memory memory_of_bytes(memory, bytes.size());
    if (bytes.empty()) return memory_of_bytes;
    const Memory staging(uploads, std::min(piece, bytes.size()));
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      const std::size_t count = std::min(piece, bytes.size() - at);
      std::memcpy(staging.range().host, bytes.data() + at, count);
      Recording recording(device, 0);
      recording.copy(staging.range().part(0, count), memory_of_bytes.range().part(at, count));
      recording.finish();
      recording.run();
    }
    return memory_of_bytes;
  }
};

/// Rows of 32-bit words, as BitMatrix has them. Keeps the processor's own handle of the weights,
/// for whoever must compute without the device.
class VulkanLayout final : public WeightLayout {
 public:
  VulkanLayout(std::shared_ptr<Context> context, const BitMatrix& weight)
      : context_(std::move(context)), weight_(weight) {
    if (weight.empty()) fail("lay_out: a weight matrix of ", weight.rows(), " x ", weight.cols());
    const BitView view = weight.view();
    memory_ = context_->store(std::as_bytes(std::span(view.words, view.rows * view.words_per_row)));
  }
  [[nodiscard]] const Range& range() const { return memory_.range(); }
  [[nodiscard]] const BitMatrix& weight() const { return weight_; }
  [[nodiscard]] const Context* context() const { return context_.get(); }
  /// The same weights for the CPU, laid out when they are first asked for.
  [[nodiscard]] std::shared_ptr<const WeightLayout> on_cpu() const {
    std::call_once(once_, [this] { on_cpu_ = lay_out_on_cpu(weight_); });
    return on_cpu_;
  }

 private:
  std::shared_ptr<Context> context_;
  BitMatrix weight_;
  Memory memory_;
  mutable std::once_flag once_;
  mutable std::shared_ptr<const WeightLayout> on_cpu_;
};

}  // namespace bipft::vulkan

#endif
