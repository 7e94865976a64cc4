#!/usr/bin/env python3
"""Compares bipft with the forward pass of BiT's published code, written here once more from its
equations, on one-bit checkpoints of random numbers, and on what bipft exports.

Usage:  python3 -m pip install numpy safetensors
        python3 tests/oracles/bit_parity.py build/release/bipft [--models N] [--texts N]

A text counts where no value of its forward pass, in double, lies within 1e-6 of the threshold that
makes a bit of it: beside one, float and double may fall to different sides. sign(0) is +1 here as
in bipft, where published code has 0; how often the two differ is printed. Exits with 1 if a logit
is off by more than 1e-3 for a text that counts.
"""

import argparse
import os
import sys

import numpy
from safetensors.numpy import load_file, save_file

from published import PIECES, read_config, round_trips, write_config, write_vocabulary



class Published:
    """logits(ids) of a folder, and how near a value came to a threshold."""

    def __init__(self, folder):
        self.config = read_config(folder)
        tensors = load_file(os.path.join(folder, "model.safetensors"))
        self.tensors = {name.removeprefix("bert."): value.astype(numpy.float64)
                        for name, value in tensors.items()}
        self.zeros = 0  # where sign(0) decides
        word = self.tensors["embeddings.word_embeddings.weight"]
        scale = numpy.abs(word).mean(axis=1, keepdims=True)
        self.word = scale * self.sign(word - word.mean(), margin=False)
        self.margin = 0.0

    def sign(self, x, margin=True):
        self.zeros += int((x == 0).sum())
        if margin:
            # An exact 0 is one in float too: it came of integers or of zeros.
            distance = numpy.abs(x[x != 0])
            self.margin = min(self.margin, distance.min() if distance.size else self.margin)
        return numpy.where(x >= 0, 1.0, -1.0)

    def step(self, x, alpha):
        self.margin = min(self.margin, numpy.abs(x - alpha / 2).min())
        return numpy.where(x > alpha / 2, 1.0, 0.0)

    def alpha(self, name):
        return max(float(self.tensors[name].reshape(())), 1e-5)

    def linear(self, name, x, zero_one=False):
        weight = self.tensors[name + ".weight"]
        signs = self.sign(weight - weight.mean(), margin=False)
        scale = numpy.abs(weight).mean() * self.alpha(name + ".input_clip_val")
        shifted = x + self.tensors[name + ".move.bias"]
        if zero_one:
            units = self.step(shifted, self.alpha(name + ".input_clip_val"))
        else:
            units = self.sign(shifted)
        return scale * (units @ signs.T) + self.tensors[name + ".bias"]

    def norm(self, name, x):
        mean = x.mean(axis=-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        return (self.tensors[name + ".weight"] * (x - mean) / numpy.sqrt(variance + 1e-12)
                + self.tensors[name + ".bias"])

    def estimates(self, name, hidden):
        """What is added to products of queries and keys, and to values: here nothing."""
        return 0.0, 0.0

    def feed_forward(self, name, x):
        inner = numpy.maximum(self.linear(name + ".intermediate.dense", x), 0)
        return self.linear(name + ".output.dense", inner, zero_one=True)

    def pool(self, first):
        return numpy.tanh(self.linear("pooler.dense", first))

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
        more_score, more_value = self.estimates(name + ".self.", hidden)
        scores = alpha["query"] * alpha["key"] * (units["query"] @ units["key"].swapaxes(1, 2))
        scores = (scores + more_score) / numpy.sqrt(size)
        powers = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
        probabilities = powers / powers.sum(axis=-1, keepdims=True)
        kept = self.step(probabilities, alpha["attn"])
        mixed = alpha["attn"] * (kept @ (alpha["value"] * units["value"] + more_value))
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
            x = self.norm(name + ".output.LayerNorm", self.feed_forward(name, x) + x)
        return (self.pool(x[:1]) @ t["classifier.weight"].T + t["classifier.bias"])[0]


def make(folder, seed):
    """A folder as BiT's code saves it, dead parameters included."""
    rng = numpy.random.default_rng(seed)
    layers, width, heads, ffn, labels = 1 + seed % 3, 128, 2 + 2 * (seed % 2), 192, 3
    tensors = {}

    def normal(name, *shape, mean=0.0, deviation=0.05):
        numbers = rng.normal(mean, deviation, shape)
        tensors[name] = numpy.asarray(numbers, dtype=numpy.float32)

    def linear(name, outputs, inputs, alpha):
        normal(name + ".weight", outputs, inputs, mean=0.004)
        normal(name + ".bias", outputs)
        normal(name + ".move.bias", inputs, deviation=0.1)
        normal(name + ".input_clip_val", mean=alpha)

    def norm(name):
        normal(name + ".weight", width, mean=1.0, deviation=0.1)
        normal(name + ".bias", width, deviation=0.1)

    embeddings = "bert.embeddings."
    normal(embeddings + "word_embeddings.weight", len(PIECES), width, mean=0.002)
    normal(embeddings + "position_embeddings.weight", 32, width, deviation=0.03)
    normal(embeddings + "token_type_embeddings.weight", 2, width, deviation=0.03)
    norm(embeddings + "LayerNorm")
    for i in range(layers):
        name = f"bert.encoder.layer.{i}."
        for part in "query", "key", "value":
            linear(f"{name}attention.self.{part}", width, width, 1.5)
            normal(f"{name}attention.self.clip_{part}", mean=0.9)
            normal(f"{name}attention.self.move_{part[0]}.bias", width)
        normal(name + "attention.self.clip_attn", mean=0.25, deviation=0.02)
        linear(name + "attention.output.dense", width, width, 0.5)
        norm(name + "attention.output.LayerNorm")
        linear(name + "intermediate.dense", ffn, width, 1.5)
        linear(name + "output.dense", width, ffn, 0.8)
        norm(name + "output.LayerNorm")
    linear("bert.pooler.dense", width, width, 1.5)
    normal("classifier.weight", labels, width, deviation=0.3)
    normal("classifier.bias", labels, deviation=0.3)

    os.mkdir(folder)
    save_file(tensors, os.path.join(folder, "model.safetensors"), {"format": "pt"})
    write_config(folder, {
        "num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads,
        "intermediate_size": ffn, "max_position_embeddings": 32, "vocab_size": len(PIECES),
        "type_vocab_size": 2, "hidden_act": "relu", "layer_norm_eps": 1e-5, "num_labels": labels,
        "weight_bits": 1, "input_bits": 1, "weight_quant_method": "bwn",
        "input_quant_method": "elastic", "weight_layerwise": True, "input_layerwise": True,
        "embed_layerwise": False, "sym_quant_qkvo": True, "sym_quant_ffn_attn": False,
        "learnable_scaling": True, "clip_init_val": 2.5, "not_quantize_attention": False})
    write_vocabulary(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bipft")
    parser.add_argument("--models", type=int, default=12)
    parser.add_argument("--texts", type=int, default=100)
    options = parser.parse_args()
    zeros = flipped = 0

    def look(before, after, _):
        nonlocal zeros, flipped
        zeros += before.zeros
        for name in before.tensors:
            if name.endswith("dense.weight") or (".self." in name and name.endswith(".weight")):
                theirs, ours = before.tensors[name], after.tensors[name]
                flipped += int(((theirs >= theirs.mean()) != (ours >= ours.mean())).sum())

    fine = round_trips(options, make, Published, look)
    print(f"{options.models} checkpoints; sign(0) decided {zeros} times; "
          f"{flipped} signs of weights differ after an export")
    return 0 if fine and flipped == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
