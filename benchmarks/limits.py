#!/usr/bin/env python3
"""The smallest limit of a GPU's memory within which each work of a suite still trains.

    benchmarks/limits.py --suite depth --only 'depth=(2|6|12) ' --xla false true --jobs 6 --json limits.jsonl

Begins at what `linformer summary --memory` estimates, widens until one run succeeded and one ran out
of memory, and halves what is between until they are --within of each other. Works are searched
--jobs at a time, each run a process of its own; the limits of all that run together stay below --gpu-mib.
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
import re
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
OUT_OF_MEMORY = re.compile("RESOURCE_EXHAUSTED|ResourceExhausted|OOM when allocating|Out of memory while trying to allocate")
GPU_FULL = "CUDA_ERROR_OUT_OF_MEMORY"  # not the limit: the GPU had less than that to give
CONTEXT_MIB = 1000  # what CUDA and its libraries take beside the limit
WIDEN = 1.06  # the first step from the guess; squared with each further one
KEY = ("suite", "level", "precision", "depth", "heads", "n", "chunk", "xla")


class Failed(Exception):
    """A run that says nothing about the limit."""


class Refused(Exception):
    """What no other run would do better: bad input, or no GPU."""


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


def execute(command, limit_s):
    """Exit code, output and errors of a command that is ended with its children after a while."""
    with tempfile.TemporaryFile("w+") as log:
        # Level 0, for what TensorFlow says of the GPU's memory.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
                                   env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0"})
        try:
            out, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Failed(f"no answer in {limit_s:.0f} s") from None
        log.seek(0)
        text = log.read()
    if process.returncode == 2:
        raise Refused(last_line(text))
    return process.returncode, out, text


def last_line(log):
    """What the program said at the end, or all that is known."""
    lines = [line for line in log.splitlines() if "linformer bench: " in line] or log.strip().splitlines()
    return lines[-1][:500] if lines else "it said nothing"


def runs(linformer, work, mib, limit_s):
    """The milliseconds of a step within a limit, or None if that is too little."""
    limited = {**work, "memory_limit_mib": mib, "warmup": 1, "steps": 2}
    code, out, log = execute([*linformer, "bench", "--work", json.dumps(limited)], limit_s)
    if code == 0:
        answer = json.loads([line for line in out.splitlines() if line.startswith("{")][-1])
        if not math.isfinite(answer["loss"]):
            raise Failed(f"the loss is {answer['loss']}")
        return answer["median_ms"]
    if GPU_FULL in log:
        raise Failed("the GPU has less than the limit to give; fewer --jobs, or a smaller --gpu-mib")
    if OUT_OF_MEMORY.search(log):
        return None
    raise Failed(f"exit code {code}: {last_line(log)}")


def estimate(linformer, work, limit_s):
    """MiB, as the model's configuration lets expect."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(work["config"], file)
        file.flush()
        code, out, log = execute([*linformer, "summary", "--memory", "--json", "--batch", str(work["batch"]),
                                  "--config", file.name], limit_s)
    if code != 0:
        raise Failed(f"summary: exit code {code}: {last_line(log)}")
    return json.loads(out)["memory"]["peak_bytes"][work["config"]["checkpoint_level"]] / 2**20


def facts(suite, work):
    config = work["config"]
    return {"suite": suite, "name": work["name"], "level": config["checkpoint_level"], "precision": config["precision"],
            "depth": config["depth"], "heads": config["nhead"], "n": config["input_size"], "chunk": config["chunk"],
            "xla": work["xla"]}


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
        mib = next_limit(row, row["estimate_mib"] * searches.beyond_estimate(row), widened, most)
        gpu.take(mib + CONTEXT_MIB)
        try:
            if late():
                return None
            step_ms = runs(arguments.linformer, work, mib, arguments.limit_s)
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
    arguments.add_argument("--limit-s", type=float, default=120, help="for one process")
    arguments.add_argument("--budget-s", type=float, default=float("inf"), help="after which no run begins")
    arguments.add_argument("--json", type=Path, required=True, help="a file of JSON lines, to which is added")
    arguments.add_argument("--linformer", default=os.environ.get("LINFORMER", str(HOME / "linformer")), help="the command")
    parsed = arguments.parse_args()
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
