"""Compiles kernels in Triton IR, without a GPU, and prints what they need of one.

    python3 -m venv .venv/kernels && .venv/kernels/bin/pip install triton==3.0.0 setuptools
    .venv/kernels/bin/python tools/kernels/compile.py linformer-ops/target/kernels

Shared memory and spills are bytes; a program that spills writes registers to memory and reads them again. A file
begins with a line "// warps = 4, stages = 2", what XLA is told of the kernel.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import triton
import triton.backends.nvidia.compiler as nvidia
import triton.compiler.compiler as compiler
from triton.backends.compiler import GPUTarget

# Triton's own pattern backtracks for minutes over a long kernel of many arguments. Ours stand on one line.
compiler.prototype_pattern["ttir"] = r"^\s*tt\.func\s+(?:public\s+)?(@\w+)(\([^\n]*?\)) (attributes \{[^\n]+\}) \{$"
LINE = "{:<40} {:>5} {:>8} {:>10} {:>8}"


def resources(ptx, arch):
    """Registers a thread and bytes of spills, as NVIDIA's assembler says."""
    ptxas, _ = nvidia._path_to_binary("ptxas")
    suffix = "a" if arch == 90 else ""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "kernel.ptx")
        source.write_text(ptx)
        command = [ptxas, "-v", f"-arch=sm_{arch}{suffix}", source, "-o", source.with_suffix(".cubin")]
        log = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    registers = max(int(n) for n in re.findall(r"Used (\d+) registers", log))
    spills = sum(int(n) for n in re.findall(r"(\d+) bytes spill", log))
    return registers, spills


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=pathlib.Path, help="files of Triton IR, or folders of *.ttir")
    parser.add_argument("--arch", nargs="+", type=int, default=[80, 90], help="80: A100, 90: H100")
    given = parser.parse_args()
    missing = [str(path) for path in given.paths if not path.exists()]
    if missing:
        sys.exit(f"not there: {', '.join(missing)}")
    files = [f for path in given.paths for f in (sorted(path.glob("*.ttir")) if path.is_dir() else [path])]
    if not files:
        sys.exit(f"no *.ttir in {', '.join(map(str, given.paths))}")
    print(LINE.format("kernel", "sm", "shared", "registers", "spills"))
    failed = 0
    for file in files:
        head = re.match(r"// warps = (\d+), stages = (\d+)\n", file.read_text())
        if not head:
            sys.exit(f"{file} does not begin with // warps = …, stages = …")
        options = {"num_warps": int(head[1]), "num_stages": int(head[2])}
        for arch in given.arch:
            try:
                made = triton.compile(str(file), target=GPUTarget("cuda", arch, 32), options=options)
                registers, spills = resources(made.asm["ptx"], arch)
                print(LINE.format(file.stem, arch, made.metadata.shared, registers, spills), flush=True)
            except Exception as error:  # of the compiler, which has no common kind of them
                failed += 1
                print(f"{file.stem} for {arch}: {error}", file=sys.stderr)
    if failed:
        sys.exit(f"{failed} not compiled")


if __name__ == "__main__":
    main()
