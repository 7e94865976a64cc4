#!/usr/bin/env python3
"""Compares bipft with the forward pass of BiBERT's published code, written here once more from its
equations, on one-bit checkpoints of random numbers, and on what bipft exports.

Usage:  python3 -m pip install torch
        python3 tests/oracles/bibert_parity.py build/release/bipft [--models N] [--texts N]

A text counts where no value of its forward pass, in double, lies within 1e-6 of the threshold that
makes a bit of it: beside one, float and double may fall to different sides. sign(0) is +1 here as
in bipft, where published code has 0; how often the two differ is printed. Scores become 1 where
they are above 0, not at it, in both. Exits with 1 if a logit is off by more than 1e-3 for a text
that counts, or if an export does not compute to the last digit what its model does.
"""

import argparse
import json
import math
import os
import struct
import sys

import torch

from published import PIECES, read_config, round_trips, write_config, write_vocabulary

MODEL = "model.safetensors"
MATRICES = (".dense.weight", ".query.weight", ".key.weight", ".value.weight",
            ".word_embeddings.weight")


def save(tensors, path):
    """A safetensors file of 32-bit floats."""
    header, blocks, end = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        numbers = tensor.reshape(-1).tolist()
        blocks.append(struct.pack(f"<{len(numbers)}f", *numbers))
        begin, end = end, end + len(blocks[-1])
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def load(path):
    """Its tensors, in double."""
    with open(path, "rb") as file:
        content = file.read()
    size = struct.unpack_from("<Q", content)[0]
    tensors = {}
    for name, entry in json.loads(content[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        numbers = struct.unpack_from(f"<{(end - begin) // 4}f", content, 8 + size + begin)
        tensors[name] = torch.tensor(numbers, dtype=torch.float64).reshape(entry["shape"])
    return tensors


class Published:
    """logits(ids) of a folder, and how near a value came to a threshold."""

    def __init__(self, folder):
        self.config = read_config(folder)
        assert self.config["quantize_act"] is True
        assert self.config["weight_bits"] == self.config["input_bits"] == 1
        self.tensors = {name.removeprefix("bert."): value
                        for name, value in load(os.path.join(folder, MODEL)).items()}
        self.zeros = 0  # where sign(0) decides
        self.margin = 0.0
        self.matrices = {name.removesuffix(".weight"): self.levels(value)
                         for name, value in self.tensors.items() if name.endswith(MATRICES)}

    def near(self, x):
        """An exact 0 is one in float too: it came of integers or of zeros."""
        distance = x[x != 0].abs()
        if distance.numel():
            self.margin = min(self.margin, float(distance.min()))

    def sign(self, x):
        self.zeros += int((x == 0).sum())
        self.near(x)
        return torch.where(x >= 0, 1.0, -1.0).double()

    @staticmethod
    def levels(weight):
        """Rows of ±mean|w| around the row's mean."""
        centred = weight - weight.mean(dim=1, keepdim=True)
        return weight.abs().mean(dim=1, keepdim=True) * torch.where(centred >= 0, 1.0, -1.0)

    def linear(self, name, x):
        return self.sign(x) @ self.matrices[name].T + self.tensors[name + ".bias"]

    def norm(self, name, x):
        return torch.nn.functional.layer_norm(
            x, x.shape[-1:], self.tensors[name + ".weight"], self.tensors[name + ".bias"],
            self.config["layer_norm_eps"])

    def attention(self, name, hidden):
        heads = self.config["num_attention_heads"]
        tokens, width = hidden.shape
        units = [self.sign(self.linear(f"{name}.self.{part}", hidden))
                 .reshape(tokens, heads, width // heads).transpose(0, 1)
                 for part in ("query", "key", "value")]
        scores = units[0] @ units[1].transpose(1, 2) / math.sqrt(width // heads)
        mixed = (scores > 0).double() @ units[2]  # integers, and no softmax
        return self.linear(name + ".output.dense", mixed.transpose(0, 1).reshape(tokens, width))

    @staticmethod
    def gelu(x):
        """By the complement of the error function, whose tail is no 0."""
        return 0.5 * x * torch.special.erfc(-x / math.sqrt(2))

    def logits(self, ids):
        self.margin = 1.0
        t = self.tensors
        x = (self.matrices["embeddings.word_embeddings"][ids]
             + t["embeddings.position_embeddings.weight"][:len(ids)]
             + t["embeddings.token_type_embeddings.weight"][0])
        x = self.norm("embeddings.LayerNorm", x)
        for i in range(self.config["num_hidden_layers"]):
            name = f"encoder.layer.{i}"
            x = self.norm(name + ".attention.output.LayerNorm",
                          self.attention(name + ".attention", x) + x)
            inner = self.gelu(self.linear(name + ".intermediate.dense", x))
            x = self.norm(name + ".output.LayerNorm",
                          self.linear(name + ".output.dense", inner) + x)
        pooled = torch.tanh(self.linear("pooler.dense", x[:1]))
        return (pooled @ t["classifier.weight"].T + t["classifier.bias"])[0]


SHAPES = [  # layers, width, heads, inner width, labels
    (1, 128, 2, 192, 3), (2, 64, 2, 96, 2), (3, 128, 4, 512, 5), (2, 192, 6, 200, 1),
    (4, 256, 4, 256, 4)]


def make(folder, seed):
    """A folder as BiBERT's code saves it; every third without what it registers and never reads."""
    generator = torch.Generator().manual_seed(seed)
    layers, width, heads, ffn, labels = SHAPES[seed % len(SHAPES)]
    idle = seed % 3 != 2
    tensors = {}

    def normal(name, *shape, mean=0.0, deviation=0.05):
        tensors[name] = mean + deviation * torch.randn(shape, generator=generator)

    def linear(name, outputs, inputs):
        normal(name + ".weight", outputs, inputs, mean=0.004)
        normal(name + ".bias", outputs)
        if idle:
            normal(name + ".scale", deviation=9.0)
            normal(name + ".weight_clip_val", 2, deviation=9.0)
            normal(name + ".act_clip_val", 2, deviation=9.0)

    def norm(name):
        normal(name + ".weight", width, mean=1.0, deviation=0.1)
        normal(name + ".bias", width, deviation=0.1)

    embeddings = "bert.embeddings."
    normal(embeddings + "word_embeddings.weight", len(PIECES), width, mean=0.002)
    normal(embeddings + "position_embeddings.weight", 32, width, deviation=0.03)
    normal(embeddings + "token_type_embeddings.weight", 2, width, deviation=0.03)
    norm(embeddings + "LayerNorm")
    if idle:
        normal(embeddings + "word_embeddings.weight_clip_val", 2, deviation=9.0)
    for i in range(layers):
        name = f"bert.encoder.layer.{i}."
        for part in "query", "key", "value":
            linear(f"{name}attention.self.{part}", width, width)
        linear(name + "attention.output.dense", width, width)
        norm(name + "attention.output.LayerNorm")
        linear(name + "intermediate.dense", ffn, width)
        linear(name + "output.dense", width, ffn)
        norm(name + "output.LayerNorm")
        if idle:
            for part in "query", "key", "value", "attn":
                normal(f"{name}attention.self.clip_{part}", 2, deviation=9.0)
            normal(name + "attention.output.gate", deviation=9.0)
            normal(name + "output.gate", deviation=9.0)
    linear("bert.pooler.dense", width, width)
    normal("classifier.weight", labels, width, deviation=0.3)
    normal("classifier.bias", labels, deviation=0.3)

    os.mkdir(folder)
    save(tensors, os.path.join(folder, MODEL))
    write_config(folder, {
        "num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads,
        "intermediate_size": ffn, "max_position_embeddings": 32, "vocab_size": len(PIECES),
        "type_vocab_size": 2, "hidden_act": ("gelu", "relu")[seed % 2],  # which nobody reads
        "layer_norm_eps": (1e-12, 1e-5, 1e-2)[seed % 3],
        "quantize_act": True, "weight_bits": 1, "input_bits": 1, "clip_val": 2.5})
    write_vocabulary(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bipft")
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--texts", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)  # one text at a time: too little for more
    zeros = flipped = others = 0

    def look(before, after, answers):
        nonlocal zeros, flipped, others
        zeros += before.zeros
        others += (answers[1] != answers[0]) + (answers[2] != answers[0])
        for name, theirs in before.matrices.items():
            flipped += int(((theirs >= 0) != (after.matrices[name] >= 0)).sum())

    fine = round_trips(options, make, Published, look)
    print(f"{options.models} checkpoints; sign(0) decided {zeros} times; {flipped} signs of "
          f"weights differ after an export, {others} exports have other logits in bipft")
    return 0 if fine and flipped == 0 and others == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
