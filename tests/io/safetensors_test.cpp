#include "bipft/io/safetensors.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "bipft/core/random.hpp"
#include "support/counting_allocator.hpp"
#include "support/safetensors_text.hpp"
#include "support/temporary_folder.hpp"

using namespace bipft;
namespace fs = std::filesystem;

namespace {

const std::vector<float> weights{1.0F, -2.0F, 3.5F, 0.0F, 1e-30F, 6.0F};
const std::string vocabulary = "[PAD]\n[UNK]\nfilm\n";

std::vector<TensorEntry> some_entries() {
  const auto floats = std::as_bytes(std::span(weights));
  return {{"layer.weight", DType::f32, {2, 3}, floats},
          {"tokenizer.vocab", DType::u8, {vocabulary.size()}, bytes_of(vocabulary)},
          {"scale", DType::f32, {}, floats.first(4)},
          {"nothing", DType::i64, {0, 4}, {}}};
}
const TensorMetadata some_metadata{{"format", "bipft"}, {"note", "a \"quote\"\n\xC3\xA4"}};

std::string dump(const Safetensors& file) {
  std::string text;
  for (const auto& [key, value] : file.metadata()) {
    text += concat("M ", hex(bytes_of(key)), ' ', hex(bytes_of(value)), '\n');
  }
  for (const TensorEntry& entry : file.entries()) {
    text += concat("T ", hex(bytes_of(entry.name)), ' ', entry.dtype, ' ');
    for (const std::size_t extent : entry.shape) text += concat(extent, ',');
    text += concat(' ', hex(Sha256::of(entry.bytes)), '\n');
  }
  return text;
}

}  // namespace

TEST_CASE("Safetensors: what was saved is loaded, in order and to the byte") {
  const test::TemporaryFolder folder;
  const std::vector<TensorEntry> entries = some_entries();
  save_safetensors(folder.path("a"), entries, some_metadata);
  const std::string bytes = serialize_safetensors(entries, some_metadata);
  CHECK(folder.read("a") == bytes);
  CHECK(serialize_safetensors(entries, some_metadata) == bytes);

  const Safetensors opened = Safetensors::open(folder.path("a"));
  const Safetensors parsed = Safetensors::parse(bytes_of(bytes), "memory");
  const Safetensors borrowed = Safetensors::borrow(bytes_of(bytes), "memory");
  for (const Safetensors& file : {opened, parsed, borrowed}) {
    CHECK(file.verify_checksum() == Checksum::ok);
    CHECK(file.file_size() == bytes.size());
    CHECK(file.metadata("format") == "bipft");
    CHECK(file.metadata("note") == some_metadata[1].second);
    CHECK(file.metadata(checksum_key) == "sha256");
    CHECK_FALSE(file.metadata("other"));
    REQUIRE(file.entries().size() == 5);
    // "nothing" begins where "zz.sha256" does, and a tensor of no bytes comes first.
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const TensorEntry& entry = file.entries()[i];
      CHECK(entry.name == entries[i].name);
      CHECK(entry.dtype == entries[i].dtype);
      CHECK(entry.shape == entries[i].shape);
      CHECK(std::equal(entry.bytes.begin(), entry.bytes.end(), entries[i].bytes.begin(),
                       entries[i].bytes.end()));
      CHECK(file.find(entry.name) == &entry);
    }
    CHECK(file.entries()[4].name == checksum_tensor);
    CHECK(file.find("layer") == nullptr);
    CHECK(to_string(file.at("layer.weight")) == "F32 [2, 3]");
  }
  CHECK_THROWS_WITH_AS((void)borrowed.at("bias"), "memory: has no tensor \"bias\"", Error);

  std::vector<float> read(6);
  copy_floats(DType::f32, opened.at("layer.weight").bytes, read, "w");
  CHECK(read == weights);
}

TEST_CASE("Safetensors: data begins at a multiple of 64, in the file and in memory") {
  const test::TemporaryFolder folder;
  std::string name = "x";
  for (int i = 0; i < 70; ++i, name += 'x') {
    const TensorEntry entry{name, DType::u8, {3}, bytes_of("abc")};
    const std::string bytes = serialize_safetensors({&entry, 1});
    CHECK(bytes.find("abc") % 64 == 0);
    const Safetensors parsed = Safetensors::parse(bytes_of(bytes), "f");
    CHECK(reinterpret_cast<std::uintptr_t>(parsed.at(name).bytes.data()) % 64 == 0);
  }
}

TEST_CASE("Safetensors: the tensors live as long as a copy of the file") {
  std::span<const std::byte> bytes;
  Safetensors kept = [&] {
    const std::string text = serialize_safetensors(some_entries());
    const Safetensors file = Safetensors::parse(bytes_of(text), "f");
    bytes = file.at("tokenizer.vocab").bytes;
    return file;
  }();
  const Safetensors moved = std::move(kept);
  CHECK(std::equal(bytes.begin(), bytes.end(), bytes_of(vocabulary).begin()));
}

TEST_CASE("Safetensors: without a checksum a file loads and says so") {
  const std::string bytes =
      serialize_safetensors(some_entries(), {}, {.checksum = false, .limits = {}});
  const Safetensors file = Safetensors::borrow(bytes_of(bytes), "f");
  CHECK(file.verify_checksum() == Checksum::absent);
  CHECK(file.metadata().empty());
  CHECK(file.entries().size() == 4);
  const std::string none = serialize_safetensors({}, {}, {.checksum = false, .limits = {}});
  CHECK(Safetensors::borrow(bytes_of(none), "f").entries().empty());
}

TEST_CASE("save_safetensors: refuses what could not be read back") {
  const auto says = [](std::vector<TensorEntry> entries, const TensorMetadata& metadata = {}) {
    try {
      (void)serialize_safetensors(entries, metadata);
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::usage);
      return std::string(error.what());
    }
    return std::string();
  };
  const auto bytes = bytes_of("abcd");
  CHECK(says({{"a", DType::u8, {4}, bytes}}) == "");
  CHECK(says({{"a", DType::u8, {5}, bytes}}) ==
        "safetensors: \"a\": 4 bytes are not U8 [5] of at most 4 extents up to 2147483647");
  CHECK(says({{"a", DType::u8, {1, 1, 1, 1, 4}, bytes}}) != "");
  CHECK(says({{"a", DType::u8, {std::size_t{1} << 31U, 0}, {}}}) != "");
  CHECK(says({{"", DType::u8, {4}, bytes}}) != "");
  CHECK(says({{std::string(257, 'n'), DType::u8, {4}, bytes}}) != "");
  CHECK(says({{"\xFF", DType::u8, {4}, bytes}})
            .ends_with("is no UTF-8, and a header holds nothing else"));
  CHECK(says({{"a", DType::u8, {4}, bytes}, {"a", DType::u8, {4}, bytes}})
            .ends_with("the key \"a\" occurs twice"));
  CHECK(says({{"__metadata__", DType::u8, {4}, bytes}}).ends_with("occurs twice"));
  CHECK(says({{"zz.sha256", DType::u8, {4}, bytes}}).ends_with("occurs twice"));
  CHECK(says({}, {{"k", "1"}, {"k", "2"}}).ends_with("occurs twice"));
  CHECK(says({}, {{"k", std::string(1U << 20U, 'x')}}).find("more than the") != std::string::npos);
  CHECK(says(std::vector<TensorEntry>(4096)) != "");
}

TEST_CASE("save_safetensors: 4,096 tensors load and save, one more does not") {
  std::vector<TensorEntry> entries;
  for (int i = 0; i < 4095; ++i) entries.push_back({concat("t", i), DType::u8, {1}, bytes_of("x")});
  const std::string bytes = serialize_safetensors(entries);
  CHECK(test::complaint(bytes) == "");
  entries.push_back({"last", DType::u8, {1}, bytes_of("x")});
  CHECK_THROWS_AS((void)serialize_safetensors(entries), Error);
  const std::string more = serialize_safetensors(
      entries, {}, {.checksum = true, .limits = SafetensorsLimits::hugging_face()});
  CHECK(test::complaint(more).find("4097 tensors, more than the 4096") != std::string::npos);
  CHECK(test::complaint(more, SafetensorsLimits::hugging_face()) == "");
}

TEST_CASE("Safetensors: loading allocates the file's size and at most 4 MB more") {
  if (!test::counts_allocations()) return;
  const test::TemporaryFolder folder;
  const std::string big(5'000'000, 'b');
  std::vector<TensorEntry> entries{{"big", DType::u8, {big.size()}, bytes_of(big)}};
  const auto measure = [&](const std::string& path) {
    const std::size_t mark = test::allocation_mark();
    try {
      const Safetensors file = Safetensors::open(path);
      (void)file.verify_checksum();
    } catch (const Error&) {
    }
    return test::allocated_peak_since(mark);
  };
  save_safetensors(folder.path("a"), entries);
  CHECK(measure(folder.path("a")) >= big.size());
  CHECK(measure(folder.path("a")) <= big.size() + 100'000);

  // The most that a header of 1 MB can ask for: many tensors, long names, many numbers.
  entries.clear();
  for (int i = 0; i < 4095; ++i) {
    entries.push_back({concat(std::string(150, 'n'), i), DType::u8, {1, 1, 1, 1}, bytes_of("x")});
  }
  save_safetensors(folder.path("b"), entries);
  CHECK(measure(folder.path("b")) <= fs::file_size(folder.path("b")) + 4'000'000);
  for (const std::string& unit : {std::string("0,"), std::string("[],"), std::string("\"a\":1,")}) {
    std::string header = unit[0] == '"' ? "{" : "{\"a\":[";
    while (header.size() < 1'000'000) header += unit;
    folder.write("c", test::with_header(header));
    CHECK(measure(folder.path("c")) <= header.size() + 4'000'000);
  }

  // A file that only claims to be large is refused before it is read.
  folder.write("d", test::with_length(4, "{}  "));
  fs::resize_file(folder.path("d"), std::size_t{3} << 30U);
  CHECK(measure(folder.path("d")) < 100'000);
  folder.write("e", "GGUF\x03");
  fs::resize_file(folder.path("e"), std::size_t{3} << 30U);
  CHECK(measure(folder.path("e")) < 100'000);
}

// The oracle: files that a program not written here read and wrote.
// `tests/oracles/check_safetensors.py` made the golden files; run by hand it also checks hundreds
// of ours.

TEST_CASE("Safetensors: reads what an independent writer wrote, as that writer meant it") {
  const fs::path golden = fs::path(BIPFT_SOURCE_DIR) / "tests" / "golden" / "safetensors";
  std::vector<fs::path> folders{golden};
  if (const char* more = std::getenv("BIPFT_TEST_SAFETENSORS")) folders.emplace_back(more);
  std::size_t count = 0;
  for (const fs::path& folder : folders) {
    for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
      if (file.path().extension() != ".safetensors") continue;
      CAPTURE(file.path().string());
      const std::string expected =
          read_file(fs::path(file.path()).replace_extension(".txt").string(), Fault::data);
      const Safetensors read =
          Safetensors::open(file.path().string(), SafetensorsLimits::hugging_face());
      CHECK(dump(read) == expected);
      ++count;
    }
  }
  CHECK(count >= 4);
}

TEST_CASE("save_safetensors: files for the independent reader") {
  const char* const folder = std::getenv("BIPFT_TEST_SAFETENSORS_OUT");
  if (folder == nullptr) return;
  for (std::size_t n = 0; n < 300; ++n) {
    const Random random(n, "safetensors");
    std::string data(20'000, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(random.u32(i));
    std::vector<TensorEntry> entries;
    const std::size_t count = random.below(20'000, 12);
    for (std::size_t t = 0; t < count; ++t) {
      const Random own(n, "tensor", t);
      TensorEntry entry;
      entry.name = concat(t % 3 == 0 ? "\xC3\xA4 \"\\\n" : "encoder.", t);
      entry.dtype = static_cast<DType>(4 + own.below(0, 18));
      for (std::size_t i = own.below(1, 5); i > 0; --i) entry.shape.push_back(own.below(1 + i, 6));
      entry.bytes = bytes_of(data).first(*byte_size(entry.dtype, entry.shape));
      entries.push_back(std::move(entry));
    }
    const TensorMetadata metadata{{"seed", concat(n)}, {"text", "\t\x01\xF0\x9F\x98\x80"}};
    const std::string path = concat(folder, "/", n, ".safetensors");
    save_safetensors(path, entries, metadata, {.checksum = n % 2 == 0, .limits = {}});
    write_file_atomically(concat(folder, "/", n, ".txt"), dump(Safetensors::open(path)));
  }
}
