#pragma once
/// The menu of devices by name, the one that this process computes on, and its runner.

#include <atomic>
#include <string_view>

#include "bipft/core/error.hpp"
#include "bipft/device/runner.hpp"
#include "bipft/kernels/targets.hpp"

#if !defined(BIPFT_COMPILED) || defined(BIPFT_IMPLEMENTATION)
#include "bipft/device/cpu_runner.hpp"
#endif

namespace bipft {

enum class DeviceKind { cpu };

namespace detail {

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

}  // namespace detail

[[nodiscard]] inline Runner& active_runner() {
  switch (detail::chosen_device().load()) {
    case DeviceKind::cpu: break;
  }
  return detail::cpu_runner();
}

/// Computes on the device called `name` from now on: "cpu", or "auto" for the best there is.
/// Throws Error, listing the choices, for any other name. Not while another thread computes.
inline void select_device(std::string_view name) {
  if (name == "vulkan") {
    fail("device 'vulkan' is not part of this version of bipft; choose one of: cpu, auto");
  }
  if (name != "cpu" && name != "auto") {
    fail("no device is called '", name, "'; choose one of: cpu, auto");
  }
  detail::chosen_device() = DeviceKind::cpu;
}

}  // namespace bipft
