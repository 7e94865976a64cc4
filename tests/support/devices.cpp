#include "support/devices.hpp"

#include "bipft/device/devices.hpp"
#include "support/plain_device.hpp"

namespace bipft::test {

Device& plain_device() {
  static PlainDevice device;
  return device;
}

std::vector<Device*> devices() { return {&plain_device(), &active_device()}; }

}  // namespace bipft::test
