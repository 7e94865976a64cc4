#!/usr/bin/env python3
"""Compares bipft with the forward pass of BiPFT's published code, written here once more from its
equations, on one-bit checkpoints of random numbers, and on what bipft exports.

Usage:  python3 -m pip install numpy safetensors
        python3 tests/oracles/bipft_parity.py build/release/bipft [--models N] [--texts N]

Checkpoints have estimators of rank 1, of rank 2 or none. What counts, and when it fails, is as in
bit_parity.py, whose linear layers and binarizers these are.
"""

import argparse
import math
import os
import sys

import numpy
from safetensors.numpy import load_file, save_file

import bit_parity
from published import read_config, round_trips, write_config

ERF = numpy.vectorize(math.erf, otypes=[numpy.float64])


class Published(bit_parity.Published):
    """logits(ids) of a folder, and how near a value came to a threshold."""

    def estimate(self, name, hidden):
        """[tokens, rank]"""
        return hidden @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def estimates(self, name, hidden):
        if not self.config["improve_kqv"]:
            return 0.0, 0.0
        m_q, r_q, m_k, r_k, r_v = (self.estimate(name + part, hidden)
                                   for part in ("q_m", "q_p", "k_m", "k_p", "v_p"))
        return m_q @ r_k.T + r_q @ m_k.T + r_q @ r_k.T, r_v

    def feed_forward(self, name, x):
        inner = self.linear(name + ".intermediate.dense", x)
        inner = inner * (1 + ERF(inner / math.sqrt(2))) / 2  # whatever hidden_act says
        return self.linear(name + ".output.dense", inner)

    def pool(self, first):
        pooled = self.norm("pooler.LayerNorm", self.linear("pooler.dense", first))
        return numpy.tanh(pooled + first)


def make(folder, seed):
    """A folder as BiPFT's code saves it, dead parameters included."""
    bit_parity.make(folder, seed)
    rng = numpy.random.default_rng([seed, 1])
    rank = (1, 2, 0)[seed % 3]
    path = os.path.join(folder, "model.safetensors")
    tensors = {name: value for name, value in load_file(path).items() if ".move_" not in name}

    def normal(name, *shape, mean=0.0, deviation=0.05):
        tensors[name] = numpy.asarray(rng.normal(mean, deviation, shape), dtype=numpy.float32)

    for name in [name for name in tensors if name.endswith(".input_clip_val")]:
        normal(name.removesuffix("input_clip_val") + "sa.weight", 1)
    width = tensors["bert.pooler.dense.bias"].size
    normal("bert.pooler.LayerNorm.weight", width, mean=1.0, deviation=0.1)
    normal("bert.pooler.LayerNorm.bias", width, deviation=0.1)
    config = read_config(folder)
    for i in range(config["num_hidden_layers"]):
        for part in ("q_m", "q_p", "k_m", "k_p", "v_p") if rank else ():
            rows = 1 if part == "v_p" else rank
            normal(f"bert.encoder.layer.{i}.attention.self.{part}.weight", rows, width,
                   deviation=0.1)
            normal(f"bert.encoder.layer.{i}.attention.self.{part}.bias", rows, deviation=0.3)
    config.update(improve_kqv=rank > 0, lora_rank=max(rank, 1), improve_linear=False,
                  half_binary=False)
    save_file(tensors, path, {"format": "pt"})
    write_config(folder, config)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bipft")
    parser.add_argument("--models", type=int, default=12)
    parser.add_argument("--texts", type=int, default=100)
    options = parser.parse_args()
    return 0 if round_trips(options, make, Published) else 1


if __name__ == "__main__":
    sys.exit(main())
