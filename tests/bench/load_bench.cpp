/// What it takes until a model answers: opening, verifying and laying out its file, the start of
/// `bipft run`, and the memory that it needs at most.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "bench.hpp"
#include "bipft/model/classifier.hpp"
#include "bipft/model/model_file.hpp"
#include "models.hpp"

using namespace bipft;
using namespace bipft::bench;

namespace {

struct Cell {
  std::string form, preset, path;
  std::size_t bytes = 0;
  std::vector<double> open, verify, read, lay_out, first;  ///< seconds, one a round
};

/// A process of its own that ran to its end.
struct Ran {
  double cpu = 0, wall = 0;
  std::size_t peak = 0;  ///< bytes
};

/// As many pieces as BERT has: the usual five, and words w0, w1, ...
[[nodiscard]] Vocabulary vocabulary_of(std::size_t count) {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (std::size_t i = 0; pieces.size() < count; ++i) pieces.push_back(concat('w', i));
  return Vocabulary(pieces);
}

void write_model(const Cell& cell) {
  const bool binary = cell.form == "packed";
  if (!binary && cell.form != "float") {
    fail(Fault::usage, "no form is called '", cell.form, "'; choose one of: packed, float");
  }
  ModelCard card;
  card.kind = cell.form;
  card.method = binary ? "bit" : "float";
  card.config = config_of(cell.preset, binary);
  card.labels = {"no", "yes"};
  ModelFile file{card, vocabulary_of(card.config.vocabulary), {}, {}, {}, 0};
  if (binary) {
    file.packed = packed_of(card.config);
  } else {
    file.latent = Model(card.config, 1).parameters(active_device());
  }
  save_model(cell.path, file);
}

/// Lines of thirty words each.
void write_texts(const std::string& path, std::size_t count) {
  std::ofstream out(path);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t word = 0; word < 30; ++word) {
      out << 'w' << (i * 7919 + word * 104729) % 30000 << (word + 1 < 30 ? ' ' : '\n');
    }
  }
}

/// Runs `body` in a process of its own: models are large, and a process that was large once counts
/// as large for all that it starts.
template <class Body>
void apart(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(guarded(body));
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) {
    fail(Fault::system, "a process that prepares the files failed");
  }
}

/// Starts a command with `input` as its standard input; its output goes nowhere.
[[nodiscard]] Ran start(const std::vector<std::string>& command, const std::string& input) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const double begin = wall_seconds();
  const pid_t child = ::fork();
  if (child == 0) {
    const int in = ::open(input.c_str(), O_RDONLY);
    const int out = ::open("/dev/null", O_WRONLY);
    if (in >= 0 && out >= 0 && ::dup2(in, 0) == 0 && ::dup2(out, 1) == 1) {
      ::execv(words[0], words.data());
    }
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || ::wait4(child, &status, 0, &usage) != child || status != 0) {
    fail(Fault::system, command[0], ": does not run");
  }
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime), wall_seconds() - begin,
          static_cast<std::size_t>(usage.ru_maxrss) * 1024};
}

void measure_load(Cell& cell) {
  const EncodedText text = random_texts(config_of(cell.preset, true), 1, 32)[0];
  double last = thread_seconds();
  const auto lap = [&last] {
    const double now = thread_seconds();
    return now - std::exchange(last, now);
  };
  const Safetensors file = Safetensors::open(cell.path);
  cell.open.push_back(lap());
  (void)file.verify_checksum();
  const double verify = lap();
  cell.verify.push_back(verify);
  ModelFile model = read_model(file, Wanted::answers);  // verifies once more
  cell.read.push_back(lap() - verify);
  const Classifier classifier(std::move(model));
  cell.lay_out.push_back(lap());
  (void)classifier.predict(std::span<const EncodedText>(&text, 1));
  cell.first.push_back(lap());
}

void report_loads(const std::vector<Cell>& cells, JsonLines& json) {
  Table table({"form", "preset", "MB", "open ms", "verify", "read", "lay out", "all", "MB/s",
               "first answer"});
  for (const Cell& cell : cells) {
    const auto ms = [](const std::vector<double>& seconds) { return 1e3 * spread_of(seconds).p50; };
    const double all = ms(cell.open) + ms(cell.verify) + ms(cell.read) + ms(cell.lay_out);
    const double mega = 1e-6 * static_cast<double>(cell.bytes);
    table.row({cell.form, cell.preset, fixed(mega, 2), fixed(ms(cell.open), 3),
               fixed(ms(cell.verify), 2), fixed(ms(cell.read), 2), fixed(ms(cell.lay_out), 2),
               fixed(all, 2), fixed(1e3 * mega / all, 0), fixed(ms(cell.first), 2)});
    Json line = Json::object();
    line.set("figure", "load")
        .set("form", cell.form)
        .set("preset", cell.preset)
        .set("bytes", cell.bytes)
        .set("open_ms", ms(cell.open))
        .set("verify_ms", ms(cell.verify))
        .set("read_ms", ms(cell.read))
        .set("lay_out_ms", ms(cell.lay_out))
        .set("load_ms", all)
        .set("first_answer_ms", ms(cell.first));
    json.write(line);
  }
  table.print();
}

/// The command, as a user starts it: without a model, with one text, with many.
void report_runs(const std::string& bipft, const std::vector<Cell>& cells, const std::string& one,
                 const std::string& many, std::size_t count, std::size_t rounds, JsonLines& json) {
  struct Run {
    std::string what, form, preset;
    std::vector<std::string> command;
    std::string input;
    std::vector<double> cpu, wall, peak;
  };
  std::vector<Run> runs;
  runs.push_back({"--version", "-", "-", {bipft, "--version"}, "/dev/null", {}, {}, {}});
  for (const Cell& cell : cells) {
    const std::vector<std::string> command{bipft, "run", cell.path, "--threads", "1"};
    runs.push_back({"1 text", cell.form, cell.preset, command, one, {}, {}, {}});
    runs.push_back({concat(count, " texts"), cell.form, cell.preset, command, many, {}, {}, {}});
  }
  for (std::size_t round = 0; round < rounds; ++round) {
    for (Run& run : runs) {
      const Ran ran = start(run.command, run.input);
      run.cpu.push_back(ran.cpu);
      run.wall.push_back(ran.wall);
      run.peak.push_back(static_cast<double>(ran.peak));
    }
  }
  Table table({"bipft run", "form", "preset", "cpu ms", "wall ms", "peak MB"});
  for (const Run& run : runs) {
    const double cpu = 1e3 * spread_of(run.cpu).p50;
    const double wall = 1e3 * spread_of(run.wall).p50;
    const double peak = spread_of(run.peak).p50;
    table.row(
        {run.what, run.form, run.preset, fixed(cpu, 1), fixed(wall, 1), fixed(1e-6 * peak, 1)});
    Json line = Json::object();
    line.set("figure", "run")
        .set("what", run.what)
        .set("form", run.form)
        .set("preset", run.preset)
        .set("cpu_ms", cpu)
        .set("wall_ms", wall)
        .set("peak_bytes", static_cast<std::size_t>(peak));
    json.write(line);
  }
  table.print();
}

void run(int count, char** words) {
  namespace fs = std::filesystem;
  std::error_code nothing;
  const fs::path here = fs::read_symlink("/proc/self/exe", nothing).parent_path();

  Options options(count, words, "load_bench: what it takes until a model answers");
  const auto presets = options.words("preset", "tiny,mini,small,base", "shapes");
  const auto forms = options.words("form", "packed", "packed, float");
  const std::size_t rounds = options.number("rounds", 9, "turns of each model");
  const std::size_t texts = options.number("texts", 1000, "lines of the long run");
  const std::string bipft =
      options.word("bipft", (here.parent_path() / "bipft").string(), "the command");
  const std::string file = options.word("json", "", "a file for one JSON object a line");
  options.finish();

  set_threads(1);
  JsonLines json(file, "load_bench");
  json.print_about();
  std::string folder = (fs::temp_directory_path() / "bipft-load-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) fail(Fault::system, folder, ": cannot be made");
  struct Remove {
    fs::path path;
    ~Remove() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } const remove{folder};

  std::vector<Cell> cells;
  for (const std::string& form : forms) {
    for (const std::string& preset : presets) {
      Cell cell{form, preset, concat(folder, '/', preset, '-', form, ".bipft"), 0, {}, {}, {},
                {},   {}};
      apart([&] { write_model(cell); });
      cell.bytes = fs::file_size(cell.path);
      cells.push_back(std::move(cell));
    }
  }
  const std::string one = folder + "/one.txt";
  const std::string many = folder + "/many.txt";
  write_texts(one, 1);
  write_texts(many, texts);
  if (fs::exists(bipft)) {  // first, while this process is small
    report_runs(bipft, cells, one, many, texts, rounds, json);
  } else {
    std::printf("%s is not built; --bipft names it\n", bipft.c_str());
  }
  for (std::size_t round = 0; round < rounds; ++round) {
    for (Cell& cell : cells) measure_load(cell);
  }
  std::printf("\n");
  report_loads(cells, json);
}

}  // namespace

int main(int count, char** words) {
  return guarded([&] { run(count, words); });
}
