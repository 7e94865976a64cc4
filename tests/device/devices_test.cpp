#include "bipft/device/devices.hpp"

#include <doctest/doctest.h>

#include <string>

#include "bipft/device/cpu_runner.hpp"

using namespace bipft;

namespace {

/// Another device "vulkan" than the machine's, as long as it lives; the CPU is chosen at its end.
class Listed {
 public:
  explicit Listed(const detail::ListedDevice& device) : before_(detail::listed_vulkan()) {
    detail::list_device(device);
  }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;
  ~Listed() {
    detail::list_device(before_);
    (void)select_device("cpu");
  }

 private:
  detail::ListedDevice before_;
};

/// What it was opened as is told by which of these it is.
CpuRunner strict_runner;
CpuRunner falling_runner;

}  // namespace

TEST_CASE("devices: there is an active device, and it can be chosen by name") {
  CHECK(active_device().sums(Tensor(Shape{5}, 2)).sum == 10);
  const Device* before = &active_device();
  const Runner* runner = &active_runner();
  CHECK(select_device("cpu").empty());
  CHECK(&active_device() == before);
  CHECK(&active_runner() == runner);
  CHECK(about_device() == "cpu");
}

TEST_CASE("devices: a GPU answers when it is asked to, and training stays where it is") {
  const Listed listed(
      {[](bool fall_back) -> Runner& { return fall_back ? falling_runner : strict_runner; },
       [] { return std::string("a stand-in"); }});
  const Device* const trains = &active_device();
  CHECK(select_device("vulkan").empty());
  CHECK(&active_runner() == &strict_runner);
  CHECK(about_device() == "a stand-in");
  CHECK(select_device("auto").empty());
  CHECK(&active_runner() == &falling_runner);
  CHECK(&active_device() == trains);
  CHECK(select_device("cpu").empty());
  CHECK(&active_runner() != &falling_runner);
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

TEST_CASE("devices: where there is no GPU, auto is the CPU and says why, and vulkan is an error") {
  const auto none = [](bool) -> Runner& { fail(Fault::system, "vulkan: no loader"); };
  for (const detail::ListedDevice& device :
       {detail::ListedDevice{}, detail::ListedDevice{none, nullptr}}) {
    const Listed listed(device);
    CHECK(select_device("auto").find("vulkan") != std::string::npos);
    CHECK(about_device() == "cpu");
    try {
      (void)select_device("vulkan");
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::system);
    }
    CHECK(about_device() == "cpu");
  }
}
