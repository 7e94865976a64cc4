/// What an encoder could take at best that is made of oneDNN's or OpenBLAS's products: prepacked
/// weights, and between the products loops of our own without a pass too many. A peer on which no
/// framework's overhead lies.
///
///   g++ -std=c++20 -O3 -march=native -ffast-math -fopenmp peers_onednn.cpp -ldnnl -lopenblas
///
/// Speaks the protocol of serve.hpp with peers.py, which builds it. The forms: onednn-f32,
/// onednn-bf16, onednn-int8 (s8 weights and activations, one scale a tensor found while running,
/// attention in bf16) and openblas-f32.

#include <cblas.h>
#include <dnnl.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

extern "C" char* openblas_get_corename(void);

namespace {

using dnnl::memory;
using Type = memory::data_type;
using Layout = memory::format_tag;
using Bf16 = std::uint16_t;

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Preset {
  int layers, hidden, heads;
};
const std::map<std::string, Preset> presets{
    {"tiny", {2, 128, 2}}, {"mini", {4, 256, 4}}, {"small", {6, 384, 12}}, {"base", {12, 768, 12}}};

// --- Loops between products, of which the compiler makes vectors ---------------------------------

/// e^x by 2^n · p(f), good to some 1e-6: more would be wasted on a peer that is not to be slowed.
inline float quick_exp(float x) {
  const float t = std::max(x, -87.0F) * 1.44269504F;
  const float n = std::nearbyintf(t);
  const float f = t - n;
  const float p =
      1.0F + f * (0.69314718F +
                  f * (0.24022651F + f * (0.05550411F + f * (0.00961813F + f * 0.00133336F))));
  const std::int32_t bits = (static_cast<std::int32_t>(n) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

inline Bf16 to_bf16(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<Bf16>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}
inline float from_bf16(Bf16 x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x) << 16U;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline void store(float x, float* to) { *to = x; }
inline void store(float x, Bf16* to) { *to = to_bf16(x); }

template <class Out>
void softmax_rows(const float* x, std::size_t rows, std::size_t cols, float scale, float* terms,
                  Out* y) {
  for (std::size_t r = 0; r < rows; ++r, x += cols, y += cols) {
    float most = -1e30F;
    for (std::size_t i = 0; i < cols; ++i) most = std::max(most, x[i]);
    float sum = 0;
    for (std::size_t i = 0; i < cols; ++i) {
      terms[i] = quick_exp(scale * (x[i] - most));
      sum += terms[i];
    }
    const float inverse = 1 / sum;
    for (std::size_t i = 0; i < cols; ++i) store(terms[i] * inverse, y + i);
  }
}

/// x = layer_norm(x + y + bias)
void residual_norm(float* x, const float* y, const float* bias, std::size_t rows,
                   std::size_t cols) {
  for (std::size_t r = 0; r < rows; ++r, x += cols, y += cols) {
    float sum = 0;
    float squares = 0;
    for (std::size_t i = 0; i < cols; ++i) {
      const float v = x[i] + y[i] + bias[i];
      x[i] = v;
      sum += v;
      squares += v * v;
    }
    const float mean = sum / static_cast<float>(cols);
    const float inverse = 1 / std::sqrt(squares / static_cast<float>(cols) - mean * mean + 1e-12F);
    for (std::size_t i = 0; i < cols; ++i) x[i] = (x[i] - mean) * inverse;
  }
}

/// gelu(x + bias), by the tanh form.
template <class Out>
void gelu_rows(const float* x, const float* bias, std::size_t rows, std::size_t cols, Out* y) {
  for (std::size_t r = 0; r < rows; ++r, x += cols, y += cols) {
    for (std::size_t i = 0; i < cols; ++i) {
      const float v = x[i] + bias[i];
      store(v / (1 + quick_exp(-1.5957691F * v - 0.0713548F * v * v * v)), y + i);
    }
  }
}

template <class In>
void add_bias(In* x, const float* bias, std::size_t rows, std::size_t cols) {
  for (std::size_t r = 0; r < rows; ++r, x += cols) {
    for (std::size_t i = 0; i < cols; ++i) {
      if constexpr (sizeof(In) == 2) {
        x[i] = to_bf16(from_bf16(x[i]) + bias[i]);
      } else {
        x[i] += bias[i];
      }
    }
  }
}

/// One scale for all, of the largest number: returns it.
template <class In>
float quantize(const In* x, std::size_t count, std::int8_t* y) {
  const auto value = [&](std::size_t i) {
    if constexpr (sizeof(In) == 2) {
      return from_bf16(x[i]);
    } else {
      return x[i];
    }
  };
  float most = 1e-9F;
  for (std::size_t i = 0; i < count; ++i) most = std::max(most, std::fabs(value(i)));
  const float factor = 127 / most;
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = static_cast<std::int8_t>(static_cast<std::int32_t>(std::nearbyintf(value(i) * factor)));
  }
  return most / 127;
}

// --- Products ------------------------------------------------------------------------------------

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}
dnnl::stream& stream() {
  static dnnl::stream one(engine());
  return one;
}

dnnl::matmul::primitive_desc describe(const memory::desc& a, const memory::desc& b,
                                      const memory::desc& c, bool scaled, int outputs) {
#if DNNL_VERSION_MAJOR >= 3
  dnnl::primitive_attr attr;
  if (scaled) attr.set_scales_mask(DNNL_ARG_WEIGHTS, 2);
  (void)outputs;
  return {engine(), a, b, c, attr};
#else
  dnnl::primitive_attr attr;
  if (scaled)
    attr.set_output_scales(2, std::vector<float>(static_cast<std::size_t>(outputs), 1e-4F));
  return {dnnl::matmul::desc(a, b, c), attr, engine()};
#endif
}

/// Random weights in the order that a product asks for. Cells that ask for the same order share
/// them, as the lengths of one model would.
memory weights_of(int matrix, const memory::desc& order, int outputs, int inputs, Type type) {
  static std::map<int, std::vector<memory>> known;
  std::vector<memory>& orders = known[matrix];
  for (const memory& weight : orders) {
    if (weight.get_desc() == order) return weight;
  }
  memory plain({{inputs, outputs}, Type::f32, Layout::ab}, engine());
  auto* values = static_cast<float*>(plain.get_data_handle());
  std::uint32_t seed = 7;
  const auto count = static_cast<std::size_t>(inputs) * static_cast<std::size_t>(outputs);
  for (std::size_t i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    const float unit = static_cast<float>(static_cast<std::int32_t>(seed)) / 2147483648.0F;
    values[i] = type == Type::s8 ? std::nearbyintf(100 * unit) : 0.03F * unit;
  }
  memory weight(order, engine());
  dnnl::reorder(plain, weight).execute(stream(), plain, weight);
  stream().wait();
  orders.push_back(weight);
  return weight;
}

/// y = x w, for one number of rows, the weights in whatever order oneDNN likes best. `matrix` is
/// the number of the matrix within its model.
class Linear {
 public:
  Linear(int matrix, int rows, int outputs, int inputs, Type in, Type out)
      : x_({{rows, inputs}, in, Layout::ab}, engine(), nullptr),
        y_({{rows, outputs}, out, Layout::ab}, engine(), nullptr) {
    const auto pd = describe(x_.get_desc(), {{inputs, outputs}, in, Layout::any}, y_.get_desc(),
                             in == Type::s8, outputs);
    product_ = dnnl::matmul(pd);
    const memory weight = weights_of(matrix, pd.weights_desc(), outputs, inputs, in);
    arguments_ = {{DNNL_ARG_SRC, x_}, {DNNL_ARG_WEIGHTS, weight}, {DNNL_ARG_DST, y_}};
#if DNNL_VERSION_MAJOR >= 3
    if (in == Type::s8) {
      memory scales({{outputs}, Type::f32, Layout::x}, engine());
      std::fill_n(static_cast<float*>(scales.get_data_handle()), outputs, 1e-4F);
      arguments_[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = scales;
    }
#endif
  }

  void operator()(void* x, void* y) {
    x_.set_data_handle(x);
    y_.set_data_handle(y);
    product_.execute(stream(), arguments_);
    stream().wait();
  }

 private:
  memory x_, y_;
  dnnl::matmul product_;
  std::unordered_map<int, memory> arguments_;
};

/// q kᵀ and p v of one text, all heads in one call, straight from the rows [T, 3C].
class HeadProducts {
 public:
  HeadProducts(int tokens, int hidden, int heads, Type type) {
    const memory::dim size = hidden / heads, row = 3 * hidden, t = tokens;
    const memory::dims across{size, row, 1};
    q_ = {memory::desc({heads, t, size}, type, across), engine(), nullptr};
    k_ = {memory::desc({heads, size, t}, type, memory::dims{size, 1, row}), engine(), nullptr};
    v_ = {memory::desc({heads, t, size}, type, across), engine(), nullptr};
    s_ = {memory::desc({heads, t, t}, Type::f32, Layout::abc), engine(), nullptr};
    p_ = {memory::desc({heads, t, t}, type, Layout::abc), engine(), nullptr};
    o_ = {memory::desc({heads, t, size}, type, memory::dims{size, hidden, 1}), engine(), nullptr};
    scores_ = dnnl::matmul(describe(q_.get_desc(), k_.get_desc(), s_.get_desc(), false, 0));
    mix_ = dnnl::matmul(describe(p_.get_desc(), v_.get_desc(), o_.get_desc(), false, 0));
  }

  void scores(void* q, void* k, float* s) { run(scores_, q_, q, k_, k, s_, s); }
  void mix(void* p, void* v, void* o) { run(mix_, p_, p, v_, v, o_, o); }

 private:
  static void run(dnnl::matmul& product, memory& a, void* at_a, memory& b, void* at_b, memory& c,
                  void* at_c) {
    a.set_data_handle(at_a);
    b.set_data_handle(at_b);
    c.set_data_handle(at_c);
    product.execute(stream(), {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
    stream().wait();
  }

  memory q_, k_, v_, s_, p_, o_;
  dnnl::matmul scores_, mix_;
};

// --- Encoders ------------------------------------------------------------------------------------

class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual void run() = 0;
};

/// What all forms share: the numbers of one batch, random ids, and embedding.
class Common : public Encoder {
 protected:
  Common(const Preset& p, std::size_t tokens, std::size_t batch)
      : shape(p),
        c(static_cast<std::size_t>(p.hidden)),
        t(tokens),
        b(batch),
        n(tokens * batch),
        x(n * c),
        y(n * c),
        wide(n * 4 * c),
        qkv(n * 3 * c),
        bias(4 * c, 0.01F),
        scores(static_cast<std::size_t>(p.heads) * t * t),
        terms(t) {
    if (words.size() < vocabulary * c) words.assign(vocabulary * c, 0.02F);
    ids.resize(n);
    for (std::size_t i = 0; i < n; ++i) ids[i] = i * 2654435761U % vocabulary;
  }

  void embed() {
    for (std::size_t i = 0; i < n; ++i) {
      const float* word = words.data() + ids[i] * c;
      std::copy(word, word + c, x.data() + i * c);
      std::fill_n(y.data() + i * c, c, static_cast<float>(i % t));
    }
    residual_norm(x.data(), y.data(), bias.data(), n, c);
  }
  [[nodiscard]] float score_scale() const {
    return 1 / std::sqrt(static_cast<float>(shape.hidden / shape.heads));
  }

  static constexpr std::size_t vocabulary = 30522;
  static inline std::vector<float> words;  // shared: a table is large, and its numbers say nothing
  Preset shape;
  std::size_t c, t, b, n;
  std::vector<float> x, y, wide, qkv, bias, scores, terms;
  std::vector<std::size_t> ids;
};

class OneDnn final : public Common {
 public:
  OneDnn(const Preset& p, std::size_t tokens, std::size_t batch, Type type)
      : Common(p, tokens, batch),
        type_(type),
        half_(type == Type::f32 ? Type::f32 : Type::bf16),
        heads_(static_cast<int>(tokens), p.hidden, p.heads, half_) {
    const int rows = static_cast<int>(n);
    for (int layer = 0; layer < p.layers; ++layer) {
      products_.emplace_back(4 * layer, rows, 3 * p.hidden, p.hidden, type, half_);
      products_.emplace_back(4 * layer + 1, rows, p.hidden, p.hidden, type, Type::f32);
      products_.emplace_back(4 * layer + 2, rows, 4 * p.hidden, p.hidden, type, Type::f32);
      products_.emplace_back(4 * layer + 3, rows, p.hidden, 4 * p.hidden, type, Type::f32);
    }
    if (type != Type::f32) {
      half_qkv_.resize(n * 3 * c);
      half_wide_.resize(n * 4 * c);
      half_p_.resize(scores.size());
      bytes_.resize(n * 4 * c);
    }
  }

  void run() override {
    embed();
    for (std::size_t layer = 0; layer < products_.size(); layer += 4) {
      products_[layer](input(x.data(), n * c), heads_in());
      if (type_ == Type::f32) {
        add_bias(qkv.data(), bias.data(), n, 3 * c);
        attend<float>(qkv.data(), scores.data(), y.data());
        products_[layer + 1](y.data(), wide.data());
      } else {
        add_bias(half_qkv_.data(), bias.data(), n, 3 * c);
        attend<Bf16>(half_qkv_.data(), half_p_.data(), half_wide_.data());
        products_[layer + 1](input(half_wide_.data(), n * c), wide.data());
      }
      residual_norm(x.data(), wide.data(), bias.data(), n, c);

      products_[layer + 2](input(x.data(), n * c), wide.data());
      void* inner = nullptr;
      if (type_ == Type::bf16) {
        gelu_rows(wide.data(), bias.data(), n, 4 * c, half_wide_.data());
        inner = half_wide_.data();
      } else {
        gelu_rows(wide.data(), bias.data(), n, 4 * c, wide.data());
        inner = input(wide.data(), n * 4 * c);
      }
      products_[layer + 3](inner, y.data());
      residual_norm(x.data(), y.data(), bias.data(), n, c);
    }
  }

 private:
  [[nodiscard]] void* heads_in() {
    return type_ == Type::f32 ? static_cast<void*>(qkv.data()) : half_qkv_.data();
  }
  /// `from` as a product of this form reads it.
  template <class In>
  [[nodiscard]] void* input(In* from, std::size_t count) {
    if (type_ == Type::s8) {
      scale_ = quantize(from, count, bytes_.data());
      return bytes_.data();
    }
    if constexpr (sizeof(In) == 4) {
      if (type_ == Type::bf16) {
        for (std::size_t i = 0; i < count; ++i) half_wide_[i] = to_bf16(from[i]);
        return half_wide_.data();
      }
    }
    return from;
  }
  template <class Number>
  void attend(Number* rows, Number* p, Number* out) {
    for (std::size_t text = 0; text < b; ++text, rows += t * 3 * c, out += t * c) {
      heads_.scores(rows, rows + c, scores.data());
      softmax_rows(scores.data(), static_cast<std::size_t>(shape.heads) * t, t, score_scale(),
                   terms.data(), p);
      heads_.mix(p, rows + 2 * c, out);
    }
  }

  Type type_, half_;
  HeadProducts heads_;
  std::vector<Linear> products_;
  std::vector<Bf16> half_qkv_, half_wide_, half_p_;
  std::vector<std::int8_t> bytes_;
  float scale_ = 0;  // goes into the products' scales; which number it is costs nothing
};

class OpenBlas final : public Common {
 public:
  OpenBlas(const Preset& p, std::size_t tokens, std::size_t batch) : Common(p, tokens, batch) {
    std::vector<std::vector<float>>& layers = weights_[p.hidden];
    while (layers.size() < static_cast<std::size_t>(p.layers)) {
      layers.emplace_back(12 * c * c, 0.01F);
    }
  }

  void run() override {
    embed();
    const auto rows = static_cast<int>(n);
    const auto width = static_cast<int>(c);
    for (const std::vector<float>& w : weights_[shape.hidden]) {
      multiply(rows, 3 * width, width, x.data(), w.data(), qkv.data());
      add_bias(qkv.data(), bias.data(), n, 3 * c);
      attend();
      multiply(rows, width, width, y.data(), w.data() + 3 * c * c, wide.data());
      residual_norm(x.data(), wide.data(), bias.data(), n, c);
      multiply(rows, 4 * width, width, x.data(), w.data() + 4 * c * c, wide.data());
      gelu_rows(wide.data(), bias.data(), n, 4 * c, wide.data());
      multiply(rows, width, 4 * width, wide.data(), w.data() + 8 * c * c, y.data());
      residual_norm(x.data(), y.data(), bias.data(), n, c);
    }
  }

 private:
  static void multiply(int m, int outputs, int k, const float* a, const float* w, float* out) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, outputs, k, 1, a, k, w, outputs, 0,
                out, outputs);
  }
  void attend() {
    const int tokens = static_cast<int>(t), width = static_cast<int>(c);
    const int size = shape.hidden / shape.heads;
    for (std::size_t text = 0; text < b; ++text) {
      const float* const rows = qkv.data() + text * t * 3 * c;
      for (int h = 0; h < shape.heads; ++h) {
        const float* const q = rows + h * size;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, tokens, tokens, size, score_scale(), q,
                    3 * width, q + c, 3 * width, 0, scores.data(), tokens);
        softmax_rows(scores.data(), t, t, 1, terms.data(), scores.data());
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, tokens, size, tokens, 1,
                    scores.data(), tokens, q + 2 * c, 3 * width, 0,
                    y.data() + text * t * c + h * size, width);
      }
    }
  }

  /// By width and layer: 12 C² numbers each, the same for all cells of a model.
  static inline std::map<int, std::vector<std::vector<float>>> weights_;
};

std::unique_ptr<Encoder> make(const std::string& form, const std::string& preset,
                              std::size_t tokens, std::size_t batch) {
  const auto found = presets.find(preset);
  if (found == presets.end()) throw std::runtime_error("no preset is called " + preset);
  const Preset& p = found->second;
  if (form == "onednn-f32") return std::make_unique<OneDnn>(p, tokens, batch, Type::f32);
  if (form == "onednn-bf16") return std::make_unique<OneDnn>(p, tokens, batch, Type::bf16);
  if (form == "onednn-int8") return std::make_unique<OneDnn>(p, tokens, batch, Type::s8);
  if (form == "openblas-f32") return std::make_unique<OpenBlas>(p, tokens, batch);
  throw std::runtime_error("no form is called " + form);
}

}  // namespace

int main() {
  const dnnl_version_t* version = dnnl_version();
  std::cout << "{\"program\":\"peers_onednn\",\"onednn\":\"" << version->major << '.'
            << version->minor << '.' << version->patch << "\",\"openblas\":\""
            << openblas_get_corename() << "\"}" << std::endl;
  std::map<std::string, std::unique_ptr<Encoder>> encoders;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string form, preset;
    std::size_t tokens = 0, batch = 0;
    double milliseconds = 0;
    words >> form >> preset >> tokens >> batch >> milliseconds;
    try {
      auto& encoder = encoders[line];
      if (!encoder) encoder = make(form, preset, tokens, batch);
      const double cpu_first = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
      const double wall_first = seconds_of(CLOCK_MONOTONIC);
      encoder->run();
      double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_first;
      double wall = seconds_of(CLOCK_MONOTONIC) - wall_first;
      std::size_t calls = 1;
      if (wall < 1e-2 * milliseconds) {  // as time_calls in bench.hpp
        const double cpu_begin = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        const double wall_begin = seconds_of(CLOCK_MONOTONIC);
        for (calls = 0; seconds_of(CLOCK_MONOTONIC) - wall_begin < 1e-3 * milliseconds; ++calls) {
          encoder->run();
        }
        cpu = (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin) / static_cast<double>(calls);
        wall = (seconds_of(CLOCK_MONOTONIC) - wall_begin) / static_cast<double>(calls);
      }
      std::cout << "ok " << cpu << ' ' << wall << ' ' << calls << std::endl;
    } catch (const std::exception& error) {
      std::cout << "no " << error.what() << std::endl;
    }
  }
}
