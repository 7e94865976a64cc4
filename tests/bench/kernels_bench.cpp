/// What the binary kernels achieve here: GbinOP/s (2 N O C a second) of every target and shape, the
/// fp32 product beside them, and a whole packed encoder's time.
///
///   g++ -std=c++20 -O2 -Iinclude -Itests tests/bench/kernels_bench.cpp -o kernels_bench -lpthread
///   ./kernels_bench
///
/// One thread, its own time, the best of many samples; op/cycle are those of `bits`, in cycles as a
/// chain of multiplications counts them.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <vector>

#include "bipft/core/parallel.hpp"
#include "bipft/device/cpu_plan.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "support/bits.hpp"
#include "support/random_plan.hpp"

using namespace bipft;
using kernels::KernelTable;

namespace {

/// This thread's own seconds, whatever else the machine does.
double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// The least seconds of one call, among 15 samples of a millisecond or more.
template <class Body>
double seconds(Body&& body) {
  int calls = 1;
  for (;;) {
    const double start = now();
    for (int i = 0; i < calls; ++i) body();
    if (now() - start >= 1e-3) break;
    calls *= 2;
  }
  double best = 1e9;
  for (int sample = 0; sample < 15; ++sample) {
    const double start = now();
    for (int i = 0; i < calls; ++i) body();
    best = std::min(best, (now() - start) / calls);
  }
  return best;
}

/// Of a chain of dependent multiplications, three cycles each: the clock as it is now.
double gigahertz() {
  constexpr std::uint64_t steps = 300'000;
  volatile std::uint64_t seed = 3;
  const double time = seconds([&] {
    std::uint64_t x = seed;
    for (std::uint64_t i = 0; i < steps; ++i) x = x * x;
    seed = x | 1U;
  });
  return 3 * static_cast<double>(steps) / time * 1e-9;
}

void products(const KernelTable& target) {
  const std::size_t shapes[][2] = {{384, 384}, {1536, 384}, {384, 1536}, {768, 768}, {768, 3072}};
  std::printf("\n%-8s %10s %6s %10s %10s %10s %8s\n", target.name.data(), "O,C", "N", "floats",
              "bits", "fp32", "op/cycle");
  for (const auto& shape : shapes) {
    const std::size_t outputs = shape[0];
    const std::size_t inputs = shape[1];
    for (const std::size_t rows : {1U, 4U, 16U, 128U, 256U}) {
      test::Dice dice(1);
      const BitMatrix a = test::random_bits(dice, rows, inputs);
      const BitMatrix w = test::random_bits(dice, outputs, inputs);
      const CpuLayout layout(target, w.view());
      const std::vector<std::int32_t> base(outputs, static_cast<std::int32_t>(inputs));
      const std::vector<std::int32_t> most(outputs, static_cast<std::int32_t>(inputs / 2));
      const std::vector<float> bias(outputs);
      Tensor y(Shape{rows, outputs});
      BitMatrix bits(rows, outputs);
      BasicTensor<std::uint32_t> scratch(Shape{kernels::product_scratch(inputs)});
      const kernels::BinaryProduct product{
          a.view(), layout.panels(), outputs, 2, base.data(), scratch.mutable_data().data()};
      float* const floats = y.mutable_data().data();
      std::uint64_t* const words = bits.mutable_row(0);
      const double in_floats =
          seconds([&] { target.bgemm_floats(product, 0.5F, bias.data(), nullptr, floats); });
      const double in_bits =
          seconds([&] { target.bgemm_bits(product, most.data(), words, words_for(outputs)); });

      const Tensor x(Shape{rows, inputs}, 1.0F);
      const Tensor weight(Shape{outputs, inputs}, 1.0F);
      Tensor workspace(Shape{std::max<std::size_t>(target.product_workspace, 1)});
      kernels::MatrixProduct p;
      p.a = x.data().data();
      p.a_stride = inputs;
      p.b = weight.data().data();
      p.b_stride = inputs;
      p.b_transposed = true;
      p.c = floats;
      p.c_stride = outputs;
      p.m = rows;
      p.n = outputs;
      p.k = inputs;
      float* const space = workspace.mutable_data().data();
      const double in_fp32 = seconds([&] { target.product(p, space); });
      const double work = 2e-9 * static_cast<double>(rows * outputs * inputs);
      std::printf("%-8s %5zu,%4zu %6zu %10.0f %10.0f %10.0f %8.0f\n", "", outputs, inputs, rows,
                  work / in_floats, work / in_bits, work / in_fp32, work / in_bits / gigahertz());
    }
  }
}

void encoders(const KernelTable& target) {
  kernels::select_target(target.name);
  std::printf("\n%-8s %8s %6s %10s\n", target.name.data(), "encoder", "T", "ms/text");
  struct Size {
    std::size_t layers, width, head_size;
  };
  for (const Size size : {Size{6, 384, 32}, Size{12, 768, 64}}) {
    const Plan plan = test::random_plan(size.layers, size.width, 4 * size.width, size.head_size);
    for (const std::size_t tokens : {16U, 128U, 256U}) {
      const Ragged texts(std::vector<std::size_t>(512 / tokens, tokens));
      test::Dice dice(2);
      const IdTensor ids = test::random_ids(dice, texts.tokens(), test::random_plan_vocabulary);
      const IdTensor types(Shape{texts.tokens()});
      const double time = seconds([&] { (void)run_plan_on_cpu(plan, ids, types, texts, false); });
      std::printf("%-8s %4zux%3zu %6zu %10.3f\n", "", size.layers, size.width, tokens,
                  1e3 * time / static_cast<double>(texts.texts()));
    }
  }
}

}  // namespace

int main() {
  set_threads(1);
  std::printf("%.2f GHz\n", gigahertz());
  for (const KernelTable* target : kernels::supported_targets()) {
    products(*target);
    encoders(*target);
  }
}
