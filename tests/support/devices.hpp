#pragma once
/// The devices that tests of differentiable functions run on: the plain one, and the real one. Only
/// declared here, as a device with all its kernels takes seconds to compile.

#include <vector>

#include "bipft/device/device.hpp"

namespace bipft::test {

/// The PlainDevice of plain_device.hpp.
[[nodiscard]] Device& plain_device();

/// It, and active_device().
[[nodiscard]] std::vector<Device*> devices();

}  // namespace bipft::test
