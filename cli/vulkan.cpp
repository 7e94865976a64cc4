/// The device "vulkan", in a file of its own: nothing else compiles the Vulkan headers.

#include "bipft/device/vulkan.hpp"
