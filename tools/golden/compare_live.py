#!/usr/bin/env python3
"""Compares this project with linformer-pytorch 0.19.3 and linformer 0.2.3 on models drawn at random.

    python3 tools/golden/compare_live.py --seed 1 --count 200

draws valid configurations with all options of the packages and what they do to each other, one of lucidrains'
linformer after every four of linformer-pytorch, lets the packages compute, as make_golden.py does, and runs
GoldenTest and LucidrainsTest on the files, which go to target/live-golden or the folder named with --folder, those
of lucidrains to its subfolder `lucidrains`. What stands behind `--` goes to Maven. The last line is

    200 compared, 0 off, largest difference float32 1.2e-06, float64 3.4e-08

A difference is relative to the largest value of its tensor, or, in float32, of all gradients where that is
larger. Models of lucidrains are compared in float32 only. The same seed draws the same models.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import make_golden
from make_golden import (
    BATCH,
    REQUIREMENTS,
    ROOT,
    config,
    encode,
    exact_positions,
    golden,
    has_requirements,
    lucidrains,
    restart_in_environment,
)

REPORTS = ROOT / "linformer-model" / "target" / "surefire-reports"
LUCIDRAINS = "lucidrains"  # The subfolder.
# The subfolder a test class reads, the class, and its tests of every file there.
TESTS = (
    ("", "dev.linformer.model.GoldenTest", ("float64", "float32", "everyNameOfTheStateDictionaryAndNoOther")),
    (LUCIDRAINS, "dev.linformer.model.convert.LucidrainsTest", ("outputAndGradients",)),
)
KINDS = ("encoder", "decoder", "lm", "lm-decoder", "encdec")
PRIMES = (2, 3, 5, 7, 11, 13, 17)
CHANNELS = (5, 7, 11, 13, 17)  # LayerNorm makes little more than signs of two or three
EVEN = (6, 10, 14, 22)


def reduced(k, step, depth):
    """The projected length of every layer."""
    return [max(1, k - layer * step) for layer in range(depth)]


def draw_stack(rng, n, decodes, triangle):
    """The arguments of one encoder or decoder, but for its channels; they may not go together."""
    values = config(
        input_size=n,
        channels=rng.choice(CHANNELS),
        dim_k=rng.choice([k for k in range(1, n + 1) if n % k == 0 or k in PRIMES]),
        dim_ff=rng.choice(PRIMES),
        dim_d=rng.choice((None, 1, 2, 3, 5, 7)),
        nhead=rng.choice((1, 2, 3, 5)),
        depth=rng.choice((1, 2, 3)),
        parameter_sharing=rng.choice(("none", "headwise", "kv", "layerwise")),
    )
    values["method"] = rng.choice(("learnable", "learnable", "convolution", "no_params"))
    values["full_attention"] = rng.random() < 0.15
    values["include_ff"] = rng.random() < 0.85
    values["k_reduce_by_layer"] = rng.choice((0, 0, 1, 2, 3, 7))
    values["w_o_intermediate_dim"] = rng.choice((None, None, 3, 11))
    values["ff_intermediate"] = None if decodes else rng.choice((None, None, 5, 13))
    values["decoder_mode"] = decodes
    values["causal"] = triangle
    return values


def fits(values):
    """Whether the package, and this project, takes the arguments."""
    layerwise = values["parameter_sharing"] == "layerwise"
    full = values["full_attention"]
    step = values["k_reduce_by_layer"]
    lengths = reduced(values["dim_k"], step, values["depth"])
    if values["dim_d"] is None and values["channels"] % values["nhead"] != 0:
        return False
    if step and layerwise and not full:
        return False
    if values["ff_intermediate"] and (layerwise or not values["include_ff"]):
        return False
    # The package lays a triangle of the first layer's width on every layer.
    if values["causal"] and not full and len(set(lengths)) > 1:
        return False
    return values["method"] != "convolution" or full or all(values["input_size"] % k == 0 for k in lengths)


def draw_fitting(rng, n, decodes, triangle, channels=None):
    """As `draw_stack`, until they fit."""
    while True:
        values = draw_stack(rng, n, decodes, triangle)
        values["channels"] = channels or values["channels"]
        if fits(values):
            return values


def draw(rng):
    """The arguments of a model and the mask it is called with, or None."""
    kind = rng.choice(KINDS)
    n = rng.choice((7, 11, 13, 12, 15, 30))
    activation = rng.choice(("gelu", "relu"))
    if kind == "encdec":
        channels = rng.choice(EVEN)  # of the decoder and of the encoder's embeddings
        enc = draw_fitting(rng, n, False, False, rng.choice((channels, None)))
        dec = draw_fitting(rng, n, True, True, channels)
        enc |= {"num_tokens": 19, "emb_dim": channels}
        dec |= {"num_tokens": 23, "emb_dim": rng.choice((None, *EVEN))}
        if not (enc["include_ff"] or dec["include_ff"]):
            activation = "gelu"  # make_golden.py looks for arguments of ReLU
        halves = {f"enc_{name}": value for name, value in enc.items()}
        halves |= {f"dec_{name}": value for name, value in dec.items()}
        common = ("activation", "checkpoint_level", "decoder_mode", "causal")
        arguments = {name: value for name, value in halves.items() if not name.endswith(common)}
        return {"model_type": "encdec", **arguments, "activation": activation, "checkpoint_level": "C0"}, None

    language = kind.startswith("lm")
    decodes = kind.endswith("decoder")
    values = draw_fitting(rng, n, decodes, rng.random() < 0.3, rng.choice(EVEN) if language else None)
    values["activation"] = activation if values["include_ff"] else "gelu"
    if language:
        values |= {
            "num_tokens": 19,
            "dropout_tokens": 0.0,
            "emb_dim": rng.choice((None, *EVEN)),
            "return_emb": rng.random() < 0.3,
        }
    mask = None
    # With full attention the package leaves padded positions a place in the softmax.
    if rng.random() < 0.4 and not values["full_attention"]:
        mask = ["".join(rng.choice("0111") for _ in range(n - 1)) for _ in range(BATCH)]
        mask = [row[:at] + "1" + row[at:] for row in mask for at in [rng.randrange(n)]]
    return {"model_type": "lm" if language else "linformer"} | values, mask


def draw_lucidrains(rng):
    """The arguments of a model of lucidrains and the length of its input, or None where it is not shorter.

    All arguments but `reversible`, which this project refuses.
    """
    n = rng.choice((7, 11, 13, 17))
    heads = rng.choice((1, 2, 3, 5))
    values = lucidrains(
        rng.choice(("lucidrains", "lucidrains-lm")),
        dim=heads * rng.choice([width for width in PRIMES if heads * width >= min(CHANNELS)]),
        seq_len=n,
        depth=rng.choice((1, 2, 3)),
        k=rng.choice([k for k in (1, *PRIMES) if k <= n]),
        heads=heads,
        dim_head=rng.choice((None, 1, 2, 3, 5, 7)),
        one_kv_head=rng.random() < 0.5,
        share_kv=rng.random() < 0.5,
    )
    if values["model_type"] == "lucidrains-lm":
        values["num_tokens"] = 19
    return values, rng.randrange(1, n) if rng.random() < 0.4 else None


def write(folder, seed, count):
    """Writes the files of so many models."""
    rng = random.Random(seed)
    for number in range(count):
        if number % 5 == 4:
            configuration, length = draw_lucidrains(rng)
            name = f"{LUCIDRAINS}/{number:05}-{configuration['model_type']}"
            package = "linformer"
            if length:
                make_golden.LENGTHS[name] = length
        else:
            configuration, mask = draw(rng)
            name = f"{number:05}-{configuration['model_type']}"
            package = "linformer-pytorch"
            if mask:
                make_golden.INPUT_MASKS[name] = mask
        versions = {requirement: REQUIREMENTS[requirement] for requirement in ("torch", package)}
        while True:
            make_golden.SEED = rng.randrange(2**31)
            try:
                tensors = golden(name, configuration, exact_positions)
                break
            except ValueError as error:
                if "ReLU" not in str(error):
                    raise ValueError(f"{name} {configuration}: {error}") from error
            except (AssertionError, RuntimeError) as error:
                raise ValueError(f"{name} {configuration}: {error}") from error
        metadata = {"config": json.dumps(configuration), "versions": json.dumps(versions)}
        (folder / f"{name}.safetensors").write_bytes(encode(tensors, metadata))


def report(test):
    """The file of JUnit's report."""
    return REPORTS / f"TEST-{test}.xml"


def outcome(test, methods, files):
    """The files that are off, each with the tests that failed, by JUnit's report: its tests have numbers."""
    tests = 0
    off = {}
    for case in ElementTree.parse(report(test)).iter("testcase"):
        method = case.get("name").split("(")[0]
        number = re.search(r"\[(\d+)]$", case.get("name"))
        if method not in methods or number is None:
            continue
        tests += 1
        problem = next((child for child in case if child.tag in ("failure", "error")), None)
        if problem is not None:
            said = (problem.get("message") or problem.text or "").strip().splitlines()
            off.setdefault(files[int(number[1]) - 1], []).append(f"{method}: {' '.join(said[:4])}")
    if tests != len(methods) * len(files):
        sys.exit(f"{tests} tests ran, but {len(methods) * len(files)} are expected: see {report(test)}")
    return off


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "live-golden")
    parser.add_argument("maven", nargs="*", help="arguments for Maven, after --")
    options = parser.parse_args()
    if not has_requirements():
        restart_in_environment()
    import torch

    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    folder = options.folder.resolve()
    (folder / LUCIDRAINS).mkdir(parents=True, exist_ok=True)
    for place, test, _ in TESTS:
        for old in (folder / place).glob("*.safetensors"):
            old.unlink()
        (folder / place / "differences.txt").unlink(missing_ok=True)
        report(test).unlink(missing_ok=True)
    write(folder, options.seed, options.count)

    files = {place: sorted(path.name for path in (folder / place).glob("*.safetensors")) for place, _, _ in TESTS}
    classes = ",".join(test for place, test, _ in TESTS if files[place])
    goal = ["test", "-pl", "linformer-ops,linformer-model", f"-Dtest={classes}", f"-Dgolden.folder={folder}"]
    quiet = ["-Dsurefire.failIfNoSpecifiedTests=false", "-Dmaven.test.failure.ignore=true"]
    subprocess.run([ROOT / "mvnw", "-q", *goal, *quiet, *options.maven], cwd=ROOT, check=True)

    off = 0
    largest = {}
    for place, test, methods in TESTS:
        if not files[place]:
            continue
        problems = outcome(test, methods, files[place])
        off += len(problems)
        for name, lines in problems.items():
            for line in lines:
                print(f"{Path(place, name)} {line}")
        for line in (folder / place / "differences.txt").read_text().splitlines():
            _, kind, difference = line.split()
            largest[kind] = max(largest.get(kind, 0.0), float(difference))
    shown = ", ".join(f"{kind.lower().lstrip('t')} {value:.1e}" for kind, value in sorted(largest.items()))
    print(f"{sum(map(len, files.values()))} compared, {off} off, largest difference {shown}")
    sys.exit(1 if off else 0)


if __name__ == "__main__":
    main()
