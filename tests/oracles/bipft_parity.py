#!/usr/bin/env python3
"""Compares bipft with the forward pass of BiPFT's published code, written here once more from its
equations, on one-bit checkpoints of random numbers, and on what bipft exports.

Usage:  python3 -m pip install numpy safetensors
        python3 tests/oracles/bipft_parity.py build/release/bipft [--models N] [--texts N]

Checkpoints have estimators of rank 1, of rank 2 or none. What counts, and when it fails, is as in
bit_parity.py, whose linear layers and binarizers these are.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile

import numpy
from safetensors.numpy import load_file, save_file

import bit_parity

ERF = numpy.vectorize(math.erf, otypes=[numpy.float64])


class Published(bit_parity.Published):
    """logits(ids) of a folder, and how near a value came to a threshold."""

    def estimate(self, name, hidden):
        """[tokens, rank]"""
        return hidden @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def attention(self, name, hidden):
        heads = self.config["num_attention_heads"]
        tokens, width = hidden.shape
        size = width // heads
        units = {}
        for part in ("query", "key", "value"):
            x = self.linear(f"{name}.self.{part}", hidden)
            units[part] = self.sign(x).reshape(tokens, heads, size).transpose(1, 0, 2)
        alpha = {part: self.alpha(f"{name}.self.clip_{part}")
                 for part in ("query", "key", "value", "attn")}
        products = alpha["query"] * alpha["key"] * (units["query"] @ units["key"].swapaxes(1, 2))
        values = alpha["value"] * units["value"]
        if self.config["improve_kqv"]:
            m_q, r_q, m_k, r_k, r_v = (self.estimate(f"{name}.self.{part}", hidden)
                                       for part in ("q_m", "q_p", "k_m", "k_p", "v_p"))
            products = products + (m_q @ r_k.T + r_q @ m_k.T + r_q @ r_k.T)
            values = values + r_v
        scores = products / math.sqrt(size)
        powers = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
        probabilities = powers / powers.sum(axis=-1, keepdims=True)
        mixed = alpha["attn"] * self.step(probabilities, alpha["attn"]) @ values
        context = mixed.transpose(1, 0, 2).reshape(tokens, width)
        return self.linear(name + ".output.dense", context)

    def logits(self, ids):
        self.margin = 1.0
        t = self.tensors
        x = (self.word[ids] + t["embeddings.position_embeddings.weight"][:len(ids)]
             + t["embeddings.token_type_embeddings.weight"][0])
        x = self.norm("embeddings.LayerNorm", x)
        for i in range(self.config["num_hidden_layers"]):
            name = f"encoder.layer.{i}"
            x = self.norm(name + ".attention.output.LayerNorm",
                          self.attention(name + ".attention", x) + x)
            inner = self.linear(name + ".intermediate.dense", x)
            inner = inner * (1 + ERF(inner / math.sqrt(2))) / 2  # whatever hidden_act says
            x = self.norm(name + ".output.LayerNorm",
                          self.linear(name + ".output.dense", inner) + x)
        first = x[:1]
        pooled = numpy.tanh(self.norm("pooler.LayerNorm", self.linear("pooler.dense", first))
                            + first)
        return (pooled @ t["classifier.weight"].T + t["classifier.bias"])[0]


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
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    for i in range(config["num_hidden_layers"]):
        for part in ("q_m", "q_p", "k_m", "k_p", "v_p") if rank else ():
            rows = 1 if part == "v_p" else rank
            normal(f"bert.encoder.layer.{i}.attention.self.{part}.weight", rows, width,
                   deviation=0.1)
            normal(f"bert.encoder.layer.{i}.attention.self.{part}.bias", rows, deviation=0.3)
    config.update(improve_kqv=rank > 0, lora_rank=max(rank, 1), improve_linear=False,
                  half_binary=False)
    save_file(tensors, path, {"format": "pt"})
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bipft")
    parser.add_argument("--models", type=int, default=12)
    parser.add_argument("--texts", type=int, default=100)
    options = parser.parse_args()
    bipft = options.bipft
    rng = random.Random(1)
    read, exported = bit_parity.Total(), bit_parity.Total()
    for seed in range(options.models):
        texts = [" ".join("".join(rng.choices(bit_parity.LETTERS, k=rng.randint(1, 3)))
                          for _ in range(rng.randint(1, 8))) for _ in range(options.texts)]
        with tempfile.TemporaryDirectory() as work:
            folder = os.path.join(work, "published")
            make(folder, seed)
            ids = bit_parity.run(bipft, folder, texts, "--tokens")
            read.compare(Published(folder), ids, bit_parity.run(bipft, folder, texts, "--logits"))
            packed, again = os.path.join(work, "m.bipft"), os.path.join(work, "exported")
            subprocess.run([bipft, "train", "-q", "--init", folder, "--epochs", "0", "-o", packed],
                           check=True)
            subprocess.run([bipft, "eval", "-q", packed, "--export-hf", again], check=True)
            exported.compare(Published(again), ids,
                             bit_parity.run(bipft, packed, texts, "--logits"))
    fine = read.say("read")
    return 0 if exported.say("exported") and fine else 1


if __name__ == "__main__":
    sys.exit(main())
