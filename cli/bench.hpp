#pragma once
/// Bench: one network in three forms, side by side: packed bits, the same bits computed in floats
/// (the reference form), and a float network of the same shape.
///
/// The forms take turns, text by text, so that whatever slows the machine meets them all. Peak
/// memory is that of a process that does nothing else.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/core/random.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/model/tape_network.hpp"
#include "console.hpp"
#include "open_model.hpp"

namespace bipft::cli {

enum class BenchForm { packed, reference, floats };
inline constexpr std::array<std::string_view, 3> bench_names{"packed", "reference", "float"};

struct BenchResult {
  std::string_view name;
  std::vector<double> seconds;  ///< of each text alone, ascending
  double texts_per_second = 0;  ///< of many at once
  std::size_t file_bytes = 0;
  std::size_t peak_bytes = 0;

  /// The smallest time that `share` of all are not above, in milliseconds.
  [[nodiscard]] double milliseconds(double share) const {
    if (seconds.empty()) return 0.0;
    const auto last = static_cast<double>(seconds.size() - 1);
    return 1e3 * seconds[static_cast<std::size_t>(share * last + 0.5)];
  }
  [[nodiscard]] Json to_json() const {
    Json json = Json::object();
    json.set("ms_p50", milliseconds(0.5))
        .set("ms_p90", milliseconds(0.9))
        .set("ms_p99", milliseconds(0.99))
        .set("texts_per_second", texts_per_second)
        .set("file_bytes", file_bytes)
        .set("peak_bytes", peak_bytes);
    return json;
  }
};

/// A model in one form, and the bytes of its file.
struct LoadedForm {
  Network network;
  ModelConfig config;
  std::size_t file_bytes;
};

/// The model of `path` in one form; nothing if it has no such form: a float model is no bits. What
/// would be a file of floats is given as the bytes of its numbers and vocabulary.
[[nodiscard]] inline std::optional<LoadedForm> load_form(const std::string& path, BenchForm form) {
  CommonOptions quiet;  // it has been said
  quiet.quiet = true;
  Console console(quiet);
  ModelFile file = open_model(path, console);
  Device& device = active_device();
  ModelConfig config = file.card.config;
  if (!file.packed) {
    if (form != BenchForm::floats || config.staged()) return std::nullopt;
    return LoadedForm{Network(*file.latent, device), config, file.bytes};
  }
  if (form == BenchForm::packed) {
    return LoadedForm{Network(*file.packed, device), config, file.bytes};
  }
  ModelConfig floats = config;
  floats.weight_bits = floats.act_bits = floats.embedding_bits = 32;
  floats.leave_bits();
  floats.estimators = 0;
  std::size_t bytes = file.vocabulary.bytes().size();
  const auto count = [&](Model& model) {
    for_each<Parameter>(model, [&](const std::string&, const Parameter& parameter) {
      bytes += parameter.value.numel() * sizeof(float);
    });
  };
  if (form == BenchForm::reference) {
    {
      Model model = Model::unpack(*file.packed, device);
      count(model);
    }
    return LoadedForm{tape_network(*file.packed, device), config, bytes};
  }
  file.packed.reset();
  Model model(floats, 1);
  count(model);
  return LoadedForm{Network(model.parameters(device), device), floats, bytes};
}

/// Texts of the model's full length, made of random pieces.
[[nodiscard]] inline std::vector<EncodedText> random_texts(const ModelConfig& config,
                                                           std::size_t count) {
  const Random random(1, "bench");
  std::vector<EncodedText> texts(count);
  std::uint32_t next = 0;
  for (EncodedText& text : texts) {
    for (std::size_t t = 0; t < config.max_len; ++t) {
      text.ids.push_back(static_cast<std::int32_t>(
          random.below(next++, static_cast<std::uint32_t>(config.vocabulary))));
    }
    text.type_ids.assign(config.max_len, 0);
  }
  return texts;
}

/// What a process needs at most that loads each form and answers a few texts; 0 where that cannot
/// be told. Measured in children of this process, so call it before it has grown.
[[nodiscard]] inline std::array<std::size_t, 3> peaks_of(const std::string& path) {
  std::array<std::size_t, 3> peaks{};
  const std::size_t wanted_threads = threads();
  set_threads(1);  // a forked process has no threads but its own
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) continue;
    const pid_t child = ::fork();
    if (child == 0) {
      std::size_t peak = 0;
      try {
        if (const auto form = load_form(path, static_cast<BenchForm>(i))) {
          for (const EncodedText& text : random_texts(form->config, 4)) {
            (void)form->network.logits(std::span(&text, 1));
          }
          rusage usage{};
          if (::getrusage(RUSAGE_SELF, &usage) == 0) {
            peak = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
          }
        }
      } catch (...) {  // the parent will meet the same, and say it
      }
      const bool written = ::write(pipe[1], &peak, sizeof peak) == sizeof peak;
      ::_exit(written ? 0 : 1);
    }
    ::close(pipe[1]);
    if (child < 0 || ::read(pipe[0], &peaks[i], sizeof peaks[i]) != sizeof peaks[i]) peaks[i] = 0;
    ::close(pipe[0]);
    if (child > 0) (void)::waitpid(child, nullptr, 0);
  }
  set_threads(wanted_threads);
  return peaks;
}

/// Runs every form that the model of `path` has over `texts`, in turns, for about `budget` seconds.
[[nodiscard]] inline std::vector<BenchResult> bench(const std::string& path,
                                                    const std::array<std::size_t, 3>& peaks,
                                                    std::span<const EncodedText> texts,
                                                    double budget = 6.0) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  std::vector<BenchResult> results;
  std::vector<Network> models;
  for (std::size_t i = 0; i < bench_names.size(); ++i) {
    auto loaded = load_form(path, static_cast<BenchForm>(i));
    if (!loaded) continue;
    models.push_back(std::move(loaded->network));
    results.push_back({.name = bench_names[i],
                       .seconds = {},
                       .file_bytes = loaded->file_bytes,
                       .peak_bytes = peaks[i]});
  }

  constexpr std::size_t warm_up = 3;
  constexpr std::size_t fewest = 20;
  const Clock::time_point begin = Clock::now();
  for (std::size_t round = 0; round < warm_up + texts.size(); ++round) {
    if (round >= warm_up + fewest && seconds_since(begin) > budget / 2) break;
    const EncodedText& text = texts[round % texts.size()];
    for (std::size_t i = 0; i < models.size(); ++i) {
      const Clock::time_point start = Clock::now();
      (void)models[i].logits(std::span(&text, 1));
      if (round >= warm_up) results[i].seconds.push_back(seconds_since(start));
    }
  }
  for (BenchResult& result : results) std::ranges::sort(result.seconds);

  std::vector<double> spent(models.size());
  std::size_t answered = 0;
  const std::size_t block = std::min<std::size_t>(64, texts.size());
  const Clock::time_point many = Clock::now();
  do {
    const std::span<const EncodedText> some =
        texts.subspan(answered % (texts.size() - block + 1), block);
    for (std::size_t i = 0; i < models.size(); ++i) {
      const Clock::time_point start = Clock::now();
      (void)models[i].logits(some);
      spent[i] += seconds_since(start);
    }
    answered += block;
  } while (seconds_since(many) < budget / 2);
  for (std::size_t i = 0; i < models.size(); ++i) {
    results[i].texts_per_second = static_cast<double>(answered) / spent[i];
  }
  return results;
}

}  // namespace bipft::cli
