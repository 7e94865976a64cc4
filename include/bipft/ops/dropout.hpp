#pragma once
/// dropout: forget elements at random while training, so that none is relied on.

#include <utility>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/random.hpp"

namespace bipft {

/// Forward:    y = 0 with probability p, else x / (1 - p)                [Dropout]
/// Backward:   dx = 0 where y was dropped, else dy / (1 - p)
/// Which elements are dropped is a pure function of Tape::set_random's seed and step, of how many
/// dropouts came before on this tape, and of the element's index. On a tape that does not train,
/// and for p = 0, y is x.
///
///   x, y: any one shape
/// Throws Error unless 0 <= p < 1.
[[nodiscard]] inline Var dropout(const Var& x, float p) {
  if (!(p >= 0.0F && p < 1.0F)) fail("dropout: p is ", p, "; it must be at least 0 and below 1");
  Tape& tape = x.tape();
  if (p == 0.0F || !tape.training()) return x;
  const Random random = tape.next_random();
  return tape.record(tape.device().dropout(x.value(), random, p), {x},
                     [=, to = Slot(x)](Tape& t, Tensor dy) {
                       t.accumulate(to, t.device().dropout(std::move(dy), random, p));
                     });
}

}  // namespace bipft
