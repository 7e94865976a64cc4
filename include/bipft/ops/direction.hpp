#pragma once
/// relation and direction_distance: how far a student's numbers point from where a teacher's do,
/// whatever their sizes are.
///
/// [BiBERT] "Direction-Matching Distillation" is the sum, over all layers and over F in {Q, K, V},
/// of direction_distance(relation(F of the student), relation(F of the teacher)); its hidden states
/// are matched by direction_distance as they are. Square brackets name papers listed in
/// bipft/README.md.

#include <cmath>
#include <cstddef>

#include "bipft/autograd/tape.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/ops/attention.hpp"

namespace bipft {

/// Forward:    r_ij = (1/√D) Σ_d f_id f_jd             for every text and head
/// Backward:   df_i = (1/√D) Σ_j (dr_ij + dr_ji) f_j
/// Published code has padding tokens in it, of which there are none here, and drops what is below
/// -100, a leftover of masks.
///
///   f: [N, C]   r: [H Σ T²], for each text its [H, T, T]
/// Throws Error if the shapes do not fit.
[[nodiscard]] inline Var relation(const Var& f, const Ragged& texts, std::size_t heads) {
  if (heads == 0) fail("relation: 0 heads");
  const auto head_size = static_cast<float>(f.value().cols() / heads);
  return scores(f, f, texts, heads, 1.0F / std::sqrt(head_size));
}

/// Forward:    loss = ‖u - v‖,  u = x / ‖x‖,  v = target / ‖target‖
///             Norms are over all elements of the tensor, as in published code: one for a whole
///             batch, so that a long text weighs more than a short one. A tensor of zeros has no
///             direction, and counts as zeros.
/// Backward:   dx = (e - u ⟨e, u⟩) / ‖x‖,  e = (u - v) / loss; and 0 where loss or ‖x‖ is 0
///
///   x, target: any one shape   loss: [1]
/// Throws Error if the shapes differ.
[[nodiscard]] inline Var direction_distance(const Var& x, const Tensor& target) {
  if (x.shape() != target.shape()) {
    fail("direction_distance: x is ", x.shape(), ", target is ", target.shape());
  }
  Device& device = x.device();
  const auto inverse_norm = [&device](const Tensor& of) {
    const double norm = std::sqrt(device.dot(of, of));
    return norm > 0.0 ? static_cast<float>(1.0 / norm) : 0.0F;
  };
  const float inverse = inverse_norm(x.value());
  const Tensor u = device.scale(x.value(), inverse);
  const Tensor apart = device.add(u, device.scale(target, -inverse_norm(target)));
  const double loss = std::sqrt(device.dot(apart, apart));
  return x.tape().record(
      Tensor(Shape{1}, static_cast<float>(loss)), {x}, [=](Tape& tape, const Tensor& dloss) {
        if (loss == 0.0) return;
        Device& on = tape.device();
        const auto along = static_cast<float>(on.dot(apart, u));
        const auto factor = static_cast<float>(static_cast<double>(dloss.data()[0]) / loss);
        const Tensor across = on.add(apart, on.scale(u, -along));
        tape.accumulate(x, on.scale(across, factor * inverse));
      });
}

}  // namespace bipft
