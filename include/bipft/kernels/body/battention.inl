// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Attention over bits. With D the head size, a query and a key whose bits differ in i places have
// the score D - 2i, so the best key of a row is the nearest one and every term of its softmax is
// found in a table of D+1 floats. The terms are added up by `add_terms` as softmax does (16 lanes,
// then `sum`), and each is multiplied by 1/sum and compared with half_alpha, so that a key lives
// here exactly if its probability does in floats.

/// [C/32, keys] words: 16 keys to a register. Keys that do not exist repeat the last one, which
/// leaves the row's least distance alone.
inline void turn_keys(const BitView& k, std::size_t keys, std::uint32_t* turned) {
  const std::size_t words = words_for(k.cols);
  for (std::size_t j = 0; j < keys; ++j) {
    const std::uint64_t* row = k.row(j < k.rows ? j : k.rows - 1);
    for (std::size_t w = 0; w < words; ++w) {
      turned[2 * w * keys + j] = static_cast<std::uint32_t>(row[w]);
      turned[(2 * w + 1) * keys + j] = static_cast<std::uint32_t>(row[w] >> 32U);
    }
  }
}

/// [words, C]: 16 channels to a register, each with the bits of 32 keys, zero where there is none.
inline void turn_values(const BitView& v, std::uint32_t* turned) {
  const std::size_t words = words_for(v.cols);
  const std::size_t channels = 64 * words;
  for (std::size_t first = 0; first < v.rows; first += 64) {
    const std::size_t rows = v.rows - first < 64 ? v.rows - first : 64;
    std::uint32_t* low = turned + first / 32 * channels;
    std::uint32_t* high = low + channels;
    for (std::size_t w = 0; w < words; ++w) {
      std::uint64_t block[64] = {};
      for (std::size_t i = 0; i < rows; ++i) block[i] = v.row(first + i)[w];
      transpose_bits(block);
      for (std::size_t c = 0; c < 64; ++c) {
        low[64 * w + c] = static_cast<std::uint32_t>(block[c]);
        high[64 * w + c] = static_cast<std::uint32_t>(block[c] >> 32U);
      }
    }
  }
}

/// A text's keys and values the other way round, and what its queries leave on the way.
struct AttentionSpace {
  std::size_t tokens, keys, words, channels;
  std::uint32_t* k;         // [C/32, keys]
  std::uint32_t* v;         // [words, C]
  std::uint32_t* distance;  // [query_block, keys]
  float* term;              // [query_block, keys]
  std::uint32_t* alive;     // [query_block, words]
};

/// distance[i][j] = popcount(query i xor key j), and least[i] the least of them.
///   wide: 64 channels to a head, not 32
template <bool wide>
inline void measure(const AttentionSpace& s, const std::uint32_t* k,
                    const std::uint32_t (&query)[query_block][2], std::uint32_t* least) {
  Words lowest[query_block];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < query_block; ++i) lowest[i] = splat_word(64);
  for (std::size_t j = 0; j < s.keys; j += word_lanes) {
    const Words first_half = load_words(k + j);
    const Words second_half = wide ? load_words(k + s.keys + j) : no_words();
    BIPFT_UNROLL
    for (std::size_t i = 0; i < query_block; ++i) {
      Words d = popcount(bit_xor(splat_word(query[i][0]), first_half));
      if (wide) d = add(d, popcount(bit_xor(splat_word(query[i][1]), second_half)));
      store_words(s.distance + i * s.keys + j, d);
      lowest[i] = lower(lowest[i], d);
    }
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < query_block; ++i) least[i] = fold_lower(lowest[i]);
}

/// term[j] = value[distance[j]] for the keys there are, else 0; returns their sum in order.
///   value: [size + 1]
inline float add_terms(const float* value, std::size_t size, std::size_t tokens,
                       const std::uint32_t* distance, float* term) {
  const Table table = load_table(value, size);
  Lanes total = splat(0.0F);
  for (std::size_t j = 0; j < tokens; j += 16) {
    Lanes e = look_up(table, distance + j);
    if (tokens - j < 16) e = select(first(tokens - j), e, splat(0.0F));
    store(term + j, e);
    total = add(total, e);
  }
  return fold_sum(total);
}

/// Bit j of `alive` is term[j] · inverse > limit; returns how many there are.
inline std::size_t choose_keys(const float* term, std::size_t keys, float inverse, float limit,
                               std::uint32_t* alive) {
  const Lanes factor = splat(inverse);
  const Lanes least = splat(limit);
  std::size_t count = 0;
  for (std::size_t j = 0; j < keys; j += 32) {
    std::uint32_t bits = bits_of(above(multiply(load(term + j), factor), least));
    if (j + 16 < keys) {
      bits |= bits_of(above(multiply(load(term + j + 16), factor), least)) << 16U;
    }
    alive[j / 32] = bits;
    count += ones_of(bits);
  }
  return count;
}

/// Bit c is Σ_j a_j v_j[c] >= threshold[c], for the channels of one head.
inline void mix_values(const AttentionSpace& s, std::size_t size, const std::uint32_t* v,
                       const std::size_t* count, const std::int32_t* threshold,
                       std::uint64_t* bits) {
  const std::size_t words = (s.tokens + 31) / 32;
  for (std::size_t i = 0; i < query_block; ++i) bits[i] = 0;
  for (std::size_t c = 0; c < size; c += word_lanes) {
    Words plus[query_block];
    BIPFT_UNROLL
    for (std::size_t i = 0; i < query_block; ++i) plus[i] = no_words();
    for (std::size_t w = 0; w < words; ++w) {
      const Words values = load_words(v + w * s.channels + c);
      BIPFT_UNROLL
      for (std::size_t i = 0; i < query_block; ++i) {
        const Words alive = splat_word(s.alive[i * s.words + w]);
        plus[i] = add(plus[i], popcount(bit_and(alive, values)));
      }
    }
    const Words limit = load_words(threshold + c);
    BIPFT_UNROLL
    for (std::size_t i = 0; i < query_block; ++i) {
      const Words all = splat_word(static_cast<std::uint32_t>(count[i]));
      const Words value = subtract(add(plus[i], plus[i]), all);
      bits[i] |= std::uint64_t{signed_at_least(value, limit)} << c;
    }
  }
}

/// One head. Its size is no template's argument: the loops that know it do little in it.
inline void attend(const BitAttention& a, const AttentionSpace& s, std::size_t head) {
  const std::size_t size = a.head_size;
  const std::size_t channel = head * size;
  const std::size_t word = channel / 64;
  for (std::size_t t = 0; t < s.tokens; t += query_block) {
    std::uint32_t query[query_block][2];
    std::uint32_t least[query_block];
    std::size_t count[query_block];
    std::uint64_t bits[query_block];
    for (std::size_t i = 0; i < query_block; ++i) {  // past the end, the last one again
      const std::size_t row = t + i < s.tokens ? t + i : s.tokens - 1;
      put_halves(query[i], a.q.row(row)[word] >> (channel % 64));
    }
    if (size == 64) {
      measure<true>(s, s.k + channel / 32 * s.keys, query, least);
    } else {
      measure<false>(s, s.k + channel / 32 * s.keys, query, least);
    }
    for (std::size_t i = 0; i < query_block; ++i) {
      const float sum = add_terms(a.exponential + least[i] * (size + 1), size, s.tokens,
                                  s.distance + i * s.keys, s.term + i * s.keys);
      count[i] =
          choose_keys(s.term + i * s.keys, s.keys, 1.0F / sum, a.half_alpha, s.alive + i * s.words);
    }
    mix_values(s, size, s.v + channel, count, a.threshold + channel, bits);
    for (std::size_t i = 0; i < query_block && t + i < s.tokens; ++i) {
      std::uint64_t& to = a.context[(t + i) * a.v.words_per_row + word];
      to = channel % 64 == 0 ? bits[i] : to | bits[i] << 32U;
    }
  }
}

/// Contract in binary.hpp.
inline void bit_attention(const BitAttention& a) {
  AttentionSpace s{};
  s.tokens = a.q.rows;
  s.keys = (s.tokens + 15) / 16 * 16;
  s.words = 2 * words_for(s.tokens);
  s.channels = 64 * words_for(a.q.cols);
  s.k = a.scratch;
  s.v = s.k + s.channels / 32 * s.keys;
  s.distance = s.v + s.words * s.channels;
  s.term = reinterpret_cast<float*>(s.distance + query_block * s.keys);
  s.alive = s.distance + 2 * query_block * s.keys;
  turn_keys(a.k, s.keys, s.k);
  turn_values(a.v, s.v);
  for (std::size_t head = 0; head < a.heads; ++head) attend(a, s, head);
}
