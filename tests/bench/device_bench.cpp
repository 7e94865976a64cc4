/// What a GPU takes beside the processor: encoders, products of bits, and what every call costs
/// before anything is computed. Times are the wall's: a device computes on nobody's processor time.

#include <algorithm>
#include <bit>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "bench.hpp"
#include "bipft/device/vulkan.hpp"
#include "models.hpp"
#include "support/bits.hpp"

using namespace bipft;
using namespace bipft::bench;

namespace {

/// Seconds that a device computes before its rounds, which follow each other without a turn of the
/// processor's between them, so that none of them pays for the device's waking.
constexpr double warm_up = 0.3;

struct Cell {
  std::string preset;
  std::size_t tokens, batch;
  std::vector<double> cpu, gpu;  ///< seconds a call, one a round
  std::size_t equal = 0;         ///< texts whose logits have the same bytes on both
};

[[nodiscard]] Tensor random_tensor(test::Dice& dice, const Shape& shape) {
  return Tensor(shape, test::random_reals(dice, shape.numel()));
}

/// A plan whose time grows with `times` products of [N, C] bits with [F, C] weights, and with
/// nothing else. Without any it is the least that a call can be.
[[nodiscard]] Plan product_plan(std::size_t inputs, std::size_t outputs, std::size_t times) {
  Runner& runner = active_runner();
  test::Dice dice(1);
  Plan plan;
  plan.width = inputs;
  plan.inner = outputs;
  plan.positions = 512;
  plan.labels = 2;
  plan.add(EmbedStep{test::random_bits(dice, 64, inputs),
                     {},
                     Tensor(Shape{64}, 1.0F),
                     random_tensor(dice, Shape{512, inputs}),
                     random_tensor(dice, Shape{2, inputs})});
  plan.add(PackStep{Floats::hidden, Bits::ffn_in, Tensor(Shape{inputs}), 0, false, false});
  const auto product = [&](std::size_t rows) {
    return Product{rows, inputs, runner.lay_out(test::random_bits(dice, rows, inputs))};
  };
  const std::vector<std::int32_t> most(outputs, static_cast<std::int32_t>(inputs / 2));
  for (std::size_t i = 0; i < times; ++i) {
    plan.add(LinearBitsStep{Bits::ffn_in, Bits::inner, product(outputs), most, {}});
  }
  plan.add(PackStep{Floats::hidden, Bits::pooler_in, Tensor(Shape{inputs}), 0, false, true});
  plan.add(LinearStep{Bits::pooler_in, Floats::pooled, product(inputs), 2,
                      std::vector<std::int32_t>(inputs, static_cast<std::int32_t>(inputs)),
                      Tensor(Shape{inputs}, 0.05F), Tensor(Shape{inputs}), false});
  plan.add(PoolStep{Tensor(Shape{inputs}, 1.0F), Tensor(Shape{inputs}), 1e-12F});
  plan.add(ClassifyStep{random_tensor(dice, Shape{2, inputs}), Tensor(Shape{2})});
  return plan;
}

/// Seconds of a call of the plan on `rows` tokens, in texts of up to 512.
[[nodiscard]] double seconds_of_plan(const Plan& plan, std::size_t rows, double least) {
  std::vector<std::size_t> lengths;
  for (std::size_t left = rows; left > 0; left -= lengths.back()) {
    lengths.push_back(std::min<std::size_t>(left, 512));
  }
  IdTensor ids(Shape{rows});
  for (std::size_t i = 0; i < rows; ++i) ids.mutable_data()[i] = static_cast<std::int32_t>(i % 64);
  const IdTensor types(Shape{rows});
  const Ragged texts(std::move(lengths));
  Runner& runner = active_runner();
  return time_calls(least, [&] { (void)runner.run(plan, ids, types, texts, false); }).wall;
}

/// One call without products: copies there and back, and the waiting.
void launches(const std::string& device, double least, std::size_t rounds, JsonLines& json) {
  select_device(device);
  const Plan plan = product_plan(64, 64, 0);
  std::vector<double> seconds;
  for (std::size_t i = 0; i < rounds; ++i) seconds.push_back(seconds_of_plan(plan, 1, least));
  const Spread s = spread_of(seconds);
  std::printf("\na call that computes next to nothing: %.1f us [%.1f - %.1f]\n", 1e6 * s.p50,
              1e6 * s.p10, 1e6 * s.p90);
  Json line = Json::object();
  line.set("figure", "launch").set("device", device).set("us_p50", 1e6 * s.p50);
  json.write(line);
}

/// Products as differences: a plan with nine of them less a plan with one, so that launches, copies
/// and all other steps cancel.
void products(const std::string& device, const std::vector<std::string>& shapes, double least,
              std::size_t rounds, JsonLines& json) {
  Table table({"device", "M", "N", "K", "us", "p10", "p90", "GbinOP/s"});
  for (const std::string& shape : shapes) {
    const std::vector<std::string> sizes = split(shape, 'x');
    if (sizes.size() != 3)
      fail(Fault::usage, "--products ", shape, ": M x N x K, as 4096x3072x768");
    const std::size_t m = std::stoul(sizes[0]), n = std::stoul(sizes[1]), k = std::stoul(sizes[2]);
    for (const std::string& on : {std::string("cpu"), device}) {
      select_device(on);
      const Plan one = product_plan(k, n, 1);
      const Plan nine = product_plan(k, n, 9);
      std::vector<double> seconds;
      if (on != "cpu") (void)seconds_of_plan(nine, m, warm_up);
      for (std::size_t i = 0; i < rounds; ++i) {
        const double base = seconds_of_plan(one, m, least);
        seconds.push_back((seconds_of_plan(nine, m, least) - base) / 8);
      }
      const Spread s = spread_of(seconds);
      const double work = 2e-9 * static_cast<double>(m * n * k);
      table.row({on, sizes[0], sizes[1], sizes[2], fixed(1e6 * s.p50, 1), fixed(1e6 * s.p10, 1),
                 fixed(1e6 * s.p90, 1), fixed(work / s.p50, 0)});
      Json line = Json::object();
      line.set("figure", "binary_product")
          .set("device", on)
          .set("m", m)
          .set("n", n)
          .set("k", k)
          .set("us_p10", 1e6 * s.p10)
          .set("us_p50", 1e6 * s.p50)
          .set("us_p90", 1e6 * s.p90)
          .set("gbinop", work / s.p50);
      json.write(line);
    }
  }
  std::printf("\n");
  table.print();
}

/// Bytes that a call copies to the device and back: see PlanRecording.
[[nodiscard]] std::size_t bytes_moved([[maybe_unused]] std::size_t texts,
                                      [[maybe_unused]] std::size_t tokens) {
#if BIPFT_VULKAN
  const std::size_t room = std::max<std::size_t>(16, std::bit_ceil(tokens));
  const vulkan::BatchLayout layout{room, 0};
  return layout.sections_bytes() + texts * 2 * sizeof(float);
#else
  return 0;
#endif
}

void encoders(const std::string& device, const std::vector<std::string>& presets,
              const std::vector<std::size_t>& tokens, const std::vector<std::size_t>& batches,
              double least, std::size_t rounds, JsonLines& json) {
  Table table({"preset", "T", "batch", "cpu ms/text", "device ms/text", "p10", "p90", "texts/s",
               "cpu / device", "equal", "bytes moved a text"});
  const ModelConfig any = config_of("tiny", true);  // all presets have one vocabulary
  for (const std::string& preset : presets) {
    const PackedModel packed = packed_of(config_of(preset, true));
    select_device("cpu");
    const Network here(packed, active_runner());
    select_device(device);
    const Network there(packed, active_runner());
    for (const std::size_t t : tokens) {
      for (const std::size_t batch : batches) {
        Cell cell{preset, t, batch, {}, {}, 0};
        const Batch texts = make_batch(random_texts(any, batch, t));
        const Tensor a = here(texts).logits;
        const Tensor b = there(texts).logits;
        for (std::size_t i = 0; i < batch; ++i) {
          if (std::ranges::equal(a.row(i), b.row(i))) ++cell.equal;
        }
        for (std::size_t round = 0; round < rounds; ++round) {
          cell.cpu.push_back(time_calls(least, [&] { (void)here(texts); }).wall);
        }
        (void)time_calls(warm_up, [&] { (void)there(texts); });
        for (std::size_t round = 0; round < rounds; ++round) {
          cell.gpu.push_back(time_calls(least, [&] { (void)there(texts); }).wall);
        }
        const double texts_a_call = static_cast<double>(batch);
        const double cpu = spread_of(cell.cpu).p50 / texts_a_call;
        const Spread s = spread_of(cell.gpu);
        const double gpu = s.p50 / texts_a_call;
        const double bytes = static_cast<double>(bytes_moved(batch, batch * t)) / texts_a_call;
        table.row({preset, std::to_string(t), std::to_string(batch), fixed(1e3 * cpu, 4),
                   fixed(1e3 * gpu, 4), fixed(1e3 * s.p10 / texts_a_call, 4),
                   fixed(1e3 * s.p90 / texts_a_call, 4), fixed(1 / gpu, 0), fixed(cpu / gpu, 2),
                   concat(cell.equal, '/', batch), fixed(bytes, 0)});
        Json line = Json::object();
        line.set("figure", "encoder")
            .set("device", device)
            .set("threads", threads())
            .set("preset", preset)
            .set("tokens", t)
            .set("batch", batch)
            .set("ms_cpu", 1e3 * cpu)
            .set("ms_device", 1e3 * gpu)
            .set("texts_per_second", 1 / gpu)
            .set("equal", cell.equal)
            .set("bytes_a_text", bytes);
        json.write(line);
      }
    }
  }
  std::printf("\n");
  table.print();
}

void run(int count, char** words) {
  Options options(count, words, "device_bench: a GPU beside the processor");
  const std::string device = options.word("device", "vulkan", "the device beside the processor");
  const auto presets = options.words("preset", "small,base", "shapes of encoders");
  const auto tokens = options.numbers("tokens", "16,128", "lengths of a text, to 512");
  const auto batches = options.numbers("batch", "1,32,256", "texts in a call");
  const auto shapes = options.words("products", "4096x3072x768,4096x768x768,4096x1536x384",
                                    "M x N x K of binary products");
  const std::size_t rounds = options.number("rounds", 7, "turns that each cell gets");
  const double least =
      1e-3 * static_cast<double>(options.number("ms", 20, "the least milliseconds of a turn"));
  const std::size_t on_threads = options.number("threads", 1, "of the processor");
  const std::string file = options.word("json", "", "a file for one JSON object a line");
  options.finish();

  set_threads(on_threads);
  JsonLines json(file, "device_bench");
  json.print_about();
  select_device(device);
  std::printf("device: %s\n", about_device().c_str());
  launches(device, least, rounds, json);
  if (!shapes.empty()) products(device, shapes, least, rounds, json);
  if (!presets.empty()) encoders(device, presets, tokens, batches, least, rounds, json);
}

}  // namespace

int main(int count, char** words) {
  return guarded([&] { run(count, words); });
}
