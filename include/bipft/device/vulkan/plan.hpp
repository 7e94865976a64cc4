#pragma once
/// DevicePlan: a plan whose numbers lie on the device, and its recordings.
///
/// A recording has room for a certain number of tokens, a power of two, and runs any batch that
/// fits. Batches' sizes, ids and numbers of work-groups are copied to the device first, logits and
/// what else was asked for back from it last; all that is part of the recording.

#include "bipft/device/vulkan/context.hpp"

#if BIPFT_VULKAN

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "bipft/core/ragged.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/device/plan_check.hpp"
#include "bipft/device/runner.hpp"
#include "bipft/device/vulkan/missing_shader.hpp"

namespace bipft::vulkan {

/// 32-bit words of a row of bits, which is whole 64-bit words.
[[nodiscard]] inline std::uint32_t row_words(std::size_t columns) {
  return static_cast<std::uint32_t>(2 * words_for(columns));
}
[[nodiscard]] inline std::uint32_t word_of(float x) { return std::bit_cast<std::uint32_t>(x); }

/// The numbers of all steps but weights and the table of words, one behind the other.
class Parameters {
 public:
  /// Where a step's numbers begin, in words; a binding may begin there.
  std::uint32_t begin() {
    constexpr std::size_t words = Arena::alignment / 4;
    all_.resize((all_.size() + words - 1) / words * words);
    begin_ = all_.size();
    return static_cast<std::uint32_t>(begin_);
  }
  /// Appends numbers; returns where they lie behind the step's begin.
  std::uint32_t add(std::span<const float> numbers) {
    return append(numbers.data(), numbers.size());
  }
  std::uint32_t add(std::span<const std::int32_t> numbers) {
    return append(numbers.data(), numbers.size());
  }
  [[nodiscard]] const std::vector<std::uint32_t>& all() const { return all_; }

 private:
  std::uint32_t append(const void* from, std::size_t count) {
    const std::size_t at = all_.size();
    all_.resize(at + count);
    if (count != 0) std::memcpy(all_.data() + at, from, count * 4);
    return static_cast<std::uint32_t>(at - begin_);
  }

  std::vector<std::uint32_t> all_;
  std::size_t begin_ = 0;
};

/// Rows that a dispatch has work-groups for, so many to a group.
enum class Rows { tokens, texts, blocks };
struct Groups {
  std::uint32_t across = 1;
  Rows rows = Rows::tokens;
  std::uint32_t per_group = 1;
};

/// Where a recording keeps what a batch is.
struct BatchLayout {
  std::size_t room;        ///< tokens; and as many texts and blocks of keys
  std::size_t dispatches;  ///< at most

  static constexpr std::size_t sections = 7;  // shaders/batch.glsl
  [[nodiscard]] std::uint32_t stride() const { return static_cast<std::uint32_t>(room + 1); }
  [[nodiscard]] std::size_t groups_at() const { return Arena::alignment; }
  [[nodiscard]] std::size_t sections_at() const {
    return groups_at() +
           (16 * dispatches + Arena::alignment - 1) / Arena::alignment * Arena::alignment;
  }
  [[nodiscard]] std::size_t sections_bytes() const { return 4 * sections * stride(); }
  [[nodiscard]] std::size_t bytes() const { return sections_at() + sections_bytes(); }
};

class DevicePlan;

/// A plan's commands for batches of up to `room` tokens.
class PlanRecording {
 public:
  PlanRecording(Context& context, const DevicePlan& of, std::size_t room, bool want_hidden);

  /// Texts [first, end) of a batch; results go where the pointers say.
  void run(const IdTensor& ids, const IdTensor& type_ids, const Ragged& texts, std::size_t first,
           std::size_t end, float* logits, float* hidden) {
    write_batch(ids, type_ids, texts, first, end);
    recording_.run();
    const std::size_t tokens = texts.begin(end) - texts.begin(first);
    std::memcpy(logits, logits_back_.range().host, (end - first) * labels_ * 4);
    if (hidden != nullptr) std::memcpy(hidden, hidden_back_.range().host, tokens * width_ * 4);
  }

  [[nodiscard]] const Recording& recording() const { return recording_; }

  void operator()(const EmbedStep& s);
  void operator()(const PackStep& s);
  void operator()(const LinearStep& s);
  void operator()(const LinearBitsStep& s);
  void operator()(const AttentionStep& s);
  void operator()(const NormStep& s);
  void operator()(const PoolStep& s);
  void operator()(const ClassifyStep& s);
  void operator()(const MatrixStep& /*s*/) {}  // DevicePlan has refused these
  void operator()(const SignStep& /*s*/) {}
  void operator()(const SigmoidStep& /*s*/) {}
  void operator()(const MultiplyStep& /*s*/) {}
  void operator()(const FloatAttentionStep& /*s*/) {}
  void operator()(const FirstStep& /*s*/) {}

 private:
  static constexpr std::size_t float_buffers = static_cast<std::size_t>(Floats::pooled) + 1;
  static constexpr std::size_t bit_buffers = static_cast<std::size_t>(Bits::pooler_in) + 1;

  [[nodiscard]] Range floats(Floats name) const { return floats_[static_cast<std::size_t>(name)]; }
  [[nodiscard]] Range bits(Bits name) const { return bits_[static_cast<std::size_t>(name)]; }
  /// From the first byte of any to the last.
  [[nodiscard]] static Range around(std::initializer_list<Range> ranges) {
    Range all = *ranges.begin();
    VkDeviceSize end = 0;
    for (const Range& range : ranges) {
      all.offset = std::min(all.offset, range.offset);
      end = std::max(end, range.offset + range.size);
    }
    all.size = end - all.offset;
    return all;
  }
  /// Where `range` begins within `whole`, in words.
  [[nodiscard]] static std::uint32_t words_into(const Range& whole, const Range& range) {
    return static_cast<std::uint32_t>((range.offset - whole.offset) / 4);
  }
  [[nodiscard]] std::uint32_t width() const { return static_cast<std::uint32_t>(width_); }

  void lay_out_activations();
  void dispatch(Shader shader, const Groups& groups, const std::array<Range, 4>& bound,
                std::vector<Use> uses, std::vector<std::uint32_t> constants, double work);
  void product(std::array<Shader, 3> shaders, const Product& product, Bits from, const Range& to,
               bool add, std::vector<std::uint32_t> constants);
  void write_batch(const IdTensor& ids, const IdTensor& type_ids, const Ragged& texts,
                   std::size_t first, std::size_t end);

  Context& context_;
  const DevicePlan& of_;
  std::size_t width_, labels_;
  BatchLayout layout_;
  Memory staging_, batch_, activations_, logits_, logits_back_, hidden_back_;
  std::array<Range, float_buffers> floats_{};
  std::array<Range, bit_buffers> bits_{};
  Range turned_;
  std::vector<Groups> groups_;
  Range parameters_;  // of the step at hand
  std::size_t step_ = 0;
  Recording recording_;
};

class DevicePlan {
 public:
  static constexpr std::size_t most_tokens = 4096;  ///< of a group of texts, if one has not more

  /// Throws Error if the plan is not sound or laid out elsewhere, NoShader if a step has none.
  DevicePlan(std::shared_ptr<Context> context, const Plan& plan)
      : plan_(plan), buffers_(check_plan(plan)), context_(std::move(context)) {
    if (const char* const missing = missing_shader(plan)) throw NoShader(missing);
    Parameters parameters;
    for (const Step& step : plan_.steps) {
      begins_.push_back(parameters.begin());
      visit([&](const auto& s) { add(s, parameters); }, step);
    }
    begins_.push_back(parameters.begin());
    parameters_ = context_->store(std::as_bytes(std::span(parameters.all())));
  }

  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const PlanBuffers& buffers() const { return buffers_; }
  [[nodiscard]] const Range& table() const { return table_.range(); }
  [[nodiscard]] Range parameters(std::size_t step) const {
    const VkDeviceSize begin = VkDeviceSize{4} * begins_[step];
    return parameters_.range().part(
        begin, std::max<VkDeviceSize>(VkDeviceSize{4} * begins_[step + 1] - begin, 4));
  }

  void run(const IdTensor& ids, const IdTensor& type_ids, const Ragged& texts, PlanResult& result) {
    const bool want_hidden = !result.hidden.empty();
    float* const logits = result.logits.mutable_data().data();
    float* const hidden = want_hidden ? result.hidden.mutable_data().data() : nullptr;
    for (std::size_t first = 0; first < texts.texts();) {
      std::size_t end = first + 1;
      while (end < texts.texts() && texts.begin(end + 1) - texts.begin(first) <= most_tokens) ++end;
      const std::size_t tokens = texts.begin(end) - texts.begin(first);
      recording_for(tokens, want_hidden)
          .run(ids, type_ids, texts, first, end, logits + first * plan_.labels,
               want_hidden ? hidden + texts.begin(first) * plan_.width : nullptr);
      first = end;
    }
  }

  [[nodiscard]] PlanRecording& recording_for(std::size_t tokens, bool want_hidden) {
    const std::size_t room = std::max<std::size_t>(16, std::bit_ceil(tokens));
    auto& recording = recordings_[{room, want_hidden}];
    if (!recording) {
      recording = std::make_unique<PlanRecording>(*context_, *this, room, want_hidden);
    }
    return *recording;
  }

 private:
  void add(const EmbedStep& s, Parameters& to) {
    to.add(s.scale.data());
    to.add(s.position.data());
    to.add(s.type.data());
    if (s.bits.empty()) {
      table_ = context_->store(std::as_bytes(s.table.data()));
    } else {
      const BitView view = s.bits.view();
      table_ =
          context_->store(std::as_bytes(std::span(view.words, view.rows * view.words_per_row)));
    }
  }
  void add(const PackStep& s, Parameters& to) { to.add(s.shift.data()); }
  void add(const LinearStep& s, Parameters& to) {
    check_product(s.product);
    to.add(std::span<const std::int32_t>(s.base));
    to.add(s.scale.data());
    to.add(s.bias.data());
  }
  void add(const LinearBitsStep& s, Parameters& to) {
    check_product(s.product);
    to.add(std::span<const std::int32_t>(s.most));
    to.add(std::span<const std::int32_t>(s.least));
  }
  void add(const AttentionStep& s, Parameters& to) {
    to.add(std::span<const float>(s.exponential));
    to.add(std::span<const std::int32_t>(s.threshold));
  }
  void add(const NormStep& s, Parameters& to) {
    to.add(s.gamma.data());
    to.add(s.beta.data());
    for (const PackStep& pack : s.packs) to.add(pack.shift.data());
  }
  void add(const PoolStep& s, Parameters& to) {
    to.add(s.gamma.data());
    to.add(s.beta.data());
  }
  void add(const ClassifyStep& s, Parameters& to) {
    to.add(s.weight.data());
    to.add(s.bias.data());
  }
  template <class Other>
  void add(const Other& /*s*/, Parameters& /*to*/) {}  // missing_shader() has refused it

  void check_product(const Product& product) const {
    const auto* layout = dynamic_cast<const VulkanLayout*>(product.weight.get());
    if (layout == nullptr || layout->context() != context_.get()) {
      fail("run: the plan's weights are laid out for another device");
    }
    if (layout->weight().rows() != product.outputs || layout->weight().cols() != product.inputs) {
      fail("run: weights of ", layout->weight().rows(), " x ", layout->weight().cols(),
           " in a product of ", product.outputs, " x ", product.inputs);
    }
  }

  Plan plan_;
  PlanBuffers buffers_;
  std::shared_ptr<Context> context_;
  std::vector<std::uint32_t> begins_;  // of each step's parameters, in words
  Memory parameters_, table_;
  std::map<std::pair<std::size_t, bool>, std::unique_ptr<PlanRecording>> recordings_;
};

inline PlanRecording::PlanRecording(Context& context, const DevicePlan& of, std::size_t room,
                                    bool want_hidden)
    : context_(context),
      of_(of),
      width_(of.plan().width),
      labels_(of.plan().labels),
      layout_{room, 4 * of.plan().steps.size() + 64},
      staging_(context.uploads, layout_.bytes()),
      batch_(context.memory, layout_.bytes()),
      logits_(context.memory, 4 * room * std::max<std::size_t>(labels_, 1)),
      logits_back_(context.readbacks, logits_.range().size),
      recording_(context.device, static_cast<std::uint32_t>(layout_.dispatches)) {
  lay_out_activations();
  recording_.copy(staging_.range(), batch_.range());
  for (const Step& step : of.plan().steps) {
    parameters_ = of.parameters(step_++);
    visit(*this, step);
  }
  recording_.copy(logits_.range(), logits_back_.range());
  if (want_hidden) {
    hidden_back_ = Memory(context.readbacks, floats(Floats::hidden).size);
    recording_.copy(floats(Floats::hidden), hidden_back_.range());
  }
  recording_.finish();
}

inline void PlanRecording::lay_out_activations() {
  const Plan& plan = of_.plan();
  VkDeviceSize total = 0;
  const auto place = [&total](Range& range, std::size_t bytes) {
    range.offset = total;
    range.size = (bytes + Arena::alignment - 1) / Arena::alignment * Arena::alignment;
    total += range.size;
  };
  for (std::size_t i = 0; i < float_buffers; ++i) {
    const auto name = static_cast<Floats>(i);
    if (of_.buffers().has(name)) place(floats_[i], 4 * layout_.room * cols_of(plan, name));
  }
  // Those that one step binds together lie side by side.
  for (const Bits name : {Bits::q_in, Bits::k_in, Bits::v_in, Bits::ffn_in, Bits::pooler_in,
                          Bits::inner, Bits::context, Bits::q, Bits::k, Bits::v}) {
    const std::size_t words = row_words(cols_of(plan, name));
    if (of_.buffers().has(name)) {
      place(bits_[static_cast<std::size_t>(name)], 4 * layout_.room * words);
    }
  }
  if (of_.buffers().has(Bits::context)) place(turned_, 4 * layout_.room * width_);
  activations_ = Memory(context_.memory, total);
  const auto move = [this](Range& range) {
    if (range.size != 0) range = activations_.range().part(range.offset, range.size);
  };
  for (Range& range : floats_) move(range);
  for (Range& range : bits_) move(range);
  move(turned_);
}

inline void PlanRecording::dispatch(Shader shader, const Groups& groups,
                                    const std::array<Range, 4>& bound, std::vector<Use> uses,
                                    std::vector<std::uint32_t> constants, double work) {
  Dispatch what;
  what.shader = shader;
  what.bound = bound;
  what.sizes = batch_.range().part(0, Arena::alignment);
  what.groups = batch_.range().part(layout_.groups_at() + 16 * groups_.size(), 12);
  what.uses = std::move(uses);
  what.constants = std::move(constants);
  what.work = work;
  recording_.dispatch(context_.pipelines, what);
  groups_.push_back(groups);
  if (groups_.size() > layout_.dispatches) fail("vulkan: a plan of too many dispatches");
}

inline void PlanRecording::operator()(const EmbedStep& s) {
  const bool in_bits = !s.bits.empty();
  const std::size_t rows = in_bits ? s.bits.rows() : s.table.rows();
  const std::uint32_t words = in_bits ? row_words(width_) : width();
  const auto scales = static_cast<std::uint32_t>(s.scale.numel());
  const auto positions = static_cast<std::uint32_t>(s.position.numel());
  // As many rows at once as one binding may see, so many that the next begins at a whole place.
  const std::size_t limit = context_.device->limits().maxStorageBufferRange / (4 * words);
  const std::size_t slice = std::max<std::size_t>(64, limit / 64 * 64);
  const Range sections = batch_.range().part(layout_.sections_at(), layout_.sections_bytes());
  const Range hidden = floats(Floats::hidden);
  for (std::size_t first = 0; first < rows; first += slice) {
    const std::size_t count = std::min(slice, rows - first);
    const Range table =
        of_.table().part(4 * VkDeviceSize{words} * first, 4 * VkDeviceSize{words} * count);
    dispatch(Shader::embed, {(width() + 63) / 64}, {table, parameters_, hidden, sections},
             {{sections, false}, {hidden, true}},
             {width(), words, layout_.stride(), static_cast<std::uint32_t>(first),
              static_cast<std::uint32_t>(count), in_bits ? 1U : 0U, 0, scales, scales + positions},
             static_cast<double>(layout_.room * width_));
  }
}

inline void PlanRecording::operator()(const PackStep& s) {
  const Range from = floats(s.from);
  const Range to = bits(s.to);
  const Range sections = batch_.range().part(layout_.sections_at(), layout_.sections_bytes());
  const std::uint32_t words = row_words(width_);
  dispatch(Shader::pack, {(words + 63) / 64, s.first_only ? Rows::texts : Rows::tokens},
           {parameters_, from, to, sections}, {{from, false}, {to, true}, {sections, false}},
           {width(), words, layout_.stride(), s.first_only ? 1U : 0U, 0, s.shift.empty() ? 0U : 1U,
            s.strict ? 1U : 0U, word_of(s.threshold)},
           static_cast<double>(layout_.room * width_));
}

/// `shaders`: for few rows, for many, and for many where adders count.
inline void PlanRecording::product(std::array<Shader, 3> shaders, const Product& product, Bits from,
                                   const Range& to, bool add,
                                   std::vector<std::uint32_t> constants) {
  const bool few = layout_.room <= 64;
  const Range a = bits(from);
  const auto& weight = static_cast<const VulkanLayout&>(*product.weight);
  const auto outputs = static_cast<std::uint32_t>(product.outputs);
  const std::uint32_t words = row_words(product.inputs);
  const std::uint32_t out_words = row_words(product.outputs);
  const bool by_text = row_a_text(from);
  constants.insert(constants.begin(), {outputs, words, out_words, by_text ? 1U : 0U});
  std::vector<Use> uses{{a, false}, {to, true}};
  if (add) uses.push_back({to, false});
  dispatch(shaders[few                         ? 0
                   : context_.device->adders() ? 2
                                               : 1],
           {out_words, by_text ? Rows::texts : Rows::tokens, few ? 16U : 32U},
           {weight.range(), parameters_, a, to}, std::move(uses), std::move(constants),
           static_cast<double>(layout_.room) * outputs * words);
}

inline void PlanRecording::operator()(const LinearStep& s) {
  const auto outputs = static_cast<std::uint32_t>(s.product.outputs);
  product({Shader::product_floats_16, Shader::product_floats_32, Shader::product_floats_32_adders},
          s.product, s.from, floats(s.to), s.add,
          {static_cast<std::uint32_t>(s.step), 0, outputs, 2 * outputs, s.add ? 1U : 0U, 0, 0, 0});
}

inline void PlanRecording::operator()(const LinearBitsStep& s) {
  const auto outputs = static_cast<std::uint32_t>(s.product.outputs);
  product({Shader::product_bits_16, Shader::product_bits_32, Shader::product_bits_32_adders},
          s.product, s.from, bits(s.to), false,
          {0, 0, 0, 0, 0, 0, outputs, s.least.empty() ? 0U : 1U});
}

inline void PlanRecording::operator()(const AttentionStep& s) {
  const Range sections = batch_.range().part(layout_.sections_at(), layout_.sections_bytes());
  const std::uint32_t words = row_words(width_);
  const Range v = bits(Bits::v);
  dispatch(Shader::turn, {(width() + 63) / 64, Rows::blocks}, {v, turned_, Range{}, sections},
           {{v, false}, {turned_, true}, {sections, false}}, {width(), words, layout_.stride()},
           static_cast<double>(layout_.room * width_));
  const Range q = bits(Bits::q);
  const Range k = bits(Bits::k);
  const Range context = bits(Bits::context);
  const Range all = around({q, k, turned_});
  const auto size = static_cast<std::uint32_t>(s.head_size);
  const auto heads = static_cast<std::uint32_t>(s.heads);
  const bool table = !s.exponential.empty();
  dispatch(Shader::attend, {heads, Rows::tokens, 4}, {parameters_, all, context, sections},
           {{q, false}, {k, false}, {turned_, false}, {sections, false}, {context, true}},
           {width(), words, layout_.stride(), heads, size, words_into(all, q), words_into(all, k),
            words_into(all, turned_), 0, table ? 1U : 0U,
            static_cast<std::uint32_t>(s.exponential.size()), std::bit_cast<std::uint32_t>(s.most),
            word_of(s.half_alpha)},
           static_cast<double>(layout_.room * std::min(layout_.room, of_.plan().positions)) *
               static_cast<double>(6 * heads));
}

inline void PlanRecording::operator()(const NormStep& s) {
  const Range hidden = floats(Floats::hidden);
  const Range branch = s.add_branch ? floats(Floats::branch) : Range{};
  std::vector<Use> uses{{hidden, true}};
  if (s.add_branch) uses.push_back({branch, false});
  std::vector<std::uint32_t> shift(3), shifted(3), to(3), strict(3), threshold(3);
  Range all;
  for (const PackStep& pack : s.packs) {
    const Range range = bits(pack.to);
    all = all.size == 0 ? range : around({all, range});
    uses.push_back({range, true});
  }
  std::uint32_t at = 2 * width();
  for (std::size_t i = 0; i < s.packs.size(); ++i) {
    const PackStep& pack = s.packs[i];
    shift[i] = at;
    shifted[i] = pack.shift.empty() ? 0 : 1;
    at += static_cast<std::uint32_t>(pack.shift.numel());
    to[i] = words_into(all, bits(pack.to));
    strict[i] = pack.strict ? 1 : 0;
    threshold[i] = word_of(pack.threshold);
  }
  // What is not used is bound all the same, to something: a shader may not look at nothing.
  if (all.size == 0) all = turned_.size != 0 ? turned_ : hidden;
  std::vector<std::uint32_t> constants{
      width(),           row_words(width_), 0,
      width(),           s.add_branch,      static_cast<std::uint32_t>(s.packs.size()),
      word_of(s.epsilon)};
  for (const auto& part : {shift, shifted, to, strict, threshold}) {
    constants.insert(constants.end(), part.begin(), part.end());
  }
  dispatch(Shader::norm, {1, Rows::tokens, 4},
           {parameters_, hidden, all, s.add_branch ? branch : parameters_}, std::move(uses),
           std::move(constants), static_cast<double>(4 * layout_.room * width_));
}

inline void PlanRecording::operator()(const PoolStep& s) {
  const Range hidden = floats(Floats::hidden);
  const Range pooled = floats(Floats::pooled);
  const Range sections = batch_.range().part(layout_.sections_at(), layout_.sections_bytes());
  dispatch(Shader::pool, {1, Rows::texts, 4}, {parameters_, hidden, pooled, sections},
           {{hidden, false}, {pooled, true}, {sections, false}},
           {width(), layout_.stride(), 0, width(), word_of(s.epsilon)},
           static_cast<double>(4 * layout_.room * width_));
}

inline void PlanRecording::operator()(const ClassifyStep& s) {
  const Range pooled = floats(Floats::pooled);
  const auto labels = static_cast<std::uint32_t>(labels_);
  constexpr std::uint32_t tanh = 2;  // shaders/activate.comp
  dispatch(Shader::activate, {(width() + 63) / 64, Rows::texts},
           {Range{}, Range{}, pooled, Range{}}, {{pooled, true}}, {width(), 1, tanh},
           static_cast<double>(layout_.room * width_));
  if (labels == 0) return;
  dispatch(Shader::classify, {(labels + 3) / 4, Rows::texts},
           {parameters_, pooled, logits_.range(), Range{}},
           {{pooled, false}, {logits_.range(), true}},
           {width(), labels, 0, static_cast<std::uint32_t>(s.weight.numel())},
           static_cast<double>(layout_.room * width_ * labels));
}

inline void PlanRecording::write_batch(const IdTensor& ids, const IdTensor& type_ids,
                                       const Ragged& texts, std::size_t first, std::size_t end) {
  std::byte* const to = staging_.range().host;
  const std::size_t begin = texts.begin(first);
  std::vector<std::uint32_t> sections(BatchLayout::sections * layout_.stride());
  const auto section = [&](std::size_t i) { return sections.data() + i * layout_.stride(); };
  std::uint32_t blocks = 0;
  for (std::size_t b = first; b < end; ++b) {
    const std::size_t at = texts.begin(b) - begin;
    section(0)[b - first] = static_cast<std::uint32_t>(at);
    section(4)[b - first] = blocks;
    for (std::size_t t = 0; t < texts.length(b); ++t) {
      const std::size_t n = at + t;
      section(1)[n] = static_cast<std::uint32_t>(b - first);
      section(2)[n] = static_cast<std::uint32_t>(ids.data()[begin + n]);
      section(3)[n] = static_cast<std::uint32_t>(type_ids.data()[begin + n]);
      if (t % 32 != 0) continue;
      section(5)[blocks] = static_cast<std::uint32_t>(n);
      section(6)[blocks] =
          static_cast<std::uint32_t>(std::min<std::size_t>(32, texts.length(b) - t));
      ++blocks;
    }
  }
  const auto tokens = static_cast<std::uint32_t>(texts.begin(end) - begin);
  const auto count = static_cast<std::uint32_t>(end - first);
  section(0)[count] = tokens;
  section(4)[count] = blocks;
  const std::array<std::uint32_t, 3> sizes{tokens, count, blocks};
  std::memcpy(to, sizes.data(), sizeof sizes);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const Groups& g = groups_[i];
    const std::uint32_t rows = g.rows == Rows::tokens  ? tokens
                               : g.rows == Rows::texts ? count
                                                       : blocks;
    const std::array<std::uint32_t, 4> grid{g.across, (rows + g.per_group - 1) / g.per_group, 1, 0};
    std::memcpy(to + layout_.groups_at() + 16 * i, grid.data(), sizeof grid);
  }
  std::memcpy(to + layout_.sections_at(), sections.data(), 4 * sections.size());
}

}  // namespace bipft::vulkan

#endif
