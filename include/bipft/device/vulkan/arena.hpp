#pragma once
/// Arena: device memory in large blocks, cut into ranges; and Memory, a range that is given back.

#include "bipft/device/vulkan/device.hpp"

#if BIPFT_VULKAN

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace bipft::vulkan {

/// Bytes of a buffer; `host` where the processor sees them.
struct Range {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceSize offset = 0;
  VkDeviceSize size = 0;
  std::byte* host = nullptr;

  [[nodiscard]] Range part(VkDeviceSize at, VkDeviceSize bytes) const {
    return {buffer, offset + at, bytes, host == nullptr ? nullptr : host + at};
  }
};

enum class MemoryKind {
  device,    ///< where shaders work
  upload,    ///< written by the processor
  readback,  ///< read by it
};

class Arena {
 public:
  static constexpr VkDeviceSize alignment = 256;  // Vulkan asks no device for more

  Arena(std::shared_ptr<VulkanDevice> device, MemoryKind kind)
      : device_(std::move(device)), kind_(kind) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (Block& block : blocks_) destroy(block);
  }

  /// Throws VulkanError, naming the bytes, if there is no room for them.
  [[nodiscard]] Range take(VkDeviceSize bytes) {
    const std::lock_guard lock(mutex_);
    bytes = (std::max<VkDeviceSize>(bytes, 1) + alignment - 1) / alignment * alignment;
    for (Block& block : blocks_) {
      for (auto& [begin, size] : block.free) {
        if (size < bytes) continue;
        const VkDeviceSize at = begin;
        const VkDeviceSize left = size - bytes;
        block.free.erase(at);
        if (left != 0) block.free.emplace(at + bytes, left);
        return {block.buffer, at, bytes, block.host == nullptr ? nullptr : block.host + at};
      }
    }
    add_block(bytes);
    Block& block = blocks_.back();
    block.free.clear();
    if (block.size > bytes) block.free.emplace(bytes, block.size - bytes);
    return {block.buffer, 0, bytes, block.host};
  }

  void give_back(const Range& range) {
    const std::lock_guard lock(mutex_);
    for (Block& block : blocks_) {
      if (block.buffer != range.buffer) continue;
      auto here = block.free.emplace(range.offset, range.size).first;
      if (here != block.free.begin()) {
        const auto before = std::prev(here);
        if (before->first + before->second == here->first) {
          before->second += here->second;
          block.free.erase(here);
          here = before;
        }
      }
      const auto after = std::next(here);
      if (after != block.free.end() && here->first + here->second == after->first) {
        here->second += after->second;
        block.free.erase(after);
      }
    }
  }

 private:
  struct Block {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VkDeviceSize size = 0;
    std::byte* host = nullptr;
    std::map<VkDeviceSize, VkDeviceSize> free;  // where, and how many bytes
  };

  void destroy(const Block& block) {
    const Functions& vk = device_->calls();
    vk.vkDestroyBuffer(device_->handle(), block.buffer, nullptr);
    vk.vkFreeMemory(device_->handle(), block.memory, nullptr);
  }

  /// A block with room for `bytes`; smaller ones are tried where a large one fails.
  void add_block(VkDeviceSize bytes) {
    VkDeviceSize size = std::max<VkDeviceSize>(bytes, device_->options().block_bytes);
    for (;; size = std::max(bytes, size / 2)) {
      try {
        blocks_.push_back(make_block(size));
        return;
      } catch (const VulkanError& error) {
        const bool memory = error.result() == VK_ERROR_OUT_OF_DEVICE_MEMORY ||
                            error.result() == VK_ERROR_OUT_OF_HOST_MEMORY;
        if (memory && size > bytes) continue;
        if (!memory) throw;
        throw VulkanError(error.result(), concat("vulkan: ", device_->name(), " has no room for ",
                                                 bytes, " bytes more"));
      }
    }
  }

  [[nodiscard]] Block make_block(VkDeviceSize bytes) {
    const Functions& vk = device_->calls();
    Block block;
    block.size = bytes;
    VkBufferCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = bytes;
    info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
                 VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                 VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    try {
      check(vk.vkCreateBuffer(device_->handle(), &info, nullptr, &block.buffer), "vkCreateBuffer");
      VkMemoryRequirements needs{};
      vk.vkGetBufferMemoryRequirements(device_->handle(), block.buffer, &needs);
      VkMemoryAllocateInfo allocation{};
      allocation.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
      allocation.allocationSize = needs.size;
      allocation.memoryTypeIndex = type_of(needs.memoryTypeBits);
      check(vk.vkAllocateMemory(device_->handle(), &allocation, nullptr, &block.memory),
            "vkAllocateMemory");
      check(vk.vkBindBufferMemory(device_->handle(), block.buffer, block.memory, 0),
            "vkBindBufferMemory");
      if (kind_ != MemoryKind::device) {
        void* host = nullptr;
        check(vk.vkMapMemory(device_->handle(), block.memory, 0, bytes, 0, &host), "vkMapMemory");
        block.host = static_cast<std::byte*>(host);
      }
    } catch (...) {
      destroy(block);
      throw;
    }
    return block;
  }

  /// Of the types that will do the first that has what is wished for, else what is needed.
  [[nodiscard]] std::uint32_t type_of(std::uint32_t allowed) const {
    const VkMemoryPropertyFlags coherent =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    const VkMemoryPropertyFlags needed = kind_ == MemoryKind::device ? 0 : coherent;
    const VkMemoryPropertyFlags wished =
        kind_ == MemoryKind::device     ? VkMemoryPropertyFlags{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT}
        : kind_ == MemoryKind::readback ? coherent | VK_MEMORY_PROPERTY_HOST_CACHED_BIT
                                        : coherent;
    const VkPhysicalDeviceMemoryProperties& memory = device_->memory();
    for (const VkMemoryPropertyFlags flags : {wished, needed}) {
      for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
        const bool will_do = (allowed >> i & 1U) != 0;
        if (will_do && (memory.memoryTypes[i].propertyFlags & flags) == flags) return i;
      }
    }
    throw VulkanError(VK_ERROR_INITIALIZATION_FAILED, "vulkan: no memory that the processor sees");
  }

  std::shared_ptr<VulkanDevice> device_;
  MemoryKind kind_;
  std::list<Block> blocks_;
  std::mutex mutex_;
};

/// A range of an arena, as long as this lives.
class Memory {
 public:
  Memory() = default;
  Memory(std::shared_ptr<Arena> arena, VkDeviceSize bytes)
      : arena_(std::move(arena)), range_(arena_->take(bytes)) {}
  Memory(Memory&& other) noexcept : arena_(std::move(other.arena_)), range_(other.range_) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(range_, other.range_);
    return *this;
  }
  ~Memory() {
    if (arena_) arena_->give_back(range_);
  }
  [[nodiscard]] const Range& range() const { return range_; }

 private:
  std::shared_ptr<Arena> arena_;
  Range range_;
};

}  // namespace bipft::vulkan

#endif
