#!/usr/bin/env python3
"""Makes the golden files: what two PyTorch packages compute for small models.

The packages are linformer-pytorch 0.19.3, the reference, and linformer 0.2.3 of lucidrains. Run it with
Python 3.11 from anywhere, without arguments:

    python3 tools/golden/make_golden.py

Where the running interpreter lacks the packages below at exactly these versions, the script makes a
virtual environment in .venv/golden at the repository's root, installs them there and starts itself again.

It writes one file a configuration, linformer-model/src/test/resources/golden/<name>.safetensors, and those
of lucidrains to golden/lucidrains/<name>.safetensors. All tensors are float32, with b the batch, n the
sequence length, c the channels, and w the width of the output:

    weight:<name>     every entry of the state dict; a shared projection stands under each of its names
    gradient:<name>   the gradient of that weight; a shared one has the same total under each of its names
    input             [b, n, c], or instead of it
    tokens            [b, n], whole numbers
    target_tokens     [b, n], whole numbers: what the decoder of an encoder-decoder reads
    mask              [b, n], 0 or 1: `input_mask`, where the model is called with one
    source            [b, n, c]: `embeddings`, what a decoder alone attends to
    output            [b, n, w]
    cotangent         [b, n, w]
    input_gradient    [b, n, c], absent with tokens
    source_gradient   [b, n, c], only with `source`

Three kinds of weights are out of the ordinary:

    - The fixed projections of method "no_params" are neither parameters nor buffers of the reference. They
      stand here under the names that learned ones have, ...heads.{i}.E.weight and ...heads.{i}.F.weight, and
      in their shape [k, n], transposed from the reference's [n, k]. They have no gradient.
    - The frequencies of the sinusoid, pos_emb.inv_freq, are a buffer. They have no gradient.
    - With `full_attention` the state dict holds projections that nothing uses. They have no gradient.

The gradients are those of sum(output * cotangent). Some are 0 in exact arithmetic but maybe not here, to the
last bit: softmax cancels the bias of a convolution that is E alone, and everything before it where k is 1.

The metadata holds `config`, the model's arguments under the package's names for them, as JSON (null where
Python has None), and `versions`, also as JSON. What `config` leaves out has the package's default. Its key
`model_type` says which class it is for: "linformer" (which also holds where the key is absent), "lm" or "encdec"
of the reference, "lucidrains" or "lucidrains-lm".

Weights, input and cotangent are float32 numbers. From exactly these numbers the packages compute in
float64, and their output and gradients are rounded to float32 once, at the end. So a golden value carries
no float32 rounding of the package's own: a float32 implementation is compared with the true value.

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
    "linformer": "0.2.3",
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


def encoder(**changes):
    """The arguments of one encoder, or one decoder, with any option of the reference."""
    return {"model_type": "linformer"} | config() | changes


def convolution(**changes):
    """As `encoder`, with a kernel of 7: k divides n."""
    return encoder(method="convolution", input_size=35, dim_k=5, dim_d=11, dim_ff=13) | changes


def lm(**changes):
    """The arguments of one language model. The width of its embeddings must be even."""
    common = config(channels=22, dim_ff=17)
    return {"model_type": "lm", "num_tokens": 19} | common | {"dropout_tokens": 0.0} | changes


def encdec(encoder, decoder):
    """The arguments of one encoder-decoder."""
    enc = config(channels=14, dim_ff=17)
    dec = config(channels=14, dim_ff=19, dim_d=11, nhead=2)
    shared = {name: enc[name] for name in ("activation", "checkpoint_level")}
    enc = {"num_tokens": 29} | enc | encoder
    dec = {"num_tokens": 23} | dec | decoder
    return {
        "model_type": "encdec",
        **{f"enc_{name}": value for name, value in enc.items() if name not in shared},
        **{f"dec_{name}": value for name, value in dec.items() if name not in shared},
        **shared,
    }


def lucidrains(model_type="lucidrains", **changes):
    """The arguments of one model of lucidrains. Its feed-forward is 4 * dim wide, and heads divides dim."""
    values = {"dim": 15, "seq_len": 13, "depth": 2, "k": 5, "heads": 3, "dim_head": 7, "dropout": 0.0}
    return {"model_type": model_type} | values | changes


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
    # E and F are convolutions over the sequence.
    "convolution-none": convolution(parameter_sharing="none"),
    "convolution-headwise": convolution(parameter_sharing="headwise", activation="relu"),
    "convolution-kv": convolution(parameter_sharing="kv"),
    "convolution-layerwise": convolution(parameter_sharing="layerwise"),
    # E and F are fixed.
    "no-params-headwise": encoder(method="no_params", parameter_sharing="headwise"),
    "no-params-layerwise": encoder(method="no_params", parameter_sharing="layerwise"),
    # k falls from layer to layer: 5, 4, 3, then 5, 1, 1 where it would fall below 1, and 11, 8, 5.
    "k-reduce-none": encoder(parameter_sharing="none", depth=3, k_reduce_by_layer=1),
    "k-reduce-headwise": encoder(parameter_sharing="headwise", depth=3, k_reduce_by_layer=4),
    "k-reduce-kv": encoder(parameter_sharing="kv", depth=3, dim_k=11, dim_ff=19, k_reduce_by_layer=3),
    # Attention without projections.
    "full-attention": encoder(full_attention=True, parameter_sharing="headwise"),
    # Layers of attention only.
    "no-feed-forward": encoder(include_ff=False, parameter_sharing="headwise"),
    # Two Linears after the heads.
    "output-intermediate": encoder(w_o_intermediate_dim=19, parameter_sharing="kv"),
    # The layers in the middle are wider; the residuals are resampled where the width changes.
    "ff-intermediate": encoder(ff_intermediate=19, depth=3, parameter_sharing="headwise"),
    "ff-intermediate-k-reduce-output-intermediate": encoder(
        ff_intermediate=23, depth=3, parameter_sharing="none", k_reduce_by_layer=1, w_o_intermediate_dim=19
    ),
    # The reference's causal mask. With projections it is a triangle over [n, k] and hides no future, for every
    # projected position mixes all positions; with full attention it is one over [n, n] and does.
    "leaking-triangle": encoder(causal=True, parameter_sharing="headwise"),
    "causal-full-attention": encoder(causal=True, full_attention=True, parameter_sharing="headwise"),
    # Called with one of INPUT_MASKS.
    "input-mask-headwise": encoder(parameter_sharing="headwise"),
    "input-mask-none": encoder(parameter_sharing="none", activation="relu"),
    # Decoders alone. With `causal` the triangle lies on the cross-attention, not on the self-attention.
    "decoder-none": encoder(decoder_mode=True, parameter_sharing="none"),
    "decoder-headwise": encoder(decoder_mode=True, parameter_sharing="headwise", activation="relu"),
    "decoder-layerwise": encoder(decoder_mode=True, parameter_sharing="layerwise"),
    "decoder-no-feed-forward": encoder(decoder_mode=True, parameter_sharing="headwise", include_ff=False),
    "decoder-leaking-triangle-none": encoder(decoder_mode=True, causal=True, parameter_sharing="none", depth=1),
    "decoder-leaking-triangle-kv": encoder(decoder_mode=True, causal=True, parameter_sharing="kv"),
    "decoder-leaking-triangle-layerwise": encoder(decoder_mode=True, causal=True, parameter_sharing="layerwise"),
    # Language models: embeddings as wide as the model or not, returned or turned into logits.
    "lm": lm(),
    "lm-emb-dim": lm(channels=17, dim_ff=11, emb_dim=14, parameter_sharing="headwise"),
    "lm-return-emb": lm(return_emb=True, parameter_sharing="kv"),
    "lm-emb-dim-return-emb": lm(channels=17, dim_ff=11, emb_dim=26, return_emb=True, activation="relu"),
    "lm-full-attention": lm(full_attention=True, parameter_sharing="headwise"),
    # Encoder-decoders. Their decoder has the triangle, always. So k falls in the encoder only: a triangle has
    # the width of the first layer's k, and the reference fails in a layer with a smaller one.
    "encdec-layerwise": encdec({}, {"dim_k": 7}),
    "encdec-headwise-k-reduce": encdec(
        {"parameter_sharing": "headwise", "k_reduce_by_layer": 1, "depth": 3}, {"parameter_sharing": "headwise"}
    ),
    # The encoder returns embeddings of another width than its channels; it is that of the decoder's channels.
    "encdec-emb-dim": encdec(
        {"channels": 17, "emb_dim": 14, "depth": 1}, {"emb_dim": 10, "parameter_sharing": "none", "depth": 1}
    ),
    # Of lucidrains: heads of width dim / heads or another, keys and values of one head for all, and shared.
    "lucidrains/default-head-width": lucidrains(dim=21, dim_head=None),
    "lucidrains/head-width": lucidrains(),
    "lucidrains/one-kv-head": lucidrains(one_kv_head=True, depth=3),
    "lucidrains/share-kv": lucidrains(share_kv=True),
    "lucidrains/one-kv-head-share-kv": lucidrains(one_kv_head=True, share_kv=True, depth=1),
    "lucidrains/lm": lucidrains("lucidrains-lm", num_tokens=19),
    # With one of LENGTHS.
    "lucidrains/lm-shorter": lucidrains("lucidrains-lm", num_tokens=19, one_kv_head=True, depth=1),
}

# Which positions are real, 1, in the two sequences of the batch.
INPUT_MASKS = {
    "input-mask-headwise": ["1111111100000", "1111111111100"],
    "input-mask-none": ["1101101110101", "0111111011000"],
}

# The lengths of the inputs that are shorter than the model allows.
LENGTHS = {"lucidrains/lm-shorter": 11}


def has_requirements():
    """Whether the running interpreter has every requirement at its version."""
    try:
        return all(importlib.metadata.version(name) == version for name, version in REQUIREMENTS.items())
    except importlib.metadata.PackageNotFoundError:
        return False


def restart_in_environment():
    """Makes the virtual environment, if it is absent, fills it, and starts the running script again in it."""
    if Path(sys.prefix) == ENVIRONMENT:
        sys.exit(f"{ENVIRONMENT} lacks packages in spite of the installation: remove it and run again")
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pins = [f"{name}=={version}" for name, version in REQUIREMENTS.items()]
    subprocess.run([*pip, *pins], check=True)
    os.execv(python, [python, *sys.argv])


def build(model_type, arguments):
    """The model."""
    import linformer
    import linformer_pytorch

    classes = {
        "linformer": linformer_pytorch.Linformer,
        "lm": linformer_pytorch.LinformerLM,
        "encdec": linformer_pytorch.LinformerEncDec,
        "lucidrains": linformer.Linformer,
        "lucidrains-lm": linformer.LinformerLM,
    }
    return classes[model_type](**arguments)


def randomize(model):
    """Draws every weight anew, so that none is 0, 1, or equal to its neighbour, and activations are of order 1."""
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                parameter.uniform_(0.5, 1.5)
            elif name.endswith("emb.weight"):
                parameter.normal_()
            elif name.endswith(("proj_k", "proj_v")):  # [inputs, outputs]
                parameter.normal_(0.0, parameter.shape[0] ** -0.5)
            elif parameter.dim() == 1:
                parameter.normal_(0.0, 0.5)
            else:  # [outputs, inputs], or [outputs, inputs, kernel]
                parameter.normal_(0.0, parameter[0].numel() ** -0.5)


def fixed_projections(model):
    """Every head's matrices of method "no_params", [n, k], by the name a learned one would have."""
    return {
        f"{name}.{projection}.weight": getattr(head, projection)
        for name, head in model.named_modules()
        if getattr(head, "is_proj_tensor", False)
        for projection in ("E", "F")
    }


def double(model):
    """The model in float64. It is exact: every float32 number is a float64 number."""
    for head in model.modules():
        if getattr(head, "is_proj_tensor", False):  # Not among what the model itself converts.
            head.E = head.E.double()
            head.F = head.F.double()
    return model.double()


def draw_inputs(name, model_type, arguments):
    """The input tensors of one golden file, by their names in it."""
    import torch

    length = LENGTHS.get(name) or next(
        arguments[key] for key in ("input_size", "enc_input_size", "seq_len") if key in arguments
    )
    if model_type in ("linformer", "lucidrains"):
        width = arguments.get("channels") or arguments["dim"]
        inputs = {"input": torch.randn(BATCH, length, width)}
        if arguments.get("decoder_mode"):
            inputs["source"] = torch.randn(BATCH, length, width)
    elif model_type == "encdec":
        inputs = {
            "tokens": torch.randint(arguments["enc_num_tokens"], (BATCH, length)),
            "target_tokens": torch.randint(arguments["dec_num_tokens"], (BATCH, length)),
        }
    else:
        inputs = {"tokens": torch.randint(arguments["num_tokens"], (BATCH, length))}
        if arguments.get("decoder_mode"):
            inputs["source"] = torch.randn(BATCH, length, arguments["channels"])
    if name in INPUT_MASKS:
        inputs["mask"] = torch.tensor([[digit == "1" for digit in row] for row in INPUT_MASKS[name]])
    return inputs


def call(model, inputs):
    """The model's output."""
    keywords = {"source": "embeddings", "mask": "input_mask"}
    positional = [tensor for name, tensor in inputs.items() if name not in keywords]
    return model(*positional, **{keywords[name]: inputs[name] for name in keywords.keys() & inputs.keys()})


def check_relu_margin(model, run):
    """Calls `run` and refuses a model in which an argument of ReLU comes too close to 0."""
    margins = []
    handles = [
        module.register_forward_hook(lambda _module, _inputs, result: margins.append(result.abs().min().item()))
        for name, module in model.named_modules()
        if name.endswith(".w_1")  # Only the reference has ReLU.
    ]
    result = run()
    for handle in handles:
        handle.remove()
    if min(margins) < RELU_MARGIN:
        raise ValueError(f"an argument of ReLU is {min(margins):.1e} from 0: choose another seed")
    return result


def is_unused(key, arguments):
    """Whether the weight is one of the projections that full attention leaves aside."""
    half = {"encoder.": "enc_", "decoder.": "dec_"}.get(key[:8], "") if "enc_channels" in arguments else ""
    return arguments.get(f"{half}full_attention", False) and (".E." in key or ".F." in key)


def check_gradients(weights, parameters, buffers, unused):
    """Refuses entries of the state dict that are neither parameter nor buffer, and gradients that are lacking."""
    if weights.keys() != parameters.keys() | buffers.keys():
        raise AssertionError(f"neither parameter nor buffer: {weights.keys() ^ (parameters.keys() | buffers.keys())}")
    lacking = {name for name, parameter in parameters.items() if parameter.grad is None}
    if lacking != {name for name in parameters if unused(name)}:
        raise AssertionError(f"without a gradient: {sorted(lacking)}")


def exact_positions(model):
    """Computes the sinusoid's frequencies in float64; the package rounds them to float32."""
    import torch

    for module in model.modules():
        if hasattr(module, "inv_freq"):
            channels = 2 * len(module.inv_freq)
            module.inv_freq = 100000.0 ** (-torch.arange(0, channels, 2).double() / channels)


def golden(name, configuration, adjust=lambda model: None):
    """The tensors of one golden file. `adjust` may change the model, when it is in float64."""
    import torch

    arguments = dict(configuration)
    model_type = arguments.pop("model_type", "linformer")
    torch.manual_seed(SEED)
    model = build(model_type, arguments).eval()
    randomize(model)
    inputs = draw_inputs(name, model_type, arguments)

    model = double(model)
    adjust(model)
    inputs = {
        key: tensor.double().requires_grad_() if tensor.is_floating_point() else tensor
        for key, tensor in inputs.items()
    }
    if arguments.get("activation") == "relu":
        output = check_relu_margin(model, lambda: call(model, inputs))
    else:
        output = call(model, inputs)
    cotangent = torch.randn(output.shape)
    (output * cotangent.double()).sum().backward()

    weights = model.state_dict()
    parameters = dict(model.named_parameters(remove_duplicate=False))
    check_gradients(
        weights,
        parameters,
        dict(model.named_buffers()),
        unused=lambda key: is_unused(key, arguments),
    )
    tensors = {**inputs, "output": output, "cotangent": cotangent}
    for key, tensor in inputs.items():
        if tensor.requires_grad:
            tensors[f"{key}_gradient"] = tensor.grad
    for key in weights:
        tensors[f"weight:{key}"] = weights[key]
        if key in parameters and parameters[key].grad is not None:
            tensors[f"gradient:{key}"] = parameters[key].grad
    for key, tensor in fixed_projections(model).items():
        tensors[f"weight:{key}"] = tensor.T.contiguous()
    # The clone gives each name of a shared weight its own copy, as the format demands.
    return {key: tensor.detach().float().clone() for key, tensor in tensors.items()}


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
    for name, configuration in CONFIGURATIONS.items():
        package = "linformer" if name.startswith("lucidrains/") else "linformer-pytorch"
        versions = {requirement: REQUIREMENTS[requirement] for requirement in ("torch", package)}
        metadata = {"config": json.dumps(configuration), "versions": json.dumps(versions)}
        data = encode(golden(name, configuration), metadata)
        path = OUTPUT / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"{name}.safetensors: {len(data)} bytes")


if __name__ == "__main__":
    main()
