#!/usr/bin/env python3
"""Draws docs/checkpointing/*.png from docs/benchmarks/h100-2026-11-24.json; needs matplotlib.

    python3 -m pip install matplotlib && python3 benchmarks/plot_checkpointing.py
"""
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

DOCS = Path(__file__).resolve().parent.parent / "docs"


def draw(rows, axis, label, title, file, log=False):
    figure, plot = plt.subplots(figsize=(7, 4.2))
    series = {}
    for row in rows:
        if "peak_mib" in row:
            series.setdefault((row["program"], row["level"]), []).append((row[axis], row["peak_mib"]))
    for (program, level), points in sorted(series.items()):
        points = sorted(set(points))
        (x0, y0), (x1, y1) = points[0], points[-1]
        slope = (y1 - y0) / (x1 - x0) if x1 > x0 else float("nan")
        rate = f"{slope:,.0f} MiB a layer" if axis == "depth" else f"{slope * 2**20:,.0f} bytes a position"
        name = "linformer-pytorch" if program == "reference" else "this library"
        plot.plot(*zip(*points), marker="o", label=f"{name}, {level}: {rate}")
    if log:
        plot.set_xscale("log", base=2)
        plot.set_yscale("log", base=2)
        for side in (plot.xaxis, plot.yaxis):
            side.set_major_formatter(lambda value, _: f"{value:,.0f}")
    plot.set_xlabel(label)
    plot.set_ylabel("peak memory of a training step, MiB")
    plot.set_title(title, fontsize=10)
    plot.grid(alpha=0.3)
    plot.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(DOCS / "checkpointing" / file, dpi=120)


def main():
    data = json.loads((DOCS / "benchmarks" / "h100-2026-11-24.json").read_text())
    where = f"\n{data['device']}, {data['date']}, float32 with tf32, without XLA"
    draw(data["depth"], "depth", "layers", f"n = 262,144{where}", "depth.png")
    length = [row for row in data["length"] if row["level"] == "C0" or "chunk" in row]
    draw(length, "n", "positions n", f"2 layers, C3 with chunk = 16,384{where}", "length.png", log=True)


if __name__ == "__main__":
    main()
