#include "bipft/io/wrong_file.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace bipft;

namespace {

std::string kind(std::string_view text, std::size_t size) {
  return std::string(wrong_kind(std::as_bytes(std::span(text.data(), text.size())), size));
}
std::string kind(std::string_view text) { return kind(text, text.size()); }

}  // namespace

TEST_CASE("wrong_kind: names what people mistake for a model") {
  using namespace std::string_literals;
  CHECK(kind("version https://git-lfs.github.com/spec/v1\noid") ==
        "a Git LFS pointer, not the file itself; run `git lfs pull`");
  CHECK(kind("\x89PNG\r\n\x1A\n") == "a PNG image");
  CHECK(kind("GGUF\x03\0\0\0"s) == "a GGUF model, which bipft does not read");
  CHECK(kind("PK\x03\x04rest") ==
        "a zip archive (pytorch_model.bin and .pt are); save the model as safetensors");
  CHECK(kind("\x80\x02}q") == "a Python pickle; save the model as safetensors");
  CHECK(kind("\xBA\x16\x4F\x2F\x0C\0\0\0"s) == "a fastText model, which bipft does not read");
  CHECK(kind("<!DOCTYPE html>") == "a web page or XML, perhaps of a download that failed");
  CHECK(kind("{\"model_type\": \"bert\"}") ==
        "JSON text, not a model; a config.json alone has no weights");
  CHECK(kind("label\ttext\n1\tgr\xC3\xB6\xC3\x9F"
             "er\n") == "a text file, not a model");
  CHECK(kind("\x01\x02\x03") == "");
  CHECK(kind("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}") == "");
}

TEST_CASE("wrong_kind: a length word of the other byte order is recognised") {
  using namespace std::string_literals;
  const std::string swapped = "\0\0\0\0\0\0\0\x10{\"a\": 1}"s;
  CHECK(kind(swapped, 1000).starts_with("written in the byte order of another kind of machine"));
  CHECK(kind(swapped, 20) == "");
}
