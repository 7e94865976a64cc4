#pragma once
/// Test support: Vulkan functions of which the n-th call fails.

#include "bipft/device/vulkan/library.hpp"

#if BIPFT_VULKAN

namespace bipft::test {

/// Calls of those functions until one fails; below 0: none does any more.
inline long calls_until_fault = -1;
inline VkResult fault = VK_ERROR_OUT_OF_DEVICE_MEMORY;

template <auto member>
struct Faulty;
template <class... Arguments, VkResult (*vulkan::Functions::*member)(Arguments...)>
struct Faulty<member> {
  static inline VkResult (*real)(Arguments...) = nullptr;
  static VkResult call(Arguments... arguments) {
    return calls_until_fault-- == 0 ? fault : real(arguments...);
  }
  static void put_into(vulkan::Functions& functions) {
    if (functions.*member == nullptr || functions.*member == &call) return;
    real = functions.*member;
    functions.*member = &call;
  }
};

/// VulkanOptions::alter: every function that may fail in a device's life.
inline void put_faults_into(vulkan::Functions& functions) {
  using F = vulkan::Functions;
  Faulty<&F::vkEnumeratePhysicalDevices>::put_into(functions);
  Faulty<&F::vkEnumerateDeviceExtensionProperties>::put_into(functions);
  Faulty<&F::vkCreateDevice>::put_into(functions);
  Faulty<&F::vkQueueSubmit>::put_into(functions);
  Faulty<&F::vkAllocateMemory>::put_into(functions);
  Faulty<&F::vkMapMemory>::put_into(functions);
  Faulty<&F::vkCreateBuffer>::put_into(functions);
  Faulty<&F::vkBindBufferMemory>::put_into(functions);
  Faulty<&F::vkCreateShaderModule>::put_into(functions);
  Faulty<&F::vkCreateComputePipelines>::put_into(functions);
  Faulty<&F::vkCreatePipelineLayout>::put_into(functions);
  Faulty<&F::vkCreateDescriptorSetLayout>::put_into(functions);
  Faulty<&F::vkCreateDescriptorPool>::put_into(functions);
  Faulty<&F::vkAllocateDescriptorSets>::put_into(functions);
  Faulty<&F::vkCreateCommandPool>::put_into(functions);
  Faulty<&F::vkAllocateCommandBuffers>::put_into(functions);
  Faulty<&F::vkBeginCommandBuffer>::put_into(functions);
  Faulty<&F::vkEndCommandBuffer>::put_into(functions);
  Faulty<&F::vkCreateFence>::put_into(functions);
  Faulty<&F::vkResetFences>::put_into(functions);
  Faulty<&F::vkWaitForFences>::put_into(functions);
}

}  // namespace bipft::test

#endif
