#include "bipft/device/devices.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace bipft;

TEST_CASE("devices: there is an active device, and it can be chosen by name") {
  CHECK(active_device().sums(Tensor(Shape{5}, 2)).sum == 10);
  const Device* before = &active_device();
  (void)select_device("cpu");
  CHECK(&active_device() == before);
  const Runner* runner = &active_runner();
  (void)select_device("auto");
  CHECK(&active_device() == before);
  CHECK(&active_runner() == runner);
}

TEST_CASE("devices: what is not there is refused with the choices") {
  for (const char* name : {"abacus", ""}) {
    CAPTURE(name);
    try {
      (void)select_device(name);
      FAIL("no error");
    } catch (const Error& error) {
      const std::string message = error.what();
      CHECK(error.fault() == Fault::usage);
      CHECK(message.find("'" + std::string(name) + "'") != std::string::npos);
      CHECK(message.find("cpu, vulkan, auto") != std::string::npos);
    }
  }
}

TEST_CASE("devices: without what brings Vulkan along, auto is the CPU and says why") {
  if (detail::listed_vulkan().open != nullptr) return;
  CHECK(select_device("auto").find("vulkan") != std::string::npos);
  CHECK(about_device() == "cpu");
  try {
    (void)select_device("vulkan");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::system);
  }
}
