#pragma once
/// Recipes: what a distillation does where nothing else was asked for, as measured.

#include <cstddef>

#include "train_options.hpp"

namespace bipft::cli::recipe {

/// Fills in what was not asked for, for a student whose activations have `act_bits` bits.
///
/// Bits: measured on 4,000 texts of SST-2, 250 steps of 32, a 6x384 student of its own float twin
/// (dev accuracy 81.7 %), one seed. Dev accuracy, and loss of the second epoch:
///   AdamW at 5e-4       72.5 %  1.42         at 1e-3, scales at 5e-3    75.8 %  1.15
///         at 1e-3       75.1 %  1.29         at 1e-3, scales at 2e-2    77.4 %  1.05
///   BertAdam at 5e-4    74.9 %  1.20         at 2e-3, scales at 1e-2    75.3 %  1.03
///         at 1e-3, scales at 5e-3  75.7 %  1.00
/// Logits alone, without hidden states, AdamW at 5e-4: 71.8 %. By way of 2-bit activations, an
/// epoch each: 70.9 % at 5e-4, 76.5 % at 1e-3 with scales at 5e-3. That is within noise of 75.8 %,
/// and a step of 2 bits costs twice one of 1 bit, so one bit is gone to at once unless --stages
/// says otherwise.
inline void distil(LearnOptions& learn, std::size_t act_bits) {
  if (!learn.epochs) learn.epochs = 10;
  if (!learn.patience) learn.patience = 4;
  const bool floats = act_bits == 32;
  if (!learn.lr) learn.lr = floats ? 1e-4 : 1e-3;
  if (!learn.scale_lr && !floats) learn.scale_lr = 20 * *learn.lr;
}

/// Fills in what was not asked for in pre-training: [BiPFT]'s AdamW without decay or clipping, and
/// its warm-up of one step in a hundred. Its rate of 2e-4 is for batches of 512 pieces and half a
/// million steps; words and sentences get 4e-4.
///
/// Bits that learn hidden states: measured on Wikipedia, 250 steps of 16 pieces of 128 tokens, a
/// 6x384 student begun with its teacher's weights, one seed. Loss of held-out hidden states, and
/// Spearman's correlation of cosines on STS-B's dev set, which nothing was trained on:
///   4e-4, with pairs' labels beside    0.172  30.6      2e-3, scales at 2e-2    0.114  69.8
///   1e-3, likewise, scales at 1e-2     0.134  65.2      4e-3, scales at 2e-2    0.113  71.3
///   1e-3, scales at 1e-2               0.120  68.6
///   1e-3, scales at 4e-2               0.120  60.8
/// Whether sentences follow is not learnt in so few steps, and its gradient is forty times as long
/// as that of the hidden states: `--losses hidden` is best to begin with.
inline void pretrain(LearnOptions& learn, bool bits_of_hidden_states) {
  if (!learn.epochs) learn.epochs = 1;
  if (!learn.lr) learn.lr = bits_of_hidden_states ? 2e-3 : 4e-4;
  if (!learn.scale_lr && bits_of_hidden_states) learn.scale_lr = 10 * *learn.lr;
  if (!learn.warmup) learn.warmup = 0.01;
  if (!learn.weight_decay) learn.weight_decay = 0.0;
  if (!learn.clip) learn.clip = 0.0;
}

}  // namespace bipft::cli::recipe
