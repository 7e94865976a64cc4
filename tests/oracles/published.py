"""What the comparisons with published forward passes share: checkpoints' words, texts, the command,
and the count of logits that agree."""

import json
import os
import random
import subprocess
import tempfile

LETTERS = [chr(c) for c in range(ord("a"), ord("z") + 1)]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + LETTERS + ["##" + c for c in LETTERS]


def write_config(folder, config):
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)


def read_config(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        return json.load(file)


def write_vocabulary(folder):
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("".join(piece + "\n" for piece in PIECES))


def run(bipft, model, texts, option):
    lines = "".join(text + "\n" for text in texts).encode()
    return subprocess.run([bipft, "run", "-q", model, option], input=lines, check=True,
                          stdout=subprocess.PIPE).stdout.decode()


class Total:
    """Of texts that no value beside a threshold excuses, how far logits are off."""

    def __init__(self):
        self.texts = self.counting = self.off = 0
        self.worst = 0.0

    def compare(self, published, ids, logits):
        rows, answers = ids.splitlines(), logits.splitlines()
        assert len(rows) == len(answers)
        for row, answer in zip(rows, answers):
            theirs = published.logits([int(i) for i in row.split()]).tolist()
            mine = [float(x) for x in answer.split()]
            assert len(theirs) == len(mine)
            self.texts += 1
            if published.margin < 1e-6:
                continue
            self.counting += 1
            difference = max(abs(a - b) for a, b in zip(theirs, mine))
            self.worst = max(self.worst, difference)
            self.off += not difference <= 1e-3

    def say(self, what):
        print(f"{what}: {self.counting} of {self.texts} texts have no value beside a threshold; "
              f"largest difference of a logit {self.worst:.2e}, {self.off} above 1e-3")
        return self.off == 0 and self.counting > self.texts / 4


def round_trips(options, make, published, look=None):
    """Makes checkpoints, lets bipft read, pack and export each, and compares what it and
    `published` say of random texts, before and after. Whether all is well.
      look(before, after, answers): both sides' `published`, and bipft's logits of the folder, of
      the packed model and of the export"""
    rng = random.Random(1)
    read, exported = Total(), Total()
    for seed in range(options.models):
        texts = [" ".join("".join(rng.choices(LETTERS, k=rng.randint(1, 3)))
                          for _ in range(rng.randint(1, 8))) for _ in range(options.texts)]
        with tempfile.TemporaryDirectory() as work:
            folder, packed, again = (os.path.join(work, name)
                                     for name in ("published", "m.bipft", "exported"))
            make(folder, seed)
            subprocess.run([options.bipft, "train", "-q", "--init", folder, "--epochs", "0", "-o",
                            packed], check=True)
            subprocess.run([options.bipft, "eval", "-q", packed, "--export-hf", again], check=True)
            ids = run(options.bipft, folder, texts, "--tokens")
            answers = [run(options.bipft, model, texts, "--logits")
                       for model in (folder, packed, again)]
            before, after = published(folder), published(again)
            read.compare(before, ids, answers[0])
            exported.compare(after, ids, answers[1])
            if look is not None:
                look(before, after, answers)
    fine = read.say("read")
    return exported.say("exported") and fine
