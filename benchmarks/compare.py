#!/usr/bin/env python3
"""Ours and the peers on the same work, alternately, each in a process of its own, in one table.

    python3 -m venv .venv/bench && .venv/bench/bin/pip install -r benchmarks/requirements.txt
    .venv/bench/bin/python benchmarks/compare.py --suite cpu --json docs/benchmarks/cpu.json
    benchmarks/compare.py --suite roberta --only 'n=65536 .* train' --peers fused "fused compiled" --budget-s 300
    benchmarks/compare.py --suite table3 --dry-run

First it lays outputs and gradients of ours and the peers beside each other, computed from the same
weights (agreement.py), several works at a time with --check-jobs; then it measures, one at a time. The JSON is written anew after each work. Needs a Python
with what requirements.txt lists, unless --peers is empty.
"""
import argparse
import datetime
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bars
import tables

HERE = Path(__file__).resolve().parent
PYTORCH = ["reference", "lucidrains", "fused", "fused compiled", "full", "full compiled"]
PEERS = {"readme": ["reference"], "roberta": PYTORCH, "cpu": PYTORCH, "table3": ["full", "full compiled"],
         "depth": ["reference"], "heads": ["reference"], "length": [], "longest": []}
ALLOCATOR = {"TF_GPU_ALLOCATOR": "cuda_malloc_async"}  # so that nvidia-smi sees what is in use
FLAGS = ["XLA_FLAGS", "TF_XLA_FLAGS", "OMP_NUM_THREADS"]
OF_A_PROGRAM = ["plan", "loss", "peak_mib", "first_step_ms"]


def run(command, limit, environment=None):
    """The last line of JSON that a command prints, or its error; with the memory its process held at most."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as log:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=log, start_new_session=True,  # to be ended with its children
                                   env={**os.environ, **(environment or {})})
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() - start > limit:
                os.killpg(process.pid, signal.SIGKILL)
                os.wait4(process.pid, 0)
                return {"error": f"no answer in {limit:.0f} s"}
            time.sleep(0.05)
        out.seek(0)
        log.seek(0)
        lines = [line for line in out if line.startswith("{")]
        if lines:
            return {**json.loads(lines[-1]), "rss_mib": usage.ru_maxrss / 1024}
        text = log.read().strip()
        if "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower() or "OOM" in text:
            return {"error": "out of memory"}
        said = [line for line in text.splitlines() if "linformer bench" in line] or text.splitlines()
        return {"error": said[-1] if said else f"exit code {os.waitstatus_to_exitcode(status)}"}


def takes_part(peer, config):
    name = peer.split()[0]
    if config["full_attention"]:
        return name == "full"
    if name == "full" and config["dim_d"] > 64:
        return False  # minutes a step on cores, and no bar
    return name == "reference" or config["checkpoint_level"] == "C0"


def facts(work):
    """What tables and bars ask of a work."""
    config = work["config"]
    return {"name": work["name"], "n": config["input_size"], "c": config["channels"], "k": config["dim_k"],
            "h": config["nhead"], "d": config["dim_d"], "f": config["dim_ff"], "depth": config["depth"],
            "training": work["training"], "precision": config["precision"], "level": config["checkpoint_level"],
            "full_attention": config["full_attention"], "batch": work["batch"], "xla": work["xla"]}


def together(results):
    """One entry of several rounds: quartiles of all their steps."""
    fine = [result for result in results if "times_ms" in result]
    if not fine:
        return {"error": results[0].get("error", "no figures")[:200]}
    times = sorted(t for result in fine for t in result["times_ms"])
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    entry = {"median_ms": middle, "q1_ms": low, "q3_ms": high, "min_ms": times[0], "steps": len(times),
             "rounds_ms": [result["median_ms"] for result in fine],
             "rss_mib": max(result["rss_mib"] for result in fine)}
    return entry | {key: fine[-1][key] for key in OF_A_PROGRAM if fine[-1].get(key) is not None}


def checked_work(work):
    """The same short enough for float64, with the same ratio to k or more."""
    config = work["config"]
    n = min(config["input_size"], max(2048, 2 * config["dim_k"]))
    return {**work, "config": {**config, "input_size": n}}


def agreement(linformer, work, peers, limit):
    """Ours and the peers from the same weights, or None where no peer has them."""
    names = sorted({peer.split()[0] for peer in peers} - {"lucidrains"})
    full = work["config"]["full_attention"]
    names = [name for name in names if full or name != "full"]
    if not names:
        return None
    work = checked_work(work)
    text = json.dumps(work)
    python = [sys.executable, str(HERE / "agreement.py")]
    steps = {
        "prepared": lambda folder: [*python, "--prepare", folder, "--work", text, "--peers", *names],
        "ours": lambda folder: [*linformer, "bench", "--check", folder, "--work", text],
        "judged": lambda folder: [*python, "--judge", folder],
    }
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        for step, command in steps.items():
            answers[step] = run(command(folder), limit)
            if "error" in answers[step]:
                return {"name": work["name"], "agree": False, "error": answers[step]["error"]}
    return {"name": work["name"], "n": work["config"]["input_size"], "plan": answers["ours"]["plan"],
            **{key: answers["judged"][key] for key in ("agree", "errors")}}


def agreements(linformer, works, who, arguments):
    """One for each kind of work; those that differ in length alone are checked once."""
    kinds = {}
    for work in works:
        checked = checked_work(work)
        kinds.setdefault(json.dumps([checked["config"], work["training"]]), work)
    answers = []
    with ThreadPoolExecutor(arguments.check_jobs) as pool:
        for answer in pool.map(lambda work: agreement(linformer, work, who[work["name"]], arguments.limit_s),
                               kinds.values()):
            if answer:
                answers.append(answer)
                print(tables.agreement_line(answer), flush=True)
    return answers


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return "unknown processor"


def device(result):
    name = result.get("device", "")
    return name if "core" not in name else f"{len(os.sched_getaffinity(0))} cores, {processor()}"


def parse():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--suite", default="readme", choices=PEERS)
    arguments.add_argument("--only", default="", help="works whose name has a part that matches")
    arguments.add_argument("--peers", nargs="*", help="default: all that the suite's bars are about; "
                           "of: " + ", ".join(PYTORCH))
    arguments.add_argument("--steps", default="10")
    arguments.add_argument("--rounds", type=int, default=1, help="each after the other, so many times")
    arguments.add_argument("--budget-s", type=float, default=float("inf"), help="after which no work begins")
    arguments.add_argument("--limit-s", type=float, default=180, help="for one process")
    arguments.add_argument("--no-check", action="store_true", help="measure only")
    arguments.add_argument("--check-jobs", type=int, default=1, help="works that are checked at the same time")
    arguments.add_argument("--loaded", action="store_true", help="other programs run, too: no bar is decided")
    arguments.add_argument("--dry-run", action="store_true", help="say what would run")
    arguments.add_argument("--linformer", default=str(HERE.parent / "linformer"), help="the command")
    arguments.add_argument("--xla", choices=["true", "false"])
    arguments.add_argument("--memory-limit", default="0", help="MiB, for ours")
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--table", type=Path)
    parsed = arguments.parse_args()
    if parsed.peers is None:
        parsed.peers = PEERS[parsed.suite]
    unknown = [peer for peer in parsed.peers if peer not in PYTORCH + ["reference compiled", "lucidrains compiled"]]
    if unknown:
        arguments.error(f"--peers {unknown}: one of {', '.join(PYTORCH)} is expected")
    return parsed


def measure(linformer, work, peers, arguments, late):
    """Rounds of ours and each peer in turn; no further round begins when it is late."""
    results = {"ours": []} | {peer: [] for peer in peers}
    for i in range(arguments.rounds):
        if i and late():
            break
        results["ours"].append(run([*linformer, "bench", "--work", json.dumps(work)], arguments.limit_s,
                                   {} if work["memory_limit_mib"] else ALLOCATOR))
        for peer in peers:
            name, *compiled = peer.split()
            if i and "times_ms" not in results[peer][0]:
                continue
            results[peer].append(run([sys.executable, str(HERE / "peers.py"), "--peer", name, "--work",
                                      json.dumps(work)] + ["--compile"] * bool(compiled), arguments.limit_s))
    return results


def main():
    arguments = parse()
    start = time.monotonic()
    linformer = shlex.split(arguments.linformer)
    options = ["--suite", arguments.suite, "--only", arguments.only, "--steps", arguments.steps,
               "--memory-limit", arguments.memory_limit]
    options += ["--xla", arguments.xla] if arguments.xla else []
    listed = subprocess.run([*linformer, "bench", *options, "--list"], stdout=subprocess.PIPE, text=True, check=True)
    works = [json.loads(line) for line in listed.stdout.splitlines() if line.startswith("{")]
    who = {work["name"]: [peer for peer in arguments.peers if takes_part(peer, work["config"])] for work in works}
    if arguments.dry_run:
        for work in works:
            print(" | ".join([work["name"], "ours", *who[work["name"]]]))
        return

    def late():
        return time.monotonic() - start > arguments.budget_s

    whole = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
             "suite": arguments.suite, "command": shlex.join(["benchmarks/compare.py", *shown(sys.argv[1:])]),
             "device": None, "versions": {}, "environment": {key: os.environ[key] for key in FLAGS if key in os.environ},
             "loaded": arguments.loaded, "works": [], "agreement": [], "skipped": [], "bars": []}
    if not arguments.no_check:
        whole["agreement"] = agreements(linformer, works, who, arguments)
    for work in works:
        if late():
            whole["skipped"].append(work["name"])
            continue
        results = measure(linformer, work, who[work["name"]], arguments, late)
        for result in [r for rs in results.values() for r in rs]:
            whole["versions"] |= result.get("versions", {})
        whole["device"] = whole["device"] or device(results["ours"][0]) or None
        whole["works"].append({**facts(work), "programs": {name: together(rs) for name, rs in results.items() if rs}})
        print(tables.line(whole["works"][-1]), flush=True)
        whole["bars"] = bars.of([whole])
        whole["exponents"] = bars.exponents(whole["works"])
        save(arguments.json, whole)
    save(arguments.json, whole)
    text = tables.of([whole])
    write(arguments.table, text)
    print(text)
    if any(not answer["agree"] for answer in whole["agreement"]):
        sys.exit("outputs or gradients differ by more than rounding does")


def shown(options):
    """Without where the files go."""
    kept, skip = [], False
    for option in options:
        if not skip and option not in ("--json", "--table", "--linformer"):
            kept.append(option)
        skip = not skip and option in ("--json", "--table", "--linformer")
    return kept


def save(path, whole):
    write(path, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def write(path, text):
    if path:
        part = path.with_name(path.name + ".part")
        part.write_text(text)
        part.replace(path)


if __name__ == "__main__":
    main()
