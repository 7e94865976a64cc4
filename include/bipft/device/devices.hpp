#pragma once
/// The devices themselves, for whoever trains; device/runners.hpp has the menu.

#include "bipft/device/device.hpp"
#include "bipft/device/runners.hpp"

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

}  // namespace detail

/// The device that trains: the CPU, whichever answers.
[[nodiscard]] inline Device& active_device() { return detail::cpu_device(); }

}  // namespace bipft
