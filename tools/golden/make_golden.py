#!/usr/bin/env python3
"""Makes the golden files: what linformer-pytorch 0.19.3 computes for a few small models.

Run it with Python 3.11 from anywhere, without arguments:

    python3 tools/golden/make_golden.py

Where the running interpreter lacks the packages below at exactly these versions, the script makes a
virtual environment in .venv/golden at the repository's root, installs them there and starts itself again.

It writes one file a configuration, linformer-model/src/test/resources/golden/<name>.safetensors, all
tensors float32, with b the batch, n the sequence length and c the channels:

    weight:<name>     every entry of the state dict; a shared projection stands under each of its names
    gradient:<name>   the gradient of that weight; a shared one has the same total under each of its names
    input             [b, n, c]
    output            [b, n, c]
    cotangent         [b, n, c]
    input_gradient    [b, n, c]

The gradients are those of sum(output * cotangent). The metadata holds `config`, the arguments of the
reference's `Linformer` as JSON (null where Python has None), and `versions`, also as JSON.

Weights, input and cotangent are float32 numbers. From exactly these numbers the reference computes in
float64, and its output and gradients are rounded to float32 once, at the end. So a golden value carries
no float32 rounding of the reference's own: a float32 implementation is compared with the true value.

Two runs give the same bytes.
"""

import importlib.metadata
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv" / "golden"
OUTPUT = ROOT / "linformer-model" / "src" / "test" / "resources" / "golden"

# linformer-pytorch imports matplotlib and numpy for its visualizer; they compute nothing here.
REQUIREMENTS = {
    "torch": "2.15.0",
    "numpy": "2.4.6",
    "matplotlib": "3.11.2",
    "safetensors": "0.8.0",
    "linformer-pytorch": "0.19.3",
}

SEED = 20200608  # The day the Linformer paper appeared.
BATCH = 2

# A float32 implementation may round a number this close to 0 to the other side of ReLU's corner.
RELU_MARGIN = 1e-4


def config(**changes):
    """The arguments of one model. Sizes are distinct primes where they can be, so that no axis passes for another."""
    values = {
        "input_size": 13,
        "channels": 17,
        "dim_k": 5,
        "dim_ff": 11,
        "dim_d": 7,
        "dropout_ff": 0.0,
        "nhead": 3,
        "depth": 2,
        "dropout": 0.0,
        "activation": "gelu",
        "checkpoint_level": "C0",
        "parameter_sharing": "layerwise",
    }
    unknown = changes.keys() - values.keys()
    if unknown:
        raise ValueError(f"unknown arguments: {sorted(unknown)}")
    return values | changes


CONFIGURATIONS = {
    # The four ways of sharing E and F.
    "none": config(parameter_sharing="none"),
    "headwise": config(parameter_sharing="headwise", activation="relu"),
    "kv": config(parameter_sharing="kv", depth=3),
    "layerwise": config(parameter_sharing="layerwise", depth=3),
    # Nothing shared, with ReLU and a feed-forward wider than the model.
    "none-relu": config(parameter_sharing="none", activation="relu", channels=7, dim_d=5, dim_k=11, dim_ff=19),
    # dim_d left out: a head is channels / nhead wide.
    "default-head-width": config(parameter_sharing="headwise", channels=15, dim_k=7, dim_d=None),
    # One layer, and little else.
    "depth-one": config(depth=1, dim_d=None, channels=21, input_size=11, dim_ff=13),
    # One head, narrower than the model.
    "single-head": config(parameter_sharing="kv", activation="relu", nhead=1),
    # E and F are square: k = n.
    "full-length": config(parameter_sharing="none", dim_k=13),
}


def has_requirements():
    """Whether the running interpreter has every requirement at its version."""
    try:
        return all(importlib.metadata.version(name) == version for name, version in REQUIREMENTS.items())
    except importlib.metadata.PackageNotFoundError:
        return False


def restart_in_environment():
    """Makes the virtual environment, if it is absent, fills it, and starts this script again in it."""
    if Path(sys.prefix) == ENVIRONMENT:
        sys.exit(f"{ENVIRONMENT} lacks packages in spite of the installation: remove it and run again")
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pins = [f"{name}=={version}" for name, version in REQUIREMENTS.items()]
    subprocess.run([*pip, *pins], check=True)
    os.execv(python, [python, __file__])


def randomize(model):
    """Draws every weight anew, so that none is 0, 1, or equal to its neighbour, and activations are of order 1."""
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                parameter.uniform_(0.5, 1.5)
            elif parameter.dim() == 1:
                parameter.normal_(0.0, 0.5)
            else:  # [outputs, inputs]
                parameter.normal_(0.0, parameter.shape[1] ** -0.5)


def check_relu_margin(model, run):
    """Calls `run` and refuses a model in which an argument of ReLU comes too close to 0."""
    margins = []
    handles = [
        module.register_forward_hook(lambda _module, _inputs, result: margins.append(result.abs().min().item()))
        for name, module in model.named_modules()
        if name.endswith(".w_1")
    ]
    result = run()
    for handle in handles:
        handle.remove()
    if min(margins) < RELU_MARGIN:
        raise ValueError(f"an argument of ReLU is {min(margins):.1e} from 0: choose another seed")
    return result


def golden(configuration):
    """The tensors of one golden file."""
    import torch
    from linformer_pytorch import Linformer

    torch.manual_seed(SEED)
    model = Linformer(**configuration).eval()
    randomize(model)
    shape = (BATCH, configuration["input_size"], configuration["channels"])
    tensor = torch.randn(shape)
    cotangent = torch.randn(shape)

    model = model.double()  # Exact: every float32 number is a float64 number.
    tensor = tensor.double().requires_grad_()
    if configuration["activation"] == "relu":
        output = check_relu_margin(model, lambda: model(tensor))
    else:
        output = model(tensor)
    (output * cotangent.double()).sum().backward()

    weights = model.state_dict()
    parameters = dict(model.named_parameters(remove_duplicate=False))
    if weights.keys() != parameters.keys():
        raise AssertionError(f"not parameters: {weights.keys() ^ parameters.keys()}")
    tensors = {
        "input": tensor,
        "output": output,
        "cotangent": cotangent,
        "input_gradient": tensor.grad,
    }
    for name in weights:
        tensors[f"weight:{name}"] = weights[name]
        tensors[f"gradient:{name}"] = parameters[name].grad
    # The clone gives each name of a shared weight its own copy, as the format demands.
    return {name: value.detach().float().clone() for name, value in tensors.items()}


def encode(tensors, metadata):
    """A safetensors file whose header is sorted: the library writes the metadata in a random order."""
    from safetensors.torch import save

    data = save(tensors, metadata)
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # Keeps the tensors aligned.
    return len(header).to_bytes(8, "little") + header + data[end:]


def main():
    if not has_requirements():
        restart_in_environment()
    import torch

    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    versions = {name: REQUIREMENTS[name] for name in ("torch", "linformer-pytorch")}
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for name, configuration in CONFIGURATIONS.items():
        metadata = {"config": json.dumps(configuration), "versions": json.dumps(versions)}
        data = encode(golden(configuration), metadata)
        (OUTPUT / f"{name}.safetensors").write_bytes(data)
        print(f"{name}.safetensors: {len(data)} bytes")


if __name__ == "__main__":
    main()
