#!/usr/bin/env python3
"""bipft beside what one would run instead, in one run.

Every program is a child that computes when it is asked to. They take turns, cell by cell and round
by round, so that whatever slows the machine meets them all, and each ratio is one of neighbours in
time. All of it is optional: what is missing is named, and the rest goes on.

  tests/bench/peers.py                                    encoders, one thread
  tests/bench/peers.py --train small:32:128               training steps
  tests/bench/peers.py --preset base --tokens 128 --batch 1 --peers packed,onednn-int8 --json f

Peers of inference: packed, float (encoder_bench); torch-f32, torch-bf16 (weights of 16 bits) and
torch-int8 (quantize_dynamic), all eager; onednn-f32, onednn-bf16, onednn-int8 and openblas-f32
(peers_onednn.cpp, built on first use). Of training: bit, float (train_bench); torch-f32,
torch-bf16 (autocast) and torch-bit: the same one-bit network with bits simulated by floats, as the
papers' code does.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INFER = {
    "packed": "encoder_bench", "float": "encoder_bench",
    "torch-f32": "torch", "torch-bf16": "torch", "torch-int8": "torch",
    "onednn-f32": "peers_onednn", "onednn-bf16": "peers_onednn", "onednn-int8": "peers_onednn",
    "openblas-f32": "peers_onednn",
}
TRAIN = {
    "bit": "train_bench", "float": "train_bench",
    "torch-f32": "torch-train", "torch-bf16": "torch-train", "torch-bit": "torch-train",
}


class Missing(Exception):
    """A peer that cannot run here; its text says why."""


class Child:
    """A program that answers `FORM PRESET TOKENS BATCH MS` with `ok CPU WALL CALLS` (serve.hpp)."""

    def __init__(self, command, threads, cores):
        env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            env[name] = str(threads)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        hello = self.process.stdout.readline()
        if not hello:
            raise Missing(f"{command[0]} does not start")
        self.about = json.loads(hello)

    def ask(self, form, preset, tokens, batch, ms):
        self.process.stdin.write(f"{form} {preset} {tokens} {batch} {ms}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer.startswith("ok "):
            raise Missing(answer.removeprefix("no ") or "the program ended")
        cpu, wall, _ = answer.split()[1:]
        return float(cpu), float(wall)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def command_of(program, build, threads):
    """How to start a child; raises Missing if it cannot be."""
    if program in ("torch", "torch-train"):
        if importlib.util.find_spec("torch") is None:
            raise Missing("no torch: pip install torch")
        kind = "train" if program == "torch-train" else "infer"
        return [sys.executable, "-W", "ignore", str(HERE / "peers_torch.py"), kind, str(threads)]
    if program == "peers_onednn":
        return [str(build_onednn(build))]
    path = build / program
    if not path.exists():
        raise Missing(f"{path} is not built: cmake --build <build folder> --target bench")
    return [str(path), "--serve", "--threads", str(threads)]


def build_onednn(build):
    source, program = HERE / "peers_onednn.cpp", build / "peers_onednn"
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    build.mkdir(parents=True, exist_ok=True)
    command = [os.environ.get("CXX", "g++"), "-std=c++20", "-O3", "-march=native", "-ffast-math",
               "-fopenmp", str(source), "-ldnnl", "-lopenblas", "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["the compiler does not start"]
        raise Missing(f"peers_onednn.cpp does not compile ({lines[0]}); "
                      "it needs libdnnl-dev and libopenblas-dev")
    return program


def newest_build():
    """The folder of the bench programs that were built last."""
    found = [p.parent for p in ROOT.glob("build/*/bench/encoder_bench")]
    return max(found, key=lambda p: (p / "encoder_bench").stat().st_mtime,
               default=ROOT / "build" / "release" / "bench")


def quantile(samples, share):
    ordered = sorted(samples)
    return ordered[int(share * (len(ordered) - 1) + 0.5)]


def triple(samples):
    return [quantile(samples, share) for share in (0.1, 0.5, 0.9)]


def measure(cells, forms, programs, arguments):
    """samples[cell][form] = seconds, one a round."""
    children, missing, samples = {}, {}, {cell: {} for cell in cells}
    cores = set(range(arguments.core, arguments.core + arguments.threads))
    for form in forms:
        program = programs[form]
        if program in children or program in missing:
            continue
        try:
            children[program] = Child(command_of(program, arguments.build, arguments.threads),
                                      arguments.threads, cores)
            about = {k: v for k, v in children[program].about.items() if k != "features"}
            print("#", json.dumps(about), flush=True)
        except (Missing, OSError) as error:
            missing[program] = str(error)
            print(f"# left out: {program}: {error}", flush=True)
    refused = set()
    for round_number in range(arguments.rounds):
        for cell in cells:
            for form in forms:
                child = children.get(programs[form])
                if child is None or (cell, form) in refused:
                    continue
                try:
                    cpu, wall = child.ask(form, *cell, arguments.ms)
                except (Missing, OSError) as error:
                    print(f"# left out: {form} {cell}: {error}", flush=True)
                    refused.add((cell, form))
                    samples[cell].pop(form, None)
                    continue
                samples[cell].setdefault(form, []).append(cpu if arguments.threads == 1 else wall)
        print(f"# round {round_number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
    about = {program: child.about for program, child in children.items()}
    for child in children.values():
        child.end()
    return samples, about


def report(kind, samples, about, ours, unit, arguments, out):
    """One row for each cell and peer, and its ratio to ours in the same round."""
    print(f"\n{kind}, {arguments.threads} thread(s), {arguments.rounds} rounds; "
          f"ratio = time of the peer / time of {ours}, in the same round, median [p10 - p90]")
    print(f"{'preset':7}{'T':>5}{'B':>4}  {'peer':13}{unit:>12}{'p10':>11}{'p90':>11}"
          f"{'ratio':>9}  [p10 - p90]")
    for (preset, tokens, batch), by_form in samples.items():
        for form, seconds in by_form.items():
            per = batch if kind == "inference" else 1
            low, middle, high = (1e3 * s / per for s in triple(seconds))
            line = {"kind": kind, "preset": preset, "tokens": tokens, "batch": batch,
                    "threads": arguments.threads, "clock": "cpu" if arguments.threads == 1 else
                    "wall", "peer": form, "ms_p10": low, "ms_p50": middle, "ms_p90": high,
                    "unit": unit, "rounds": len(seconds)}
            ratios = ""
            if ours in by_form and len(by_form[ours]) == len(seconds):
                paired = [peer / mine for peer, mine in zip(seconds, by_form[ours])]
                a, b, c = triple(paired)
                ratios = f"{b:8.2f}x  [{a:.2f} - {c:.2f}]"
                line.update(ratio_p10=a, ratio_p50=b, ratio_p90=c, ratio_to=ours)
            if kind == "training":
                line["tokens_per_second"] = 1e3 * tokens * batch / middle
                ratios += f"  {line['tokens_per_second']:.0f} tokens/s"
            print(f"{preset:7}{tokens:5}{batch:4}  {form:13}{middle:12.3f}{low:11.3f}{high:11.3f}"
                  f"{ratios}")
            if out:
                program = (INFER if kind == "inference" else TRAIN)[form]
                out.write(json.dumps({**line, "program": about[program]}) + "\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="small,base")
    parser.add_argument("--tokens", default="16,32,128")
    parser.add_argument("--batch", default="1,32")
    parser.add_argument("--train", default="", metavar="PRESET:BATCH:TOKENS,...",
                        help="measure training steps of these cells, not inference")
    parser.add_argument("--peers", default="", help="some of them; all, if not given")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--core", type=int, default=0, help="the first core to stay on")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--ms", type=int, default=20, help="least milliseconds of a turn")
    parser.add_argument("--build", type=Path, default=None, help="folder of the bench programs")
    parser.add_argument("--json", default="", help="a file for one JSON object a line")
    arguments = parser.parse_args()
    if arguments.build is None:
        arguments.build = newest_build()

    training = bool(arguments.train)
    programs = TRAIN if training else INFER
    forms = arguments.peers.split(",") if arguments.peers else list(programs)
    for form in forms:
        if form not in programs:
            parser.error(f"no peer is called {form}; choose among {', '.join(programs)}")
    if training:
        cells = []
        for cell in arguments.train.split(","):
            preset, batch, tokens = cell.split(":")
            cells.append((preset, int(tokens), int(batch)))
    else:
        cells = [(preset, int(tokens), int(batch)) for preset in arguments.preset.split(",")
                 for batch in arguments.batch.split(",") for tokens in arguments.tokens.split(",")]

    begin = time.monotonic()
    samples, about = measure(cells, forms, programs, arguments)
    out = open(arguments.json, "w") if arguments.json else None
    if training:
        report("training", samples, about, "bit", "ms/step", arguments, out)
    else:
        report("inference", samples, about, "packed", "ms/text", arguments, out)
    print(f"# {time.monotonic() - begin:.0f} s")
    if out:
        out.close()


if __name__ == "__main__":
    main()
