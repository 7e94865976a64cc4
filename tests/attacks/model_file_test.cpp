/// Files that are broken, truncated, foreign or hostile, taken for a model: each is refused with
/// its reason, none crashes, none costs more memory than it has bytes.

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <chrono>

#include "bipft/core/random.hpp"
#include "support/counting_allocator.hpp"
#include "support/safetensors_text.hpp"
#include "support/temporary_folder.hpp"

using namespace bipft;
using test::complaint;
using test::with_header;
using test::with_length;
using namespace std::string_literals;

namespace {

/// A small file as bipft writes it.
std::string sound_file() {
  const std::vector<float> weights{1, 2, 3, 4, 5, 6};
  const std::string vocabulary = "[PAD]\n[UNK]\n";
  const std::vector<TensorEntry> entries{
      {"a.bits", DType::u8, {2, 8}, bytes_of("0123456789abcdef")},
      {"a.alpha", DType::f32, {2, 3}, std::as_bytes(std::span(weights))},
      {"tokenizer.vocab", DType::u8, {vocabulary.size()}, bytes_of(vocabulary)},
  };
  return serialize_safetensors(entries, {{"format", "bipft"}, {"bipft.version", "1"}});
}

std::string entry(std::string_view name, std::string_view rest) {
  return concat('"', name, "\":{", rest, '}');
}
std::string u8(std::string_view name, std::size_t begin, std::size_t end) {
  return entry(name, concat(R"("dtype":"U8","shape":[)", end - begin, R"(],"data_offsets":[)",
                            begin, ',', end, ']'));
}
std::string of(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return '{' +
         entry("t", concat(R"("dtype":)", dtype, R"(,"shape":)", shape, R"(,"data_offsets":)",
                           offsets)) +
         '}';
}

struct Attack {
  std::string name;
  std::string file;
  std::string message;  ///< what the refusal must contain
};

std::vector<Attack> attacks() {
  const std::string good = R"("dtype":"U8","shape":[4],"data_offsets":[0,4])";
  const std::string four = "abcd";
  std::vector<Attack> list{
      // Not a model at all.
      {"empty", "", "f: the file is empty"},
      {"1 byte", "\x01", "f: 1 bytes are too few for a model"},
      {"7 bytes", "\x01\0\0\0\0\0\0"s, "f: 7 bytes are too few for a model"},
      {"8 bytes", with_length(1000, ""), "does not fit into the file"},
      {"a line of text", "hello world, I am no model\n", "this is a text file, not a model"},
      {"a short word", "hi", "this is a text file, not a model"},
      {"PNG", "\x89PNG\r\n\x1A\n\0\0\0\rIHDR"s, "this is a PNG image"},
      {"JPEG", "\xFF\xD8\xFF\xE0\0\x10JFIF\0"s, "this is a JPEG image"},
      {"PDF", "%PDF-1.7\n%\xE2\xE3", "this is a PDF document"},
      {"GGUF", "GGUF\x03\0\0\0\0\0\0\0"s, "this is a GGUF model"},
      {"torch zip", "PK\x03\x04\0\0\x08\x08\0\0"s, "this is a zip archive (pytorch_model.bin"},
      {"pickle", "\x80\x02\x8A\nl\xFC\x9C\x46\xF9 j\xA8P"s, "this is a Python pickle"},
      {"NumPy", "\x93NUMPY\x01\0v\0{'descr'"s, "this is a NumPy array"},
      {"HDF5", "\x89HDF\r\n\x1A\n\0\0"s, "this is an HDF5 file"},
      {"gzip", "\x1F\x8B\x08\0\0\0\0\0\0\x03"s, "this is gzip data"},
      {"ELF",
       "\x7F"
       "ELF\x02\x01\x01\0"s,
       "this is a program"},
      {"fastText", "\xBA\x16\x4F\x2F\x0C\0\0\0d\0"s, "this is a fastText model"},
      {"LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
       "run `git lfs pull`"},
      {"web page", "<!DOCTYPE html><title>404</title>", "this is a web page"},
      {"config.json", "{\"model_type\": \"bert\"}", "this is JSON text"},
      {"byte-swapped", "\0\0\0\0\0\0\0\x02{}"s, "the byte order of another kind of machine"},
      {"zeros", std::string(1000, '\0'), "byte 0: a header of 0 bytes holds nothing"},

      // The length word.
      {"length 0", with_length(0, "{}"), "a header of 0 bytes holds nothing"},
      {"length 1", with_length(1, "{}"), "a header of 1 bytes holds nothing"},
      {"length 2^63", with_length(std::uint64_t{1} << 63U, "{}"), "does not fit into the file"},
      {"length 2^64-1", with_length(~std::uint64_t{0}, "{}"), "does not fit into the file"},
      {"length 2^64-8", with_length(~std::uint64_t{7}, "{}"), "does not fit into the file"},
      {"length one too many", with_length(3, "{}"), "does not fit into the file"},
      {"length above the limit", with_header("{}" + std::string(1U << 20U, ' ')),
       "is larger than allowed"},

      // The header's text.
      {"not an object", with_header("[]"), "byte 8: the header does not begin with '{'"},
      {"leading space", with_header(" {}"), "byte 8: the header does not begin with '{'"},
      {"text after it", with_header("{}x"), "f: header:1:3: text after the end"},
      {"zero bytes after it", with_header("{}\0\0"s), "f: header:1:3: text after the end"},
      {"truncated", with_header("{\"t\":{" + good), "the text ends where"},
      {"truncated string", with_header("{\"t"), "the text ends within a string"},
      {"invalid UTF-8", with_header("{\"\xFF\":0}"), "malformed UTF-8 (byte 255)"},
      {"overlong", with_header("{\"\xC0\x80\":0}"), "malformed UTF-8 (byte 192)"},
      {"unpaired surrogate", with_header("{\"\\ud800\":0}"), "surrogate pair alone"},
      {"zero byte in a name", with_header("{" + entry("a\\u0000b", good) + "}", four),
       "a tensor's name holds a zero byte"},
      {"10^5 nested", with_header("{\"t\":" + std::string(100'000, '[')),
       "nested deeper than the 3"},
      {"many values", with_header("{\"t\":[" + std::string(200'000, ',')), "where a value should"},
      {"100,000 keys",
       [] {
         std::string header = "{";
         for (int i = 0; i < 100'000; ++i) header += concat("\"", i, "\":0,");
         return with_header(header + "\"x\":0}");
       }(),
       "more than the"},
      {"key twice", with_header("{" + u8("t", 0, 2) + ',' + u8("t", 2, 4) + "}", four),
       "the key \"t\" occurs twice"},
      {"field twice", with_header(R"({"t":{"dtype":"U8","dtype":"U8","shape":[4]}})", four),
       "the key \"dtype\" occurs twice"},

      // Metadata.
      {"metadata no object", with_header(R"({"__metadata__":[]})"), "an object is needed"},
      {"metadata of numbers", with_header(R"({"__metadata__":{"a":1}})"), "a string is needed"},
      {"metadata twice", with_header(R"({"__metadata__":{},"__metadata__":{}})"), "occurs twice"},

      // Entries.
      {"entry no object", with_header(R"({"t":5})"), "is not {dtype, shape, data_offsets}"},
      {"entry empty", with_header(R"({"t":{}})"), "is not {dtype, shape, data_offsets}"},
      {"field missing", with_header(R"({"t":{"dtype":"U8","shape":[4],"offsets":[0,4]}})", four),
       "there is no member \"data_offsets\""},
      {"one field more", with_header("{" + entry("t", good + ",\"x\":1") + "}", four),
       "is not {dtype, shape, data_offsets}"},
      {"no name", with_header("{" + u8("", 0, 4) + "}", four), "a tensor's name has 0 bytes"},
      {"long name", with_header("{" + u8(std::string(257, 'n'), 0, 4) + "}", four),
       "a tensor's name has 257 bytes"},
      {"terminal codes in a name", with_header("{" + entry("\\u001b[2J", "") + "}"),
       R"(tensor "\u001b[2J")"},
      {"4,097 tensors",
       [] {
         std::string header = "{";
         for (int i = 0; i < 4097; ++i) header += (i > 0 ? "," : "") + u8(concat(i), 0, 0);
         return with_header(header + '}');
       }(),
       "has 4097 tensors, more than the 4096 allowed"},
  };
  const auto add = [&](const char* name, std::string_view dtype, std::string_view shape,
                       std::string_view offsets, const char* message) {
    list.push_back({name, with_header(of(dtype, shape, offsets), four), message});
  };
  add("dtype unknown", R"("U7")", "[4]", "[0,4]", R"(unknown dtype "U7")");
  add("dtype in lower case", R"("u8")", "[4]", "[0,4]", R"(unknown dtype "u8")");
  add("dtype a number", "8", "[4]", "[0,4]", "\"dtype\": a string is needed");
  add("shape no array", R"("U8")", "4", "[0,4]", "\"shape\": an array is needed");
  add("shape an object", R"("U8")", R"({"a":4})", "[0,4]", "\"shape\": an array is needed");
  add("extent negative", R"("U8")", "[-4]", "[0,4]", "-4 is negative");
  add("extent fractional", R"("U8")", "[4.0]", "[0,4]", "an integer is needed");
  add("extent with exponent", R"("U8")", "[4e0]", "[0,4]", "an integer is needed");
  add("extent a string", R"("U8")", R"(["4"])", "[0,4]", "an integer is needed");
  add("extent beyond 64 bits", R"("U8")", "[18446744073709551616]", "[0,4]",
      "an integer is needed");
  add("extent beyond 2^31-1", R"("U8")", "[2147483648]", "[0,4]", "extent 2147483648 exceeds");
  add("rank 5", R"("U8")", "[1,1,1,1,4]", "[0,4]", "rank 5 exceeds 4");
  add("rank 9", R"("U8")", "[1,1,1,1,1,1,1,1,4]", "[0,4]", "rank 9 exceeds 4");
  add("product overflows", R"("F32")", "[2147483647,2147483647,2147483647]", "[0,4]", "no whole");
  add("product wraps to 4", R"("U8")", "[1073741824,1073741824,16,1]", "[0,4]", "no whole");
  add("a part of a byte", R"("F4")", "[7]", "[0,4]", "no whole number");
  add("size too small", R"("F32")", "[2]", "[0,4]", "F32 [2] needs 8 bytes");
  add("size too large", R"("U8")", "[3]", "[0,4]", "U8 [3] needs 3 bytes");
  add("zero extent with bytes", R"("U8")", "[0]", "[0,4]", "U8 [0] needs 0 bytes");
  add("offsets reversed", R"("U8")", "[4]", "[4,0]", "data_offsets are [4, 0]");
  add("offsets negative", R"("U8")", "[4]", "[-4,0]", "-4 is negative");
  add("offsets fractional", R"("U8")", "[4]", "[0,4.5]", "an integer is needed");
  add("offsets NaN", R"("U8")", "[4]", "[0,NaN]", "'N' stands where a value should");
  add("offsets 1e999", R"("U8")", "[4]", "[0,1e999]", "no double can hold");
  add("offsets one", R"("U8")", "[4]", "[0]", "data_offsets are not [begin, end]");
  add("offsets three", R"("U8")", "[4]", "[0,4,8]", "data_offsets are not [begin, end]");
  add("offsets a number", R"("U8")", "[4]", "4", "\"data_offsets\": an array is needed");
  add("beyond the end", R"("U8")", "[5]", "[0,5]", "but the file holds 4 bytes of data");
  add("far beyond the end", R"("U8")", "[2147483647]", "[0,2147483647]", "it is truncated");
  add("begins late", R"("U8")", "[2]", "[2,4]", "behind a hole that begins at 0");
  add("ends early", R"("U8")", "[2]", "[0,2]", "ends at 2, and 2 bytes follow");
  add("begins near 2^63", R"("U8")", "[0]", "[9223372036854775807,9223372036854775807]",
      "behind a hole");

  const auto data = [&](const char* name, const std::string& header, const char* message) {
    list.push_back({name, with_header("{" + header + "}", four), message});
  };
  data("overlap", u8("a", 0, 3) + ',' + u8("b", 2, 4), "within another tensor's, which ends at 3");
  data("the same bytes", u8("a", 0, 4) + ',' + u8("b", 0, 4), "within another tensor's");
  data("a hole", u8("a", 0, 1) + ',' + u8("b", 2, 4), "behind a hole that begins at 1");
  data("no tensor for the data", "", "the data of its tensors ends at 0, and 4 bytes follow");
  data("an empty tensor in the middle of another", u8("a", 0, 4) + ',' + u8("b", 2, 2),
       "within another tensor's");

  // The checksum.
  const std::string sound = sound_file();
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string file = sound;
    file.replace(file.find(from), from.size(), to);
    return file;
  };
  std::string wrong = sound;
  wrong.back() = static_cast<char>(wrong.back() ^ 1);
  list.push_back({"checksum wrong", wrong, "the file is damaged: its SHA-256 is "});
  list.push_back({"data changed", with("0123456789abcdef", "0123456789abcdeF"), "is damaged"});
  list.push_back({"checksum renamed", with("zz.sha256", "zz.sha257"), "announces a checksum"});
  list.push_back({"not last",
                  with_header("{" + u8("zz.sha256", 0, 32) + ',' + u8("a", 32, 36) + "}",
                              std::string(32, 'x') + four),
                  "its checksum does not stand at the end: \"a\" comes later"});
  list.push_back({"of another shape", with_header("{" + u8("zz.sha256", 0, 4) + "}", four),
                  "its checksum is U8 [4] where U8 [32] should be"});
  list.push_back({"something appended", sound + 'x', "1 bytes follow: something was appended"});
  list.push_back({"twice in a row", sound + sound, "bytes follow: something was appended"});
  return list;
}

}  // namespace

TEST_CASE("attacks: each broken or hostile model file is refused with its own reason") {
  CHECK(complaint(sound_file()) == "");
  for (const Attack& attack : attacks()) {
    CAPTURE(attack.name);
    const std::string said = complaint(attack.file);
    CAPTURE(said);
    CHECK(said.starts_with("f: "));
    CHECK(said.find(attack.message) != std::string::npos);
    CHECK(said.size() < 400);
  }
}

TEST_CASE("attacks: the same files from a disk, within a second and the file's size + 4 MB") {
  const test::TemporaryFolder folder;
  for (const Attack& attack : attacks()) {
    CAPTURE(attack.name);
    const std::string path = folder.write("f", attack.file);
    const auto begin = std::chrono::steady_clock::now();
    const std::size_t mark = test::allocation_mark();
    std::string said;
    try {
      (void)Safetensors::open(path).verify_checksum();
    } catch (const Error& error) {
      said = error.what();
      CHECK(error.fault() == Fault::model);
    }
    const std::size_t peak = test::allocated_peak_since(mark);
    CHECK(said.find(attack.message) != std::string::npos);
    CHECK(said.starts_with(path));
    CHECK(peak <= attack.file.size() + 4'000'000);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
  }
}

TEST_CASE("attacks: what is no regular file is no model, and nobody waits for it") {
  const test::TemporaryFolder folder;
  REQUIRE(mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  for (const std::string& path :
       {folder.path(), folder.path("fifo"), folder.path("missing"), "/dev/zero"s, "/dev/null"s}) {
    try {
      (void)Safetensors::open(path);
      FAIL("it was opened");
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::model);
      CHECK(std::string_view(error.what()).starts_with(path + ": "));
    }
  }
}

TEST_CASE("attacks: every single bit flip is refused") {
  std::string file = sound_file();
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const char original = file[at];
      file[at] = static_cast<char>(original ^ (1 << bit));
      if (complaint(file).empty()) ++accepted;
      file[at] = original;
    }
  }
  CHECK(accepted == 0);
  CHECK(complaint(file) == "");
}

TEST_CASE("attacks: truncated or extended by any number of bytes, it is refused") {
  const std::string file = sound_file();
  for (std::size_t length = 0; length < file.size(); ++length) {
    // In a block of its own size, so that reading past its end is seen by a sanitizer.
    const std::vector<char> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length));
    CHECK(complaint({cut.data(), cut.size()}) != "");
  }
  for (const char filler : {'\0', ' ', '}', 'x'}) {
    for (std::size_t more = 1; more <= 64; ++more) {
      CHECK(complaint(file + std::string(more, filler)) != "");
    }
  }
}

TEST_CASE("attacks: a changed header with a right checksum is refused, or means what it says") {
  const std::string file = sound_file();
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  std::size_t loaded = 0;
  for (std::size_t at = 0; at < 8 + length; ++at) {
    const Random random(1, "mutation", at);
    for (std::uint64_t i = 0; i < 24; ++i) {
      std::string changed = file;
      changed[at] = static_cast<char>(random.u32(i));
      if (i % 4 == 3) {  // a second change somewhere else
        changed[random.below(100 + i, 8 + length)] =
            "{}[],:\"0123456789 -.e\\"[random.below(i, 22)];
      }
      test::recompute_checksum(changed);
      if (!complaint(changed).empty()) continue;
      ++loaded;  // a name, a text or a number changed, and all still fits
      const Safetensors read = Safetensors::borrow(bytes_of(changed), "f");
      std::size_t bytes = 0;
      for (const TensorEntry& tensor : read.entries()) {
        CHECK(byte_size(tensor.dtype, tensor.shape) == tensor.bytes.size());
        bytes += tensor.bytes.size();
      }
      std::uint64_t now = 0;
      std::memcpy(&now, changed.data(), 8);
      CHECK(bytes + 8 + now == changed.size());
    }
  }
  CHECK(loaded > 100);
}

TEST_CASE("attacks: garbage is refused") {
  std::size_t accepted = 0;
  for (std::uint64_t n = 0; n < 20'000; ++n) {
    const Random random(2, "garbage", n);
    std::string text = "{";
    constexpr std::string_view pieces[] = {"{",
                                           "}",
                                           "[",
                                           "]",
                                           ":",
                                           ",",
                                           "\"t\"",
                                           "\"dtype\"",
                                           "\"shape\"",
                                           "\"data_offsets\"",
                                           "\"U8\"",
                                           "0",
                                           "1",
                                           "4",
                                           "-1",
                                           "1e3",
                                           "null",
                                           " ",
                                           "\"__metadata__\"",
                                           "\\",
                                           "\"",
                                           "\xC3"};
    for (std::uint64_t i = random.below(1, 40); i > 0; --i) {
      text += pieces[random.below(100 + i, std::size(pieces))];
    }
    if (complaint(with_header(text, "abcd")).empty()) ++accepted;
  }
  CHECK(accepted == 0);
}
