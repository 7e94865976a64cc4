/// The house rules, kept by a machine: what stands where, who may include whom, how long files and
/// lines may be, that every header says what it is for, compiles alone and has a test.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

const fs::path house = BIPFT_SOURCE_DIR;

/// A folder may include itself and the folders of lower floors, never a neighbour or an upper one.
const std::map<std::string, int> floors{
    {"core", 0},                                                  //
    {"kernels", 1},  {"text", 1},     {"io", 1},    {"exit", 1},  //
    {"device", 2},                                                //
    {"autograd", 3}, {"data", 3},                                 //
    {"ops", 4},      {"binarize", 4}, {"tasks", 4},               //
    {"nn", 5},                                                    //
    {"model", 6},                                                 //
    {"train", 7},
};

/// What the top of the house holds; names that start with a dot are free, and `build` is ignored.
const std::set<std::string> top{
    "CMakeLists.txt",
    "CMakePresets.json",
    "CMakeUserPresets.json",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "build",
    "cli",
    "data",
    "examples",
    "include",
    "shaders",
    "tests",
};

/// Headers without a test file of their own name, and the test that covers each.
const std::map<std::string, std::string> covered_elsewhere{
    {"bipft.hpp", "tests/consume/main.cpp"},
    {"training.hpp", "tests/train/fit_test.cpp"},
    {"version.hpp", "tests/consume/main.cpp"},
    {"binarize/attention_scale.hpp", "tests/binarize/binary_attention_test.cpp"},
    {"data/answer_kind.hpp", "tests/data/values_test.cpp"},
    {"data/value_scale.hpp", "tests/data/values_test.cpp"},
    {"data/encode.hpp", "tests/cli/cli_test.cpp"},
    {"device/cpu_dropout.hpp", "tests/device/cpu_test.cpp"},
    {"device/cpu_estimates.hpp", "tests/device/cpu_attention_test.cpp"},
    {"device/estimates.hpp", "tests/binarize/binary_attention_test.cpp"},
    {"device/cpu_grid.hpp", "tests/device/cpu_test.cpp"},
    {"device/cpu_layout.hpp", "tests/device/plan_test.cpp"},
    {"device/cpu_multiply.hpp", "tests/device/cpu_test.cpp"},
    {"device/cpu_pieces.hpp", "tests/device/cpu_test.cpp"},
    {"device/cpu_plan.hpp", "tests/device/plan_test.cpp"},
    {"device/cpu_products.hpp", "tests/device/cpu_test.cpp"},
    {"device/cpu_rows.hpp", "tests/device/cpu_test.cpp"},
    {"device/cpu_runner.hpp", "tests/model/network_test.cpp"},
    {"device/device.hpp", "tests/device/cpu_test.cpp"},
    {"device/runner.hpp", "tests/model/network_test.cpp"},
    {"device/runners.hpp", "tests/device/devices_test.cpp"},
    {"device/vulkan.hpp", "tests/vulkan/parity_test.cpp"},
    {"device/vulkan/arena.hpp", "tests/vulkan/parity_test.cpp"},
    {"device/vulkan/context.hpp", "tests/vulkan/parity_test.cpp"},
    {"device/vulkan/device.hpp", "tests/vulkan/parity_test.cpp"},
    {"device/vulkan/hazards.hpp", "tests/vulkan/parity_test.cpp"},
    {"device/vulkan/library.hpp", "tests/vulkan/parity_test.cpp"},
    {"device/vulkan/missing_shader.hpp", "tests/vulkan/faults_test.cpp"},
    {"device/vulkan/pipelines.hpp", "tests/vulkan/parity_test.cpp"},
    {"device/vulkan/plan.hpp", "tests/vulkan/parity_test.cpp"},
    {"device/vulkan/recording.hpp", "tests/vulkan/parity_test.cpp"},
    {"exit/budget.hpp", "tests/exit/exit_rules_test.cpp"},
    {"exit/entropy.hpp", "tests/exit/exit_rules_test.cpp"},
    {"exit/entropy_norm.hpp", "tests/exit/exit_rules_test.cpp"},
    {"exit/exit_rule.hpp", "tests/exit/exit_rules_test.cpp"},
    {"exit/fixed.hpp", "tests/exit/exit_rules_test.cpp"},
    {"exit/margin.hpp", "tests/exit/exit_rules_test.cpp"},
    {"exit/max_prob.hpp", "tests/exit/exit_rules_test.cpp"},
    {"exit/never.hpp", "tests/exit/exit_rules_test.cpp"},
    {"exit/patience_conf.hpp", "tests/exit/patience_test.cpp"},
    {"exit/patience_js.hpp", "tests/exit/patience_test.cpp"},
    {"kernels/binary.hpp", "tests/kernels/bgemm_test.cpp"},
    {"kernels/target/avx2.hpp", "tests/kernels/table_test.cpp"},
    {"kernels/target/avx512.hpp", "tests/kernels/table_test.cpp"},
    {"kernels/target/avx512_bf16.hpp", "tests/kernels/training_table_test.cpp"},
    {"kernels/target/neon.hpp", "tests/kernels/table_test.cpp"},
    {"kernels/target/neon_dotprod.hpp", "tests/kernels/table_test.cpp"},
    {"kernels/target/scalar.hpp", "tests/kernels/table_test.cpp"},
    {"kernels/tiles.hpp", "tests/kernels/target/amx_test.cpp"},
    {"kernels/targets.hpp", "tests/kernels/dispatch_test.cpp"},
    {"model/card.hpp", "tests/model/model_file_test.cpp"},
    {"model/compile.hpp", "tests/model/network_test.cpp"},
    {"model/compile_floats.hpp", "tests/model/network_test.cpp"},
    {"model/compile_signs.hpp", "tests/model/network_test.cpp"},
    {"model/fields.hpp", "tests/model/config_test.cpp"},
    {"model/magnitudes.hpp", "tests/model/latent_bits_test.cpp"},
    {"model/packed_model.hpp", "tests/model/model_file_test.cpp"},
    {"model/tape_network.hpp", "tests/model/network_test.cpp"},
    {"model/tensor_file.hpp", "tests/model/model_file_test.cpp"},
    {"nn/attention.hpp", "tests/model/model_test.cpp"},
    {"nn/binary_form.hpp", "tests/nn/sign_linear_test.cpp"},
    {"nn/binary_linear.hpp", "tests/model/network_test.cpp"},
    {"nn/embedding.hpp", "tests/model/model_test.cpp"},
    {"nn/estimators.hpp", "tests/model/network_test.cpp"},
    {"nn/encoder_layer.hpp", "tests/model/model_test.cpp"},
    {"nn/feed_forward.hpp", "tests/model/model_test.cpp"},
    {"nn/init.hpp", "tests/model/model_test.cpp"},
    {"nn/layer_norm.hpp", "tests/model/model_test.cpp"},
    {"nn/mlm_head.hpp", "tests/train/pretrain_objective_test.cpp"},
    {"nn/linear.hpp", "tests/model/model_test.cpp"},
    {"nn/packed_linear.hpp", "tests/model/network_test.cpp"},
    {"nn/staged_linear.hpp", "tests/model/model_test.cpp"},
    {"tasks/cola.hpp", "tests/tasks/glue_test.cpp"},
    {"tasks/mnli.hpp", "tests/tasks/glue_test.cpp"},
    {"tasks/mrpc.hpp", "tests/tasks/glue_test.cpp"},
    {"tasks/multi_label.hpp", "tests/tasks/classification_test.cpp"},
    {"tasks/qnli.hpp", "tests/tasks/glue_test.cpp"},
    {"tasks/qqp.hpp", "tests/tasks/glue_test.cpp"},
    {"tasks/regression.hpp", "tests/tasks/classification_test.cpp"},
    {"tasks/rte.hpp", "tests/tasks/glue_test.cpp"},
    {"tasks/stsb.hpp", "tests/tasks/glue_test.cpp"},
    {"tasks/wnli.hpp", "tests/tasks/glue_test.cpp"},
    {"train/checkpoint.hpp", "tests/train/fit_test.cpp"},
    {"train/moments.hpp", "tests/train/adamw_test.cpp"},
    {"train/multi_label_objective.hpp", "tests/train/objective_test.cpp"},
    {"train/optimizers.hpp", "tests/train/bert_adam_test.cpp"},
    {"train/regress_objective.hpp", "tests/train/objective_test.cpp"},
};

/// Slow to compile, and never needed by the library.
const std::array<std::string, 3> heavy{"#include <filesystem>", "#include <iostream>",
                                       "#include <regex>"};

/// Paths of somebody's machine. Written in halves, or this file would name them itself.
const std::array<std::string, 3> foreign{std::string("/wo") + "rk/", std::string("sha") + "red/",
                                         std::string("/ho") + "me/"};

constexpr std::size_t max_lines = 600;
constexpr std::ptrdiff_t max_columns = 100;

/// Characters, not bytes: the second and later bytes of a UTF-8 character take no column.
std::ptrdiff_t columns(std::string_view line) {
  return std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; });
}

std::string contents_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Lines lines_of(const std::string& text) {
  std::istringstream in(text);
  Lines lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<fs::path> files_below(const fs::path& folder, const std::set<std::string>& extensions) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    if (extensions.empty() || extensions.contains(entry.path().extension().string())) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

std::vector<fs::path> files_of_the_library() {
  return files_below(house / "include" / "bipft", {".hpp", ".inl"});
}

/// Every file a person wrote: the top level and its folders, without `.git` and `build`.
std::vector<fs::path> files_of_the_house() {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(house)) {
    const std::string name = entry.path().filename().string();
    if (name == ".git" || name == "build") continue;
    if (entry.is_directory()) {
      for (fs::path& file : files_below(entry.path(), {})) files.push_back(std::move(file));
    } else {
      files.push_back(entry.path());
    }
  }
  return files;
}

Lines too_wide(const Lines& lines) {
  Lines complaints;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (columns(lines[i]) <= max_columns) continue;
    complaints.push_back("line " + std::to_string(i + 1) + " passes 100 columns");
  }
  return complaints;
}

/// What is wrong with the file `name`, a path below include/bipft.
Lines complaints_about(const fs::path& name, const Lines& lines) {
  Lines complaints = too_wide(lines);
  const bool generated = name.generic_string().starts_with("device/vulkan/spv/");
  if (lines.size() > max_lines && !generated) complaints.emplace_back("passes 600 lines");
  if (name.extension() == ".hpp") {
    if (lines.empty() || lines[0] != "#pragma once") {
      complaints.emplace_back("line 1 is not #pragma once");
    }
    if (lines.size() < 2 || !lines[1].starts_with("/// ")) {
      complaints.emplace_back("line 2 does not say what the header is for");
    }
  }

  const bool outside = !name.has_parent_path();  // bipft.hpp and its like see the whole house
  const std::string folder = outside ? "" : name.begin()->string();
  if (!outside && !floors.contains(folder)) complaints.push_back(folder + "/ is on no floor");
  bool region = false;
  for (const std::string& line : lines) {
    region = (region || line.starts_with("BIPFT_REGION_BEGIN")) && line != "BIPFT_REGION_END";
    if (region && line.starts_with("#include") && !line.ends_with(".inl\"")) {
      complaints.push_back("a header inside a region: " + line);
    }
    if (std::ranges::find(heavy, line) != heavy.end()) complaints.push_back("too heavy: " + line);
    constexpr std::string_view quoted = "#include \"";
    if (!line.starts_with(quoted)) continue;
    std::string target = line.substr(quoted.size(), line.find('"', quoted.size()) - quoted.size());
    if (!target.starts_with("bipft/")) {
      complaints.push_back("not the full path: " + line);
      continue;
    }
    target.erase(0, std::string_view("bipft/").size());
    if (outside || target == "version.hpp") continue;
    const std::string other = target.substr(0, target.find('/'));
    const bool downstairs =
        floors.contains(folder) && floors.contains(other) && floors.at(other) < floors.at(folder);
    if (other != folder && !downstairs) complaints.push_back("looks upstairs or aside: " + line);
  }
  return complaints;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

/// What the compiler says about a program that is nothing but this header; empty if it is content.
std::string compiled_alone(const std::string& header) {
  const std::string command = std::string(BIPFT_COMPILE) + " -fsyntax-only -pthread -I \"" +
                              (house / "include").string() + "\" -include \"" + header +
                              "\" -x c++ /dev/null 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "the compiler does not start";
  std::string said;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    said.append(buffer.data(), n);
  }
  return pclose(pipe) == 0 ? std::string() : said + "does not compile alone";
}

}  // namespace

TEST_CASE("house: the top level holds what was decided, and nothing else") {
  for (const fs::directory_entry& entry : fs::directory_iterator(house)) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    CHECK((name.starts_with(".") || top.contains(name)));
  }
  for (const std::string& name : top) {
    if (name == "build" || name == "CMakeUserPresets.json") continue;
    CAPTURE(name);
    CHECK(fs::exists(house / name));
  }
}

TEST_CASE("house: headers are short, say what they are for, and only look downstairs") {
  const std::vector<fs::path> files = files_of_the_library();
  CHECK(files.size() > 10);
  for (const fs::path& file : files) {
    const fs::path name = file.lexically_relative(house / "include" / "bipft");
    const std::string complaints = joined(complaints_about(name, lines_of(contents_of(file))));
    CAPTURE(name.string());
    CHECK(complaints == "");
  }
}

TEST_CASE("house: each rule can fail") {
  const auto complaint = [](const fs::path& name, const Lines& lines) {
    return joined(complaints_about(name, lines));
  };
  const Lines good{"#pragma once", "/// Good: a header."};
  const auto with = [&](std::size_t copies, const std::string& line) {
    Lines lines = good;
    lines.insert(lines.end(), copies, line);
    return lines;
  };
  CHECK(complaint("ops/good.hpp", good) == "");
  CHECK(complaint("ops/good.hpp", with(1, "#include \"bipft/ops/linear.hpp\"")) == "");
  CHECK(complaint("ops/good.hpp", with(1, "#include \"bipft/core/error.hpp\"")) == "");
  CHECK(complaint("ops/good.hpp", with(598, "")) == "");
  CHECK(complaint("ops/good.hpp", with(1, std::string(100, 'x'))) == "");
  CHECK(complaint("ops/good.inl", {"no pragma in a body"}) == "");
  CHECK(complaint("bipft.hpp", with(1, "#include \"bipft/train/fit.hpp\"")) == "");

  CHECK(complaint("ops/bad.hpp", with(1, "#include \"bipft/nn/linear.hpp\"")) != "");
  CHECK(complaint("ops/bad.hpp", with(1, "#include \"bipft/tasks/task.hpp\"")) != "");
  CHECK(complaint("ops/bad.hpp", with(1, "#include \"bipft/bipft.hpp\"")) != "");
  CHECK(complaint("ops/bad.hpp", with(1, "#include \"linear.hpp\"")) != "");
  CHECK(complaint("ops/bad.hpp", with(1, "#include <regex>")) != "");
  CHECK(complaint("ops/bad.hpp", {"#pragma once", "/// Bad.", "BIPFT_REGION_BEGIN(\"avx2\")",
                                  "#include <cmath>", "BIPFT_REGION_END"}) != "");
  CHECK(complaint("ops/bad.hpp", with(599, "")) != "");
  CHECK(complaint("ops/bad.hpp", with(1, std::string(101, 'x'))) != "");
  CHECK(complaint("ops/bad.hpp", {"#pragma once", "// no doc comment"}) != "");
  CHECK(complaint("ops/bad.hpp", {"/// Bad: no pragma.", "#pragma once"}) != "");
  CHECK(complaint("attic/bad.hpp", good) != "");
  CHECK(columns("±1 ≥ τ") == 6);
}

TEST_CASE("house: programs and tests keep to 100 columns") {
  for (const char* folder : {"cli", "examples", "tests"}) {
    for (const fs::path& file : files_below(house / folder, {".cpp", ".hpp"})) {
      CAPTURE(file.string());
      CHECK(joined(too_wide(lines_of(contents_of(file)))) == "");
    }
  }
}

TEST_CASE("house: every header has a test file, or names the one that covers it") {
  const fs::path root = house / "include" / "bipft";
  for (const fs::path& file : files_below(root, {".hpp"})) {
    fs::path name = file.lexically_relative(root);
    const auto elsewhere = covered_elsewhere.find(name.generic_string());
    CAPTURE(name.string());
    if (elsewhere != covered_elsewhere.end()) {
      CHECK(fs::exists(house / elsewhere->second));
    } else if (name.generic_string().starts_with("device/vulkan/spv/")) {
      CHECK(fs::exists(house / "shaders" / "generate.cmake"));  // which writes them
    } else {
      name.replace_filename(name.stem().string() + "_test.cpp");
      CHECK(fs::exists(house / "tests" / name));
    }
  }
  for (const auto& entry : covered_elsewhere) {
    CAPTURE(entry.first);
    CHECK(fs::exists(root / entry.first));
  }
}

TEST_CASE("house: the map knows every floor, and points at files that exist") {
  const fs::path root = house / "include" / "bipft";
  const Lines map = lines_of(contents_of(root / "README.md"));
  for (const auto& entry : floors) {
    const std::string& folder = entry.first;
    CAPTURE(folder);
    const std::string begin = "| " + std::to_string(entry.second) + " | `" + folder + "/` | ";
    const auto row = std::ranges::find_if(map, [&](auto& line) { return line.starts_with(begin); });
    REQUIRE(row != map.end());
    const std::size_t end = row->rfind('`');
    const std::size_t file = row->rfind('`', end - 1) + 1;
    if (row->ends_with("` |")) CHECK(fs::exists(root / folder / row->substr(file, end - file)));
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(root)) {
    CAPTURE(entry.path().string());
    if (entry.is_directory()) CHECK(floors.contains(entry.path().filename().string()));
  }
}

TEST_CASE("house: the repository speaks of itself alone") {
  for (const fs::path& file : files_of_the_house()) {
    const std::string text = contents_of(file);
    for (const std::string& word : foreign) {
      CAPTURE(file.string());
      CAPTURE(word);
      CHECK(text.find(word) == std::string::npos);
    }
  }
}

TEST_CASE("house: every header compiles alone, under every warning") {
  const fs::path include = house / "include";
  std::vector<std::string> headers;
  for (const fs::path& file : files_below(include / "bipft", {".hpp"})) {
    headers.push_back(file.lexically_relative(include).string());
  }
  Lines said(headers.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = 0; (i = next++) < headers.size();) said[i] = compiled_alone(headers[i]);
  };
  std::vector<std::jthread> others;
  for (unsigned n = 1; n < std::thread::hardware_concurrency(); ++n) others.emplace_back(work);
  work();
  others.clear();  // joins

  for (std::size_t i = 0; i < headers.size(); ++i) {
    CAPTURE(headers[i]);
    CHECK(said[i] == "");
  }
  CHECK(compiled_alone("bipft/no_such_header.hpp") != "");
}
