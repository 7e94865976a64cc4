#pragma once
/// Pipelines: the shaders by name, each compiled by the driver when it is first asked for.

#include "bipft/device/vulkan/device.hpp"

#if BIPFT_VULKAN

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "bipft/device/vulkan/spv/activate.hpp"
#include "bipft/device/vulkan/spv/attend.hpp"
#include "bipft/device/vulkan/spv/classify.hpp"
#include "bipft/device/vulkan/spv/embed.hpp"
#include "bipft/device/vulkan/spv/norm.hpp"
#include "bipft/device/vulkan/spv/pack.hpp"
#include "bipft/device/vulkan/spv/pool.hpp"
#include "bipft/device/vulkan/spv/product_bits_16.hpp"
#include "bipft/device/vulkan/spv/product_bits_32.hpp"
#include "bipft/device/vulkan/spv/product_bits_32_adders.hpp"
#include "bipft/device/vulkan/spv/product_floats_16.hpp"
#include "bipft/device/vulkan/spv/product_floats_32.hpp"
#include "bipft/device/vulkan/spv/product_floats_32_adders.hpp"
#include "bipft/device/vulkan/spv/turn.hpp"

namespace bipft::vulkan {

enum class Shader {
  activate,
  attend,
  classify,
  embed,
  norm,
  pack,
  pool,
  product_bits_16,
  product_bits_32,
  product_bits_32_adders,
  product_floats_16,
  product_floats_32,
  product_floats_32_adders,
  turn,
};

inline constexpr std::size_t shader_count = 14;

[[nodiscard]] inline std::span<const std::uint32_t> module_of(Shader shader) {
  static constexpr std::array<std::span<const std::uint32_t>, shader_count> modules{
      spv::activate,
      spv::attend,
      spv::classify,
      spv::embed,
      spv::norm,
      spv::pack,
      spv::pool,
      spv::product_bits_16,
      spv::product_bits_32,
      spv::product_bits_32_adders,
      spv::product_floats_16,
      spv::product_floats_32,
      spv::product_floats_32_adders,
      spv::turn};
  return modules[static_cast<std::size_t>(shader)];
}

/// All shaders are given the same: four storage buffers, the sizes, and 128 bytes of constants.
class Pipelines {
 public:
  static constexpr std::uint32_t storage_buffers = 4;
  static constexpr std::uint32_t push_bytes = 128;

  explicit Pipelines(std::shared_ptr<VulkanDevice> device) : device_(std::move(device)) {
    const Functions& vk = device_->calls();
    std::array<VkDescriptorSetLayoutBinding, storage_buffers + 1> bindings{};
    for (std::uint32_t i = 0; i <= storage_buffers; ++i) {
      bindings[i].binding = i;
      bindings[i].descriptorType = i < storage_buffers ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
                                                       : VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER;
      bindings[i].descriptorCount = 1;
      bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    }
    VkDescriptorSetLayoutCreateInfo set{};
    set.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO;
    set.bindingCount = storage_buffers + 1;
    set.pBindings = bindings.data();
    VkPushConstantRange constants{VK_SHADER_STAGE_COMPUTE_BIT, 0, push_bytes};
    VkPipelineLayoutCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    info.setLayoutCount = 1;
    info.pSetLayouts = &set_;
    info.pushConstantRangeCount = 1;
    info.pPushConstantRanges = &constants;
    try {
      check(vk.vkCreateDescriptorSetLayout(device_->handle(), &set, nullptr, &set_),
            "vkCreateDescriptorSetLayout");
      check(vk.vkCreatePipelineLayout(device_->handle(), &info, nullptr, &layout_),
            "vkCreatePipelineLayout");
    } catch (...) {
      close();
      throw;
    }
  }
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;
  ~Pipelines() { close(); }

  [[nodiscard]] VkPipeline get(Shader shader) {
    VkPipeline& pipeline = pipelines_[static_cast<std::size_t>(shader)];
    if (pipeline != VK_NULL_HANDLE) return pipeline;
    const Functions& vk = device_->calls();
    const std::span<const std::uint32_t> words = module_of(shader);
    VkShaderModuleCreateInfo code{};
    code.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
    code.codeSize = words.size_bytes();
    code.pCode = words.data();
    VkShaderModule compiled = VK_NULL_HANDLE;
    check(vk.vkCreateShaderModule(device_->handle(), &code, nullptr, &compiled),
          "vkCreateShaderModule");
    VkComputePipelineCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = compiled;
    info.stage.pName = "main";
    info.layout = layout_;
    VkPipeline made = VK_NULL_HANDLE;
    const VkResult result =
        vk.vkCreateComputePipelines(device_->handle(), VK_NULL_HANDLE, 1, &info, nullptr, &made);
    vk.vkDestroyShaderModule(device_->handle(), compiled, nullptr);
    check(result, "vkCreateComputePipelines");
    return pipeline = made;
  }

  [[nodiscard]] VkPipelineLayout layout() const { return layout_; }
  [[nodiscard]] VkDescriptorSetLayout set() const { return set_; }

 private:
  void close() {
    const Functions& vk = device_->calls();
    for (const VkPipeline pipeline : pipelines_) {
      vk.vkDestroyPipeline(device_->handle(), pipeline, nullptr);
    }
    vk.vkDestroyPipelineLayout(device_->handle(), layout_, nullptr);
    vk.vkDestroyDescriptorSetLayout(device_->handle(), set_, nullptr);
  }

  std::shared_ptr<VulkanDevice> device_;
  VkDescriptorSetLayout set_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  std::array<VkPipeline, shader_count> pipelines_{};
};

}  // namespace bipft::vulkan

#endif
