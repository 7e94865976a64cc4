#include "bipft/io/folder.hpp"

#include <doctest/doctest.h>

#include <string>

#include "support/temporary_folder.hpp"

using namespace bipft;

namespace {

Fault fault_of_making(const std::string& path) {
  try {
    make_empty_folder(path);
  } catch (const Error& error) {
    return error.fault();
  }
  return Fault::usage;
}

}  // namespace

TEST_CASE("Folder: made where there is none, taken where it is empty, refused otherwise") {
  const test::TemporaryFolder place;
  const std::string made = place.path("made");
  CHECK_FALSE(path_exists(made));
  make_empty_folder(made);
  CHECK(is_folder(made));
  make_empty_folder(made);

  place.write("made/.hidden", "x");
  CHECK(fault_of_making(made) == Fault::system);
  const std::string file = place.write("file", "x");
  CHECK(path_exists(file));
  CHECK_FALSE(is_folder(file));
  CHECK(fault_of_making(file) == Fault::system);
  CHECK(fault_of_making(place.path("no/such/parent")) == Fault::system);
  CHECK(place.read("made/.hidden") == "x");
}
