#!/usr/bin/env python3
"""Measures what `linformer bench --work JSON` measures, with PyTorch: one work, one line of JSON.

Peers: reference is linformer-pytorch, lucidrains is linformer (both from PyPI); fused is the
reference's layer written with PyTorch's scaled_dot_product_attention on the compressed keys and
values; full is that on all of them. The loss is the mean of the output's squares, the update plain
descent. bf16 is autocast over float32 weights, float32 may use tf32.
"""
import argparse
import itertools
import json
import math
import sys
import time
import types

import torch
import torch.nn.functional as F
from torch import nn

PEERS = ["reference", "lucidrains", "fused", "full"]


class FusedLayer(nn.Module):
    def __init__(self, c, h, d, f):
        super().__init__()
        self.h, self.d = h, d
        self.to_q = nn.Linear(c, h * d, bias=False)
        self.to_k = nn.Linear(c, h * d, bias=False)
        self.to_v = nn.Linear(c, h * d, bias=False)
        self.w_o = nn.Linear(h * d, c)
        self.norm_1, self.norm_2 = nn.LayerNorm(c), nn.LayerNorm(c)
        self.w_1, self.w_2 = nn.Linear(c, f), nn.Linear(f, c)

    def split(self, x):  # [b,n,h·d] -> [b,h,n,d]
        return x.unflatten(-1, (self.h, self.d)).transpose(1, 2)

    def forward(self, x, e, bias):
        if e is None:
            keys, values = self.to_k(x), self.to_v(x)
        else:
            short = e @ x  # [b,k,c]: the cheaper order, as ours
            keys, values = self.to_k(short) + bias, self.to_v(short) + bias
        mixed = F.scaled_dot_product_attention(self.split(self.to_q(x)), self.split(keys), self.split(values))
        x = self.norm_1(x + self.w_o(mixed.transpose(1, 2).flatten(2)))
        return self.norm_2(x + self.w_2(F.gelu(self.w_1(x))))


class Fused(nn.Module):
    def __init__(self, n, c, h, d, k, f, depth, full):
        super().__init__()
        self.e = None if full else nn.Parameter(torch.randn(k, n) * math.sqrt(2 / (n + k)))
        self.bias = None if full else nn.Parameter(torch.zeros(k, 1))
        self.layers = nn.ModuleList(FusedLayer(c, h, d, f) for _ in range(depth))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x, self.e, self.bias)
        return x


def build(peer, config):
    n, c, h, d = (config[key] for key in ("input_size", "channels", "nhead", "dim_d"))
    k, f, depth = config["dim_k"], config["dim_ff"], config["depth"]
    if peer == "reference":
        try:
            import matplotlib  # noqa: F401
        except ImportError:  # its visualizer alone needs it
            sys.modules["matplotlib"] = types.ModuleType("matplotlib")
            sys.modules["matplotlib.pyplot"] = types.ModuleType("matplotlib.pyplot")
        from linformer_pytorch import Linformer
        level = config["checkpoint_level"]
        return Linformer(
            input_size=n, channels=c, dim_d=d, dim_k=k, dim_ff=f, dropout=0.0, dropout_ff=0.0, nhead=h,
            depth=depth, activation="gelu", checkpoint_level="C2" if level == "C3" else level,
            parameter_sharing="layerwise", full_attention=config["full_attention"])
    if peer == "lucidrains":
        from linformer import Linformer
        return Linformer(dim=c, seq_len=n, depth=depth, heads=h, dim_head=d, k=k)
    return Fused(n, c, h, d, k, f, depth, peer == "full")


def versions():
    from importlib.metadata import version
    return {"torch": torch.__version__, **{name: version(name) for name in ("linformer-pytorch", "linformer")}}


def prepare():
    """The device, with tf32 allowed."""
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.manual_seed(1)
    return "cuda" if torch.cuda.is_available() else "cpu"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--peer", choices=PEERS, required=True)
    arguments.add_argument("--work", required=True, help="JSON, as linformer bench has it")
    arguments.add_argument("--compile", action="store_true", help="torch.compile")
    arguments = arguments.parse_args()
    work = json.loads(arguments.work)
    device = prepare()
    try:
        result = measure(arguments, work, work["config"], device)
    except torch.OutOfMemoryError:
        result = {"error": "out of memory"}
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    print(json.dumps({**work, "device": name, "versions": versions(), **result}), flush=True)


def measure(arguments, work, config, device):
    model = build(arguments.peer, config).to(device)
    model.train(work["training"])
    if arguments.compile:
        model = torch.compile(model)
    # A recomputed segment needs an input that wants a gradient.
    x = torch.randn(work["batch"], config["input_size"], config["channels"], device=device,
                    requires_grad=work["training"] and config["checkpoint_level"] != "C0")
    narrow = config["precision"] == "bf16"
    descent = torch.optim.SGD(model.parameters(), lr=1e-4, foreach=True)

    def loss_of():
        with torch.autocast(device, torch.bfloat16, enabled=narrow):
            return model(x).float().square().mean()

    def step():
        if work["training"]:
            loss = loss_of()
            loss.backward()
            descent.step()
            descent.zero_grad(set_to_none=True)
        else:
            with torch.inference_mode():
                loss = loss_of()
        return loss.item()

    times = []
    for i in itertools.count():
        start = time.perf_counter()
        loss = step()
        if device == "cuda":
            torch.cuda.synchronize()
        end = time.perf_counter()
        if i == 0:
            first, begin = 1e3 * (end - start), end
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            continue
        # A slow work is warm after one step, one measured step of it has to do, and short ones go on for a second.
        if i >= work["warmup"] or end - begin > work["seconds"] / 2:
            times.append(1e3 * (end - start))
        if times and (end - begin > work["seconds"] or len(times) >= work["steps"] and sum(times) > 1e3):
            break
    times.sort()
    result = {"times_ms": times, "median_ms": times[len(times) // 2], "first_step_ms": first, "loss": loss}
    if device == "cuda":
        result["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
    return result


if __name__ == "__main__":
    main()
