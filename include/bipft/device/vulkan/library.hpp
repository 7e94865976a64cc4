#pragma once
/// Library: Vulkan's functions, found at run time, and what goes wrong with them.
///
/// Nothing is linked: the loader is opened when a device is first asked for. Where the Vulkan
/// headers are missing, BIPFT_VULKAN is 0 and all of device/vulkan/ is empty.

#if __has_include(<vulkan/vulkan_core.h>)
#define BIPFT_VULKAN 1
#else
#define BIPFT_VULKAN 0
#endif

#if BIPFT_VULKAN

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vulkan_core.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include <cstdint>
#include <string>

#include "bipft/core/error.hpp"

namespace bipft::vulkan {

/// A call that failed, a device that is lost or none at all: Fault::system.
class VulkanError : public Error {
 public:
  VulkanError(VkResult result, const std::string& message)
      : Error(Fault::system, message), result_(result) {}
  [[nodiscard]] VkResult result() const { return result_; }

 private:
  VkResult result_;
};

/// A plan with a step that has no shader: Fault::usage.
class NoShader : public Error {
 public:
  explicit NoShader(const char* step)
      : Error(Fault::usage, concat("device vulkan: there is no shader yet for ", step,
                                   "; choose --device cpu or auto")) {}
};

[[nodiscard]] inline const char* text_of(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "out of host memory";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "out of device memory";
    case VK_ERROR_DEVICE_LOST:
      return "the device is lost";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "it cannot be initialized";
    case VK_ERROR_MEMORY_MAP_FAILED:
      return "memory cannot be mapped";
    case VK_ERROR_LAYER_NOT_PRESENT:
      return "a layer is missing";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      return "an extension is missing";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "the driver is incompatible";
    case VK_TIMEOUT:
      return "it does not come to an end";
    default:
      return "it fails";
  }
}

inline void check(VkResult result, const char* call) {
  if (result == VK_SUCCESS) return;
  throw VulkanError(result, concat("vulkan: ", call, ": ", text_of(result), " (VkResult ",
                                   static_cast<int>(result), ")"));
}

#define BIPFT_VULKAN_GLOBAL(X) \
  X(vkCreateInstance)          \
  X(vkEnumerateInstanceVersion)
#define BIPFT_VULKAN_INSTANCE(X)              \
  X(vkDestroyInstance)                        \
  X(vkEnumeratePhysicalDevices)               \
  X(vkEnumerateDeviceExtensionProperties)     \
  X(vkGetPhysicalDeviceProperties)            \
  X(vkGetPhysicalDeviceProperties2)           \
  X(vkGetPhysicalDeviceFeatures2)             \
  X(vkGetPhysicalDeviceMemoryProperties)      \
  X(vkGetPhysicalDeviceQueueFamilyProperties) \
  X(vkCreateDevice)                           \
  X(vkGetDeviceProcAddr)
#define BIPFT_VULKAN_DEVICE(X)     \
  X(vkDestroyDevice)               \
  X(vkGetDeviceQueue)              \
  X(vkDeviceWaitIdle)              \
  X(vkQueueSubmit)                 \
  X(vkAllocateMemory)              \
  X(vkFreeMemory)                  \
  X(vkMapMemory)                   \
  X(vkCreateBuffer)                \
  X(vkDestroyBuffer)               \
  X(vkGetBufferMemoryRequirements) \
  X(vkBindBufferMemory)            \
  X(vkCreateShaderModule)          \
  X(vkDestroyShaderModule)         \
  X(vkCreateComputePipelines)      \
  X(vkDestroyPipeline)             \
  X(vkCreatePipelineLayout)        \
  X(vkDestroyPipelineLayout)       \
  X(vkCreateDescriptorSetLayout)   \
  X(vkDestroyDescriptorSetLayout)  \
  X(vkCreateDescriptorPool)        \
  X(vkDestroyDescriptorPool)       \
  X(vkAllocateDescriptorSets)      \
  X(vkUpdateDescriptorSets)        \
  X(vkCreateCommandPool)           \
  X(vkDestroyCommandPool)          \
  X(vkAllocateCommandBuffers)      \
  X(vkBeginCommandBuffer)          \
  X(vkEndCommandBuffer)            \
  X(vkCmdBindPipeline)             \
  X(vkCmdBindDescriptorSets)       \
  X(vkCmdPushConstants)            \
  X(vkCmdDispatchIndirect)         \
  X(vkCmdPipelineBarrier)          \
  X(vkCmdCopyBuffer)               \
  X(vkCreateFence)                 \
  X(vkDestroyFence)                \
  X(vkResetFences)                 \
  X(vkWaitForFences)

struct Functions {
#define BIPFT_VULKAN_MEMBER(name) PFN_##name name = nullptr;
  BIPFT_VULKAN_GLOBAL(BIPFT_VULKAN_MEMBER)
  BIPFT_VULKAN_INSTANCE(BIPFT_VULKAN_MEMBER)
  BIPFT_VULKAN_DEVICE(BIPFT_VULKAN_MEMBER)
#undef BIPFT_VULKAN_MEMBER
};

/// The loader. Never closed again: drivers leave threads behind.
class Library {
 public:
  /// Throws VulkanError if there is none.
  Library() {
#if defined(_WIN32)
    const HMODULE library = LoadLibraryA("vulkan-1.dll");
    if (library != nullptr) {
      find_ = reinterpret_cast<PFN_vkGetInstanceProcAddr>(
          reinterpret_cast<void*>(GetProcAddress(library, "vkGetInstanceProcAddr")));
    }
#else
    for (const char* name :
         {"libvulkan.so.1", "libvulkan.so", "libvulkan.1.dylib", "libMoltenVK.dylib"}) {
      void* const library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (library == nullptr) continue;
      find_ = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
      break;
    }
#endif
    if (find_ == nullptr) {
      throw VulkanError(VK_ERROR_INITIALIZATION_FAILED,
                        "vulkan: no loader (libvulkan.so.1, vulkan-1.dll) on this machine");
    }
  }

  /// Throws VulkanError if there is no such function.
  template <class Function>
  void find(VkInstance instance, const char* name, Function& function) const {
    function = reinterpret_cast<Function>(find_(instance, name));
    if (function == nullptr) {
      throw VulkanError(VK_ERROR_INCOMPATIBLE_DRIVER,
                        concat("vulkan: the loader has no ", name, "; Vulkan 1.1 is needed"));
    }
  }

 private:
  PFN_vkGetInstanceProcAddr find_ = nullptr;
};

}  // namespace bipft::vulkan

#endif
