#!/usr/bin/env python3
"""Compares bipft with transformers on a BERT folder: token ids, hidden states, logits, exports.

Usage:  python3 -m pip install torch transformers tokenizers safetensors numpy
        python3 tests/oracles/hf_parity.py build/release/bipft FOLDER
            [--text FILE] [--texts N] [--random N]

Ids are compared on N random texts (default 50,000) of words, code points, marks and oddities; the
rest on the first N lines of FILE (default 1,000), or on random texts. Logits are those of a head
of random numbers that the folder is given for this. Then the folder is converted, exported again,
and loaded by transformers. Prints the figures; exits with 1 if ids differ, an arg-max differs, a
hidden state is off by more than 1e-4 or a mean-pooled embedding's cosine is below 0.99999.
"""

import argparse
import io
import os
import random
import subprocess
import sys
import tempfile

import numpy
import torch
import transformers
from check_tokenizer import random_text
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def run(bipft, model, texts, *options):
    lines = "\n".join(texts) + "\n"
    done = subprocess.run([bipft, "run", model, *options], input=lines.encode(),
                          stdout=subprocess.PIPE, check=True)
    return done.stdout


def one_line(text):
    return text.replace("\n", " ").replace("\r", " ")


def ids_differ(bipft, folder, tokenizer, texts, longest):
    ours = run(bipft, folder, texts, "--tokens", "--special").decode().splitlines()
    assert len(ours) == len(texts), (len(ours), len(texts))
    theirs = tokenizer(texts, truncation=True, max_length=longest)["input_ids"]
    wrong = [i for i, ids in enumerate(theirs) if " ".join(map(str, ids)) != ours[i]]
    for i in wrong[:5]:
        print("  ids differ:", repr(texts[i]), "\n   ", theirs[i], "\n   ", ours[i])
    return len(wrong)


def theirs_of(model, tokenizer, texts, longest, what):
    rows = []
    with torch.no_grad():
        for begin in range(0, len(texts), 16):
            batch = tokenizer(texts[begin:begin + 16], truncation=True, max_length=longest,
                              padding=True, return_tensors="pt")
            out = model(**batch)
            if what == "logits":
                rows.append(out.logits)
            elif what == "cls":
                rows.append(out.last_hidden_state[:, 0])
            else:
                mask = batch["attention_mask"].unsqueeze(-1).float()
                rows.append((out.last_hidden_state * mask).sum(1) / mask.sum(1))
    return torch.cat(rows).double().numpy()


def embeddings(bipft, folder, texts, pooling):
    data = run(bipft, folder, texts, "--special", "--embed", pooling, "--format", "npy")
    return numpy.load(io.BytesIO(data)).astype(numpy.float64)


def compare_hidden(bipft, ours, folder, tokenizer, texts, longest):
    """The bipft model `ours` with transformers' model of `folder`."""
    model = AutoModel.from_pretrained(folder).eval()
    worst = {}
    for pooling in ("cls", "mean"):
        mine = embeddings(bipft, ours, texts, pooling)
        their = theirs_of(model, tokenizer, texts, longest, pooling)
        worst[pooling] = numpy.abs(mine - their).max()
        cosine = (mine * their).sum(1) / numpy.linalg.norm(mine, axis=1)
        worst["cosine"] = (cosine / numpy.linalg.norm(their, axis=1)).min()
    print(f"  hidden state of [CLS]: largest difference {worst['cls']:.2e}; mean-pooled: "
          f"{worst['mean']:.2e}, smallest cosine {worst['cosine']:.9f}")
    return max(worst["cls"], worst["mean"]) <= 1e-4 and worst["cosine"] >= 0.99999


def compare_logits(bipft, ours, folder, tokenizer, texts, longest):
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    answers = run(bipft, ours, texts, "--special", "--logits").decode().splitlines()
    mine = numpy.array([[float(x) for x in row.split("\t")] for row in answers])
    their = theirs_of(model, tokenizer, texts, longest, "logits")
    same = int((mine.argmax(1) == their.argmax(1)).sum())
    print(f"  logits: largest difference {numpy.abs(mine - their).max():.2e}, "
          f"arg-max alike on {same} of {len(texts)}")
    return same == len(texts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bipft")
    parser.add_argument("folder")
    parser.add_argument("--text")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--random", type=int, default=50000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    bipft, folder = options.bipft, options.folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    longest = min(AutoModel.from_pretrained(folder).config.max_position_embeddings,
                  tokenizer.model_max_length)
    rng = random.Random(options.seed)
    pieces = [piece for piece in tokenizer.get_vocab()]
    fine = True

    texts = [one_line(random_text(rng, pieces).decode("utf-8", "replace"))
             for _ in range(options.random)]
    wrong = ids_differ(bipft, folder, tokenizer, texts, longest)
    fine = fine and wrong == 0
    print(f"transformers {transformers.__version__}, torch {torch.__version__}\n"
          f"ids: {wrong} of {len(texts)} random texts differ")

    if options.text:
        with open(options.text, encoding="utf-8") as file:
            texts = [one_line(line) for line in file][:options.texts]
        print(f"ids: {ids_differ(bipft, folder, tokenizer, texts, longest)} of {len(texts)} lines "
              f"of {os.path.basename(options.text)} differ")
    texts = texts[:options.texts]

    print(f"the folder, on {len(texts)} texts")
    fine &= compare_hidden(bipft, folder, folder, tokenizer, texts, longest)
    with tempfile.TemporaryDirectory() as work:
        torch.manual_seed(options.seed)
        headed = os.path.join(work, "headed")
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3)
        torch.nn.init.normal_(model.classifier.weight, std=0.2)
        torch.nn.init.normal_(model.classifier.bias, std=0.2)
        model.save_pretrained(headed)
        tokenizer.save_pretrained(headed)
        print("with a head")
        fine &= compare_logits(bipft, headed, headed, tokenizer, texts, longest)
        for name, dtype in (("F16", torch.float16), ("BF16", torch.bfloat16)):
            half = os.path.join(work, name)
            model.to(dtype).save_pretrained(half)
            tokenizer.save_pretrained(half)
            wide = AutoModelForSequenceClassification.from_pretrained(half, dtype=torch.float32)
            wide_folder = os.path.join(work, name + "-wide")
            wide.save_pretrained(wide_folder)
            print(f"in {name}")
            fine &= compare_logits(bipft, half, wide_folder, tokenizer, texts[:200], longest)
            model = AutoModelForSequenceClassification.from_pretrained(headed)

        print("converted, exported and loaded again")
        converted = os.path.join(work, "model.bipft")
        exported = os.path.join(work, "exported")
        subprocess.run([bipft, "train", "-q", "--init", headed, "--epochs", "0", "-o", converted],
                       check=True)
        subprocess.run([bipft, "eval", "-q", converted, "--export-hf", exported], check=True)
        _, info = AutoModelForSequenceClassification.from_pretrained(exported,
                                                                     output_loading_info=True)
        lost = {key: sorted(info[key]) for key in ("missing_keys", "unexpected_keys") if info[key]}
        print(f"  keys that transformers misses or has no use for: {lost or 'none'}")
        fine &= not lost
        again = AutoTokenizer.from_pretrained(exported)
        fine &= compare_logits(bipft, converted, exported, again, texts, longest)
        fine &= compare_hidden(bipft, converted, exported, again, texts, longest)
        same = again(texts)["input_ids"] == tokenizer(texts)["input_ids"]
        print(f"  the exported tokenizer cuts alike: {same}")
        fine &= same
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
