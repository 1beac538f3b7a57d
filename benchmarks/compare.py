#!/usr/bin/env python3
"""Ours and the peers on the same work, alternately, each in a process of its own, in one table.

    benchmarks/compare.py --suite readme --peers reference lucidrains --json readme.json
    benchmarks/compare.py --suite roberta --peers fused "fused compiled" --table table.md

Needs a Python with PyTorch, linformer-pytorch 0.19.3 and linformer 0.2.3, where it runs the peers.
"""
import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(command, environment=None):
    """The last line of JSON that a command prints, or its error."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if lines:
        return json.loads(lines[-1])
    text = (done.stderr or done.stdout).strip().splitlines()
    return {"error": text[-1] if text else f"exit code {done.returncode}"}


def peer_work(work):
    """The reference's highest level stands beside ours that it lacks."""
    config = dict(work["config"])
    if config["checkpoint_level"] == "C3":
        config["checkpoint_level"] = "C2"
    return {**work, "config": config}


def figures(result):
    if "error" in result:
        return result["error"][:40]
    peak = f", {result['peak_mib']:,.0f} MiB" if result.get("peak_mib") is not None else ""
    return f"{result['median_ms']:.2f} ms{peak}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--suite", default="readme")
    arguments.add_argument("--only", default="")
    arguments.add_argument("--peers", nargs="*", default=["reference"])
    arguments.add_argument("--steps", default="10")
    arguments.add_argument("--linformer", default=str(HERE.parent / "linformer"), help="the command")
    arguments.add_argument("--xla", choices=["true", "false"])
    arguments.add_argument("--memory-limit", default="0", help="MiB, for ours")
    arguments.add_argument("--rounds", type=int, default=1, help="each after the other, so many times")
    arguments.add_argument("--json")
    arguments.add_argument("--table")
    arguments = arguments.parse_args()

    linformer = shlex.split(arguments.linformer)
    options = ["--suite", arguments.suite, "--only", arguments.only, "--steps", arguments.steps,
               "--memory-limit", arguments.memory_limit]
    options += ["--xla", arguments.xla] if arguments.xla else []
    listed = subprocess.run([*linformer, "bench", *options, "--list"], capture_output=True, text=True, check=True)
    works = [json.loads(line) for line in listed.stdout.splitlines() if line.startswith("{")]
    rows = []
    for work in works:
        row = {"name": work["name"], "work": work, "ours": [], "peers": {peer: [] for peer in arguments.peers}}
        for _ in range(arguments.rounds):
            row["ours"].append(run([*linformer, "bench", "--work", json.dumps(work)],
                                   {} if work["memory_limit_mib"] else {"TF_GPU_ALLOCATOR": "cuda_malloc_async"}))
            for peer in arguments.peers:
                name, *compiled = peer.split()
                if work["config"]["full_attention"] != (name == "full") and name != "fused":
                    continue
                row["peers"][peer].append(run(
                    [sys.executable, str(HERE / "peers.py"), "--peer", name, "--work", json.dumps(peer_work(work))]
                    + (["--compile"] if compiled else [])))
        rows.append(row)
        print(row["name"], "| ours", [figures(r) for r in row["ours"]],
              *[f"| {peer} {[figures(r) for r in results]}" for peer, results in row["peers"].items()], flush=True)
        if arguments.json:
            Path(arguments.json).write_text(json.dumps(rows, indent=1))
    if arguments.table:
        Path(arguments.table).write_text(table(rows, arguments.peers))


def best(results, key="median_ms"):
    values = [result[key] for result in results if result.get(key) is not None]
    return min(values) if values else None


def cell(results):
    fine = [result for result in results if "error" not in result]
    return figures(min(fine, key=lambda result: result["median_ms"])) if fine else (results[0]["error"][:40] if results else "")


def table(rows, peers):
    lines = ["| work | ours | " + " | ".join(f"{peer} | peer/ours" for peer in peers) + " |",
             "|---|---|" + "---|---|" * len(peers)]
    for row in rows:
        ours = best(row["ours"])
        cells = []
        for peer in peers:
            theirs = best(row["peers"][peer])
            cells += [cell(row["peers"][peer]), f"{theirs / ours:.2f}" if theirs and ours else ""]
        lines.append(f"| {row['name']} | {cell(row['ours'])} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
