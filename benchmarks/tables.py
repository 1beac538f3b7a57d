#!/usr/bin/env python3
"""Writes the tables of docs/benchmarks.md and docs/benchmarks/README.md anew, between their markers.

    benchmarks/tables.py            # --check: says whether they are up to date, and writes nothing

The figures come from docs/benchmarks/*.json. docs/benchmarks.md has the bars, and times and memory on the newest GPU;
docs/benchmarks/README.md has the rest: older GPUs, two cores, full attention, the comparisons with float64, and all runs.

Where several files have the same work and program, the newest counts. In brackets stands
theirs / ours, where both are from one file. Plain Python.
"""
import json
import math
import sys
from pathlib import Path

import bars

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "benchmarks.md"
RUNS = DOCS / "benchmarks" / "README.md"
NAMES = {"ours": "**this library**", "reference": "linformer-pytorch", "lucidrains": "linformer (lucidrains)",
         "fused": "PyTorch, Linformer on fused attention", "fused compiled": "the same, compiled",
         "full": "PyTorch, full attention, fused", "full compiled": "full attention, compiled"}
SUITES = {"readme": "README configuration", "roberta": "Two RoBERTa-shaped layers", "length": "Length",
          "longest": "Longest", "depth": "Depth", "heads": "Heads", "table3": "Against full attention", "cpu": "Two cores"}
LONG = "table3", "cpu"  # their tables are on the page of runs
PRECISION = {"float32": "tf32", "bf16": "bf16"}


def time_of(entry):
    if "error" in entry:
        return entry["error"] if len(entry["error"]) < 25 else "failed"
    ms = entry["median_ms"]
    return f"{ms:.2f}" if ms < 10 else f"{ms:.1f}" if ms < 100 else f"{ms:,.0f}"


def memory_of(entry):
    return f"{entry['peak_mib']:,.0f}" if entry.get("peak_mib") is not None else ""


def times(ratio):
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}"


def grid(head, rows):
    return "\n".join(["| " + " | ".join(map(str, head)) + " |", "|" + "---|" * len(head)]
                     + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"


def line(work):
    """One work, for a terminal."""
    parts = []
    for name, entry in work["programs"].items():
        spread = f" [{entry['q1_ms']:.2f}, {entry['q3_ms']:.2f}]" if "q1_ms" in entry else ""
        memory = f", {memory_of(entry)} MiB" if memory_of(entry) else ""
        unit = "" if "error" in entry else " ms"
        parts.append(f"{name} {time_of(entry)}{unit}{spread}{memory}")
    return work["name"] + ": " + "; ".join(parts)


def agreement_line(answer):
    if "error" in answer:
        return f"{answer['name']}: not compared: {answer['error']}"
    parts = [f"{name} {error['output']:.1e}" + (f" / {error['gradients']:.1e}" if error["gradients"] is not None else "")
             for name, error in answer["errors"].items()]
    return (f"{answer['name']}: at n={answer['n']} output / worst gradient off by "
            + ", ".join(parts) + ("" if answer["agree"] else ": NOT THE SAME"))


def merged(runs):
    """Works by name, each program of them from the newest run that has it."""
    works = {}
    for run in sorted(runs, key=lambda run: run["date"]):
        for work in run["works"]:
            into = works.setdefault(work["name"], {**work, "programs": {}})
            into["programs"] |= {name: {**entry, "run": run.get("file", run["date"])} for name, entry in work["programs"].items()}
    return list(works.values())


def over(entry, ours):
    """A peer's time over ours, if measured together."""
    if "median_ms" in entry and "median_ms" in ours and entry.get("run") == ours.get("run"):
        return times(entry["median_ms"] / ours["median_ms"])
    return ""


def cell(entry, ratio):
    if "error" in entry:
        return time_of(entry)
    memory = f", {memory_of(entry)} MiB" if memory_of(entry) else ""
    return f"{time_of(entry)} ms{f' ({ratio})' if ratio else ''}{memory}"


def cells(work):
    """What each program took, theirs with their time over ours."""
    ours = work["programs"].get("ours", {})
    return {name: cell(entry, over(entry, ours) if name != "ours" else "") for name, entry in work["programs"].items()}


def pivot(works):
    """A row for each program, precision and level, a column for what is done at which length; or on its side."""
    columns = sorted({(not work["training"], work["n"]) for work in works})
    rows = {}
    for work in works:
        for name, text in cells(work).items():
            key = (list(PRECISION).index(work["precision"]), work["level"], list(NAMES).index(name))
            rows.setdefault(key, {})[not work["training"], work["n"]] = text
    cores = not any("MiB" in text for row in rows.values() for text in row.values())
    names = [f"{list(NAMES.values())[name]}, {level}, "
             + ("float32" if cores and precision == 0 else list(PRECISION.values())[precision])
             for precision, level, name in sorted(rows)]
    heads = [f"{'infer' if infer else 'train'}, n = {n:,}" for infer, n in columns]
    table = [[rows[key].get(column, "") for column in columns] for key in sorted(rows)]
    if len(columns) > len(names):
        return grid(["", *names], [[head, *row] for head, row in zip(heads, zip(*table))])
    return grid(["", *heads], [[name, *row] for name, row in zip(names, table)])


def saved(works):
    """The paper's table 3: how many times less than full attention, for each n and k."""
    text = ""
    for precision in PRECISION:
        mine = [work for work in works if work["precision"] == precision]
        full = {work["n"]: work["programs"] for work in mine if work["full_attention"]}
        ks = sorted({work["k"] for work in mine if not work["full_attention"]})
        opponents = sorted({name for programs in full.values() for name in programs}, key=list(NAMES).index)
        cores = not any(entry.get("peak_mib") for programs in full.values() for entry in programs.values())
        for name in opponents:
            for what, key in (("Time", "median_ms"), ("Memory", "peak_mib")):
                rows = []
                for n in sorted(full):
                    theirs = full[n].get(name, {})
                    show = memory_of if key == "peak_mib" and "error" not in theirs else time_of
                    row = [f"{n:,}", show(theirs) if theirs else ""]
                    for k in ks:
                        ours = next((w["programs"]["ours"] for w in mine if not w["full_attention"] and (w["n"], w["k"]) == (n, k)), {})
                        both = theirs.get(key) and ours.get(key) and theirs["run"] == ours["run"]
                        row.append(times(theirs[key] / ours[key]) if both else "")
                    rows.append(row)
                if any(cell for row in rows for cell in row[2:]):
                    who = "this library's full attention" if name == "ours" else NAMES[name]
                    unit = "ms" if key == "median_ms" else "MiB"
                    text += f"\n{what} saved against {who}, {'float32' if cores and precision == 'float32' else PRECISION[precision]}:\n\n"
                    text += grid(["n", f"full, {unit}", *(f"k={k:,}" for k in ks)], rows)
    return text


def whole(works):
    """Full attention of ours and of PyTorch, a row for each n."""
    works = sorted((work for work in works if work["full_attention"]), key=lambda work: work["n"])
    names = sorted({name for work in works for name in work["programs"]}, key=list(NAMES).index)
    rows = [[f"{work['n']:,}", *(cells(work).get(name, "") for name in names)] for work in works]
    return "\nFull attention by itself:\n\n" + grid(["n", *(NAMES[name] for name in names)], rows) if names[1:] else ""


def growth(works):
    text = ""
    for row in bars.exponents(works):
        what = "time" if row["quantity"] == "median_ms" else "memory"
        text += (f"- {what} at {row['level']}, from n = {row['from']:,} to {row['to']:,}: n to the power of "
                 f"{row['exponent']:.2f}, {row['steepest']:.2f} where it is steepest; at most {row['at_most']} is wanted\n")
    return text


def sources(runs):
    text = ""
    for run in sorted(runs, key=lambda run: run["date"], reverse=True):
        versions = ", ".join(f"{name} {version}" for name, version in sorted(run["versions"].items()))
        file = f"[{run['file']}]({run['file']}): " if "file" in run else ""
        note = f" {run['note']}" if run.get("note") else ""
        environment = " ".join(f"{key}={value}" for key, value in run.get("environment", {}).items())
        command = f"{environment} {run['command']}".strip()
        text += f"- {file}{run['date']}, {run['device']}; {versions}; `{command}`.{note}\n"
    return text


def table(suite, runs):
    works = merged(runs)
    text = ""
    if suite == "table3":
        return saved(works) + whole(works)
    shapes = {}
    for work in works:
        shapes.setdefault(tuple(work[key] for key in ("c", "h", "d", "k", "f", "depth")), []).append(work)
    for shape, those in shapes.items():
        text += "\n" + ", ".join(f"{key} = {value:,}" for key, value in zip(("c", "h", "d", "k", "f", "depth"), shape)) + ":\n\n"
        text += pivot(those)
    return text + ("\n" + growth(works) if growth(works) else "")


def checked(runs):
    newest = {answer["name"]: answer for run in sorted(runs, key=lambda run: run["date"]) for answer in run.get("agreement", [])}
    if not newest:
        return ""
    return "\nFrom the same weights, against float64:\n\n" + "".join(f"- {agreement_line(a)}\n" for a in newest.values())


def sections(runs, text_of, suites=tuple(SUITES)):
    """A section for each suite and device, with the text that a function makes of their runs."""
    text = ""
    for suite in suites:
        devices = {run["device"]: None for run in runs if run["suite"] == suite}
        for device in devices:
            those = [run for run in runs if run["suite"] == suite and run["device"] == device]
            text += f"### {SUITES[suite]}, {device}\n{text_of(suite, those)}\n"
    return text


def of(runs):
    """All that there is to say of these runs."""
    return sections(runs, lambda suite, those: table(suite, those) + checked(those) + "\n" + sources(those))


def newest_device(suite, runs):
    """The device of the newest run of a suite."""
    return max((run for run in runs if run["suite"] == suite), key=lambda run: run["date"])["device"]


def tables(runs):
    """Times and memory on the GPU that a suite was measured on last; the rest is on the page of runs."""
    return sections([run for run in runs if run["device"] == newest_device(run["suite"], runs)],
                    table, [suite for suite in SUITES if suite not in LONG])


def details(runs):
    """What is not in `tables`, and the runs themselves."""
    def text_of(suite, those):
        shown = suite not in LONG and those[0]["device"] == newest_device(suite, runs)
        return ("" if shown else table(suite, those)) + checked(those) + "\n" + sources(those)
    return sections(runs, text_of)


def bar_table(runs):
    rows = []
    found = {row["bar"]: row for row in bars.of(runs)}
    apart = {row["bar"]: row for gpu in (True, False) for row in bars.of(
        [{"date": "", "device": "GPU" if gpu else "cores", "works": merged([r for r in runs if bars.is_gpu(r) == gpu])}])}
    for bar in bars.BARS:
        row = found.get(bar.text) or apart.get(bar.text)
        if row is None:
            rows.append([bar.text, bar.at_least, "not measured", "", "", "", "", ""])
            continue
        show, unit = (memory_of, "MiB") if bar.quantity == "peak_mib" else (time_of, "ms")
        verdict = "yes" if row["reached"] else "no" if row["agrees"] else "no: gradients too far off"
        if bar.text not in found:
            verdict = "not measured together"
        elif row["loaded"]:
            verdict = "unsettled, loaded machine"
        rows.append([bar.text, bar.at_least,
                     times(math.floor(100 * row["ratio"]) / 100),  # 1.196 is not 1.2
                     verdict,
                     f"{show({bar.quantity: row['ours']})} {unit}",
                     f"{show({bar.quantity: row['theirs']})} {unit}", NAMES[row["peer"]],
                     row.get("device", "")])
    return grid(["work", "wanted", "ratio", "reached", "this library", "the best peer", "which", "on"], rows)


def filled(page, texts):
    for name, text in texts.items():
        begin, end = f"<!-- {name}: benchmarks/tables.py -->", f"<!-- end of {name} -->"
        head, rest = page.split(begin)
        page = head + begin + "\n\n" + text.strip() + "\n\n" + end + rest.split(end)[1]
    return page


def main():
    runs = []
    for file in sorted((DOCS / "benchmarks").glob("*.json")):
        data = json.loads(file.read_text())
        if "works" in data:
            runs.append({**data, "file": file.name})
    pages = {PAGE: {"bars": bar_table(runs), "tables": tables(runs)}, RUNS: {"runs": details(runs)}}
    for page, texts in pages.items():
        old = page.read_text()
        new = filled(old, texts)
        if "--check" not in sys.argv[1:]:
            page.write_text(new)
        elif new != old:
            sys.exit(f"{page} is out of date: run benchmarks/tables.py")


if __name__ == "__main__":
    main()
