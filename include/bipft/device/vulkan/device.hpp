#pragma once
/// VulkanDevice: instance, the device that is chosen, its queue, and what it can do.

#include "bipft/device/vulkan/library.hpp"

#if BIPFT_VULKAN

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bipft/core/error.hpp"

namespace bipft::vulkan {

struct VulkanOptions {
  bool allow_cpu = false;  ///< a processor that plays a device (or BIPFT_VULKAN_ALLOW_CPU=1)
  bool validate = false;   ///< with the validation layer and its look at synchronisation
  bool barriers = true;    ///< off only to see that validation notices
  std::size_t block_bytes = std::size_t{64} << 20U;  ///< memory is taken in such blocks
  double submission_work = 2e9;                      ///< popcounts of words in a submission, about
  void (*alter)(Functions& functions) = nullptr;     ///< replaces functions, in tests
  std::optional<bool> adders = {};                   ///< see VulkanDevice::adders(), which chooses
};

class VulkanDevice {
 public:
  /// Throws VulkanError, naming what is missing, if no device suits.
  explicit VulkanDevice(const VulkanOptions& options) : options_(options) {
    try {
      open_instance();
      choose();
      open_device();
    } catch (...) {
      close();
      throw;
    }
  }
  VulkanDevice(const VulkanDevice&) = delete;
  VulkanDevice& operator=(const VulkanDevice&) = delete;
  ~VulkanDevice() { close(); }

  [[nodiscard]] const Functions& calls() const { return calls_; }
  [[nodiscard]] VkDevice handle() const { return device_; }
  [[nodiscard]] const VulkanOptions& options() const { return options_; }
  [[nodiscard]] const VkPhysicalDeviceLimits& limits() const { return properties_.limits; }
  [[nodiscard]] const VkPhysicalDeviceMemoryProperties& memory() const { return memory_; }
  [[nodiscard]] std::uint32_t family() const { return family_; }
  [[nodiscard]] std::string name() const { return properties_.deviceName; }
  [[nodiscard]] const std::string& driver() const { return driver_; }
  /// What it is capable of: "0", "1" and so on. Tier 0 is what bipft has shaders for.
  [[nodiscard]] const std::string& tiers() const { return tiers_; }
  /// Whether products had better add up words of bits, bit by bit, before they count: NVIDIA's
  /// processors count 16 words where they compute 64 sums or carries, others count as they compute.
  [[nodiscard]] bool adders() const {
    constexpr std::uint32_t nvidia = 0x10DE;
    return options_.adders.value_or(properties_.vendorID == nvidia);
  }
  [[nodiscard]] std::size_t validation_errors() const { return errors_.load(); }
  [[nodiscard]] std::recursive_mutex& mutex() { return mutex_; }

  /// Submits what was recorded, in order, each by itself; waits for the last.
  void submit(const std::vector<VkCommandBuffer>& buffers, VkFence fence) {
    if (lost_) check(VK_ERROR_DEVICE_LOST, "vkQueueSubmit");
    for (const VkCommandBuffer& buffer : buffers) {
      VkSubmitInfo info{};
      info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
      info.commandBufferCount = 1;
      info.pCommandBuffers = &buffer;
      watch(calls_.vkQueueSubmit(queue_, 1, &info, &buffer == &buffers.back() ? fence : nullptr),
            "vkQueueSubmit");
    }
    constexpr std::uint64_t patience = 300'000'000'000;  // nanoseconds
    watch(calls_.vkWaitForFences(device_, 1, &fence, VK_TRUE, patience), "vkWaitForFences");
    watch(calls_.vkResetFences(device_, 1, &fence), "vkResetFences");
  }

 private:
  static constexpr std::uint32_t version_1_1 = (1U << 22U) | (1U << 12U);
  static constexpr std::uint32_t version_1_2 = (1U << 22U) | (2U << 12U);
  static constexpr std::uint32_t version_1_3 = (1U << 22U) | (3U << 12U);

  /// A submission that failed, or one before it, may still run: what it uses may be freed once it
  /// has come to its end, but not be trusted any more.
  void watch(VkResult result, const char* call) {
    if (result == VK_SUCCESS) return;
    lost_ = true;
    (void)calls_.vkDeviceWaitIdle(device_);
    check(result, call);
  }

  void open_instance() {
    const Library library;
#define BIPFT_VULKAN_FIND(name) library.find(nullptr, #name, calls_.name);
    BIPFT_VULKAN_GLOBAL(BIPFT_VULKAN_FIND)
#undef BIPFT_VULKAN_FIND
    if (options_.alter != nullptr) options_.alter(calls_);
    VkApplicationInfo about{};
    about.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    about.pApplicationName = "bipft";
    about.apiVersion = version_1_3;
    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &about;
    const char* const layer = "VK_LAYER_KHRONOS_validation";
    const char* const extensions[] = {"VK_EXT_debug_utils", "VK_EXT_validation_features"};
    const VkValidationFeatureEnableEXT enabled[] = {
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
    VkValidationFeaturesEXT features{};
    VkDebugUtilsMessengerCreateInfoEXT messages{};
    if (options_.validate) {
      messages.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
      messages.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
      messages.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
      messages.pfnUserCallback = &VulkanDevice::hear;
      messages.pUserData = this;
      features.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT;
      features.enabledValidationFeatureCount = 1;
      features.pEnabledValidationFeatures = enabled;
      features.pNext = &messages;
      info.pNext = &features;
      info.enabledLayerCount = 1;
      info.ppEnabledLayerNames = &layer;
      info.enabledExtensionCount = 2;
      info.ppEnabledExtensionNames = extensions;
    }
    check(calls_.vkCreateInstance(&info, nullptr, &instance_), "vkCreateInstance");
#define BIPFT_VULKAN_FIND(name) library.find(instance_, #name, calls_.name);
    BIPFT_VULKAN_INSTANCE(BIPFT_VULKAN_FIND)
    if (options_.validate) {
      PFN_vkCreateDebugUtilsMessengerEXT create = nullptr;
      library.find(instance_, "vkCreateDebugUtilsMessengerEXT", create);
      library.find(instance_, "vkDestroyDebugUtilsMessengerEXT", destroy_messenger_);
      check(create(instance_, &messages, nullptr, &messenger_), "vkCreateDebugUtilsMessengerEXT");
    }
    BIPFT_VULKAN_DEVICE(BIPFT_VULKAN_FIND)
#undef BIPFT_VULKAN_FIND
    if (options_.alter != nullptr) options_.alter(calls_);
  }

  static VKAPI_ATTR VkBool32 VKAPI_CALL hear(VkDebugUtilsMessageSeverityFlagBitsEXT /*severity*/,
                                             VkDebugUtilsMessageTypeFlagsEXT /*type*/,
                                             const VkDebugUtilsMessengerCallbackDataEXT* /*data*/,
                                             void* self) {
    ++static_cast<VulkanDevice*>(self)->errors_;
    return VK_FALSE;
  }

  /// Discrete before integrated before others, of like ones the first.
  void choose() {
    std::uint32_t count = 0;
    check(calls_.vkEnumeratePhysicalDevices(instance_, &count, nullptr),
          "vkEnumeratePhysicalDevices");
    std::vector<VkPhysicalDevice> all(count);
    if (count != 0) {
      check(calls_.vkEnumeratePhysicalDevices(instance_, &count, all.data()),
            "vkEnumeratePhysicalDevices");
    }
    const char* const allowed = std::getenv("BIPFT_VULKAN_ALLOW_CPU");
    const bool cpu_too =
        options_.allow_cpu || (allowed != nullptr && std::string_view(allowed) == "1");
    std::string refused;
    int best = -1;
    for (const VkPhysicalDevice device : all) {
      VkPhysicalDeviceProperties properties{};
      calls_.vkGetPhysicalDeviceProperties(device, &properties);
      const int rank = properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU     ? 4
                       : properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU ? 3
                       : properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU    ? 2
                       : properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU            ? 0
                                                                                         : 1;
      if (properties.apiVersion < version_1_1) continue;
      if (rank == 0 && !cpu_too) {
        refused = properties.deviceName;
        continue;
      }
      if (rank <= best) continue;
      best = rank;
      physical_ = device;
      properties_ = properties;
    }
    if (physical_ != nullptr) return;
    throw VulkanError(VK_ERROR_INITIALIZATION_FAILED,
                      refused.empty()
                          ? std::string("vulkan: no device with Vulkan 1.1 on this machine")
                          : concat("vulkan: no GPU on this machine, only the processor as ",
                                   refused, ", which BIPFT_VULKAN_ALLOW_CPU=1 would allow"));
  }

  void open_device() {
    calls_.vkGetPhysicalDeviceMemoryProperties(physical_, &memory_);
    if (limits().maxPushConstantsSize < 128 || limits().maxComputeSharedMemorySize < 16384 ||
        limits().maxComputeWorkGroupInvocations < 64) {
      throw VulkanError(VK_ERROR_INITIALIZATION_FAILED,
                        concat("vulkan: ", name(), " has less than Vulkan demands of a device"));
    }
    look_at_tiers();
    std::uint32_t count = 0;
    calls_.vkGetPhysicalDeviceQueueFamilyProperties(physical_, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(count);
    calls_.vkGetPhysicalDeviceQueueFamilyProperties(physical_, &count, families.data());
    const auto computes = std::ranges::find_if(families, [](const VkQueueFamilyProperties& f) {
      return (f.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0;
    });
    if (computes == families.end()) {
      throw VulkanError(VK_ERROR_INITIALIZATION_FAILED,
                        concat("vulkan: ", name(), " has no queue for computing"));
    }
    family_ = static_cast<std::uint32_t>(computes - families.begin());
    const float priority = 1;
    VkDeviceQueueCreateInfo queue{};
    queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queue.queueFamilyIndex = family_;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    VkDeviceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    check(calls_.vkCreateDevice(physical_, &info, nullptr, &device_), "vkCreateDevice");
    calls_.vkGetDeviceQueue(device_, family_, 0, &queue_);
  }

  void look_at_tiers() {
    VkPhysicalDeviceSubgroupProperties subgroup{};
    subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
    VkPhysicalDeviceDriverProperties driver{};
    driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;
    VkPhysicalDeviceProperties2 properties{};
    properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    properties.pNext = &subgroup;
    const bool knows_driver = properties_.apiVersion >= version_1_2;
    if (knows_driver) subgroup.pNext = &driver;
    calls_.vkGetPhysicalDeviceProperties2(physical_, &properties);
    driver_ = knows_driver ? concat(driver.driverName, ' ', driver.driverInfo)
                           : concat("version ", properties_.driverVersion);

    VkPhysicalDeviceVulkan11Features features_1_1{};
    features_1_1.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
    VkPhysicalDeviceVulkan12Features features_1_2{};
    features_1_2.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
    VkPhysicalDeviceVulkan13Features features_1_3{};
    features_1_3.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
    VkPhysicalDeviceFeatures2 features{};
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    if (knows_driver) {
      features.pNext = &features_1_1;
      features_1_1.pNext = &features_1_2;
      if (properties_.apiVersion >= version_1_3) features_1_2.pNext = &features_1_3;
    }
    calls_.vkGetPhysicalDeviceFeatures2(physical_, &features);
    tiers_ = "0";
    const bool arithmetic =
        (subgroup.supportedOperations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT) != 0;
    if (arithmetic && features_1_3.subgroupSizeControl == VK_TRUE) tiers_ += " 1";
    if (features_1_1.storageBuffer16BitAccess == VK_TRUE && features_1_2.shaderFloat16 == VK_TRUE) {
      tiers_ += " 2";
    }
    std::uint32_t count = 0;
    check(calls_.vkEnumerateDeviceExtensionProperties(physical_, nullptr, &count, nullptr),
          "vkEnumerateDeviceExtensionProperties");
    std::vector<VkExtensionProperties> extensions(count);
    check(
        calls_.vkEnumerateDeviceExtensionProperties(physical_, nullptr, &count, extensions.data()),
        "vkEnumerateDeviceExtensionProperties");
    for (const VkExtensionProperties& extension : extensions) {
      if (std::string_view(extension.extensionName) == "VK_KHR_cooperative_matrix") tiers_ += " 3";
    }
  }

  void close() {
    if (device_ != nullptr) {
      if (!lost_) (void)calls_.vkDeviceWaitIdle(device_);
      calls_.vkDestroyDevice(device_, nullptr);
    }
    if (messenger_ != VK_NULL_HANDLE) destroy_messenger_(instance_, messenger_, nullptr);
    if (instance_ != nullptr && calls_.vkDestroyInstance != nullptr) {
      calls_.vkDestroyInstance(instance_, nullptr);
    }
  }

  VulkanOptions options_;
  Functions calls_;
  VkInstance instance_ = nullptr;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger_ = nullptr;
  VkPhysicalDevice physical_ = nullptr;
  VkPhysicalDeviceProperties properties_{};
  VkPhysicalDeviceMemoryProperties memory_{};
  VkDevice device_ = nullptr;
  VkQueue queue_ = nullptr;
  std::uint32_t family_ = 0;
  std::string driver_, tiers_;
  std::atomic<std::size_t> errors_ = 0;
  std::atomic<bool> lost_ = false;
  std::recursive_mutex mutex_;
};

}  // namespace bipft::vulkan

#endif
