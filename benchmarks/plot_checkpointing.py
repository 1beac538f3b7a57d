#!/usr/bin/env python3
"""Draws docs/checkpointing/*.png from docs/benchmarks/h100-*.json; needs matplotlib.

    python3 -m pip install matplotlib && python3 benchmarks/plot_checkpointing.py

Peaks from h100-2026-11-24.json, and the smallest limits from h100-limits.jsonl, which limits.py
writes, if that is there: the limit that was enough, and a bar down to the one that was not.
"""
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

DOCS = Path(__file__).resolve().parent.parent / "docs"
RATES = {"depth": (1, "MiB a layer"), "heads": (1, "MiB a head"), "n": (2**20, "bytes a position")}
LABELS = {"depth": "layers", "heads": "heads", "n": "positions n"}
PEAK = "peak memory of a training step, MiB"
LIMIT = "smallest limit a training step runs in, MiB"


def name(row, told):
    """Whose curve a row belongs to; whether with XLA is told where the picture has both."""
    who = "linformer-pytorch" if row.get("program") == "reference" else "this library"
    return f"{who}, {row['level']}" + (f", {'XLA' if row['xla'] else 'without XLA'}" if told else "")


def slope(first, last, times):
    """From one point to another; what it may be, where a search was stopped."""
    (x0, low0, high0), (x1, low1, high1) = first[:3], last[:3]
    if first[3] and last[3]:
        return f"{(high1 - high0) / (x1 - x0) * times:,.0f}"
    return f"{(low1 - high0) / (x1 - x0) * times:,.0f} to {(high1 - low0) / (x1 - x0) * times:,.0f}"


def draw(rows, axis, file, title, value="peak_mib", what=PEAK, log=False):
    figure, plot = plt.subplots(figsize=(7, 4.2))
    rows = [row for row in rows if row.get(value) is not None]
    told = len({row["xla"] for row in rows}) > 1
    series = {}
    for row in rows:
        point = (row[axis], row.get("failed_mib", row[value]), row[value], row.get("done", True))
        series.setdefault(name(row, told), set()).add(point)
    for label, points in sorted(series.items()):
        points = sorted(points)
        times, unit = RATES[axis]
        rate = f": {slope(points[0], points[-1], times)} {unit}" if len(points) > 1 else ""
        x, low, high, _ = zip(*points)
        line, = plot.plot(x, high, marker="o", linestyle="--" if "without" in label else "-", label=label + rate)
        plot.vlines(x, low, high, colors=line.get_color())
    if log:
        plot.set_xscale("log", base=2)
        plot.set_yscale("log", base=2)
        for side in (plot.xaxis, plot.yaxis):
            side.set_major_formatter(lambda value, _: f"{value:,.0f}")
    else:
        plot.set_ylim(bottom=0)
    plot.set_xlabel(LABELS[axis])
    plot.set_ylabel(what)
    plot.set_title(title, fontsize=10)
    plot.grid(alpha=0.3)
    plot.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(DOCS / "checkpointing" / file, dpi=120)
    plt.close(figure)


def limits(file):
    """The last that was known of each work, if something was: a limit that is enough and one that is not."""
    last = {}
    for text in file.read_text().splitlines():
        row = json.loads(text)
        last[tuple(row[key] for key in ("suite", "level", "precision", "depth", "heads", "n", "chunk", "xla"))] = row
    return [row for row in last.values() if row["limit_mib"] and row["failed_mib"]]


def main():
    data = json.loads((DOCS / "benchmarks" / "h100-2026-11-24.json").read_text())
    device = f"\n{data['device']}, {data['date']}, float32 with tf32"
    draw(data["depth"], "depth", "depth.png", f"n = 262,144{device}, without XLA")
    draw(data["depth_xla"], "depth", "depth-xla.png", f"n = 262,144{device}, with XLA")
    draw(data["heads"], "heads", "heads.png", f"n = 65,536, 2 layers{device}")
    length = [row for row in data["length"] if row["level"] == "C0" or "chunk" in row]
    draw(length, "n", "length.png", f"2 layers, C3 with chunk = 16,384{device}, without XLA", log=True)

    found = DOCS / "benchmarks" / "h100-limits.jsonl"
    if not found.exists():
        return
    rows = limits(found)
    titles = {"depth": "n = 262,144", "heads": "n = 65,536, 2 layers", "n": "2 layers, C3 with chunk = 16,384"}
    for suite, axis in (("depth", "depth"), ("heads", "heads"), ("length", "n")):
        of_suite = [row for row in rows if row["suite"] == suite]
        if of_suite:
            draw(of_suite, axis, f"{suite}-limits.png", titles[axis] + device.replace(data["date"] + ", ", ""),
                 "limit_mib", LIMIT, log=axis == "n")


if __name__ == "__main__":
    main()
