#pragma once
/// The menu of devices by name, the one that this process computes on, and its runner.

#include <atomic>
#include <string>
#include <string_view>

#include "bipft/core/error.hpp"
#include "bipft/device/runner.hpp"
#include "bipft/kernels/targets.hpp"

#if !defined(BIPFT_COMPILED) || defined(BIPFT_IMPLEMENTATION)
#include "bipft/device/cpu_runner.hpp"
#endif

namespace bipft {

enum class DeviceKind {
  cpu,
  vulkan,
  automatic,  ///< the GPU, and the CPU for what that cannot do
};

namespace detail {

/// What a program brings along by including device/vulkan.hpp.
struct ListedDevice {
  Runner& (*open)(bool fall_back) = nullptr;  ///< throws Error if there is none on this machine
  std::string (*about)() = nullptr;           ///< device, driver and tiers
};
[[nodiscard]] inline ListedDevice& listed_vulkan() {
  static ListedDevice device;
  return device;
}
inline bool list_device(const ListedDevice& device) {
  listed_vulkan() = device;
  return true;
}

[[nodiscard]] Runner& cpu_runner();

#if !defined(BIPFT_COMPILED) || defined(BIPFT_IMPLEMENTATION)
BIPFT_ONCE Runner& cpu_runner() {
  static CpuRunner runner;
  return runner;
}
#endif

[[nodiscard]] inline std::atomic<DeviceKind>& chosen_device() {
  static std::atomic<DeviceKind> kind = DeviceKind::cpu;
  return kind;
}

/// Throws Error{Fault::system}, naming what is missing.
[[gnu::cold]] inline Runner& open_vulkan_runner(bool fall_back) {
  if (listed_vulkan().open == nullptr) {
    fail(Fault::system, "device vulkan: this program does not include bipft/device/vulkan.hpp");
  }
  return listed_vulkan().open(fall_back);
}

}  // namespace detail

[[nodiscard]] inline Runner& active_runner() {
  switch (detail::chosen_device().load()) {
    case DeviceKind::vulkan:
      return detail::open_vulkan_runner(false);
    case DeviceKind::automatic:
      return detail::open_vulkan_runner(true);
    case DeviceKind::cpu:
      break;
  }
  return detail::cpu_runner();
}

/// Answers by the device called `name` from now on: "cpu", "vulkan", or "auto" for a GPU if there
/// is one, and the CPU for models that it has no shaders for; training stays on the CPU. Returns
/// why "auto" is no GPU, or nothing. Throws Error, listing the choices, for any other name;
/// Error{Fault::system}, naming what is missing, if there is no such device. Not while another
/// thread computes.
[[gnu::cold]] inline std::string select_device(std::string_view name) {
  if (name != "cpu" && name != "vulkan" && name != "auto") {
    fail("no device is called '", name, "'; choose one of: cpu, vulkan, auto");
  }
  detail::chosen_device() = DeviceKind::cpu;
  if (name == "cpu") return {};
  try {
    (void)detail::open_vulkan_runner(false);
  } catch (const Error& error) {
    if (name == "vulkan" || error.fault() != Fault::system) throw;
    return error.what();
  }
  detail::chosen_device() = name == "vulkan" ? DeviceKind::vulkan : DeviceKind::automatic;
  return {};
}

/// The device that answers: "cpu", or a GPU with its driver and tiers.
[[gnu::cold]] inline std::string about_device() {
  const bool gpu = detail::chosen_device().load() != DeviceKind::cpu;
  return gpu ? detail::listed_vulkan().about() : "cpu";
}

}  // namespace bipft
