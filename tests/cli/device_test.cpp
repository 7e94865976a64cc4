/// `--device`: what the command says where there is no GPU, and what a device answers.

#include <doctest/doctest.h>

#include <string>

#include "support/trained.hpp"
#include "support/workplace.hpp"

using namespace bipft;
using test::Outcome;
using test::trained;
using test::Workplace;

namespace {

/// In front of a script: no driver for Vulkan, whatever the machine has.
const std::string without = "export VK_DRIVER_FILES=/dev/null VK_ICD_FILENAMES=/dev/null; ";
/// And any device, be it a processor that plays one. Drivers leak at their end.
const std::string with =
    "unset VK_DRIVER_FILES VK_ICD_FILENAMES; "
    "export BIPFT_VULKAN_ALLOW_CPU=1 ASAN_OPTIONS=detect_leaks=0; ";

const std::string texts = "cut -f1 dev.tsv | tail -n +2 | ";

}  // namespace

TEST_CASE("device: without a GPU, vulkan ends with 5 and says why, and auto goes on") {
  const Workplace& place = trained();
  const Outcome cpu = place.sh(texts + "bipft run m.bipft --logits");
  const Outcome none = place.sh(without + texts + "bipft run m.bipft --logits --device vulkan");
  CHECK(none.code == 5);
  CHECK(none.out == "");
  CHECK(none.talk.find("vulkan: ") != std::string::npos);
  const Outcome automatic = place.sh(without + texts + "bipft run m.bipft --logits --device auto");
  CHECK(automatic.code == 0);
  CHECK(automatic.out == cpu.out);
  CHECK(automatic.talk.find("--device auto: the CPU computes; ") != std::string::npos);
  CHECK(place.sh(without + "bipft --version").out.find("\nvulkan no (") != std::string::npos);
  CHECK(place.code("bipft eval m.bipft --bench --device vulkan") == 2);
}

TEST_CASE("device: where there is one, it gives the CPU's bytes") {
  const Workplace& place = trained();
  if (place.sh(with + "bipft --version").out.find("\nvulkan no (") != std::string::npos) {
    MESSAGE("no device for Vulkan here; tests/vulkan says so");
    return;
  }
  const Outcome cpu = place.sh(texts + "bipft run m.bipft --logits");
  for (const char* name : {"vulkan", "auto"}) {
    CAPTURE(name);
    const Outcome gpu = place.sh(with + texts + "bipft run m.bipft --logits --device " + name);
    CHECK(gpu.code == 0);
    CHECK(gpu.out == cpu.out);
  }
  // What has no shaders yet is refused where a GPU was asked for, and computed otherwise.
  REQUIRE(place.code("bipft train --init m.bipft --epochs 0 -o two.bipft --method float") == 0);
  CHECK(place.code(with + "bipft run two.bipft dev.tsv --device vulkan") == 2);
  const Outcome falls = place.sh(with + texts + "bipft run two.bipft --logits --device auto");
  CHECK(falls.code == 0);
  CHECK(falls.out == place.sh(texts + "bipft run two.bipft --logits").out);
  CHECK(falls.talk.find("no shaders yet") != std::string::npos);
}

TEST_CASE("device: texts that stop early are the CPU's, all layers the device's") {
  const Workplace& place = trained();
  if (place.sh(with + "bipft --version").out.find("\nvulkan no (") != std::string::npos) return;
  REQUIRE(place.code("bipft train small.tsv --dev dev.tsv --exits all --exit entropy:tau=0.69 "
                     "--layers 2 --hidden 32 --ffn 32 --max-len 16 --vocab-size 120 --epochs 1 -q "
                     "-o stops.bipft") == 0);
  const std::string run = "bipft run stops.bipft --logits ";
  CHECK(place.sh(with + texts + run + "--device vulkan").code == 2);
  CHECK(place.sh(with + texts + run + "--device vulkan --exit fixed:k=1").code == 2);
  const Outcome whole = place.sh(with + texts + run + "--device vulkan --exit never");
  CHECK(whole.code == 0);
  CHECK(whole.out == place.sh(texts + run + "--exit never").out);
  const Outcome falls = place.sh(with + texts + run + "--device auto");
  CHECK(falls.code == 0);
  CHECK(falls.out == place.sh(texts + run).out);
  CHECK(falls.out != place.sh(texts + "bipft run stops.bipft --logits --exit fixed:k=2").out);
  CHECK(falls.talk.find("no shaders yet for texts that stop early") != std::string::npos);
}
