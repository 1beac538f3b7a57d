#!/usr/bin/env python3
"""Whether ours and the peers compute the same from the same weights: output and all gradients.

    benchmarks/agreement.py --prepare FOLDER --work JSON --peers reference fused
    linformer bench --check FOLDER --work JSON
    benchmarks/agreement.py --judge FOLDER

The truth is linformer-pytorch's in float64. An error is |a - truth| / |truth| of a whole tensor, in
Frobenius norms; of the gradients the worst tensor counts. The weights are linformer-pytorch's under
its names; `lucidrains` has others, and is another model: it can't take part.
"""
import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import peers

TIMES = 4  # so much larger than the best peer's our error may be, in the same precision
FLOOR = {"float32": 2e-6, "bf16": 2e-3}  # what rounding alone can do


def weights_of(model, full):
    """By their first name, without projections that full attention doesn't use."""
    return {name: w for name, w in model.named_parameters() if not (full and (".E." in name or ".F." in name))}


def shake(model):
    """Biases that are not 0 and gains that are not 1, so that a missing one shows."""
    with torch.no_grad():
        for name, w in model.named_parameters():
            if w.dim() == 1:
                w.add_(0.1 * torch.randn_like(w))


def fused_names(name, config):
    """Where a weight of linformer-pytorch lies in the fused model: its name, and which rows of it."""
    part, d = name.split("."), config["dim_d"]
    if ".E." in name:
        return ("e", None) if part[-1] == "weight" else ("bias", None)
    layer, second = int(part[1]) // 2, int(part[1]) % 2
    base = f"layers.{layer}."
    if part[2] == "norm":
        return base + f"norm_{second + 1}.{part[3]}", None
    if part[3].startswith("to_"):
        head = int(part[4])
        return base + f"{part[3]}.weight", slice(head * d, (head + 1) * d)
    return base + ".".join(part[3:]), None


def give(model, peer, weights, config):
    """Fills a peer with linformer-pytorch's weights."""
    target = dict(model.named_parameters())
    with torch.no_grad():
        for name, w in weights.items():
            place, rows = (name, None) if peer == "reference" else fused_names(name, config)
            to = target[place] if rows is None else target[place][rows]
            to.copy_(w.reshape(to.shape))


def answer(model, peer, weights, work, x, dy):
    """Output and gradients, under linformer-pytorch's names."""
    config = work["config"]
    narrow = config["precision"] == "bf16" and x.dtype == torch.float32
    with torch.set_grad_enabled(work["training"]), torch.autocast(x.device.type, torch.bfloat16, enabled=narrow):
        y = model(x)
    result = {"output": y.detach().to(x.dtype).cpu()}
    if work["training"]:
        (y.to(x.dtype) * dy).sum().backward()
        target = dict(model.named_parameters())
        for name, w in weights.items():
            place, rows = (name, None) if peer == "reference" else fused_names(name, config)
            gradient = target[place].grad if rows is None else target[place].grad[rows]
            result["gradient:" + name] = gradient.reshape(w.shape).cpu().contiguous()
    return result


def prepare(folder, work, names):
    device = peers.prepare()
    config = {**work["config"], "checkpoint_level": "C0"}
    model = peers.build("reference", config)
    shake(model)
    weights = {name: w.detach().clone() for name, w in weights_of(model, config["full_attention"]).items()}
    x, dy = (torch.randn(work["batch"], config["input_size"], config["channels"]) for _ in range(2))
    save_file(weights, folder / "weights.safetensors")
    save_file({"input": x, "cotangent": dy}, folder / "inputs.safetensors")
    x, dy = x.to(device), dy.to(device)
    model = model.double().to(device)
    model.train(work["training"])
    save_file(answer(model, "reference", weights, work, x.double(), dy.double()), folder / "truth.safetensors")
    for name in names:
        peer = peers.build(name, config)
        give(peer, name, weights, config)
        peer = peer.to(device)
        peer.train(work["training"])
        save_file(answer(peer, name, weights, work, x, dy), folder / f"peer-{name}.safetensors")
    (folder / "work.json").write_text(json.dumps(work))


def errors(answer, truth):
    if answer.keys() != truth.keys():
        raise SystemExit(f"not the same tensors: {sorted(answer.keys() ^ truth.keys())}")
    by_name = {}
    for name, right in truth.items():
        by_name[name] = ((answer[name].double() - right).norm() / right.norm()).item()
    gradients = {name: error for name, error in by_name.items() if name != "output"}
    worst = max(gradients, key=gradients.get) if gradients else None
    return {"output": by_name["output"], "gradients": gradients.get(worst), "worst": worst, "tensors": len(by_name)}


def judge(folder):
    work = json.loads((folder / "work.json").read_text())
    truth = load_file(folder / "truth.safetensors")
    found = {"ours": errors(load_file(folder / "answer.safetensors"), truth)}
    for file in sorted(folder.glob("peer-*.safetensors")):
        found[file.stem[5:]] = errors(load_file(file), truth)
    floor = FLOOR[work["config"]["precision"]]
    agree = True
    for what in ("output", "gradients"):
        if found["ours"][what] is not None:
            best = min(found[peer][what] for peer in found if peer != "ours")
            agree &= found["ours"][what] <= TIMES * max(best, floor)
    return {"agree": bool(agree), "errors": found}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--prepare", type=Path)
    arguments.add_argument("--judge", type=Path)
    arguments.add_argument("--work", help="JSON, as linformer bench has it")
    arguments.add_argument("--peers", nargs="*", default=["reference"])
    arguments = arguments.parse_args()
    if arguments.prepare:
        prepare(arguments.prepare, json.loads(arguments.work), arguments.peers)
        print(json.dumps({"prepared": str(arguments.prepare)}))
    else:
        print(json.dumps(judge(arguments.judge)))


if __name__ == "__main__":
    main()
