#!/usr/bin/env python3
"""Makes the small files of torch.save that the reader of .pt files is tested with.

    .venv/golden/bin/python tools/golden/make_pt.py

writes linformer-model/src/test/resources/pt/, in the environment that make_golden.py makes:

    linformer.pt      the state dict of the reference's Linformer with CONFIG, headwise: shared
                      projections are one storage under several names
    expected.safetensors
                      the same state dict, each name with its own copy, for comparison
    kinds.pt          tensors of every float type, contiguous and not, sharing storages, Parameters
    malicious.pt      a pickle that would run `os.system` where Python loads it
    integers.pt       a tensor of int64
    checkpoint.pt     a state dict inside of another dictionary
"""

import io
import os
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "linformer-model" / "src" / "test" / "resources" / "pt"
SEED = 20200608

CONFIG = {
    "input_size": 7,
    "channels": 6,
    "dim_k": 3,
    "dim_ff": 5,
    "nhead": 2,
    "depth": 2,
    "parameter_sharing": "headwise",
}


class Malicious:
    """Calls os.system when it is loaded."""

    def __reduce__(self):
        return os.system, ("touch /tmp/linformer-pickle-was-run",)


def kinds(torch):
    """Tensors in every way in which they may lie in a storage."""
    counting = torch.arange(24.0)
    return {
        "float": counting.reshape(2, 3, 4).clone(),
        "double": counting[:6].double().reshape(3, 2).clone(),
        "half": counting[:6].half().clone(),
        "bfloat": counting[:6].bfloat16().clone(),
        "parameter": torch.nn.Parameter(counting[:4].clone()),
        "transposed": counting[:6].reshape(2, 3).t().contiguous().t(),
        "permuted": counting.reshape(2, 3, 4).permute(2, 0, 1).contiguous().permute(1, 2, 0),
        "every_second": torch.stack([counting, -counting], 1).reshape(-1)[::2][:5],
        "expanded": counting[:2].clone().reshape(2, 1).expand(2, 2),
        "tail": (counting - 20)[20:],
        "scalar": torch.tensor(0.0),
        "empty": torch.zeros(3, 0, 2),
    }


def malicious():
    """A zip file as of torch.save, around a pickle of its own."""
    import pickle

    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        entry = zipfile.ZipInfo("malicious/data.pkl")
        archive.writestr(entry, pickle.dumps({"w": Malicious()}, protocol=2))
    return data.getvalue()


def main():
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import make_golden

    if not make_golden.has_requirements():
        sys.exit("run make_golden.py, and then this with .venv/golden/bin/python")
    import linformer_pytorch
    import safetensors.torch
    import torch

    OUTPUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    weights = linformer_pytorch.Linformer(**CONFIG).state_dict()
    torch.save(weights, OUTPUT / "linformer.pt")
    copies = {name: tensor.clone() for name, tensor in weights.items()}
    (OUTPUT / "expected.safetensors").write_bytes(make_golden.encode(copies, None))
    torch.save(kinds(torch), OUTPUT / "kinds.pt")
    (OUTPUT / "malicious.pt").write_bytes(malicious())
    torch.save({"steps": torch.arange(3)}, OUTPUT / "integers.pt")
    torch.save({"model": {"w": torch.zeros(2)}, "epoch": 3}, OUTPUT / "checkpoint.pt")


if __name__ == "__main__":
    main()
