#!/usr/bin/env python3
"""Trains each task's default model in several ways, with several seeds: which default should it have?

    benchmarks/default_models.py --data FOLDER --json FILE [--jobs N] [--seeds 5] [--only REGEX]
    benchmarks/default_models.py --json FILE --table

FOLDER holds brown.txt (benchmarks/brown.sh), genres.csv and genres-1000.csv (benchmarks/brown_genres.py, the second
with --per-document 2). A seed decides the split of the data, the first weights, the batches and dropout. After each
run its results are appended to the file, as a line of JSON; a run that is in it is not made again. A run that fails is
named, the others go on, and the exit code is 1. --table prints mean and standard deviation over the seeds, to choose
by the validation examples alone. Needs Python alone; the command is that of --linformer or the variable LINFORMER.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
RATE = "training_args.learning_rate"
POST_XAVIER = {"pre_norm": False, "method": "learnable", "projection_init": "xavier"}
PRE_XAVIER = POST_XAVIER | {"pre_norm": True}
POST_BLOCKS = POST_XAVIER | {"projection_init": "blocks"}
PRE_BLOCKS = PRE_XAVIER | {"projection_init": "blocks"}
FULL = PRE_XAVIER | {"full_attention": True}
CONVOLUTION = PRE_XAVIER | {"method": "convolution"}
NORMS_AND_STARTS = {
    "post-norm, xavier": POST_XAVIER,
    "pre-norm, xavier": PRE_XAVIER,
    "post-norm, blocks": POST_BLOCKS,
    "pre-norm, blocks": PRE_BLOCKS,
}


def with_rates(recipes, *rates):
    return {f"{name}, {rate}": settings | {RATE: rate} for name, settings in recipes.items() for rate in rates}


CLASSIFY = (with_rates(NORMS_AND_STARTS, 0.001, 0.003) | with_rates({"pre-norm, blocks": PRE_BLOCKS}, 0.002)
            | with_rates({"pre-norm, convolution": CONVOLUTION}, 0.001, 0.002, 0.003)
            | with_rates({"full attention, pre-norm": FULL}, 0.001, 0.003))
CAUSAL = (with_rates(NORMS_AND_STARTS, 0.003) | with_rates({"post-norm, blocks": POST_BLOCKS}, 0.006, 0.01)
          | with_rates({"pre-norm, blocks": PRE_BLOCKS}, 0.001, 0.006, 0.01)
          | with_rates({"full attention, pre-norm": FULL}, 0.003, 0.01))
MASKED = (with_rates(NORMS_AND_STARTS, 0.003) | with_rates({"pre-norm, blocks": PRE_BLOCKS}, 0.001, 0.01)
          | with_rates({"pre-norm, convolution": CONVOLUTION}, 0.002, 0.003, 0.006, 0.01)
          | with_rates({"full attention, pre-norm": FULL}, 0.003, 0.006))
LISTOPS = (with_rates(NORMS_AND_STARTS, 0.001, 0.003) | with_rates({"pre-norm, blocks": PRE_BLOCKS}, 0.01)
           | with_rates({"pre-norm, convolution": CONVOLUTION, "full attention, pre-norm": FULL}, 0.003))
# name: (task, file of the data, what all its recipes set, recipes, the recipe that is the default)
SUITE = {
    "classify, 6,857 texts": ("classify", "genres.csv", {}, CLASSIFY, "pre-norm, convolution, 0.001"),
    "classify, 1,000 texts": ("classify", "genres-1000.csv", {}, CLASSIFY, "pre-norm, convolution, 0.001"),
    "causal-lm": ("causal-lm", "brown.txt", {}, CAUSAL, "pre-norm, blocks, 0.01"),
    "masked-lm": ("masked-lm", "brown.txt", {}, MASKED, "pre-norm, convolution, 0.006"),
    "listops": ("listops", None, {"training_args.eval_steps": 6000}, LISTOPS, "post-norm, blocks, 0.003"),
    "copy": ("copy", None, {"training_args.eval_steps": 2000}, with_rates(NORMS_AND_STARTS, 0.003),
             "post-norm, xavier, 0.003"),
}


def key(row):
    return row["work"], row["recipe"], row["seed"]


def train(work, recipe, seed, arguments, scratch):
    task, data, common, recipes, _ = SUITE[work]
    out = Path(scratch) / re.sub(r"[^a-z0-9.]+", "-", f"{work}-{recipe}-{seed}")
    command = shlex.split(arguments.linformer) + ["train", "--task", task, "--seed", str(seed), "--out", str(out)]
    if data:
        command += ["--data", str(arguments.data / data)]
    for name, value in (common | recipes[recipe]).items():
        command += ["--set", f"{name}={json.dumps(value)}"]
    if arguments.threads:
        command += ["--threads", str(arguments.threads)]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if run.returncode != 0:
        last = (run.stderr.strip() or run.stdout.strip() or "no output").splitlines()[-1]
        raise RuntimeError(f"{work}, {recipe}, seed {seed}: exit code {run.returncode}: {last}")
    state = json.loads((out / "trainer_state.json").read_text())
    best = min(state["eval_history"], key=lambda each: each["eval_loss"])
    seconds = json.loads((out / "log.jsonl").read_text().splitlines()[-1])["seconds"]
    return {"work": work, "recipe": recipe, "seed": seed, "validation_loss": best["eval_loss"],
            "validation_accuracy": best["eval_accuracy"], "best_step": best["step"], "test": state["evaluation"],
            "seconds": seconds}


def spread(values):
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values) if len(values) > 1 else 0:.3f}"


def percent(values):
    return f"{100 * statistics.mean(values):.1f} ± {100 * (statistics.stdev(values) if len(values) > 1 else 0):.1f}"


def table(rows):
    recipes = collections.defaultdict(list)
    for row in rows:
        recipes[row["work"], row["recipe"]].append(row)
    for work, (_, _, _, names, default) in SUITE.items():
        print(f"\n| {work} | seeds | validation loss | validation accuracy, % | test accuracy, % |\n|---|---|---|---|---|")
        for name in sorted(names):
            found = recipes[work, name]
            if found:
                print(f"| {f'**{name}**' if name == default else name} | {len(found)} | {spread([row['validation_loss'] for row in found])} |"
                      f" {percent([row['validation_accuracy'] for row in found])} |"
                      f" {percent([row['test']['accuracy'] for row in found])} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="for each run; unless given, as many as the task's default says")
    parser.add_argument("--only", default="", help="a regular expression of WORK: RECIPE")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--linformer", default=os.environ.get("LINFORMER", str(HOME / "linformer")))
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.json.read_text().splitlines()] if arguments.json.exists() else []
    if arguments.table:
        return table(rows)
    if arguments.data is None:
        parser.error("--data is missing: the folder of brown.txt, genres.csv and genres-1000.csv")
    done, lock, failed = {key(row) for row in rows}, threading.Lock(), []
    runs = [(work, recipe, seed) for seed in range(1, arguments.seeds + 1) for work, suite in SUITE.items()
            for recipe in suite[3] if re.search(arguments.only, f"{work}: {recipe}")]

    def one(run, scratch):
        try:
            row = train(*run, arguments, scratch)
        except (RuntimeError, OSError, ValueError) as problem:
            failed.append(run)
            print(f"FAILED {problem}", file=sys.stderr, flush=True)
            return
        with lock, arguments.json.open("a") as out:
            out.write(json.dumps(row) + "\n")
            print(f"{row['seconds']:.0f} s: {', '.join(map(str, run))}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(lambda run: one(run, scratch), (run for run in runs if run not in done)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
