#!/usr/bin/env python3
"""bipft on a GPU through Vulkan beside torch on the same GPU, in one run.

  tests/bench/peers_gpu.py [--build build/release/bench] [--json FILE]

Products of bits against torch's products of 8-bit integers and of 16-bit floats of the same shape;
encoders of bits against torch's float encoders (peers_torch.py) in bf16, eager and as a CUDA graph.
device_bench goes first, torch second; a ratio is torch's time over bipft's, each the median of all
its rounds. Needs torch with CUDA, and device_bench built with Vulkan's headers.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from peers import newest_build, triple
from peers_torch import PRESETS, VOCABULARY, Encoder


def timed(body, least):
    """Seconds of a call, the device's work included, on the mean of as many as last that long."""
    body()
    torch.cuda.synchronize()
    calls, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < least:
        for _ in range(8):
            body()
        torch.cuda.synchronize()
        calls += 8
    return (time.perf_counter() - begin) / calls


def products(m, n, k):
    """name -> a function that multiplies."""
    x8 = torch.randint(-128, 127, (m, k), dtype=torch.int8, device="cuda")
    w8 = torch.randint(-128, 127, (n, k), dtype=torch.int8, device="cuda")
    x16 = torch.randn(m, k, dtype=torch.float16, device="cuda")
    w16 = torch.randn(n, k, dtype=torch.float16, device="cuda")
    return {"torch-int8": lambda: torch._int_mm(x8, w8.t()), "torch-f16": lambda: x16 @ w16.t()}


def encoders(preset, tokens, batch):
    """name -> a function that answers, ids going to the device and logits coming back."""
    model = Encoder(*PRESETS[preset]).eval().to("cuda", torch.bfloat16)
    ids = torch.randint(0, VOCABULARY, (batch, tokens))
    inputs = ids.cuda()

    @torch.inference_mode()
    def eager():
        return model(ids.cuda()).float().cpu()

    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode():
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for _ in range(3):
                model(inputs)
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            outputs = model(inputs)

    def replayed():
        inputs.copy_(ids)
        graph.replay()
        return outputs.float().cpu()

    return {"torch-bf16": eager, "torch-bf16-graph": replayed}


def ours(build, arguments, rounds):
    """The figures of device_bench, by cell."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run([str(build / "device_bench"), "--json", out.name, "--rounds", str(rounds),
                        "--ms", str(arguments.ms), "--preset", arguments.preset, "--tokens",
                        arguments.tokens, "--batch", arguments.batch, "--products",
                        arguments.products], check=True)
        return [json.loads(line) for line in open(out.name)]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="small,base")
    parser.add_argument("--tokens", default="16,128")
    parser.add_argument("--batch", default="1,32,256")
    parser.add_argument("--products", default="4096x3072x768,4096x768x768,4096x1536x384")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--ms", type=int, default=20, help="least milliseconds of a turn")
    parser.add_argument("--build", type=Path, default=None, help="folder of the bench programs")
    parser.add_argument("--json", default="", help="a file for one JSON object a line")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("peers_gpu.py: torch finds no GPU")
    print(torch.cuda.get_device_name(), "torch", torch.__version__, flush=True)

    build = arguments.build or newest_build()
    figures = ours(build, arguments, arguments.rounds)
    least = 1e-3 * arguments.ms
    lines = []
    for figure in figures:
        if figure["figure"] == "binary_product" and figure["device"] != "cpu":
            cell = f"{figure['m']} x {figure['n']} x {figure['k']}"
            peers = products(figure["m"], figure["n"], figure["k"])
            mine = 1e-6 * figure["us_p50"]
        elif figure["figure"] == "encoder":
            cell = f"{figure['preset']} T={figure['tokens']} B={figure['batch']}"
            peers = encoders(figure["preset"], figure["tokens"], figure["batch"])
            mine = 1e-3 * figure["ms_device"] * figure["batch"]
        else:
            continue
        for name, body in peers.items():
            low, middle, high = triple([timed(body, least) for _ in range(2 * arguments.rounds)])
            print(f"{cell:24} {name:18}{1e6 * middle:10.1f} us [{1e6 * low:.1f} - {1e6 * high:.1f}]"
                  f"   bipft {1e6 * mine:10.1f} us   ratio {middle / mine:6.2f}x", flush=True)
            lines.append({"cell": cell, "peer": name, "us_p10": 1e6 * low, "us_p50": 1e6 * middle,
                          "us_p90": 1e6 * high, "us_bipft": 1e6 * mine, "ratio": middle / mine,
                          "gpu": torch.cuda.get_device_name()})
    if arguments.json:
        with open(arguments.json, "w") as out:
            for line in figures + lines:
                out.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
