#!/usr/bin/env python3
"""The smallest limit of a GPU's memory within which each work of a suite still trains.

    benchmarks/limits.py --suite depth --only 'depth=(2|6|12) ' --xla false true --jobs 6 --json limits.jsonl

Begins at the peak that --peaks knows, or else at what `linformer summary --memory` estimates and by how
much works like this one exceeded it; widens until one run succeeded and one ran out of memory, and halves
what is between until they are --within of each other. Works are searched --jobs at a time, each run a
process of its own; the limits of all that run together stay below --gpu-mib.
After each run a line is appended to the file: what is known of the work by then. A search that was
stopped goes on from there. A run that fails for another reason ends the search of its work, and the
exit code is 1. Needs Python alone; the command is that of --linformer or the variable LINFORMER.
"""
import argparse
import collections
import concurrent.futures
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from limited import Failed, Refused, estimate, step_within

HOME = Path(__file__).resolve().parent.parent
CONTEXT_MIB = 1000  # what CUDA and its libraries take beside the limit
WIDEN = 1.06  # the first step from the guess; squared with each further one
KEY = ("suite", "level", "precision", "depth", "heads", "n", "chunk", "xla")


class GpuMemory:
    """Gives out a GPU's MiB, to those who wait in the order they came."""

    def __init__(self, mib):
        self.free, self.waiting, self.changed = mib, collections.deque(), threading.Condition()

    def take(self, mib):
        with self.changed:
            turn = object()
            self.waiting.append(turn)
            self.changed.wait_for(lambda: self.waiting[0] is turn and self.free >= mib)
            self.waiting.popleft()
            self.free -= mib
            self.changed.notify_all()

    def give(self, mib):
        with self.changed:
            self.free += mib
            self.changed.notify_all()


def facts(suite, work):
    config = work["config"]
    return {"suite": suite, "name": work["name"], "level": config["checkpoint_level"], "precision": config["precision"],
            "depth": config["depth"], "heads": config["nhead"], "n": config["input_size"], "chunk": config["chunk"],
            "xla": work["xla"]}


def measured(file):
    """Peaks in MiB, from what compare.py's figures were collected in."""
    if not file.exists():
        return {}
    rows = [row for part in json.loads(file.read_text()).values() if isinstance(part, list) for row in part]
    return {peak_key(row): row["peak_mib"] for row in rows
            if row["program"] == "ours" and row["training"] and "peak_mib" in row}


def peak_key(row):
    return tuple(row.get(key) for key in KEY[1:] if key != "chunk")


class Searches:
    """What is known of all works, in a file of JSON lines."""

    def __init__(self, file):
        self.file, self.lock, self.known = file, threading.Lock(), {}
        if file.exists():
            for line in file.read_text().splitlines():
                row = json.loads(line)
                self.known[self.key(row)] = row

    @staticmethod
    def key(row):
        return tuple(row[key] for key in KEY)

    def of(self, row):
        with self.lock:
            return self.known.get(self.key(row))

    def add(self, row):
        with self.lock:
            self.known[self.key(row)] = row
            with self.file.open("a") as out:
                out.write(json.dumps(row) + "\n")

    def beyond_estimate(self, row):
        """By how much limits exceed estimates where both are known, of works like this one."""
        with self.lock:
            like = [each for each in self.known.values() if each["done"]
                    and all(each[key] == row[key] for key in ("suite", "level", "precision", "xla"))]
        return statistics.median(each["limit_mib"] / each["estimate_mib"] for each in like) if like else 1


def next_limit(row, guess, widened, most):
    """Where to try next."""
    low, high = row["failed_mib"], row["limit_mib"]
    if low is None and high is None:
        mib = guess
    elif high is None:
        mib = low * WIDEN ** (2 ** widened)
    elif low is None:
        mib = high / WIDEN ** (2 ** widened)
    else:
        mib = math.sqrt(low * high)
    return max(1, min(most, round(mib)))


def search(suite, work, searches, gpu, arguments, late):
    """Narrows down one work, and says what came of it."""
    row = facts(suite, work) | {"estimate_mib": None, "limit_mib": None, "failed_mib": None, "step_ms": None}
    row |= {**(searches.of(row) or {}), "done": False}
    for old in ("error", "tried_mib"):
        row.pop(old, None)
    most = arguments.gpu_mib - CONTEXT_MIB
    widened = 0
    while not finished(row, arguments.within):
        if late():
            return None
        if row["estimate_mib"] is None:
            row["estimate_mib"] = round(estimate(arguments.linformer, work, arguments.limit_s))
        if row["failed_mib"] == most:
            raise Failed(f"does not run in {most} MiB, the most that --gpu-mib allows")
        guess = arguments.peaks.get(peak_key(row)) or row["estimate_mib"] * searches.beyond_estimate(row)
        mib = next_limit(row, guess, widened, most)
        gpu.take(mib + CONTEXT_MIB)
        try:
            if late():
                return None
            step_ms = step_within(arguments.linformer, work, mib, arguments.limit_s)
        except Failed as reason:
            searches.add(row | {"error": str(reason), "tried_mib": mib})
            raise Failed(f"at {mib} MiB: {reason}") from None
        finally:
            gpu.give(mib + CONTEXT_MIB)
        widened += (row["limit_mib"] is None) != (row["failed_mib"] is None)  # this run was a step of it
        row = row | ({"failed_mib": mib} if step_ms is None else {"limit_mib": mib, "step_ms": step_ms})
        row["done"] = finished(row, arguments.within)
        searches.add(row)
    return row


def finished(row, within):
    low, high = row["failed_mib"], row["limit_mib"]
    return bool(low and high) and high - low <= max(1, within * high)


def line(row):
    return (f"{row['name']}{' XLA' if row['xla'] else ''}: runs in {row['limit_mib']:,} MiB"
            f" ({row['step_ms']:.1f} ms), not in {row['failed_mib']:,}")


def listed(arguments):
    works = []
    for xla in arguments.xla:
        command = [*arguments.linformer, "bench", "--suite", arguments.suite, "--only", arguments.only, "--xla", xla, "--list"]
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if answer.returncode:
            sys.exit(f"{shlex.join(command)}: exit code {answer.returncode}")
        works += [json.loads(text) for text in answer.stdout.splitlines() if text.startswith("{")]
    return [work for work in works if work["training"]]


def parse():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--suite", default="readme")
    arguments.add_argument("--only", default="", help="works whose name has a part that matches")
    arguments.add_argument("--xla", nargs="+", choices=["true", "false"], default=["false"])
    arguments.add_argument("--jobs", type=int, default=1, help="searches at a time")
    arguments.add_argument("--gpu-mib", type=int, default=78000, help="for all at a time")
    arguments.add_argument("--within", type=float, default=0.03, help="of the limit: when to stop")
    arguments.add_argument("--limit-s", type=float, default=300, help="for one process")
    arguments.add_argument("--budget-s", type=float, default=float("inf"), help="after which no run begins")
    arguments.add_argument("--json", type=Path, required=True, help="a file of JSON lines, to which is added")
    arguments.add_argument("--peaks", type=Path, default=HOME / "docs" / "benchmarks" / "h100-2026-11-24.json",
                           help="measured ones, where to begin")
    arguments.add_argument("--linformer", default=os.environ.get("LINFORMER", str(HOME / "linformer")), help="the command")
    parsed = arguments.parse_args()
    parsed.peaks = measured(parsed.peaks)
    parsed.linformer = shlex.split(parsed.linformer)
    return parsed


def main():
    arguments = parse()
    end = time.monotonic() + arguments.budget_s
    searches = Searches(arguments.json)
    gpu = GpuMemory(arguments.gpu_mib)
    works = listed(arguments)
    unfinished, failed = [], False
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tasks = {pool.submit(search, arguments.suite, work, searches, gpu, arguments, lambda: time.monotonic() > end): work
                 for work in works}
        for task in concurrent.futures.as_completed(tasks):
            name = tasks[task]["name"] + (" XLA" if tasks[task]["xla"] else "")
            try:
                row = task.result()
            except Refused as reason:
                pool.shutdown(cancel_futures=True)
                sys.exit(str(reason))
            except Failed as reason:
                failed = True
                print(f"{name}: not decided: {reason}", flush=True)
                continue
            if row is None:
                unfinished.append(name)
            else:
                print(line(row), flush=True)
    if unfinished:
        print(f"no time was left for the end of {len(unfinished)}: " + "; ".join(unfinished))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
