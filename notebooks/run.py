"""Runs notebooks from top to bottom, each in a kernel of its own, and writes what a reader would see.

    notebooks/start PYTHON notebooks/run.py --out FOLDER NOTEBOOK ...

NAME.html and NAME-1.png, NAME-2.png ... go to the folder. With --again TAG N, the cell that has the tag is run N times
more in the same kernel at the end, and after each time, a line of Java is run that tells the memory in use.
"""

import argparse
import base64
import copy
import io
import json
import pathlib
import sys
import time

import nbclient
import nbconvert
import nbformat
import PIL.Image

MEMORY = """
System.gc();
System.out.println(org.bytedeco.javacpp.Pointer.physicalBytes())
"""


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<base href="../../notebooks/">
<title>{name}</title>
<style>
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font-family: sans-serif; line-height: 1.5 }}
.input, .jp-InputArea-editor, .highlight {{ background: #f6f8fa; overflow-x: auto }}
.highlight pre {{ padding: 0.5rem 0.8rem }}
pre {{ font-size: 0.85rem; line-height: 1.4; margin: 0.4rem 0; overflow-x: auto }}
img {{ max-width: 100% }}
.prompt, .jp-InputPrompt, .jp-OutputPrompt, .anchor-link {{ display: none }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def printed(cell):
    return "".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream")


def append(client, source):
    client.nb.cells.append(nbformat.v4.new_code_cell(source))
    index = len(client.nb.cells) - 1
    return client.execute_cell(client.nb.cells[index], index)


def run(file, again):
    notebook = nbformat.read(file, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        timeout=600,  # so that a cell that hangs ends
        coalesce_streams=True,
        kernel_name=notebook.metadata.kernelspec.name,
        resources={"metadata": {"path": str(file.parent)}},
    )
    runs = []
    start = time.monotonic()
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        seconds = time.monotonic() - start
        shown = copy.deepcopy(notebook)
        if again:
            tag, times = again[0], int(again[1])
            (index,) = [i for i, c in enumerate(notebook.cells) if tag in c.metadata.get("tags", [])]
            for _ in range(times):
                cell = append(client, notebook.cells[index].source)
                probe = append(client, MEMORY.strip())
                runs.append([int(printed(probe)), printed(cell).strip()])
    return shown, seconds, runs


def small(png):
    """The same picture in 256 colours: a third of the bytes, and no difference to be seen."""
    image = PIL.Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    packed = io.BytesIO()
    image.quantize(256, dither=PIL.Image.Dither.NONE).save(packed, "png", optimize=True)
    return packed.getvalue()


def write(notebook, name, out):
    pictures = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                pictures.append(small(output.data["image/png"]))
                output.data["image/png"] = base64.b64encode(pictures[-1]).decode()
    body, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(notebook)
    (out / f"{name}.html").write_text(PAGE.format(name=name, body=body), encoding="utf-8")
    for number, picture in enumerate(pictures, 1):
        (out / f"{name}-{number}.png").write_bytes(picture)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--again", nargs=2, metavar=("TAG", "N"))
    parser.add_argument("notebooks", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for file in options.notebooks:
        try:
            notebook, seconds, runs = run(file, options.again)
        except nbclient.exceptions.CellExecutionError as error:
            sys.exit(f"{file}: {error.ename}: {error.evalue}\n{error}")
        write(notebook, file.stem, options.out)
        for memory, text in runs:
            print(json.dumps({"physical_bytes": memory, "printed": text}))
        print(f"{file.stem}: {seconds:.0f} s")


if __name__ == "__main__":
    main()
