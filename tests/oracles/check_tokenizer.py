#!/usr/bin/env python3
"""Compares bipft's tokenizer with the real `tokenizers` package, id by id, and times both.

Usage:  python3 -m pip install tokenizers
        g++ -std=c++20 -O2 -Iinclude tests/oracles/tokenize.cpp -o tokenize
        python3 tests/oracles/check_tokenizer.py ./tokenize VOCAB... [--text FILE...] [--random N]

Every VOCAB is used uncased, cased and without cleaning, on N random texts and pairs (default
100,000) and on the lines of every FILE. Exits with 1 if any differs.

Versions of the package cut a pair of texts that both exceed max_len in two ways: 0.23.1 and 0.23.2
stop reading at max_len, before them and after them both lengths are known. That decides which text
keeps an odd place and nothing else; such pairs are counted apart, and checked to differ in no more.
"""

import argparse
import random
import struct
import subprocess
import sys
import time

import tokenizers
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CODE_POINTS = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
strip = BertNormalizer(
    clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=True).normalize_str
CHANGED = [chr(c) for c in CODE_POINTS if strip(chr(c)) != chr(c) and not 0xAC00 <= c < 0xD7B0]
COMBINING = [chr(c) for c in [
    0x8D4, 0x1B44, 0x1BF2, 0x1DFB, 0x302E, 0xA953, 0x11442, 0x11446, 0x1D165, 0x1D16D, 0x1D16E,
    0x1E000, 0x1E944, 0x1E94A, 0x34F, 0x300, 0x323, 0x334, 0x345, 0x0F73, 0x344, 0x1D160, 0x1D1BF]]
ODD = [chr(c) for c in [0, 9, 10, 11, 12, 13, 32, 0x7F, 0x85, 0xA0, 0xAD, 0x200B, 0x200D, 0x2028,
                        0x3000, 0xFEFF, 0xFFFD, 0xE000, 0x130, 0x3A3, 0x1E9E, 0xFB01]]


def reference(pieces, lowercase, clean, special):
    vocab = {piece: i for i, piece in enumerate(pieces)}
    result = Tokenizer(WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    result.normalizer = BertNormalizer(lowercase=lowercase, clean_text=clean)
    result.pre_tokenizer = BertPreTokenizer()
    result.post_processor = BertProcessing(("[SEP]", vocab["[SEP]"]), ("[CLS]", vocab["[CLS]"]))
    if special:
        result.add_special_tokens(
            [AddedToken(piece, special=True, normalized=False) for piece in SPECIAL])
    return result


def random_text(rng, pieces):
    style = rng.random()
    words = []
    for _ in range(rng.choice([0, 1, 1, 2, 3, 5, 8, 13, 40])):
        kind = rng.random()
        if kind < 0.45:
            words.append(rng.choice(pieces).removeprefix("##"))
        elif kind < 0.55:
            words.append("".join(rng.choice(CHANGED) for _ in range(rng.randint(1, 6))))
        elif kind < 0.65:
            words.append("".join(rng.choice(COMBINING) for _ in range(rng.randint(1, 8))))
        elif kind < 0.70:
            words.append("".join(chr(rng.choice(CODE_POINTS)) for _ in range(rng.randint(1, 4))))
        elif kind < 0.75:
            hangul = (chr(rng.randint(0xAC00, 0xD7A3)) for _ in range(rng.randint(1, 4)))
            words.append("".join(hangul))
        elif kind < 0.80:
            words.append(rng.choice(SPECIAL + ["[sep]", "[SEP", "SEP]", "[[SEP]]", "[PAD][CLS]"]))
        elif kind < 0.90:
            words.append(rng.choice(ODD))
        elif kind < 0.92:
            words.append(rng.choice("aé각\u1E000") * rng.randint(30, 130))
        else:
            words.append("".join(chr(rng.randint(32, 126)) for _ in range(rng.randint(1, 9))))
    text = rng.choice(["", " ", " "]).join(words)
    if style < 0.2:
        text = text.upper()
    data = bytearray(text.encode())
    if style > 0.7 and data:  # break some bytes
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.choice([0x80, 0xC0, 0xE0, 0xED, 0xF4, 0xFF, 0x9F])
    return bytes(data)


def odd_place_only(real, a, b, max_len, ours):
    """Whether `ours` is the pair cut with the odd place at the other text."""
    if b is None or not max_len or max_len % 2:
        return False
    real.no_truncation()
    first, second = real.encode(a).ids[1:-1], real.encode(b).ids[1:-1]
    if min(len(first), len(second)) < max_len:
        return False
    cls, sep = real.token_to_id("[CLS]"), real.token_to_id("[SEP]")
    half = (max_len - 3) // 2
    return ours in [
        "".join(f"{x} " for x in [cls, *first[:n], sep])
        + "".join(f"{x}' " for x in [*second[:max_len - 3 - n], sep]) for n in (half, half + 1)]


def check(tool, vocab, pieces, mode, requests, label):
    lowercase, clean, special = "cased" not in mode, "unclean" not in mode, "plain" not in mode
    blob = bytearray()
    for a, b, max_len in requests:
        blob += struct.pack("<III", len(a), 0xFFFFFFFF if b is None else len(b), max_len)
        blob += a + (b or b"")
    start = time.perf_counter()
    out = subprocess.run(
        [tool, vocab, *mode], input=bytes(blob), stdout=subprocess.PIPE, check=True)
    ours_time = time.perf_counter() - start
    ours = out.stdout.decode().split("\n")[:-1]
    assert len(ours) == len(requests)

    real = reference(pieces, lowercase, clean, special)
    differences = odd_places = 0
    start = time.perf_counter()
    texts = [(a.decode(errors="replace"), None if b is None else b.decode(errors="replace"), n)
             for a, b, n in requests]
    for i, (a, b, max_len) in enumerate(texts):
        if max_len:
            real.enable_truncation(max_len)
        else:
            real.no_truncation()
        encoding = real.encode(a, b)
        expected = "".join(f"{x}' " if t else f"{x} "
                           for x, t in zip(encoding.ids, encoding.type_ids))
        if expected != ours[i] and odd_place_only(real, a, b, max_len, ours[i]):
            odd_places += 1
        elif expected != ours[i]:
            differences += 1
            if differences <= 3:
                print("  differs:", requests[i], "\n   ours", ours[i], "\n   real", expected)
    print(f"{label}, {vocab.split('/')[-1]} {' '.join(mode) or 'uncased'}: "
          f"{len(requests)} requests, {differences} differ, {odd_places} in an odd place only "
          f"({ours_time:.2f} s, the package {time.perf_counter() - start:.2f} s)", flush=True)
    return differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("vocab", nargs="+")
    parser.add_argument("--text", nargs="*", default=[])
    parser.add_argument("--random", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("tokenizers", tokenizers.__version__, "seed", arguments.seed)
    total = 0
    for vocab in arguments.vocab:
        with open(vocab, encoding="utf-8", newline="\n") as file:
            pieces = [line.rstrip() for line in file]
        for mode in [[], ["cased"], ["plain"], ["unclean"], ["cased", "unclean", "plain"]]:
            rng = random.Random(arguments.seed)
            requests = []
            for _ in range(arguments.random):
                b = random_text(rng, pieces) if rng.random() < 0.4 else None
                max_len = rng.choice([0, rng.randint(3, 40), 128])
                requests.append((random_text(rng, pieces), b, max_len))
            total += check(arguments.tool, vocab, pieces, mode, requests, "random")
        for text in arguments.text:
            with open(text, "rb") as file:
                lines = file.read().split(b"\n")
            requests = [(line, None, 128) for line in lines]
            requests += [(a, b, 128) for a, b in zip(lines[::2], lines[1::2])]
            for mode in [[], ["cased"]]:
                total += check(arguments.tool, vocab, pieces, mode, requests, text.split("/")[-1])
    print("differences:", total)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
