#pragma once
/// Safetensors: named tensors and text in one file, checked to the last byte before it is believed.
///
///   0      u64, little-endian   N, the length of the header
///   8      N bytes of JSON      {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...}
///   8+N    tensor data          little-endian, row-major, in a row: no hole, no overlap, no rest
///
/// `__metadata__` in the header maps strings to strings. A file of bipft closes with the tensor
/// `zz.sha256`, U8 [32]: the SHA-256 of every byte before it. Any other safetensors file can be
/// read.
///
///   const Safetensors file = Safetensors::open("model.bipft");
///   (void)file.verify_checksum();
///   const TensorEntry& bits = file.at("encoder.0.query.bits");      // bits.bytes: no copy
///
/// Everything wrong throws Error{Fault::model} with the file, the tensor and the numbers that
/// clash. Loading allocates the file's size and, within the default limits, at most 4 MB more.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/checked.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/sort.hpp"
#include "bipft/io/dtype.hpp"
#include "bipft/io/file.hpp"
#include "bipft/io/json.hpp"
#include "bipft/io/sha256.hpp"
#include "bipft/io/wrong_file.hpp"

namespace bipft {

static_assert(std::endian::native == std::endian::little,
              "bipft reads and writes tensors as they lie in memory: little-endian machines only");

/// One tensor: what it is called, what it holds, and where its bytes lie.
struct TensorEntry {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::size_t> shape;    ///< empty for a single number
  std::span<const std::byte> bytes;  ///< of the file's buffer, or of the writer's data

  /// "F32 [2, 3]"
  [[nodiscard, gnu::cold]] friend std::string to_string(const TensorEntry& entry) {
    std::string text = concat(entry.dtype, " [");
    for (std::size_t i = 0; i < entry.shape.size(); ++i) {
      text += concat(i == 0 ? "" : ", ", entry.shape[i]);
    }
    return text + ']';
  }
};

/// Texts beside the tensors, in the order of the file.
using TensorMetadata = std::vector<std::pair<std::string, std::string>>;

/// What a file may claim at most. The defaults are bipft's own profile; files of others need more.
struct SafetensorsLimits {
  std::size_t header_bytes = std::size_t{1} << 20U;
  std::size_t tensors = 4096;
  std::size_t rank = 4;
  std::size_t name_bytes = 256;
  std::size_t extent = (std::size_t{1} << 31U) - 1;
  std::size_t file_bytes = std::size_t{1} << 32U;

  /// What the format itself allows: for checkpoints of Hugging Face.
  [[nodiscard]] static constexpr SafetensorsLimits hugging_face() {
    return {.header_bytes = 100'000'000, .tensors = 65'536, .rank = 8, .name_bytes = 1024};
  }
};

/// Whether a file brings its own checksum. (One that is wrong is an Error.)
enum class Checksum { absent, ok };

inline constexpr std::string_view checksum_tensor = "zz.sha256";
/// The metadata that announces the checksum, so that its name cannot get lost unnoticed.
inline constexpr std::string_view checksum_key = "bipft.checksum";

class Safetensors {
 public:
  /// Reads the file at `path`. The header is read and checked first: a file that is something else,
  /// or claims what its size does not bear out, costs neither its size in memory nor the time to
  /// read it.
  [[nodiscard, gnu::cold]] static Safetensors open(const std::string& path,
                                                   const SafetensorsLimits& limits = {}) {
    InputFile file(path, Fault::model);
    std::string head(512, '\0');
    head.resize(file.read(writable(head)));
    const std::size_t length = header_size(bytes_of(head), file.size(), path, limits);
    const std::size_t begun = head.size();
    if (begun < 8 + length) {
      head.resize(8 + length);
      if (file.read(writable(head).subspan(begun)) != head.size() - begun) changed(path);
    }
    Safetensors result(std::string_view(head).substr(8, length), file.size() - 8 - length, path,
                       limits);

    const std::shared_ptr<std::byte[]> buffer = allocate(file.size());
    const std::span<std::byte> bytes(buffer.get(), file.size());
    if (head.size() > bytes.size()) changed(path);
    std::memcpy(bytes.data(), head.data(), head.size());
    const std::span<std::byte> rest = bytes.subspan(head.size());
    std::byte more{};
    if (file.read(rest) != rest.size() || file.read({&more, 1}) != 0) changed(path);
    result.attach(buffer, bytes);
    return result;
  }

  /// The file that `bytes` holds; they are copied. `name` stands in messages.
  [[nodiscard]] static Safetensors parse(std::span<const std::byte> bytes, std::string_view name,
                                         const SafetensorsLimits& limits = {}) {
    Safetensors result = borrow(bytes, name, limits);
    const std::shared_ptr<std::byte[]> buffer = allocate(bytes.size());
    std::copy(bytes.begin(), bytes.end(), buffer.get());
    result.attach(buffer, {buffer.get(), bytes.size()});
    return result;
  }

  /// The same without a copy: `bytes` must outlive every tensor, and may lie at any address.
  [[nodiscard]] static Safetensors borrow(std::span<const std::byte> bytes, std::string_view name,
                                          const SafetensorsLimits& limits = {}) {
    const std::size_t length = header_size(bytes, bytes.size(), name, limits);
    const auto* const text = reinterpret_cast<const char*>(bytes.data()) + 8;
    Safetensors result({text, length}, bytes.size() - 8 - length, name, limits);
    result.attach(nullptr, bytes);
    return result;
  }

  /// All tensors, in the order of their data. Their bytes live as long as a copy of this object;
  /// those of `open` and `parse` begin at a multiple of 64 wherever the file places them so.
  [[nodiscard]] std::span<const TensorEntry> entries() const { return entries_; }
  /// The tensor `name`, or nullptr.
  [[nodiscard, gnu::noinline]] const TensorEntry* find(std::string_view name) const {
    const auto at =
        std::lower_bound(by_name_.begin(), by_name_.end(), name,
                         [&](std::uint32_t i, std::string_view n) { return entries_[i].name < n; });
    return at != by_name_.end() && entries_[*at].name == name ? &entries_[*at] : nullptr;
  }
  /// The tensor `name`; throws Error if there is none.
  [[nodiscard]] const TensorEntry& at(std::string_view name) const {
    const TensorEntry* const entry = find(name);
    if (entry == nullptr) refuse({"has no tensor ", detail::quoted(name)});
    return *entry;
  }

  [[nodiscard]] const TensorMetadata& metadata() const { return metadata_; }
  /// The metadata under `key`, or nothing.
  [[nodiscard, gnu::noinline]] std::optional<std::string_view> metadata(
      std::string_view key) const {
    for (const auto& [name, value] : metadata_) {
      if (name == key) return value;
    }
    return std::nullopt;
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t file_size() const { return bytes_.size(); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }  ///< of the whole file

  /// Compares the file with the checksum it brings. Throws Error if they differ, if the checksum
  /// does not come last, or if the metadata announces one that is not there.
  [[nodiscard]] Checksum verify_checksum() const {
    const TensorEntry* const entry = find(checksum_tensor);
    if (entry == nullptr) {
      if (metadata(checksum_key)) refuse({"announces a checksum and has none: it is damaged"});
      return Checksum::absent;
    }
    if (entry->dtype != DType::u8 || entry->shape != std::vector<std::size_t>{32}) {
      refuse({"its checksum is ", to_string(*entry), " where U8 [32] should be"});
    }
    if (entry != &entries_.back()) {
      refuse({"its checksum does not stand at the end: ", detail::quoted(entries_.back().name),
              " comes later"});
    }
    const Sha256::Digest computed = Sha256::of(bytes_.first(bytes_.size() - 32));
    if (!std::equal(computed.begin(), computed.end(), entry->bytes.begin())) {
      refuse({"the file is damaged: its SHA-256 is ", hex(computed), ", and it says ",
              hex(entry->bytes), "; copy or download it again"});
    }
    return Checksum::ok;
  }

 private:
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  static constexpr std::string_view metadata_name = "__metadata__";

  /// Checks a header against the bytes of data that follow it; the bytes themselves come later.
  Safetensors(std::string_view header, std::size_t data_bytes, std::string_view name,
              const SafetensorsLimits& limits)
      : name_(name) {
    read_header(header, limits);
    check_data(data_bytes);
    by_name_ = ascending(
        [&](std::uint32_t a, std::uint32_t b) { return entries_[a].name < entries_[b].name; });
  }

  /// Gives every tensor its bytes.
  void attach(std::shared_ptr<const std::byte[]> buffer, std::span<const std::byte> bytes) {
    buffer_ = std::move(buffer);
    bytes_ = bytes;
    std::size_t end = bytes.size();
    for (std::size_t i = entries_.size(); i-- > 0;) {  // the last one ends where the file does
      const std::size_t size = *byte_size(entries_[i].dtype, entries_[i].shape);
      end -= size;
      entries_[i].bytes = bytes.subspan(end, size);
    }
  }

  /// The numbers of all entries, sorted.
  template <class Before>
  [[nodiscard]] std::vector<std::uint32_t> ascending(const Before& before) const {
    std::vector<std::uint32_t> order(entries_.size());
    std::iota(order.begin(), order.end(), std::uint32_t{0});
    sort_by(order, before);
    return order;
  }

  [[noreturn, gnu::cold, gnu::noinline]] void refuse(detail::Parts parts) const {
    detail::raise(Fault::model, name_ + ": ", parts);
  }
  /// Of one tensor.
  [[noreturn, gnu::cold, gnu::noinline]] void refuse(std::string_view tensor,
                                                     detail::Parts parts) const {
    detail::raise(Fault::model, concat(name_, ": tensor ", detail::quoted(tensor), ": "), parts);
  }
  [[noreturn, gnu::cold]] static void changed(const std::string& path) {
    fail(Fault::model, path, ": somebody changed the file while it was read");
  }

  [[nodiscard]] static std::span<std::byte> writable(std::string& text) {
    return std::as_writable_bytes(std::span(text.data(), text.size()));
  }

  [[nodiscard]] static std::shared_ptr<std::byte[]> allocate(std::size_t size) {
    constexpr auto align = std::align_val_t{64};
    auto* const memory =
        static_cast<std::byte*>(::operator new[](std::max<std::size_t>(size, 1), align));
    return {memory, [](std::byte* p) { ::operator delete[](p, align); }};
  }

  /// N of the file, of which `start` holds at least the first 8 bytes if it has them.
  [[nodiscard, gnu::cold]] static std::size_t header_size(std::span<const std::byte> start,
                                                          std::size_t file_bytes,
                                                          std::string_view name,
                                                          const SafetensorsLimits& limits) {
    if (file_bytes == 0) fail(Fault::model, name, ": the file is empty");
    std::uint64_t length = 0;
    if (start.size() >= 8) std::memcpy(&length, start.data(), 8);
    const bool fits = start.size() >= 8 && length <= file_bytes - 8;
    if (!fits || length < 2 || length > limits.header_bytes) {
      if (const std::string_view kind = wrong_kind(start, file_bytes); !kind.empty()) {
        fail(Fault::model, name, ": this is ", kind);
      }
      if (start.size() < 8) {
        fail(Fault::model, name, ": ", file_bytes, " bytes are too few for a model");
      }
      fail(Fault::model, name, ": byte 0: a header of ", length, " bytes ",
           length < 2 ? "holds nothing"
           : !fits    ? "does not fit into the file: it is truncated, or no model"
                      : "is larger than allowed",
           " (the file has ", file_bytes, ", the limit is ", limits.header_bytes, ')');
    }
    if (file_bytes > limits.file_bytes) {
      fail(Fault::model, name, ": has ", file_bytes, " bytes, more than the ", limits.file_bytes,
           " allowed");
    }
    return static_cast<std::size_t>(length);
  }

  [[gnu::cold]] void read_header(std::string_view text, const SafetensorsLimits& limits) {
    if (text.front() != '{')
      refuse({"byte 8: the header does not begin with '{': this is no model"});
    const Json header = Json::parse(text, concat(name_, ": header"),
                                    {.fault = Fault::model,
                                     .max_depth = 3,
                                     .max_bytes = limits.header_bytes,
                                     .max_values = 4096 + limits.tensors * (6 + limits.rank)});
    const std::size_t count = header.size() - (header.contains(metadata_name) ? 1U : 0U);
    if (count > limits.tensors) {
      refuse({"has ", count, " tensors, more than the ", limits.tensors, " allowed"});
    }
    entries_ = std::vector<TensorEntry>(count);
    ranges_ = std::vector<Range>(count);
    std::size_t read = 0;
    for (const auto& [key, value] : header.members()) {
      if (key == metadata_name) {
        read_metadata(value);
      } else {
        ranges_[read] = read_entry(entries_[read], key, value, limits);
        ++read;
      }
    }
  }

  [[gnu::cold, gnu::noinline]] void read_metadata(const Json& texts) {
    metadata_ = TensorMetadata(texts.size());
    std::size_t read = 0;
    for (const auto& [key, text] : texts.members()) {
      metadata_[read].first = key;
      metadata_[read++].second = text.as_view();
    }
  }

  /// Fills `entry`; returns where its data lies.
  [[gnu::cold, gnu::noinline]] Range read_entry(TensorEntry& entry, std::string_view name,
                                                const Json& value,
                                                const SafetensorsLimits& limits) const {
    if (name.empty() || name.size() > limits.name_bytes) {
      refuse({"a tensor's name has ", name.size(), " bytes; 1 to ", limits.name_bytes,
              " are allowed"});
    }
    if (name.find('\0') != std::string_view::npos) refuse({"a tensor's name holds a zero byte"});
    if (value.kind() != Json::Kind::object || value.size() != 3) {
      refuse(name, {"its entry is not {dtype, shape, data_offsets} and no more"});
    }
    entry.name = name;
    const std::string_view dtype = value["dtype"].as_view();
    const std::optional<DType> known = dtype_named(dtype);
    if (!known) refuse(name, {"unknown dtype ", detail::quoted(dtype)});
    entry.dtype = *known;
    read_shape(entry, value["shape"], limits);

    const Json offsets = value["data_offsets"];
    (void)offsets.elements();
    if (offsets.size() != 2) refuse(name, {"data_offsets are not [begin, end]"});
    const Range range{offsets[std::size_t{0}].as_size(), offsets[std::size_t{1}].as_size()};
    const std::optional<std::size_t> needed = byte_size(entry.dtype, entry.shape);
    if (range.end < range.begin || !needed || *needed != range.end - range.begin) {
      using detail::Part;
      refuse(name,
             {entry, " needs ", needed ? Part(*needed) : Part("a size that is no whole number of"),
              " bytes, and its data_offsets are [", range.begin, ", ", range.end, ']'});
    }
    return range;
  }

  [[gnu::cold]] void read_shape(TensorEntry& entry, const Json& shape,
                                const SafetensorsLimits& limits) const {
    const std::size_t rank = shape.size();
    if (rank > limits.rank) refuse(entry.name, {"rank ", rank, " exceeds ", limits.rank});
    entry.shape.reserve(rank);
    for (const Json& extent : shape.elements()) {
      entry.shape.push_back(extent.as_size());
      if (entry.shape.back() > limits.extent) {
        refuse(entry.name, {"extent ", entry.shape.back(), " exceeds ", limits.extent});
      }
    }
  }

  /// Orders the tensors by their data, which must follow one another from the first byte to the
  /// last.
  [[gnu::cold]] void check_data(std::size_t data_bytes) {
    const std::vector<std::uint32_t> order = ascending([&](std::uint32_t a, std::uint32_t b) {
      return ranges_[a].begin != ranges_[b].begin ? ranges_[a].begin < ranges_[b].begin
                                                  : ranges_[a].end < ranges_[b].end;
    });
    std::vector<TensorEntry> sorted(order.size());
    std::size_t end = 0;
    for (std::size_t place = 0; place < order.size(); ++place) {
      TensorEntry& entry = entries_[order[place]];
      const Range range = ranges_[order[place]];
      if (range.begin != end) {
        refuse(entry.name, {"its data begins at ", range.begin,
                            range.begin < end ? ", within another tensor's, which ends at "
                                              : ", behind a hole that begins at ",
                            end});
      }
      if (range.end > data_bytes) {
        refuse(entry.name, {"its data ends at ", range.end, ", but the file holds ", data_bytes,
                            " bytes of data: it is truncated"});
      }
      end = range.end;
      sorted[place] = std::move(entry);
    }
    if (end != data_bytes) {
      refuse({"the data of its tensors ends at ", end, ", and ", data_bytes - end,
              " bytes follow: something was appended, or a tensor is missing"});
    }
    entries_ = std::move(sorted);
    ranges_ = {};
  }

  std::shared_ptr<const std::byte[]> buffer_;  ///< nothing where the bytes are borrowed
  std::span<const std::byte> bytes_;
  std::string name_;
  std::vector<TensorEntry> entries_;
  std::vector<Range> ranges_;  ///< of the data; while loading
  std::vector<std::uint32_t> by_name_;
  TensorMetadata metadata_;
};

/// How a file is written.
struct SafetensorsOptions {
  bool checksum = true;  ///< closes with `zz.sha256`; false for files meant for other programs
  SafetensorsLimits limits;
};

namespace detail {

/// Length word and header of a file with these tensors, in this order; data begins at a multiple of
/// 64. Throws Error{Fault::usage} for what a reader would refuse.
[[nodiscard]] inline std::string safetensors_header(std::span<const TensorEntry> entries,
                                                    const TensorMetadata& metadata,
                                                    const SafetensorsOptions& options) {
  const SafetensorsLimits& limits = options.limits;
  std::string json;
  const auto put_text = [&](std::string_view text) {
    const std::size_t begin = json.size();
    print_json_string(json, text);
    const std::string_view written = std::string_view(json).substr(begin);
    if (Json::parse(written, "").as_view() != text) {
      fail("safetensors: ", quoted(text), " is no UTF-8, and a header holds nothing else");
    }
  };
  const auto put_pair = [&](std::string_view key, std::string_view value) {
    json += json.back() == '{' ? "" : ",";
    put_text(key);
    json += ':';
    put_text(value);
  };

  json = "{";
  if (!metadata.empty() || options.checksum) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) put_pair(key, value);
    if (options.checksum) put_pair(checksum_key, "sha256");
    json += '}';
  }
  std::size_t end = 0;
  const auto put_entry = [&](std::string_view name, DType dtype, std::span<const std::size_t> shape,
                             std::size_t size) {
    if (name.empty() || name.size() > limits.name_bytes) {
      fail("safetensors: ", quoted(name), " has ", name.size(), " bytes; names have 1 to ",
           limits.name_bytes);
    }
    std::string extents;
    bool small = shape.size() <= limits.rank;
    for (const std::size_t extent : shape) {
      extents += concat(extents.empty() ? "" : ",", extent);
      small = small && extent <= limits.extent;
    }
    const std::optional<std::size_t> after = checked_add(end, size);
    if (!small || byte_size(dtype, shape) != size || !after) {
      fail("safetensors: ", quoted(name), ": ", size, " bytes are not ", dtype, " [", extents,
           "] of at most ", limits.rank, " extents up to ", limits.extent);
    }
    json += json.back() == '{' ? "" : ",";
    put_text(name);
    json += concat(":{\"dtype\":\"", dtype, "\",\"shape\":[", extents, "],\"data_offsets\":[", end,
                   ',', *after, "]}");
    end = *after;
  };
  for (const TensorEntry& entry : entries) {
    put_entry(entry.name, entry.dtype, entry.shape, entry.bytes.size());
  }
  const std::size_t digest_shape[] = {32};
  if (options.checksum) put_entry(checksum_tensor, DType::u8, digest_shape, 32);
  json += '}';
  while ((8 + json.size()) % 64 != 0) json += ' ';

  // The parser knows best what it refuses: a name twice, above all.
  (void)Json::parse(json, "safetensors", {.fault = Fault::usage, .max_bytes = limits.header_bytes});
  const std::size_t count = entries.size() + (options.checksum ? 1 : 0);
  if (count > limits.tensors || end > limits.file_bytes - 8 - json.size()) {
    fail("safetensors: ", count, " tensors of ", end, " bytes exceed the limits of ",
         limits.tensors, " and ", limits.file_bytes);
  }
  std::string header(8, '\0');
  const std::uint64_t length = json.size();
  std::memcpy(header.data(), &length, 8);
  return header + json;
}

/// Calls `put` with every piece of the file in turn.
template <class Put>
void write_safetensors(std::span<const TensorEntry> entries, const TensorMetadata& metadata,
                       const SafetensorsOptions& options, const Put& put) {
  Sha256 sha;
  const auto write = [&](std::span<const std::byte> bytes) {
    if (options.checksum) sha.update(bytes);
    put(bytes);
  };
  write(bytes_of(safetensors_header(entries, metadata, options)));
  for (const TensorEntry& entry : entries) write(entry.bytes);
  if (options.checksum) put(std::span<const std::byte>(sha.digest()));
}

}  // namespace detail

/// The bytes of a file that holds `entries`, in this order, and `metadata`: the same for the same
/// arguments, always. Throws Error{Fault::usage} for what a reader would refuse: names twice, sizes
/// that do not fit their shape, more than `options.limits`.
[[nodiscard]] inline std::string serialize_safetensors(std::span<const TensorEntry> entries,
                                                       const TensorMetadata& metadata = {},
                                                       const SafetensorsOptions& options = {}) {
  std::string file;
  detail::write_safetensors(entries, metadata, options, [&](std::span<const std::byte> bytes) {
    file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  return file;
}

/// Writes the same bytes to `path`, atomically and durably (see AtomicFile), without a second copy
/// of the tensors.
inline void save_safetensors(const std::string& path, std::span<const TensorEntry> entries,
                             const TensorMetadata& metadata = {},
                             const SafetensorsOptions& options = {}) {
  AtomicFile file(path);
  std::uint64_t needed = 0;  // by all but the header, which is small
  for (const TensorEntry& entry : entries) needed += entry.bytes.size();
  file.require_room(needed);
  detail::write_safetensors(entries, metadata, options,
                            [&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

}  // namespace bipft
