/// What a training step takes: milliseconds and tokens a second, the shares of forward, backward
/// and optimizer, where the memory goes, and what is left beside a busy neighbour.

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench.hpp"
#include "bipft/binarize/binarizers.hpp"
#include "bipft/core/pool.hpp"
#include "bipft/ops/losses.hpp"
#include "bipft/train/adamw.hpp"
#include "bipft/train/clip.hpp"
#include "models.hpp"
#include "serve.hpp"

using namespace bipft;
using namespace bipft::bench;

namespace {

/// A moment on both clocks.
struct Moment {
  double cpu = process_seconds();
  double wall = wall_seconds();

  [[nodiscard]] double until(const Moment& later, std::size_t on_threads) const {
    return on_threads == 1 ? later.cpu - cpu : later.wall - wall;
  }
};

/// Bytes that the heap has given out, the pool's spare buffers with them.
[[nodiscard]] std::size_t heap_bytes() {
#if defined(__GLIBC__)
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

/// Where a step's memory goes, in bytes.
struct Memory {
  std::size_t parameters = 0, gradients = 0, means = 0;
  std::size_t forward = 0;   ///< what a forward pass adds: values kept for later, and scratch
  std::size_t backward = 0;  ///< what the way back adds to that, but for gradients
};

/// A model in training, one step at a time; a step is that of Trainer (train/fit.hpp).
class Learner {
 public:
  Learner(std::string_view form, std::string_view preset)
      : model_(config(form, preset), 1), optimizer_(active_device(), model_) {}

  /// The moments at which it began, turned, had its gradients, and ended.
  struct Times {
    Moment begin, turn, gradients, end;
  };

  [[nodiscard]] Times step(const Batch& batch) {
    Device& device = active_device();
    Times times;
    times.begin = Moment{};
    {
      Tape tape(device);
      tape.set_random(1, ++steps_);
      const Var loss = cross_entropy(model_(tape, batch), batch.labels, batch.weights, 0.0F);
      times.turn = Moment{};
      after_forward_ = heap_bytes();
      tape.backward(loss);
    }
    times.gradients = Moment{};
    const double norm = gradient_norm(device, model_);
    optimizer_.step(1e-4F, clip_scale(norm, 1.0));
    clamp_binarizers(model_);
    times.end = Moment{};
    return times;
  }

  /// Of one more step, which begins without spare buffers.
  [[nodiscard]] Memory memory(const Batch& batch) {
    Memory memory;
    for_each<Parameter>(model_, [&](const std::string&, const Parameter& p) {
      memory.parameters += p.value.numel() * sizeof(float);
    });
    memory.gradients = memory.parameters;  // every parameter takes part
    memory.means = 2 * memory.parameters;
    BufferPool::shared().trim();
    const std::size_t before = heap_bytes();
    (void)step(batch);
    memory.forward = after_forward_ - before;
    const std::size_t more = heap_bytes() - after_forward_;
    memory.backward = more - std::min(more, memory.gradients);
    return memory;
  }

  [[nodiscard]] static ModelConfig config(std::string_view form, std::string_view preset) {
    if (form == "bit") return config_of(preset, true);
    if (form == "float") return config_of(preset, false);
    fail(Fault::usage, "no form is called '", form, "'; choose one of: bit, float");
  }

 private:
  Model model_;
  AdamW optimizer_;
  std::uint64_t steps_ = 0;
  std::size_t after_forward_ = 0;
};

/// A process that does nothing but keep one core busy, and may be halted.
class Neighbour {
 public:
  explicit Neighbour(std::size_t core) : process_(::fork()) {
    if (process_ != 0) {
      if (process_ < 0) fail(Fault::system, "no process for the busy neighbour");
      halt();
      return;
    }
    pin(core);
    const pid_t parent = ::getppid();
    while (::getppid() == parent) {
      const double begin = wall_seconds();
      while (wall_seconds() - begin < 0.1) {
      }
    }
    ::_exit(0);
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  ~Neighbour() {
    ::kill(process_, SIGKILL);
    (void)::waitpid(process_, nullptr, 0);
  }

  void work() const { ::kill(process_, SIGCONT); }
  void halt() const { ::kill(process_, SIGSTOP); }

 private:
  pid_t process_;
};

struct Cell {
  std::string form, preset;
  std::size_t tokens, batch, threads;
  bool beside = false;  ///< a busy neighbour
  std::vector<double> step, forward, backward, optimizer, wall, cpu;
};

class Learners {
 public:
  [[nodiscard]] Learner& get(const std::string& form, const std::string& preset) {
    auto& learner = learners_[form + ' ' + preset];
    if (!learner) learner = std::make_unique<Learner>(form, preset);
    return *learner;
  }

 private:
  std::map<std::string, std::unique_ptr<Learner>> learners_;
};

[[nodiscard]] Batch batch_of(std::size_t texts, std::size_t tokens) {
  return make_batch(random_texts(config_of("tiny", true), texts, tokens));
}

/// Of all products, forward and backward, as a float network computes them.
[[nodiscard]] double operations(const Cell& cell) {
  const ModelConfig c = config_of(cell.preset, true);
  const double width = static_cast<double>(c.hidden);
  const double t = static_cast<double>(cell.tokens);
  const double a_token = static_cast<double>(c.layers) * (24 * width * width + 4 * t * width);
  return 3 * a_token * t * static_cast<double>(cell.batch);
}

void report(const std::vector<Cell>& cells, JsonLines& json) {
  Table table({"threads", "form", "preset", "B", "T", "beside", "ms/step", "p10", "p90", "tokens/s",
               "forward", "backward", "optimizer", "GFLOP/s"});
  for (const Cell& cell : cells) {
    const Spread s = spread_of(cell.step);
    const auto share = [&](const std::vector<double>& of) { return spread_of(of).p50 / s.p50; };
    const double tokens = static_cast<double>(cell.tokens * cell.batch) / s.p50;
    table.row(
        {std::to_string(cell.threads), cell.form, cell.preset, std::to_string(cell.batch),
         std::to_string(cell.tokens), cell.beside ? "a busy one" : "none", fixed(1e3 * s.p50, 1),
         fixed(1e3 * s.p10, 1), fixed(1e3 * s.p90, 1), fixed(tokens, 0),
         fixed(100 * share(cell.forward), 1) + " %", fixed(100 * share(cell.backward), 1) + " %",
         fixed(100 * share(cell.optimizer), 1) + " %", fixed(1e-9 * operations(cell) / s.p50, 0)});
    Json line = Json::object();
    line.set("threads", cell.threads)
        .set("form", cell.form)
        .set("preset", cell.preset)
        .set("batch", cell.batch)
        .set("tokens", cell.tokens)
        .set("beside_a_busy_process", cell.beside)
        .set("clock", cell.threads == 1 && !cell.beside ? "cpu" : "wall")
        .set("rounds", cell.step.size())
        .set("ms_p10", 1e3 * s.p10)
        .set("ms_p50", 1e3 * s.p50)
        .set("ms_p90", 1e3 * s.p90)
        .set("wall_ms_p50", 1e3 * spread_of(cell.wall).p50)
        .set("cpu_ms_p50", 1e3 * spread_of(cell.cpu).p50)
        .set("tokens_per_second", tokens)
        .set("share_forward", share(cell.forward))
        .set("share_backward", share(cell.backward))
        .set("share_optimizer", share(cell.optimizer));
    json.write(line);
  }
  table.print();
}

/// Beside a busy neighbour, two threads are to keep nine tenths of what one has on a free core.
void report_neighbour(const std::vector<Cell>& cells, JsonLines& json) {
  if (json.about()["load"].as_double() > 0.5) {
    std::printf("something else kept cores busy: no core was free, and the next figures mislead\n");
  }
  for (const Cell& crowded : cells) {
    if (!crowded.beside) continue;
    for (const Cell& alone : cells) {
      if (alone.beside || alone.threads != 1 || alone.form != crowded.form ||
          alone.preset != crowded.preset || alone.tokens != crowded.tokens ||
          alone.batch != crowded.batch) {
        continue;
      }
      std::vector<double> ratios;
      for (std::size_t i = 0; i < alone.wall.size(); ++i) {
        ratios.push_back(alone.wall[i] / crowded.wall[i]);
      }
      const Spread s = spread_of(ratios);
      std::printf(
          "%s %s: %zu threads beside a busy process do %.2f [%.2f - %.2f] of one on a free "
          "core\n",
          crowded.form.c_str(), crowded.preset.c_str(), crowded.threads, s.p50, s.p10, s.p90);
      Json line = Json::object();
      line.set("figure", "beside")
          .set("form", crowded.form)
          .set("preset", crowded.preset)
          .set("threads", crowded.threads)
          .set("of_one_free_core_p10", s.p10)
          .set("of_one_free_core_p50", s.p50)
          .set("of_one_free_core_p90", s.p90);
      json.write(line);
    }
  }
}

/// Every form and shape in a process of its own, whose peak is its own.
void report_memory(const std::vector<Cell>& cells, JsonLines& json) {
  Table table({"form", "preset", "B", "T", "peak MB", "parameters", "gradients", "means",
               "forward adds", "backward adds"});
  const auto mega = [](std::size_t bytes) { return fixed(1e-6 * static_cast<double>(bytes), 1); };
  std::map<std::string, bool> seen;
  for (const Cell& cell : cells) {
    bool& known = seen[concat(cell.form, cell.preset, ' ', cell.batch, ' ', cell.tokens)];
    if (std::exchange(known, true)) continue;
    struct {
      Memory memory;
      std::size_t peak = 0;
    } answer;
    int pipe[2];
    if (::pipe(pipe) != 0) fail(Fault::system, "no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
      Learner learner(cell.form, cell.preset);
      const Batch batch = batch_of(cell.batch, cell.tokens);
      (void)learner.step(batch);
      answer.memory = learner.memory(batch);
      answer.peak = peak_bytes();
      ::_exit(::write(pipe[1], &answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    ::close(pipe[1]);
    const bool read = child > 0 && ::read(pipe[0], &answer, sizeof answer) == sizeof answer;
    ::close(pipe[0]);
    if (child > 0) (void)::waitpid(child, nullptr, 0);
    if (!read) fail(Fault::system, "the process that measures memory came to no end");
    const Memory& m = answer.memory;
    table.row({cell.form, cell.preset, std::to_string(cell.batch), std::to_string(cell.tokens),
               mega(answer.peak), mega(m.parameters), mega(m.gradients), mega(m.means),
               mega(m.forward), mega(m.backward)});
    Json line = Json::object();
    line.set("figure", "memory")
        .set("form", cell.form)
        .set("preset", cell.preset)
        .set("batch", cell.batch)
        .set("tokens", cell.tokens)
        .set("peak_bytes", answer.peak)
        .set("parameter_bytes", m.parameters)
        .set("gradient_bytes", m.gradients)
        .set("mean_bytes", m.means)
        .set("forward_bytes", m.forward)
        .set("backward_bytes", m.backward);
    json.write(line);
  }
  table.print();
}

void measure(Cell& cell, Learner& learner) {
  const Batch batch = batch_of(cell.batch, cell.tokens);
  const Learner::Times t = learner.step(batch);
  const std::size_t clock = cell.beside ? 2 : cell.threads;
  cell.step.push_back(t.begin.until(t.end, clock));
  cell.forward.push_back(t.begin.until(t.turn, clock));
  cell.backward.push_back(t.turn.until(t.gradients, clock));
  cell.optimizer.push_back(t.gradients.until(t.end, clock));
  cell.wall.push_back(t.end.wall - t.begin.wall);
  cell.cpu.push_back(t.end.cpu - t.begin.cpu);
}

void run(int count, char** words) {
  Options options(count, words, "train_bench: what a training step takes");
  const auto presets = options.words("preset", "small", "tiny, mini, small, base");
  const auto forms = options.words("form", "bit,float", "bit, float");
  const auto tokens = options.numbers("tokens", "128", "tokens a text, to 512");
  const auto batches = options.numbers("batch", "32", "texts a step");
  const auto thread_counts =
      options.numbers("threads", "1,2", "threads; of several, the wall's time");
  const std::size_t rounds = options.number("rounds", 5, "steps of each cell");
  const bool busy = options.flag("busy", "once more with all threads, one core taken by a process");
  const bool memory = !options.flag("no-memory", "do not measure memory");
  const std::string core = options.word("pin", "", "a core to stay on");
  const std::string file = options.word("json", "", "a file for one JSON object a line");
  const bool served = options.flag("serve", "take cells from the input; see serve.hpp");
  options.finish();

  if (!core.empty()) pin(std::stoul(core));
  JsonLines json(file, "train_bench");
  Learners learners;
  if (served) {
    set_threads(thread_counts.at(0));
    serve(json, [&](const Request& request) {
      Learner& learner = learners.get(request.form, request.preset);
      const Batch batch = batch_of(request.batch, request.tokens);
      return time_calls(request.seconds, [&] { (void)learner.step(batch); });
    });
    return;
  }

  std::vector<Cell> cells;
  for (const std::string& form : forms) {
    for (const std::string& preset : presets) {
      (void)Learner::config(form, preset);  // a wrong name is told here, not by a child
      for (const std::size_t batch : batches) {
        for (const std::size_t t : tokens) {
          for (const std::size_t threads : thread_counts) {
            cells.push_back({form, preset, t, batch, threads, false, {}, {}, {}, {}, {}, {}});
          }
          if (!busy) continue;
          cells.push_back({form, preset, t, batch, usable_cores(), true, {}, {}, {}, {}, {}, {}});
        }
      }
    }
  }
  json.print_about();
  set_threads(1);  // a forked process has no threads but its own
  if (memory) report_memory(cells, json);
  const std::unique_ptr<Neighbour> neighbour =
      busy ? std::make_unique<Neighbour>(usable_cores() - 1) : nullptr;
  for (std::size_t round = 0; round <= rounds; ++round) {
    for (Cell& cell : cells) {
      if (threads() != cell.threads) set_threads(cell.threads);
      if (cell.beside) neighbour->work();
      Learner& learner = learners.get(cell.form, cell.preset);
      if (round == 0) {
        (void)learner.step(batch_of(cell.batch, cell.tokens));
      } else {
        measure(cell, learner);
      }
      if (cell.beside) neighbour->halt();
    }
  }
  std::printf("\n");
  report(cells, json);
  if (busy) report_neighbour(cells, json);
}

}  // namespace

int main(int count, char** words) {
  return guarded([&] { run(count, words); });
}
