"""torch as a child of peers.py: the same encoders, answering or learning.

  peers_torch.py infer|train THREADS

A line in, a line out, as serve.hpp says. `infer` knows torch-f32, torch-bf16 and torch-int8;
`train` knows torch-f32, torch-bf16 and torch-bit, a step being what bipft's is: forward, backward,
clipping by the global norm, AdamW.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

PRESETS = {"tiny": (2, 128, 2), "mini": (4, 256, 4), "small": (6, 384, 12), "base": (12, 768, 12)}
VOCABULARY, POSITIONS, LABELS, DROPOUT, EPSILON = 30522, 512, 2, 0.1, 1e-12


# --- Bits, simulated by floats (BiT, arXiv:2205.13016) --------------------------------------------


class WeightSign(torch.autograd.Function):
    """mean |w| · sign(w - mean w); the gradient passes as it is."""

    @staticmethod
    def forward(ctx, w):
        return w.abs().mean() * torch.sign(w - w.mean())

    @staticmethod
    def backward(ctx, grad):
        return grad


class RowSign(torch.autograd.Function):
    """Rows of a table that were looked up: mean |row| · sign(row - mean of the table)."""

    @staticmethod
    def forward(ctx, rows, mean):
        return rows.abs().mean(-1, keepdim=True) * torch.sign(rows - mean)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class ElasticSign(torch.autograd.Function):
    """±α; the gradient passes where |x| <= α."""

    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return alpha * torch.sign(x)

    @staticmethod
    def backward(ctx, grad):
        x, alpha = ctx.saved_tensors
        dalpha = (torch.sign(x) * grad).sum() * x.numel() ** -0.5
        return grad * (x.abs() <= alpha), dalpha.reshape(1)


class ElasticStep(torch.autograd.Function):
    """0 or α, whichever is nearer; the gradient passes within them."""

    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return alpha * (x / alpha).round().clamp(0, 1)

    @staticmethod
    def backward(ctx, grad):
        x, alpha = ctx.saved_tensors
        q = x / alpha
        inside = (q >= 0) & (q <= 1)
        slope = torch.where(inside, q.round() - q, (q > 1).to(q.dtype))
        dalpha = (slope * grad).sum() * x.numel() ** -0.5
        return grad * inside, dalpha.reshape(1)


class Elastic(nn.Module):
    """A binarizer with a learned scale, which starts at a multiple of the first mean |x|."""

    def __init__(self, function, multiple):
        super().__init__()
        self.function, self.multiple, self.calibrated = function, multiple, False
        self.alpha = nn.Parameter(torch.ones(1))

    def forward(self, x):
        if not self.calibrated:
            self.alpha.data.fill_(self.multiple * x.detach().abs().mean())
            self.calibrated = True
        return self.function.apply(x, self.alpha)


def elastic_sign():
    return Elastic(ElasticSign, 2.0)


def elastic_step():
    return Elastic(ElasticStep, 4.0)


class BitLinear(nn.Linear):
    def __init__(self, inputs, outputs, binarizer=elastic_sign):
        super().__init__(inputs, outputs)
        self.shift, self.input = nn.Parameter(torch.zeros(inputs)), binarizer()

    def forward(self, x):
        return F.linear(self.input(x + self.shift), WeightSign.apply(self.weight), self.bias)


# --- Encoders -------------------------------------------------------------------------------------


def heads_of(x, heads):
    batch, tokens, width = x.shape
    return x.view(batch, tokens, heads, width // heads).transpose(1, 2)


class FloatAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.project, self.output = heads, nn.Linear(width, 3 * width), nn.Linear(width,
                                                                                              width)

    def forward(self, x):
        q, k, v = (heads_of(part, self.heads) for part in self.project(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=DROPOUT if self.training else 0.0)
        return self.output(y.transpose(1, 2).reshape(x.shape))


class BitAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.query, self.key, self.value, self.output = (BitLinear(width, width) for _ in range(4))
        self.q, self.k, self.v = (elastic_sign() for _ in range(3))
        self.p = elastic_step()

    def forward(self, x):
        q = self.q(heads_of(self.query(x), self.heads))
        k = self.k(heads_of(self.key(x), self.heads))
        v = self.v(heads_of(self.value(x), self.heads))
        p = torch.softmax(q @ k.transpose(-1, -2) * self.scale, -1)
        y = self.p(F.dropout(p, DROPOUT, self.training)) @ v
        return self.output(y.transpose(1, 2).reshape(x.shape))


class Layer(nn.Module):
    def __init__(self, width, heads, bits):
        super().__init__()
        self.attention = (BitAttention if bits else FloatAttention)(width, heads)
        self.inner = BitLinear(width, 4 * width) if bits else nn.Linear(width, 4 * width)
        self.outer = (BitLinear(4 * width, width, elastic_step) if bits else
                      nn.Linear(4 * width, width))
        self.activation = F.relu if bits else F.gelu
        self.norm, self.last_norm = nn.LayerNorm(width, EPSILON), nn.LayerNorm(width, EPSILON)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x):
        x = self.norm(x + self.drop(self.attention(x)))
        return self.last_norm(x + self.drop(self.outer(self.activation(self.inner(x)))))


class Encoder(nn.Module):
    def __init__(self, layers, width, heads, bits=False):
        super().__init__()
        self.bits = bits
        self.word, self.position = nn.Embedding(VOCABULARY, width), nn.Embedding(POSITIONS, width)
        self.kind = nn.Embedding(2, width)
        self.norm, self.drop = nn.LayerNorm(width, EPSILON), nn.Dropout(DROPOUT)
        self.layers = nn.ModuleList(Layer(width, heads, bits) for _ in range(layers))
        self.pooler = BitLinear(width, width) if bits else nn.Linear(width, width)
        self.classifier = nn.Linear(width, LABELS)
        for table in (self.word, self.position, self.kind):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, ids):
        x = self.word(ids)
        if self.bits:
            x = RowSign.apply(x, self.word.weight.detach().mean())
        x = x + self.position.weight[: ids.shape[1]] + self.kind.weight[0]
        x = self.drop(self.norm(x))
        for layer in self.layers:
            x = layer(x)
        return self.classifier(self.drop(torch.tanh(self.pooler(x[:, 0]))))


# --- Turns ----------------------------------------------------------------------------------------


def answering(form, preset):
    """A function of ids that answers."""
    model = Encoder(*PRESETS[preset]).eval()
    if form == "torch-bf16":
        model = model.to(torch.bfloat16)
    elif form == "torch-int8":
        model = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
    elif form != "torch-f32":
        raise ValueError(f"no form is called {form}")

    def answer(ids, _):
        with torch.inference_mode():
            model(ids)

    return answer


def learning(form, preset):
    """A function of ids and labels that makes one step."""
    if form not in ("torch-f32", "torch-bf16", "torch-bit"):
        raise ValueError(f"no form is called {form}")
    model = Encoder(*PRESETS[preset], bits=form == "torch-bit").train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)

    def step(ids, labels):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=form == "torch-bf16"):
            logits = model(ids)
        F.cross_entropy(logits.float(), labels).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def time_calls(least, body):
    """As in bench.hpp: the first call does not count, unless it is long."""
    cpu, wall = time.process_time(), time.perf_counter()
    body()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if wall > 10 * least:
        return cpu, wall, 1
    calls, cpu, wall = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - wall < least:
        body()
        calls += 1
    return (time.process_time() - cpu) / calls, (time.perf_counter() - wall) / calls, calls


def main():
    kind, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    make = learning if kind == "train" else answering
    about = {"program": "torch", "version": torch.__version__,
             "capability": torch.backends.cpu.get_cpu_capability()}
    print(json.dumps(about), flush=True)
    models, seen = {}, set()
    for line in sys.stdin:
        try:
            form, preset, tokens, batch, ms = line.split()
            if (form, preset) not in models:
                models[form, preset] = make(form, preset)
            ids = torch.randint(0, VOCABULARY, (int(batch), int(tokens)))
            labels = torch.randint(0, LABELS, (int(batch),))
            run = models[form, preset]
            if line not in seen:  # the very first call of a shape allocates and chooses kernels
                run(ids, labels)
                seen.add(line)
            cpu, wall, calls = time_calls(1e-3 * float(ms), lambda: run(ids, labels))
            print(f"ok {cpu:.9f} {wall:.9f} {calls}", flush=True)
        except Exception as error:  # whatever it is, the others go on
            print(f"no {type(error).__name__}: {' '.join(str(error).split())[:200]}", flush=True)


if __name__ == "__main__":
    main()
