#!/usr/bin/env python3
"""Fine-tunes a BERT folder in full precision by bipft and by transformers, and compares the scores.

Usage:  python3 -m pip install torch transformers
        python3 tests/oracles/finetune_parity.py build/release/bipft BERT GLUE
            [--tasks cola,rte] [--seeds 1,2,3] [--epochs 4] [--work DIR] [--threads N]

GLUE is a folder of CoLA/train.tsv, CoLA/dev.tsv and so on. Both sides have the same recipe: AdamW
with a weight decay of 0.01 on matrices, a rate of 1e-4 after a tenth of the steps, linearly to 0,
batches of 32 of about one length, dropout 0.1, gradients of at most 1, texts cut to 128 tokens, and
the best epoch by the dev set. Shuffles and dropout are each side's own, so it is the means over
seeds that can be compared. Scores are Matthews' correlation for CoLA, else accuracy, in percent.
Prints a line a run, and the difference of the means with its standard error; exits with 1 if it is
more than two of these below 0.
"""

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDERS = {"cola": "CoLA", "sst2": "SST-2", "mrpc": "MRPC", "rte": "RTE"}
RATE, BATCH, LONGEST = 1e-4, 32, 128


def rows_of(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


def score_of(task, found, wanted):
    right = sum(a == b for a, b in zip(found, wanted))
    if task != "cola":
        return 100 * right / len(wanted)
    count = {(a, b): 0 for a in (0, 1) for b in (0, 1)}
    for pair in zip(found, wanted):
        count[pair] += 1
    margins = math.prod(sum(count[p] for p in count if p[side] == value)
                        for side in (0, 1) for value in (0, 1))
    difference = count[1, 1] * count[0, 0] - count[1, 0] * count[0, 1]
    return 100 * difference / math.sqrt(margins) if margins else 0.0


def by_transformers(task, arguments, seed):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(seed)
    shuffle = random.Random(seed)
    folder = arguments.glue / FOLDERS[task]
    tokenizer = AutoTokenizer.from_pretrained(arguments.bert)
    train, dev = rows_of(folder / "train.tsv"), rows_of(folder / "dev.tsv")
    names = sorted({row[-1] for row in train})
    model = AutoModelForSequenceClassification.from_pretrained(arguments.bert,
                                                              num_labels=len(names))
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01},
                                   {"params": others, "weight_decay": 0.0}], lr=RATE)

    def ids_of(rows):
        columns = [[row[i] for row in rows] for i in range(len(rows[0]) - 1)]
        return tokenizer(*columns, truncation=True, max_length=LONGEST)["input_ids"]

    def batch_of(rows):
        columns = [[row[i] for row in rows] for i in range(len(rows[0]) - 1)]
        return tokenizer(*columns, truncation=True, max_length=LONGEST, padding=True,
                         return_tensors="pt")

    def batches_of(rows, lengths, order):
        blocks = [sorted(order[i:i + 32 * BATCH], key=lambda n: lengths[n])
                  for i in range(0, len(order), 32 * BATCH)]
        batches = [block[i:i + BATCH] for block in blocks for i in range(0, len(block), BATCH)]
        shuffle.shuffle(batches)
        return [[rows[n] for n in batch] for batch in batches]

    lengths = [len(ids) for ids in ids_of(train)]
    steps = arguments.epochs * math.ceil(len(train) / BATCH)
    warmup = steps // 10
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: (n + 1) / warmup if n < warmup else (steps - n) / (steps - warmup))
    best = -math.inf
    for _ in range(arguments.epochs):
        model.train()
        order = list(range(len(train)))
        shuffle.shuffle(order)
        for rows in batches_of(train, lengths, order):
            loss = model(**batch_of(rows),
                         labels=torch.tensor([names.index(row[-1]) for row in rows])).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        model.eval()
        found = []
        with torch.no_grad():
            for i in range(0, len(dev), 64):
                found += model(**batch_of(dev[i:i + 64])).logits.argmax(-1).tolist()
        best = max(best, score_of(task, found, [names.index(row[-1]) for row in dev]))
    return best


def by_bipft(task, arguments, seed, work):
    folder = arguments.glue / FOLDERS[task]
    model = Path(work) / f"{task}-{seed}.bipft"
    subprocess.run([arguments.bipft, "train", folder / "train.tsv", "--dev", folder / "dev.tsv",
                    "--task", task, "--init", arguments.bert, "--method", "float", "--epochs",
                    str(arguments.epochs), "--lr", str(RATE), "--batch", str(BATCH), "--seed",
                    str(seed), "--threads", str(arguments.threads), "-q", "-o", model], check=True)
    answer = subprocess.run([arguments.bipft, "eval", model, folder / "dev.tsv", "--json"],
                            check=True, capture_output=True, text=True)
    return 100 * json.loads(answer.stdout)["metrics"]["glue"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bipft")
    parser.add_argument("bert")
    parser.add_argument("glue", type=Path)
    parser.add_argument("--tasks", default="cola,rte")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", help="where models go; else a folder that is removed")
    arguments = parser.parse_args()
    worse = False
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(arguments.work or temporary)
        work.mkdir(parents=True, exist_ok=True)
        for task in arguments.tasks.split(","):
            ours, theirs = [], []
            for seed in [int(seed) for seed in arguments.seeds.split(",")]:
                ours.append(by_bipft(task, arguments, seed, work))
                theirs.append(by_transformers(task, arguments, seed))
                print(f"{task} seed {seed}: bipft {ours[-1]:.1f}, transformers {theirs[-1]:.1f}",
                      flush=True)
            if len(ours) < 2:
                continue
            difference = statistics.mean(ours) - statistics.mean(theirs)
            error = math.sqrt((statistics.variance(ours) + statistics.variance(theirs)) / len(ours))
            print(f"{task}: bipft {statistics.mean(ours):.1f}, transformers "
                  f"{statistics.mean(theirs):.1f}, difference {difference:+.1f} "
                  f"with a standard error of {error:.1f}", flush=True)
            worse = worse or difference < -2 * error
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
