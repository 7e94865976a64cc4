/// Kernels and device for all programs of this build: see kernels/targets.hpp.

#include "bipft/device/devices.hpp"
