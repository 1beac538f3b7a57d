#!/usr/bin/env python3
"""Writes packages.dot from the imports of the sources, and renders every .dot file here as .svg.

    docs/drawings/draw.py            # needs Graphviz's dot; the committed files are of version 2.43.0

An arrow from A to B means that A uses B. An arrow that follows from others is left out: where A uses B and B uses C, no
arrow goes from A to C.
"""
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GROUP = "dev.linformer."
HEAD = """// Written by draw.py from the imports of the sources.
digraph packages {
  rankdir=TB; newrank=true; ranksep=0.45; nodesep=0.35; fontname="Helvetica"; fontsize=12;
  node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=12, height=0.35];
  edge [color="#555555", arrowsize=0.7];
"""


def packages():
    """Modules by package, and the packages that each one uses."""
    modules, uses = {}, {}
    for source in sorted(ROOT.glob("*/src/main/java/**/*.java")):
        text = source.read_text()
        package = re.search(rf"^package {GROUP}([\w.]+);", text, re.M)
        if package is None:
            continue
        package = package.group(1)
        modules[package] = source.relative_to(ROOT).parts[0]
        uses.setdefault(package, set()).update(re.findall(rf"^import (?:static )?{GROUP}([a-z]+(?:\.[a-z]+)*)(?=\.[A-Z])", text, re.M))
    return modules, {package: others - {package} for package, others in uses.items()}


def reachable(uses, package):
    seen, open_ones = set(), [package]
    while open_ones:
        for other in uses[open_ones.pop()] - seen:
            seen.add(other)
            open_ones.append(other)
    return seen


def reduced(uses):
    return {package: {other for other in others
                      if not any(other in reachable(uses, third) for third in others - {other})}
            for package, others in uses.items()}


def drawing():
    modules, uses = packages()
    text = HEAD
    for module in sorted(set(modules.values())):
        text += f'  subgraph "cluster_{module}" {{\n    label="{module}"; style=filled; color="#e8eef7";\n'
        text += "".join(f'    "{package}";\n' for package in sorted(modules) if modules[package] == module)
        text += "  }\n"
    arrows = reduced(uses)
    text += "".join(f'  "{package}" -> "{other}";\n' for package in sorted(arrows) for other in sorted(arrows[package]))
    return text + "}\n"


def main():
    (HERE / "packages.dot").write_text(drawing())
    for source in sorted(HERE.glob("*.dot")):
        subprocess.run(["dot", "-Tsvg", f"-o{source.with_suffix('.svg')}", source], check=True)


if __name__ == "__main__":
    main()
