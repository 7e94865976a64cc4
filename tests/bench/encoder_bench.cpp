/// What an encoder takes to answer: milliseconds a text and texts a second of every preset, length,
/// batch and number of threads, packed or in floats, and how the cost grows with each.

#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bench.hpp"
#include "models.hpp"
#include "serve.hpp"

using namespace bipft;
using namespace bipft::bench;

namespace {

struct Cell {
  std::string target, form, preset;
  std::size_t tokens, batch, threads;
  std::vector<double> seconds;  ///< a text, one a round
  std::vector<double> cpu;      ///< of all threads, a text

  [[nodiscard]] double median() const { return spread_of(seconds).p50; }
  /// What it shares with the cells that differ from it in length alone.
  [[nodiscard]] auto family() const { return std::tie(target, threads, form, preset, batch); }
};

/// Networks, each made when it is first asked for.
class Networks {
 public:
  [[nodiscard]] const Network& get(const std::string& form, const std::string& preset) {
    const std::string name = concat(kernels::active().name, ' ', form, ' ', preset);
    auto& network = networks_[name];
    if (!network) network = std::make_unique<Network>(network_of(preset, form));
    return *network;
  }

 private:
  std::map<std::string, std::unique_ptr<Network>> networks_;
};

[[nodiscard]] Took time_network(const Network& network, std::size_t batch, std::size_t tokens,
                                double least) {
  const ModelConfig any = config_of("tiny", true);  // all presets have one vocabulary
  const Batch texts = make_batch(random_texts(any, batch, tokens));
  return time_calls(least, [&] { (void)network(texts); });
}

/// The cost of a text of T tokens as fixed + linear T + square T², by least squares of relative
/// errors. Returns nothing sensible for fewer than three lengths.
[[nodiscard]] std::array<double, 3> fit_square(const std::vector<const Cell*>& cells) {
  std::array<std::array<double, 4>, 3> m{};
  for (const Cell* cell : cells) {
    const double t = static_cast<double>(cell->tokens);
    const double weight = 1.0 / (cell->median() * cell->median());
    const std::array<double, 3> basis{1.0, t, t * t};
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) m[i][j] += weight * basis[i] * basis[j];
      m[i][3] += weight * basis[i] * cell->median();
    }
  }
  for (std::size_t i = 0; i < 3; ++i) {  // positive definite: no pivots needed
    for (std::size_t row = 0; row < 3; ++row) {
      if (row == i) continue;
      const double factor = m[row][i] / m[i][i];
      for (std::size_t j = i; j < 4; ++j) m[row][j] -= factor * m[i][j];
    }
  }
  return {m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2]};
}

[[nodiscard]] double partner(const std::vector<Cell>& cells, const Cell& of, std::size_t batch,
                             std::size_t threads) {
  for (const Cell& cell : cells) {
    if (cell.batch == batch && cell.threads == threads && cell.tokens == of.tokens &&
        cell.preset == of.preset && cell.form == of.form && cell.target == of.target) {
      return cell.median();
    }
  }
  return 0;
}

void report(const std::vector<Cell>& cells, JsonLines& json) {
  Table table({"target", "threads", "form", "preset", "batch", "T", "ms/text", "p10", "p90",
               "texts/s", "us/token", "x batch 1", "x 1 thread"});
  const auto ratio = [](double value) { return value > 0 ? fixed(value, 2) : std::string("-"); };
  for (const Cell& cell : cells) {
    const Spread s = spread_of(cell.seconds);
    const double tokens = static_cast<double>(cell.tokens);
    const double batched = partner(cells, cell, 1, cell.threads) / s.p50;
    const double scaled = partner(cells, cell, cell.batch, 1) / s.p50;
    table.row({cell.target, std::to_string(cell.threads), cell.form, cell.preset,
               std::to_string(cell.batch), std::to_string(cell.tokens), fixed(1e3 * s.p50, 3),
               fixed(1e3 * s.p10, 3), fixed(1e3 * s.p90, 3), fixed(1 / s.p50, 0),
               fixed(1e6 * s.p50 / tokens, 2), ratio(batched), ratio(scaled)});
    Json line = Json::object();
    line.set("target", cell.target)
        .set("threads", cell.threads)
        .set("form", cell.form)
        .set("preset", cell.preset)
        .set("batch", cell.batch)
        .set("tokens", cell.tokens)
        .set("clock", cell.threads == 1 ? "cpu" : "wall")
        .set("rounds", cell.seconds.size())
        .set("ms_p10", 1e3 * s.p10)
        .set("ms_p50", 1e3 * s.p50)
        .set("ms_p90", 1e3 * s.p90)
        .set("cpu_ms_p50", 1e3 * spread_of(cell.cpu).p50)
        .set("texts_per_second", 1 / s.p50)
        .set("speedup_of_batch", batched)
        .set("speedup_of_threads", scaled);
    json.write(line);
  }
  table.print();

  std::map<std::tuple<std::string, std::size_t, std::string, std::string, std::size_t>,
           std::vector<const Cell*>>
      families;
  for (const Cell& cell : cells) families[cell.family()].push_back(&cell);
  Table growth({"target", "threads", "form", "preset", "batch", "fixed us", "us/token",
                "ns/token^2", "longest", "square's share"});
  bool any = false;
  for (const auto& [family, members] : families) {
    if (members.size() < 3) continue;
    any = true;
    const std::array<double, 3> c = fit_square(members);
    const Cell* longest = *std::ranges::max_element(members, {}, &Cell::tokens);
    const double t = static_cast<double>(longest->tokens);
    const double share = c[2] * t * t / longest->median();
    const auto& [target, threads, form, preset, batch] = family;
    growth.row({target, std::to_string(threads), form, preset, std::to_string(batch),
                fixed(1e6 * c[0], 1), fixed(1e6 * c[1], 3), fixed(1e9 * c[2], 3),
                std::to_string(longest->tokens), fixed(100 * share, 1) + " %"});
    Json line = Json::object();
    line.set("figure", "growth")
        .set("target", target)
        .set("threads", threads)
        .set("form", form)
        .set("preset", preset)
        .set("batch", batch)
        .set("fixed_us", 1e6 * c[0])
        .set("us_per_token", 1e6 * c[1])
        .set("ns_per_token_squared", 1e9 * c[2])
        .set("longest", longest->tokens)
        .set("share_of_square", share);
    json.write(line);
  }
  if (!any) return;
  std::printf("\nms(T) = fixed + linear T + square T^2; the square is attention\n");
  growth.print();
}

void run(int count, char** words) {
  Options options(count, words, "encoder_bench: milliseconds a text of encoders of random weights");
  const auto targets = options.words("target", std::string(kernels::active().name),
                                     "instruction sets, of those that this machine has");
  const auto presets = options.words("preset", "tiny,mini,small,base", "shapes");
  const auto forms = options.words("form", "packed", "packed, bipft-a, bipft-b, float");
  const auto tokens = options.numbers("tokens", "16,32,128,256,512", "lengths of a text, to 512");
  const auto batches = options.numbers("batch", "1,8,32", "texts in a call");
  const auto thread_counts =
      options.numbers("threads", "1,2", "threads; of several, the wall's time");
  const std::size_t rounds = options.number("rounds", 9, "turns that each cell gets");
  const double least =
      1e-3 * static_cast<double>(options.number("ms", 5, "the least milliseconds of a turn"));
  const std::string core = options.word("pin", "", "a core to stay on");
  const std::string file = options.word("json", "", "a file for one JSON object a line");
  const bool served = options.flag("serve", "take cells from the input; see serve.hpp");
  options.finish();

  if (!core.empty()) pin(std::stoul(core));
  JsonLines json(file, "encoder_bench");
  Networks networks;
  if (served) {
    set_threads(thread_counts.at(0));
    serve(json, [&](const Request& request) {
      return time_network(networks.get(request.form, request.preset), request.batch, request.tokens,
                          request.seconds);
    });
    return;
  }

  std::vector<Cell> cells;
  for (const std::string& target : targets) {
    for (const std::size_t threads : thread_counts) {
      for (const std::string& form : forms) {
        for (const std::string& preset : presets) {
          for (const std::size_t batch : batches) {
            for (const std::size_t t : tokens) {
              cells.push_back({target, form, preset, t, batch, threads, {}, {}});
            }
          }
        }
      }
    }
  }
  json.print_about();
  for (std::size_t round = 0; round < rounds; ++round) {
    for (Cell& cell : cells) {
      if (kernels::active().name != cell.target) kernels::select_target(cell.target);
      if (threads() != cell.threads) set_threads(cell.threads);
      const Took took =
          time_network(networks.get(cell.form, cell.preset), cell.batch, cell.tokens, least);
      cell.seconds.push_back(took.seconds(cell.threads) / static_cast<double>(cell.batch));
      cell.cpu.push_back(took.cpu / static_cast<double>(cell.batch));
    }
  }
  report(cells, json);
}

}  // namespace

int main(int count, char** words) {
  return guarded([&] { run(count, words); });
}
