// Compiled once per target, inside its namespace and region: no include guard, no #include, and no
// words but the target's own (target/scalar.hpp lists them).
//
// Attention over bits. With D the head size, a query and a key whose bits differ in i places have
// the score D - 2i, so the best key of a row is the nearest one and every term of its softmax is
// found in a table of D+1 floats. The terms are added up as softmax adds them (16 lanes, then
// folded), and each entry of the table, times 1/sum, is compared with half_alpha: a key lives here
// exactly if its probability does in floats, and no probability is ever written down. Without a
// table there is no softmax, and a key lives if it is near enough. With estimates, terms have
// weights, one for each pair of tokens, that all heads share; and what the living keys' values sum
// up to gets a float of its own, so that its sign is that of a float.

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
  std::uint32_t* distance;  // [abreast, keys]
  std::uint32_t* alive;     // [abreast, words]
  float* weight;            // [abreast, keys], with estimates
  float* term;              // [abreast, keys]
};

/// distance[i][j] = popcount(query i xor key j), and least[i] the least of them.
///   wide: 64 channels to a head, not 32
template <bool wide>
[[gnu::always_inline]] inline void measure(const AttentionSpace& s, const std::uint32_t* k,
                                           const std::uint32_t (&query)[abreast][2],
                                           std::uint32_t (&least)[abreast]) {
  Words lowest[abreast];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < abreast; ++i) lowest[i] = splat_word(64);
  std::uint32_t* to = s.distance;
  for (std::size_t j = 0; j < s.keys; j += 16, k += 16, to += 16) {
    const Words first_half = load_words(k);
    const Words second_half = wide ? load_words(k + s.keys) : no_words();
    BIPFT_UNROLL
    for (std::size_t i = 0; i < abreast; ++i) {
      Words d = popcount(bit_xor(splat_word(query[i][0]), first_half));
      if (wide) d = add(d, popcount(bit_xor(splat_word(query[i][1]), second_half)));
      store_words(to + i * s.keys, d);
      lowest[i] = lower(lowest[i], d);
    }
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < abreast; ++i) least[i] = fold_lower(lowest[i]);
}

/// sum[i] = Σ value[i][distance[i][j]] over the keys there are, in softmax's order. Some queries
/// take turns, since each waits for its own last addition.
template <bool wide, bool both_ends>
[[gnu::always_inline]] inline void sum_terms(const AttentionSpace& s,
                                             const float* const (&value)[abreast],
                                             float (&sum)[abreast]) {
  Table<wide, both_ends> table[abreast];
  Lanes total[abreast];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < abreast; ++i) {
    table[i].fill(value[i]);
    total[i] = splat(0.0F);
  }
  const std::size_t stride = s.keys;
  const std::uint32_t* distance = s.distance;
  std::size_t left = s.tokens;
  for (; left >= 16; left -= 16, distance += 16) {
    BIPFT_UNROLL
    for (std::size_t i = 0; i < abreast; ++i) {
      total[i] = add(total[i], table[i].look_up(load_words(distance + i * stride)));
    }
  }
  if (left != 0) {
    const Mask there = first(left);
    BIPFT_UNROLL
    for (std::size_t i = 0; i < abreast; ++i) {
      const Lanes term =
          select(there, table[i].look_up(load_words(distance + i * stride)), splat(0.0F));
      total[i] = add(total[i], term);
    }
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < abreast; ++i) sum[i] = fold_sum(total[i]);
}

/// Calls `sum` by the kind of table that heads of a size ask for: of one kind, if they do not
/// differ. So nothing else here has to be compiled for each size.
template <class Sum>
[[gnu::always_inline]] inline void by_table(bool wide, bool both_ends, const Sum& sum) {
  if constexpr (!tables_differ) {
    sum.template operator()<true, true>();
  } else if (wide) {
    both_ends ? sum.template operator()<true, true>() : sum.template operator()<true, false>();
  } else {
    both_ends ? sum.template operator()<false, true>() : sum.template operator()<false, false>();
  }
}

/// Which distances from least ... D on leave a key alive: those with value[i] · inverse > limit.
struct Living {
  std::uint64_t near;  // bit i for 0 ... D-1
  std::uint64_t asked;
  bool last;  // D

  [[gnu::always_inline]] static Living of(const float* value, std::size_t size, std::size_t least,
                                          float inverse, float limit) {
    const Lanes factor = splat(inverse);
    const Lanes edge = splat(limit);
    Living y{0, 0, false};
    for (std::size_t i = 0; i < size; i += 16) {
      y.near |= std::uint64_t{bits_of(above(multiply(load(value + i), factor), edge))} << i;
    }
    const std::uint64_t all = ~std::uint64_t{0} >> (64 - size);
    y.asked = least < size ? all & all << least : 0;
    y.near &= y.asked;
    y.last = value[size] * inverse > limit;
    return y;
  }

  /// Terms fall with the distance, but for the last places of floats that lie next to each other:
  /// so what lives is nearly always what is at most so far, and -1 tells if it is not.
  std::int32_t farthest(std::size_t least, std::size_t size) const {
    if (last) return near == asked ? static_cast<std::int32_t>(size) : -1;
    const std::uint64_t run = asked != 0 ? near >> least : 0;
    if ((run & (run + 1)) != 0) return -1;
    return static_cast<std::int32_t>(least + ones_of(run)) - 1;
  }
  bool holds(std::uint32_t distance, std::size_t size) const {
    return distance < size ? (near >> distance & 1U) != 0 : last;
  }
};

/// Clears what lies behind the last key; returns how many live.
[[gnu::always_inline]] inline std::size_t count_alive(std::size_t tokens, std::uint32_t* alive) {
  if (tokens % 32 != 0) alive[tokens / 32] &= (1U << tokens % 32) - 1U;
  std::size_t count = 0;
  for (std::size_t w = 0; w < (tokens + 31) / 32; ++w) count += ones_of(alive[w]);
  return count;
}

/// Bit j of `alive` is distance[j] <= farthest. It reads `distance` to a multiple of 32.
[[gnu::always_inline]] inline void choose_keys(std::size_t tokens, std::int32_t farthest,
                                               const std::uint32_t* distance,
                                               std::uint32_t* alive) {
  const Words limit = splat_word(static_cast<std::uint32_t>(farthest));
  for (std::size_t j = 0; j < tokens; j += 32, ++alive) {
    const std::uint32_t low = signed_at_least(limit, load_words(distance + j));
    *alive = low | signed_at_least(limit, load_words(distance + j + 16)) << 16U;
  }
}
[[gnu::noinline]] inline void choose_one_by_one(std::size_t tokens, const Living& living,
                                                std::size_t size, const std::uint32_t* distance,
                                                std::uint32_t* alive) {
  for (std::size_t j = 0; j < tokens; ++j) {
    if (j % 32 == 0) alive[j / 32] = 0;
    alive[j / 32] |= (living.holds(distance[j], size) ? 1U : 0U) << j % 32;
  }
}

/// v >= threshold[c], for an integer of each channel.
struct WholeLimit {
  const std::int32_t* threshold;

  std::uint32_t operator()(std::size_t c, std::size_t /*query*/, Words value) const {
    return signed_at_least(value, load_words(threshold + c));
  }
};

/// (mixed · v + added) + shift[c] >= 0, with something to add for each query.
struct FloatLimit {
  const float* shift;
  float mixed;
  float added[abreast];

  std::uint32_t operator()(std::size_t c, std::size_t query, Words value) const {
    const Lanes x = add(multiply(splat(mixed), to_lanes(value)), splat(added[query]));
    return bits_of(at_least(add(x, load(shift + c)), splat(0.0F)));
  }
};

/// Bit c is limit(Σ_j a_j v_j[c]), for the channels of one head.
template <class Limit>
[[gnu::always_inline]] inline void mix_values(const AttentionSpace& s, std::size_t size,
                                              const std::uint32_t* v,
                                              const std::size_t (&count)[abreast],
                                              const Limit& limit,
                                              std::uint64_t (&bits)[abreast]) {
  const std::size_t words = (s.tokens + 31) / 32;
  for (std::uint64_t& word : bits) word = 0;
  for (std::size_t c = 0; c < size; c += 16) {
    Words plus[abreast];
    BIPFT_UNROLL
    for (std::size_t i = 0; i < abreast; ++i) plus[i] = no_words();
    const std::uint32_t* channels = v + c;
    const std::uint32_t* alive = s.alive;
    for (std::size_t w = 0; w < words; ++w, ++alive, channels += s.channels) {
      const Words values = load_words(channels);
      BIPFT_UNROLL
      for (std::size_t i = 0; i < abreast; ++i) {
        plus[i] = add(plus[i], popcount(bit_and(splat_word(alive[i * s.words]), values)));
      }
    }
    BIPFT_UNROLL
    for (std::size_t i = 0; i < abreast; ++i) {
      const Words all = splat_word(static_cast<std::uint32_t>(count[i]));
      const Words value = subtract(add(plus[i], plus[i]), all);
      bits[i] |= std::uint64_t{limit(c, i, value)} << c;
    }
  }
}

/// The keys of every query whose probability is above half_alpha, and how many they are.
[[gnu::always_inline]] inline void choose_likely(const BitAttention& a, const AttentionSpace& s,
                                                 const std::uint32_t (&least)[abreast],
                                                 std::size_t (&count)[abreast]) {
  const std::size_t size = a.head_size;
  const float* value[abreast];
  bool both_ends = false;
  for (std::size_t i = 0; i < abreast; ++i) {
    value[i] = a.exponential + least[i] * (size + 1);
    both_ends = both_ends || least[i] == 0;
  }
  float sum[abreast];
  by_table(size == 64, both_ends, [&]<bool wide, bool both>() __attribute__((always_inline)) {
    sum_terms<wide, both>(s, value, sum);
  });
  Living living[abreast];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < abreast; ++i) {
    living[i] = Living::of(value[i], size, least[i], 1.0F / sum[i], a.half_alpha);
  }
  for (std::size_t i = 0; i < abreast; ++i) {
    const std::uint32_t* const distance = s.distance + i * s.keys;
    std::uint32_t* const alive = s.alive + i * s.words;
    const std::int32_t farthest = living[i].farthest(least[i], size);
    if (farthest >= 0) {
      choose_keys(s.tokens, farthest, distance, alive);
    } else {
      choose_one_by_one(s.tokens, living[i], size, distance, alive);
    }
    count[i] = count_alive(s.tokens, alive);
  }
}

/// The keys of every query that differ from it in at most `most` places, and how many they are.
[[gnu::noinline]] inline void choose_near(std::int32_t most, const AttentionSpace& s,
                                          std::size_t (&count)[abreast]) {
  for (std::size_t i = 0; i < abreast; ++i) {
    std::uint32_t* const alive = s.alive + i * s.words;
    choose_keys(s.tokens, most, s.distance + i * s.keys, alive);
    count[i] = count_alive(s.tokens, alive);
  }
}

/// The terms of every query, table's times weight, and their sums. Weights behind the last key are
/// zeros.
template <bool wide, bool both_ends>
[[gnu::always_inline]] inline void weigh_terms(const AttentionSpace& s,
                                          const float* const (&value)[abreast],
                                          float (&sum)[abreast]) {
  Table<wide, both_ends> table[abreast];
  Lanes total[abreast];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < abreast; ++i) {
    table[i].fill(value[i]);
    total[i] = splat(0.0F);
  }
  const std::size_t keys = s.keys;  // by themselves: what is stored might lie anywhere, even in s
  const std::uint32_t* const distance = s.distance;
  const float* const weight = s.weight;
  float* const to = s.term;
  for (std::size_t j = 0; j < keys; j += 16) {
    BIPFT_UNROLL
    for (std::size_t i = 0; i < abreast; ++i) {
      const std::size_t at = i * keys + j;
      const Lanes of_table = table[i].look_up(load_words(distance + at));
      const Lanes term = multiply(of_table, load(weight + at));
      total[i] = add(total[i], term);
      store(to + at, term);
    }
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < abreast; ++i) sum[i] = fold_sum(total[i]);
}

/// The same as choose_likely, of weighted terms; and the sums of the living keys' `value`.
[[gnu::always_inline]] inline void choose_weighted(const BitAttention& a, const AttentionSpace& s,
                                                   const std::uint32_t (&least)[abreast],
                                                   std::size_t (&count)[abreast],
                                                   float (&values)[abreast]) {
  const std::size_t size = a.head_size;
  const float* value[abreast];
  bool both_ends = false;
  for (std::size_t i = 0; i < abreast; ++i) {
    value[i] = a.exponential + least[i] * (size + 1);
    both_ends = both_ends || least[i] == 0;
  }
  float sum[abreast];
  by_table(size == 64, both_ends, [&]<bool wide, bool both>() __attribute__((always_inline)) {
    weigh_terms<wide, both>(s, value, sum);
  });
  const Lanes edge = splat(a.half_alpha);
  Lanes inverse[abreast];
  Lanes total[abreast];
  BIPFT_UNROLL
  for (std::size_t i = 0; i < abreast; ++i) {
    inverse[i] = splat(1.0F / (sum[i] < least_sum ? least_sum : sum[i]));
    total[i] = splat(0.0F);
  }
  const std::size_t keys = s.keys;
  const std::size_t words = s.words;
  const float* term = s.term;
  const float* rest = a.estimates.value;
  std::uint32_t* alive = s.alive;
  for (std::size_t j = 0; j < keys; j += 32, term += 32, rest += 32, ++alive) {
    const Lanes first_rest = load(rest);
    const Lanes second_rest = load(rest + 16);
    BIPFT_UNROLL
    for (std::size_t i = 0; i < abreast; ++i) {
      const Mask low = above(multiply(load(term + i * keys), inverse[i]), edge);
      const Mask high = above(multiply(load(term + i * keys + 16), inverse[i]), edge);
      alive[i * words] = bits_of(low) | bits_of(high) << 16U;
      total[i] = add(total[i], select(low, first_rest, splat(0.0F)));
      total[i] = add(total[i], select(high, second_rest, splat(0.0F)));
    }
  }
  BIPFT_UNROLL
  for (std::size_t i = 0; i < abreast; ++i) {
    values[i] = fold_sum(total[i]);
    count[i] = count_alive(s.tokens, s.alive + i * words);
  }
}

/// A block of queries, from t on: past the end, the last one again.
[[gnu::noinline]] inline void measure_block(const BitAttention& a, const AttentionSpace& s,
                                            std::size_t channel, std::size_t t,
                                            std::uint32_t (&least)[abreast]) {
  std::uint32_t query[abreast][2];
  for (std::size_t i = 0; i < abreast; ++i) {
    const std::size_t row = t + i < s.tokens ? t + i : s.tokens - 1;
    put_halves(query[i], a.q.row(row)[channel / 64] >> (channel % 64));
  }
  const std::uint32_t* const k = s.k + channel / 32 * s.keys;
  if (a.head_size == 64) {
    measure<true>(s, k, query, least);
  } else {
    measure<false>(s, k, query, least);
  }
}

[[gnu::always_inline]] inline void put_context(const BitAttention& a, const AttentionSpace& s,
                                               std::size_t channel, std::size_t t,
                                               const std::uint64_t (&bits)[abreast]) {
  for (std::size_t i = 0; i < abreast && t + i < s.tokens; ++i) {
    std::uint64_t& to = a.context[(t + i) * a.v.words_per_row + channel / 64];
    to = channel % 64 == 0 ? bits[i] : to | bits[i] << 32U;
  }
}

/// One head.
[[gnu::noinline]] inline void attend(const BitAttention& a, const AttentionSpace& s,
                                     std::size_t head) {
  const std::size_t channel = head * a.head_size;
  for (std::size_t t = 0; t < s.tokens; t += abreast) {
    std::uint32_t least[abreast];
    std::size_t count[abreast];
    std::uint64_t bits[abreast];
    measure_block(a, s, channel, t, least);
    if (a.exponential != nullptr) {
      choose_likely(a, s, least, count);
    } else {
      choose_near(a.most, s, count);
    }
    mix_values(s, a.head_size, s.v + channel, count, WholeLimit{a.threshold + channel}, bits);
    put_context(a, s, channel, t, bits);
  }
}

/// All heads, with estimates: queries take turns before heads do, which share their weights.
[[gnu::noinline]] inline void attend_estimated(const BitAttention& a, const AttentionSpace& s) {
  const BitEstimates& e = a.estimates;
  const std::size_t size = a.head_size;
  for (std::size_t t = 0; t < s.tokens; t += abreast) {
    for (std::size_t i = 0; i < abreast; ++i) {
      const std::size_t row = t + i < s.tokens ? t + i : s.tokens - 1;
      float* const weight = s.weight + i * s.keys;
      estimate_weights(e.query + row * e.rank, e.key, s.keys, e.rank, s.tokens, weight);
      for (std::size_t j = s.tokens; j < s.keys; ++j) weight[j] = 0.0F;
    }
    for (std::size_t channel = 0; channel < a.heads * size; channel += size) {
      std::uint32_t least[abreast];
      std::size_t count[abreast];
      std::uint64_t bits[abreast];
      FloatLimit limit{e.shift + channel, e.mixed, {}};
      measure_block(a, s, channel, t, least);
      choose_weighted(a, s, least, count, limit.added);
      for (float& added : limit.added) added *= e.p_scale;
      mix_values(s, size, s.v + channel, count, limit, bits);
      put_context(a, s, channel, t, bits);
    }
  }
}

/// Contract in binary.hpp.
inline void bit_attention(const BitAttention& a) {
  AttentionSpace s{};
  s.tokens = a.q.rows;
  s.keys = attention_keys(s.tokens);
  s.words = 2 * words_for(s.tokens);
  s.channels = 64 * words_for(a.q.cols);
  s.k = a.scratch;
  s.v = s.k + s.channels / 32 * s.keys;
  s.distance = s.v + s.words * s.channels;
  s.weight = reinterpret_cast<float*>(s.distance + abreast * s.keys);
  s.term = s.weight + abreast * s.keys;
  s.alive = s.distance + 3 * abreast * s.keys;
  turn_keys(a.k, s.keys, s.k);
  turn_values(a.v, s.v);
  if (a.estimates.rank != 0) return attend_estimated(a, s);
  for (std::size_t head = 0; head < a.heads; ++head) attend(a, s, head);
}
