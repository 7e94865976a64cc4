/// What kernels achieve here, beside what registers allow (limits.hpp): binary products and
/// attention in GbinOP/s, float products as training uses them in GFLOP/s, and functions of rows
/// and elements in nanoseconds an element and GB/s.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bench.hpp"
#include "bipft/device/cpu_layout.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/kernels/training_targets.hpp"
#include "limits.hpp"
#include "support/bits.hpp"

using namespace bipft;
using namespace bipft::bench;
using kernels::KernelTable;
using kernels::TrainingKernels;

namespace {

struct Matrix {
  std::size_t outputs, inputs;
};
constexpr std::array<Matrix, 6> matrices{
    {{384, 384}, {768, 768}, {3072, 768}, {768, 3072}, {384, 1536}, {1536, 384}}};

std::size_t samples = 9;

/// The median seconds of a call, of this thread's own time.
template <class Body>
[[nodiscard]] Spread seconds_of_call(Body&& body) {
  std::vector<double> all;
  for (std::size_t i = 0; i < samples; ++i) all.push_back(time_calls(2e-3, body).cpu);
  return spread_of(std::move(all));
}

/// The best that the registers do: a limit is one only if nothing came between. For long enough
/// that the clock has settled.
[[nodiscard]] double rate_of(const Limit& limit) {
  if (limit.loop == nullptr) return 0;
  double best = 0;
  for (const double start = thread_seconds(); thread_seconds() - start < 0.1;) {
    const double begin = thread_seconds();
    for (int i = 0; i < 10; ++i) limit.loop();
    best = std::max(best, 1e-8 * limit.operations / (thread_seconds() - begin));
  }
  return best;
}

/// Of a chain of dependent multiplications, three cycles each: the clock as it is now.
[[nodiscard]] double gigahertz() {
  constexpr std::uint64_t steps = 300'000;
  volatile std::uint64_t seed = 3;
  const Spread time = seconds_of_call([&] {
    std::uint64_t x = seed;
    for (std::uint64_t i = 0; i < steps; ++i) x = x * x;
    seed = x | 1U;
  });
  return 3e-9 * static_cast<double>(steps) / time.p50;
}

struct Measured {
  double plain, parity, own, floats;  ///< 1e9 operations a second

  [[nodiscard]] double bits() const { return std::max({plain, parity, own}); }
};

/// The share that `rate` is of a limit, in percent.
[[nodiscard]] std::string share(double rate, double limit) {
  return limit > 0 ? fixed(100 * rate / limit, 0) + " %" : std::string("?");
}

Measured limits(const KernelTable& target, JsonLines& json) {
  const Limits all = limits_of(target.name);
  const Measured m{rate_of(all.plain), rate_of(all.parity), rate_of(all.own), rate_of(all.floats)};
  const double clock = gigahertz();
  std::printf(
      "\n%s: registers allow %.0f GbinOP/s (xor, count, add), %.0f (counted carries of "
      "parities), %.0f (its own way), %.0f GFLOP/s; %.2f GHz\n",
      std::string(target.name).c_str(), m.plain, m.parity, m.own, m.floats, clock);
  Json line = Json::object();
  line.set("figure", "limits")
      .set("target", target.name)
      .set("plain_gbinop", m.plain)
      .set("parity_gbinop", m.parity)
      .set("own_gbinop", m.own)
      .set("gflop", m.floats)
      .set("gigahertz", clock);
  json.write(line);
  return m;
}

// --- Binary products -----------------------------------------------------------------------------

struct ProductTimes {
  Spread floats, bits;
};

[[nodiscard]] ProductTimes time_product(const KernelTable& target, std::size_t rows,
                                        const Matrix& matrix) {
  test::Dice dice(1);
  const BitMatrix a = test::random_bits(dice, rows, matrix.inputs);
  const BitMatrix w = test::random_bits(dice, matrix.outputs, matrix.inputs);
  const CpuLayout layout(target, w.view());
  const std::vector<std::int32_t> base(matrix.outputs, static_cast<std::int32_t>(matrix.inputs));
  const std::vector<std::int32_t> most(matrix.outputs,
                                       static_cast<std::int32_t>(matrix.inputs / 2));
  const std::vector<float> bias(matrix.outputs);
  const std::vector<float> scale(matrix.outputs, 0.5F);
  Tensor y(Shape{rows, matrix.outputs});
  BitMatrix bits(rows, matrix.outputs);
  BasicTensor<std::uint32_t> scratch(Shape{kernels::product_scratch(matrix.inputs)});
  const kernels::BinaryProduct product{a.view(), layout.panels(), matrix.outputs,
                                       2,        base.data(),     scratch.mutable_data().data()};
  float* const floats = y.mutable_data().data();
  std::uint64_t* const words = bits.mutable_row(0);
  const std::size_t stride = words_for(matrix.outputs);
  return {
      seconds_of_call(
          [&] { target.bgemm_floats(product, scale.data(), bias.data(), nullptr, floats); }),
      seconds_of_call([&] { target.bgemm_bits(product, most.data(), nullptr, words, stride); })};
}

void products(const KernelTable& target, const Measured& limit,
              const std::vector<std::size_t>& rows, JsonLines& json) {
  Table table({"target", "N", "K", "M", "GbinOP/s floats", "of limit", "GbinOP/s bits", "of limit",
               "us floats", "us bits"});
  for (const Matrix& matrix : matrices) {
    for (const std::size_t m : rows) {
      const ProductTimes t = time_product(target, m, matrix);
      const double work = 2e-9 * static_cast<double>(m * matrix.outputs * matrix.inputs);
      const double floats = work / t.floats.p50;
      const double bits = work / t.bits.p50;
      table.row({std::string(target.name), std::to_string(matrix.outputs),
                 std::to_string(matrix.inputs), std::to_string(m), fixed(floats, 0),
                 share(floats, limit.bits()), fixed(bits, 0), share(bits, limit.bits()),
                 fixed(1e6 * t.floats.p50, 1), fixed(1e6 * t.bits.p50, 1)});
      Json line = Json::object();
      line.set("figure", "binary_product")
          .set("target", target.name)
          .set("n", matrix.outputs)
          .set("k", matrix.inputs)
          .set("m", m)
          .set("gbinop_floats", floats)
          .set("gbinop_bits", bits)
          .set("share_floats", floats / limit.bits())
          .set("share_bits", bits / limit.bits())
          .set("us_floats_p10", 1e6 * t.floats.p10)
          .set("us_floats_p90", 1e6 * t.floats.p90)
          .set("us_bits_p10", 1e6 * t.bits.p10)
          .set("us_bits_p90", 1e6 * t.bits.p90);
      json.write(line);
    }
  }
  table.print();
}

// --- Attention over bits -------------------------------------------------------------------------

void attention(const KernelTable& target, const Measured& limit, JsonLines& json) {
  Table table({"target", "attention of", "heads", "T", "GbinOP/s", "of limit", "us"});
  for (const auto& [width, heads] : {std::pair<std::size_t, std::size_t>{384, 12}, {768, 12}}) {
    for (const std::size_t tokens : {16U, 32U, 128U, 512U}) {
      test::Dice dice(2);
      const BitMatrix q = test::random_bits(dice, tokens, width);
      const BitMatrix k = test::random_bits(dice, tokens, width);
      const BitMatrix v = test::random_bits(dice, tokens, width);
      const std::size_t size = width / heads;
      std::vector<float> exponential((size + 1) * (size + 1));
      for (std::size_t m = 0; m <= size; ++m) {
        for (std::size_t i = 0; i <= size; ++i) {
          const auto gap = static_cast<float>(m) - static_cast<float>(i);
          exponential[m * (size + 1) + i] = std::exp(0.35F * gap);
        }
      }
      const std::vector<std::int32_t> threshold(width, 0);
      BitMatrix context(tokens, width);
      BasicTensor<std::uint32_t> scratch(Shape{kernels::attention_scratch(tokens, width)});
      kernels::BitAttention call;
      call.q = q.view();
      call.k = k.view();
      call.v = v.view();
      call.heads = heads;
      call.head_size = size;
      call.exponential = exponential.data();
      call.half_alpha = 2.0F / static_cast<float>(tokens);
      call.threshold = threshold.data();
      call.context = context.mutable_row(0);
      call.scratch = scratch.mutable_data().data();
      const Spread t = seconds_of_call([&] { target.bit_attention(call); });
      const double rate = 4e-9 * static_cast<double>(tokens * tokens * width) / t.p50;
      table.row({std::string(target.name), std::to_string(width), std::to_string(heads),
                 std::to_string(tokens), fixed(rate, 0), share(rate, limit.bits()),
                 fixed(1e6 * t.p50, 1)});
      Json line = Json::object();
      line.set("figure", "attention")
          .set("target", target.name)
          .set("width", width)
          .set("heads", heads)
          .set("tokens", tokens)
          .set("gbinop", rate)
          .set("us_p50", 1e6 * t.p50);
      json.write(line);
    }
  }
  table.print();
}

// --- Float products ------------------------------------------------------------------------------

[[nodiscard]] Tensor random_matrix(std::size_t rows, std::size_t cols) {
  test::Dice dice(3);
  return Tensor(Shape{rows, cols}, test::random_reals(dice, rows * cols));
}

/// As a layer in training asks the device for them: y = x wᵀ, dx = dy w, dw = dyᵀ x.
void float_products(const KernelTable& target, const Measured& limit,
                    const std::vector<std::size_t>& rows, JsonLines& json) {
  kernels::select_target(target.name);
  Device& device = active_device();
  Table table({"target", "N", "K", "M", "forward nt", "of limit", "dx nn", "of limit", "dw tn",
               "of limit"});
  for (const Matrix& matrix : matrices) {
    const Tensor w = random_matrix(matrix.outputs, matrix.inputs);
    for (const std::size_t m : rows) {
      const Tensor x = random_matrix(m, matrix.inputs);
      const Tensor dy = random_matrix(m, matrix.outputs);
      const double work = 2e-9 * static_cast<double>(m * matrix.outputs * matrix.inputs);
      const double nt = work / seconds_of_call([&] { (void)device.linear(x, w, {}); }).p50;
      const double nn = work / seconds_of_call([&] { (void)device.matmul(dy, w); }).p50;
      const double tn = work / seconds_of_call([&] { (void)device.matmul_tn(dy, x); }).p50;
      table.row({std::string(target.name), std::to_string(matrix.outputs),
                 std::to_string(matrix.inputs), std::to_string(m), fixed(nt, 0),
                 share(nt, limit.floats), fixed(nn, 0), share(nn, limit.floats), fixed(tn, 0),
                 share(tn, limit.floats)});
      Json line = Json::object();
      line.set("figure", "float_product")
          .set("target", target.name)
          .set("n", matrix.outputs)
          .set("k", matrix.inputs)
          .set("m", m)
          .set("gflop_nt", nt)
          .set("gflop_nn", nn)
          .set("gflop_tn", tn)
          .set("limit_gflop", limit.floats);
      json.write(line);
    }
  }
  table.print();
}

// --- Rows and elements ---------------------------------------------------------------------------

/// A function of a matrix, and the bytes that it reads and writes for every element.
struct RowKernel {
  std::string name;
  double bytes = 0;
  std::function<void()> call;
};

/// What all of them work on: numbers of a layer's hidden states.
struct Field {
  static constexpr std::size_t rows = 128, cols = 768, count = rows * cols;

  Tensor a = random_matrix(rows, cols), b = random_matrix(rows, cols), y{Shape{rows, cols}};
  Tensor m{Shape{rows, cols}}, v{Shape{rows, cols}, 1.0F};
  Tensor row = random_matrix(1, cols), other_row = random_matrix(1, cols);
  Tensor mean{Shape{rows}}, inverse{Shape{rows}, 1.0F};
  BitMatrix bits{rows, cols};
  std::vector<std::uint16_t> draw = std::vector<std::uint16_t>(count, 40'000);
};

[[nodiscard]] std::vector<RowKernel> row_kernels(const KernelTable& k, const TrainingKernels& t,
                                                 Field& f) {
  const float* const a = f.a.data().data();
  const float* const b = f.b.data().data();
  float* const y = f.y.mutable_data().data();
  float* const m = f.m.mutable_data().data();
  float* const v = f.v.mutable_data().data();
  float* const mean = f.mean.mutable_data().data();
  float* const inverse = f.inverse.mutable_data().data();
  float* const row = f.row.mutable_data().data();
  float* const other = f.other_row.mutable_data().data();
  const std::uint16_t* const draw = f.draw.data();
  BitMatrix& bits = f.bits;
  constexpr std::size_t n = Field::count, rows = Field::rows, cols = Field::cols;
  const kernels::AdamWNumbers step{1e-4F, 0.9F, 0.999F, 1e-8F, 0.01F, 0.1F, 0.001F, 1.0F};
  return {
      {"add", 12, [=, &k] { k.add(a, b, n, y); }},
      {"relu", 8, [=, &k] { k.relu(a, n, y); }},
      {"gelu", 8, [=, &k] { k.gelu(a, n, y); }},
      {"tanh", 8, [=, &k] { k.tanh(a, n, y); }},
      {"exp", 8, [=, &k] { k.exp(a, n, y); }},
      {"softmax", 8, [=, &k] { k.softmax(a, rows, cols, y); }},
      {"layer_norm", 8,
       [=, &k] { k.layer_norm(a, rows, cols, row, other, 1e-12F, y, mean, inverse); }},
      {"pack_row", 4.125,
       [=, &k, &bits] {
         for (std::size_t r = 0; r < rows; ++r) {
           k.pack_row(a + r * cols, row, cols, 0, false, bits.mutable_row(r));
         }
       }},
      {"unpack_row", 4.125,
       [=, &k, &bits] {
         for (std::size_t r = 0; r < rows; ++r) {
           k.unpack_row(bits.mutable_row(r), cols, -1, 1, y + r * cols);
         }
       }},
      {"multiply", 12, [=, &k] { k.multiply(a, b, n, y); }},
      {"scale", 8, [=, &t] { t.scale(a, 0.5F, n, y); }},
      {"scale_add", 12, [=, &t] { t.scale_add(a, 0.5F, b, n, y); }},
      {"relu_backward", 12, [=, &t] { t.relu_backward(a, b, n, y); }},
      {"gelu_backward", 12, [=, &t] { t.gelu_backward(a, b, n, y); }},
      {"tanh_backward", 12, [=, &t] { t.tanh_backward(a, b, n, y); }},
      {"threshold_select", 8, [=, &t] { t.threshold_select(a, 0, false, -1, 1, n, y); }},
      {"window_mask", 12, [=, &t] { t.window_mask(a, -1, 1, b, n, y); }},
      {"dropout", 10, [=, &t] { t.dropout(a, draw, 6554, 1.1F, n, y); }},
      {"adamw", 28, [=, &t] { t.adamw(y, m, v, b, n, step); }},
      {"softmax_backward", 12, [=, &t] { t.softmax_backward(a, b, rows, cols, y); }},
      {"layer_norm_backward", 12,
       [=, &t] { t.layer_norm_backward(a, mean, inverse, row, b, rows, cols, y, row, other); }},
      {"dot", 8, [=, &t] { (void)t.dot(a, b, n); }},
      {"sums", 4, [=, &t] { (void)t.sums(a, n); }},
  };
}

void rows_and_elements(const std::vector<const KernelTable*>& targets, JsonLines& json) {
  std::vector<std::string> heading{"128 x 768 numbers"};
  std::vector<std::vector<std::string>> lines;
  Field field;
  for (const KernelTable* target : targets) {
    heading.push_back(std::string(target->name) + " ns/number");
    heading.emplace_back("GB/s");
    std::size_t at = 0;
    for (const RowKernel& kernel : row_kernels(*target, kernels::training_of(*target), field)) {
      const Spread t = seconds_of_call(kernel.call);
      const double each = t.p50 / static_cast<double>(Field::count);
      if (lines.size() <= at) lines.push_back({kernel.name});
      lines[at].push_back(fixed(1e9 * each, 4));
      lines[at++].push_back(fixed(1e-9 * kernel.bytes / each, 1));
      Json line = Json::object();
      line.set("figure", "rows")
          .set("target", target->name)
          .set("kernel", kernel.name)
          .set("ns_per_element", 1e9 * each)
          .set("gigabytes_per_second", 1e-9 * kernel.bytes / each);
      json.write(line);
    }
  }
  Table table(heading);
  for (std::vector<std::string>& line : lines) table.row(std::move(line));
  std::printf("\n");
  table.print();
}

void run(int count, char** words) {
  Options options(count, words, "kernels_bench: kernels beside the limits of the registers");
  const auto names =
      options.words("target", "", "instruction sets; all of this machine's, if none");
  const auto rows = options.numbers("rows", "1,16,32,128,512", "M of binary products");
  const auto float_rows = options.numbers("float-rows", "32,512,4096", "M of float products");
  const auto only =
      options.words("only", "bits,attention,floats,rows", "what to measure, of these four");
  samples = options.number("samples", samples, "of which the median is taken");
  const std::string core = options.word("pin", "", "a core to stay on");
  const std::string file = options.word("json", "", "a file for one JSON object a line");
  options.finish();

  if (!core.empty()) pin(std::stoul(core));
  set_threads(1);
  JsonLines json(file, "kernels_bench");
  json.print_about();
  std::vector<const KernelTable*> targets = kernels::supported_targets();
  if (!names.empty()) {
    targets.clear();
    for (const std::string& name : names) targets.push_back(&kernels::find_target(name));
  }
  const auto wanted = [&](std::string_view what) {
    return std::ranges::find(only, what) != only.end();
  };
  for (const KernelTable* target : targets) {
    const Measured limit = limits(*target, json);
    if (wanted("bits")) products(*target, limit, rows, json);
    if (wanted("attention")) attention(*target, limit, json);
    if (!wanted("floats")) continue;
    std::vector<std::size_t> few = float_rows;  // long products teach nothing about a slow target
    if (target->name == "scalar") std::erase_if(few, [](std::size_t m) { return m > 512; });
    float_products(*target, limit, few, json);
  }
  if (wanted("rows")) rows_and_elements(targets, json);
}

}  // namespace

int main(int count, char** words) {
  return guarded([&] { run(count, words); });
}
