#include "bipft/io/mapped_file.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

#include "support/temporary_folder.hpp"

using namespace bipft;

TEST_CASE("MappedFile: is the bytes of a file, and what is none is told by name") {
  const test::TemporaryFolder folder;
  const auto text_of = [](const MappedFile& file) {
    return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  };
  const std::string whole = std::string(100'000, 'a') + "end";
  MappedFile file(folder.write("whole", whole), Fault::data);
  CHECK(text_of(file) == whole);
  MappedFile moved(std::move(file));
  CHECK(text_of(moved) == whole);
  MappedFile other(folder.write("other", "xyz"), Fault::data);
  other = std::move(moved);
  CHECK(text_of(other) == whole);
  CHECK(MappedFile(folder.write("empty", ""), Fault::data).bytes().empty());
  for (const char* name : {"missing", "."}) {
    try {
      const MappedFile none(folder.path(name), Fault::model);
      FAIL("mapped");
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::model);
      CHECK(std::string_view(error.what()).find(folder.path(name)) == 0);
    }
  }
}
