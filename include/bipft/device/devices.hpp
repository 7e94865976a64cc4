#pragma once
/// The menu of devices, and the one that this process computes on.

#include <atomic>
#include <string_view>

#include "bipft/core/error.hpp"
#include "bipft/device/device.hpp"
#include "bipft/kernels/targets.hpp"

#if !defined(BIPFT_COMPILED) || defined(BIPFT_IMPLEMENTATION)
#include "bipft/device/cpu.hpp"
#endif

namespace bipft {

namespace detail {

[[nodiscard]] Device& cpu_device();

#if !defined(BIPFT_COMPILED) || defined(BIPFT_IMPLEMENTATION)
BIPFT_ONCE Device& cpu_device() {
  static CpuDevice device;
  return device;
}
#endif

[[nodiscard]] inline std::atomic<Device*>& chosen_device() {
  static std::atomic<Device*> device = &cpu_device();
  return device;
}

}  // namespace detail

[[nodiscard]] inline Device& active_device() { return *detail::chosen_device().load(); }

/// Computes on the device called `name` from now on: "cpu", or "auto" for the best there is.
/// Throws Error, listing the choices, for any other name. Not while another thread computes.
inline void select_device(std::string_view name) {
  if (name == "vulkan") {
    fail("device 'vulkan' is not part of this version of bipft; choose one of: cpu, auto");
  }
  if (name != "cpu" && name != "auto") {
    fail("no device is called '", name, "'; choose one of: cpu, auto");
  }
  detail::chosen_device() = &detail::cpu_device();
}

}  // namespace bipft
