#pragma once
/// Recording: commands that are written down once and submitted any number of times.
///
/// How many work-groups a dispatch has is read from memory when it runs, so that one recording does
/// for every batch that fits its room.

#include "bipft/device/vulkan/arena.hpp"

#if BIPFT_VULKAN

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "bipft/device/vulkan/hazards.hpp"
#include "bipft/device/vulkan/pipelines.hpp"

namespace bipft::vulkan {

/// What a range is used for, beyond being bound.
struct Use {
  Range range;
  bool write = false;
};

/// What a shader is to do.
struct Dispatch {
  Shader shader{};
  std::array<Range, Pipelines::storage_buffers> bound{};  ///< none: not used
  Range sizes;                                            ///< the uniform buffer
  Range groups;                                           ///< three numbers
  std::vector<Use> uses;
  std::vector<std::uint32_t> constants;
  double work = 0;  ///< popcounts of words, about
};

class Recording {
 public:
  Recording(std::shared_ptr<VulkanDevice> device, std::uint32_t dispatches)
      : device_(std::move(device)) {
    try {
      open(dispatches);
    } catch (...) {
      close();
      throw;
    }
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() { close(); }

  void copy(const Range& from, const Range& to) {
    before({{from, false}, {to, true}}, 0);
    const VkBufferCopy region{from.offset, to.offset, from.size};
    device_->calls().vkCmdCopyBuffer(buffers_.back(), from.buffer, to.buffer, 1, &region);
  }

  void dispatch(Pipelines& pipelines, const Dispatch& what) {
    const Functions& vk = device_->calls();
    const VkPipeline pipeline = pipelines.get(what.shader);
    std::vector<Use> uses = what.uses;
    uses.push_back({what.sizes, false});
    uses.push_back({what.groups, false});
    before(uses, what.work);

    const VkDescriptorSetLayout layout = pipelines.set();
    VkDescriptorSetAllocateInfo allocation{};
    allocation.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO;
    allocation.descriptorPool = sets_;
    allocation.descriptorSetCount = 1;
    allocation.pSetLayouts = &layout;
    VkDescriptorSet set = VK_NULL_HANDLE;
    check(vk.vkAllocateDescriptorSets(device_->handle(), &allocation, &set),
          "vkAllocateDescriptorSets");
    std::array<VkDescriptorBufferInfo, Pipelines::storage_buffers + 1> ranges{};
    std::vector<VkWriteDescriptorSet> writes;
    for (std::uint32_t i = 0; i < ranges.size(); ++i) {
      const bool storage = i < Pipelines::storage_buffers;
      const Range& range = storage ? what.bound[i] : what.sizes;
      if (range.buffer == VK_NULL_HANDLE) continue;
      if (range.size > device_->limits().maxStorageBufferRange) {
        throw VulkanError(
            VK_ERROR_OUT_OF_DEVICE_MEMORY,
            concat("vulkan: ", range.size, " bytes in one piece, where ", device_->name(), " sees ",
                   device_->limits().maxStorageBufferRange));
      }
      ranges[i] = {range.buffer, range.offset, range.size};
      VkWriteDescriptorSet write{};
      write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET;
      write.dstSet = set;
      write.dstBinding = i;
      write.descriptorCount = 1;
      write.descriptorType =
          storage ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER : VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
      write.pBufferInfo = &ranges[i];
      writes.push_back(write);
    }
    vk.vkUpdateDescriptorSets(device_->handle(), static_cast<std::uint32_t>(writes.size()),
                              writes.data(), 0, nullptr);

    std::array<std::uint32_t, Pipelines::push_bytes / 4> constants{};
    std::copy(what.constants.begin(), what.constants.end(), constants.begin());
    const VkCommandBuffer buffer = buffers_.back();
    vk.vkCmdBindPipeline(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vk.vkCmdBindDescriptorSets(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines.layout(), 0, 1,
                               &set, 0, nullptr);
    vk.vkCmdPushConstants(buffer, pipelines.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                          Pipelines::push_bytes, constants.data());
    vk.vkCmdDispatchIndirect(buffer, what.groups.buffer, what.groups.offset);
  }

  /// To be called once, behind the last command: the processor may then read what was written.
  void finish() {
    VkMemoryBarrier barrier{};
    barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
    device_->calls().vkCmdPipelineBarrier(
        buffers_.back(), VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
        VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, nullptr, 0, nullptr);
    end();
  }

  /// Runs all of it, and waits.
  void run() { device_->submit(buffers_, fence_); }

  [[nodiscard]] std::size_t submissions() const { return buffers_.size(); }
  [[nodiscard]] std::size_t barriers() const { return barriers_; }

 private:
  void open(std::uint32_t dispatches) {
    const Functions& vk = device_->calls();
    VkCommandPoolCreateInfo pool{};
    pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
    pool.queueFamilyIndex = device_->family();
    check(vk.vkCreateCommandPool(device_->handle(), &pool, nullptr, &pool_), "vkCreateCommandPool");
    VkFenceCreateInfo fence{};
    fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
    check(vk.vkCreateFence(device_->handle(), &fence, nullptr, &fence_), "vkCreateFence");
    if (dispatches != 0) {
      const std::array<VkDescriptorPoolSize, 2> sizes{
          {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, dispatches * Pipelines::storage_buffers},
           {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, dispatches}}};
      VkDescriptorPoolCreateInfo sets{};
      sets.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO;
      sets.maxSets = dispatches;
      sets.poolSizeCount = 2;
      sets.pPoolSizes = sizes.data();
      check(vk.vkCreateDescriptorPool(device_->handle(), &sets, nullptr, &sets_),
            "vkCreateDescriptorPool");
    }
    begin();
  }

  void begin() {
    const Functions& vk = device_->calls();
    VkCommandBufferAllocateInfo allocation{};
    allocation.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    allocation.commandPool = pool_;
    allocation.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    allocation.commandBufferCount = 1;
    VkCommandBuffer buffer = nullptr;
    check(vk.vkAllocateCommandBuffers(device_->handle(), &allocation, &buffer),
          "vkAllocateCommandBuffers");
    VkCommandBufferBeginInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    check(vk.vkBeginCommandBuffer(buffer, &info), "vkBeginCommandBuffer");
    buffers_.push_back(buffer);
    work_ = 0;
  }
  void end() { check(device_->calls().vkEndCommandBuffer(buffers_.back()), "vkEndCommandBuffer"); }

  /// A barrier where what comes next must wait; and another submission where one has enough to do.
  void before(const std::vector<Use>& uses, double work) {
    if (work_ != 0 && work_ + work > device_->options().submission_work) {
      end();
      begin();
    }
    work_ += work;
    std::vector<Used> used;
    for (const Use& use : uses) {
      used.push_back({reinterpret_cast<std::uint64_t>(use.range.buffer), use.range.offset,
                      use.range.offset + use.range.size, use.write});
    }
    if (!hazards_.next(used) || !device_->options().barriers) return;
    ++barriers_;
    VkMemoryBarrier barrier{};
    barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
    barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                            VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
                            VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_INDIRECT_COMMAND_READ_BIT;
    const VkPipelineStageFlags stages =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    device_->calls().vkCmdPipelineBarrier(buffers_.back(), stages,
                                          stages | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT, 0, 1,
                                          &barrier, 0, nullptr, 0, nullptr);
  }

  void close() {
    const Functions& vk = device_->calls();
    vk.vkDestroyDescriptorPool(device_->handle(), sets_, nullptr);
    vk.vkDestroyFence(device_->handle(), fence_, nullptr);
    vk.vkDestroyCommandPool(device_->handle(), pool_, nullptr);
  }

  std::shared_ptr<VulkanDevice> device_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkFence fence_ = VK_NULL_HANDLE;
  VkDescriptorPool sets_ = VK_NULL_HANDLE;
  std::vector<VkCommandBuffer> buffers_;
  Hazards hazards_;
  double work_ = 0;
  std::size_t barriers_ = 0;
};

}  // namespace bipft::vulkan

#endif
