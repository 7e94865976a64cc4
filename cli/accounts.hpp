#pragma once
/// Accounts: what a model costs, by count and beside it as measured, as JSON and as a table.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench.hpp"
#include "bipft/core/error.hpp"
#include "bipft/io/folder.hpp"
#include "bipft/io/json.hpp"
#include "bipft/io/safetensors.hpp"
#include "bipft/model/accounting.hpp"
#include "bipft/model/card.hpp"
#include "report.hpp"

namespace bipft::cli {

/// The length that papers count at, or the longest that the model reads.
[[nodiscard]] inline std::size_t counted_tokens(const ModelConfig& config) {
  return std::min<std::size_t>(128, config.max_len);
}

[[nodiscard]] inline Json bits_of(const ModelCard& card) {
  return Json::object()
      .set("weights", card.config.weight_bits)
      .set("activations", card.config.act_bits)
      .set("embeddings", card.config.embedding_bits)
      .set("latent", card.kind == "trainable" ? card.latent_bits : 0U);
}

/// Where the bytes of the file are; nothing of a folder.
[[nodiscard]] inline Json file_account(const std::string& path) {
  if (is_folder(path)) return {};
  const FileBytes bytes = bytes_of_file(Safetensors::open(path));
  return Json::object()
      .set("bits", bytes.bits)
      .set("latent", bytes.latent)
      .set("floats", bytes.floats)
      .set("vocabulary", bytes.vocabulary)
      .set("rest", bytes.rest);
}

/// By count, beside a network of the same shape in full precision, and the rule of it
/// (model/accounting.hpp). Ratios of what papers print are null where they print 0.0.
[[nodiscard]] inline Json account_of(const ModelConfig& config) {
  const std::size_t tokens = counted_tokens(config);
  const Operations model = operations_of(config, tokens);
  const Operations floats = operations_of(float_twin(config), tokens);
  const double bytes = bytes_by_rule(config);
  const double float_bytes = bytes_by_rule(float_twin(config));
  Json account = Json::object();
  account.set("tokens", tokens)
      .set("bit_macs", model.bit_macs)
      .set("mixed_macs", model.mixed_macs)
      .set("float_macs", model.float_macs)
      .set("ops", model.ops())
      .set("float_ops", floats.ops())
      .set("ops_ratio", floats.ops() / model.ops())
      .set("ops_ratio_printed",
           printed(model.ops()) > 0 ? Json(printed(floats.ops()) / printed(model.ops())) : Json())
      .set("bytes", bytes)
      .set("float_bytes", float_bytes)
      .set("bytes_ratio", float_bytes / bytes)
      .set("rule",
           "ops = 2 float MACs + BOPs / 64, a MAC of m and n bits being 2 m n BOPs; bytes = words, "
           "matrices and pooler at their bits, all else but head and scales of bits at 32");
  return account;
}

/// The same as people read it, and what was measured beside it. `forms` are those of --bench.
[[nodiscard]] inline std::string account_table(const ModelConfig& config,
                                               const std::vector<BenchResult>& forms) {
  const Json account = account_of(config);
  const Operations floats = operations_of(float_twin(config), counted_tokens(config));
  const auto whole = [](double value) { return grouped(static_cast<std::size_t>(value + 0.5)); };
  const auto times = [](double of, double is) { return is > 0 ? fixed(of / is, 1) : "-"; };
  Table table;
  table.row({concat(account["tokens"].as_size(), " tokens, by count"), "model", "float", "times"});
  table.row({"MACs of bits", grouped(account["bit_macs"].as_size()), "0", ""});
  if (account["mixed_macs"].as_size() > 0) {
    table.row({"MACs of bits and floats", grouped(account["mixed_macs"].as_size()), "0", ""});
  }
  table.row(
      {"MACs of floats", grouped(account["float_macs"].as_size()), grouped(floats.float_macs), ""});
  const double ops = account["ops"].as_double();
  const double float_ops = account["float_ops"].as_double();
  table.row({"OPs, FP + BOP/64", whole(ops), whole(float_ops), times(float_ops, ops)});
  if (!account["ops_ratio_printed"].is_null()) {
    table.row({"as papers print them", concat(fixed(printed(ops), 1), " G"),
               concat(fixed(printed(float_ops), 1), " G"),
               fixed(account["ops_ratio_printed"].as_double(), 0)});
  }
  table.row({"bytes by the papers' rule", whole(account["bytes"].as_double()),
             whole(account["float_bytes"].as_double()),
             fixed(account["bytes_ratio"].as_double(), 1)});
  const auto form = [&](std::string_view name) {
    const auto at = std::ranges::find(forms, name, &BenchResult::name);
    return at == forms.end() ? nullptr : &*at;
  };
  const BenchResult* const packed = form("packed");
  const BenchResult* const twin = form("float");
  if (packed == nullptr || twin == nullptr) return table.text();
  table.row({"measured", "", "", ""});
  const auto measured = [&](const char* what, std::size_t is, std::size_t of) {
    table.row(
        {what, grouped(is), grouped(of), times(static_cast<double>(of), static_cast<double>(is))});
  };
  measured("bytes of the file", packed->file_bytes, twin->file_bytes);
  measured("peak bytes of memory", packed->peak_bytes, twin->peak_bytes);
  table.row({"ms a text, p50", fixed(packed->milliseconds(0.5), 3),
             fixed(twin->milliseconds(0.5), 3),
             times(twin->milliseconds(0.5), packed->milliseconds(0.5))});
  return table.text();
}

}  // namespace bipft::cli
