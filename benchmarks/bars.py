"""The least that this library has to reach against the peers, and what runs say of it."""
import math
from dataclasses import dataclass

README = {"c": 64, "k": 128, "h": 4, "d": 256, "f": 128, "depth": 2, "full_attention": False}
ROBERTA = {"c": 768, "k": 256, "h": 12, "d": 64, "f": 3072, "depth": 2, "full_attention": False}
ANY = None  # the fastest of all peers in the run: PyTorch in its best form


@dataclass(frozen=True)
class Bar:
    text: str
    at_least: float
    work: dict
    peer: str | None = "reference"
    quantity: str = "median_ms"
    gpu: bool = True


def bar(text, at_least, shape, n, training, precision="float32", level="C0", **other):
    work = {**shape, "n": n, "training": training, "precision": precision, "level": level}
    return Bar(text, at_least, work, **other)


BARS = [
    bar("README configuration, train, tf32", 4.5, README, 262144, True),
    bar("README configuration, train, bf16", 6, README, 262144, True, "bf16"),
    bar("README configuration, infer, tf32", 4, README, 262144, False),
    bar("README configuration, peak memory of training", 5, README, 262144, True, quantity="peak_mib"),
    bar("RoBERTa-shaped, n = 4,096, train, tf32", 1.6, ROBERTA, 4096, True, peer=ANY),
    bar("RoBERTa-shaped, n = 4,096, train, bf16", 2, ROBERTA, 4096, True, "bf16", peer=ANY),
    bar("RoBERTa-shaped, n = 65,536, train, tf32", 2, ROBERTA, 65536, True, peer=ANY),
    bar("RoBERTa-shaped, n = 65,536, train, bf16", 1.4, ROBERTA, 65536, True, "bf16", peer=ANY),
    bar("RoBERTa-shaped, n = 65,536, infer, tf32", 1.2, ROBERTA, 65536, False, peer=ANY),
    bar("RoBERTa-shaped, n = 65,536, infer, bf16", 1.2, ROBERTA, 65536, False, "bf16", peer=ANY),
    bar("two cores, README widths, n = 16,384, infer", 20, README, 16384, False, gpu=False),
    bar("two cores, README widths, n = 16,384, train", 12, README, 16384, True, gpu=False),
    bar("two cores, RoBERTa-shaped, n = 1,024, infer", 1.5, ROBERTA, 1024, False, peer=ANY, gpu=False),
    bar("two cores, RoBERTa-shaped, n = 1,024, train", 1.5, ROBERTA, 1024, True, peer=ANY, gpu=False),
]
EXPONENT = 1.05  # at most, of time and of memory in n, at fixed k


def is_gpu(run):
    return "core" not in (run["device"] or "core")


def ratio(bar, run):
    """The best peer over ours within one run, or None if it lacks ours or all Linformers of others."""
    for work in run["works"]:
        if is_gpu(run) != bar.gpu or any(work[key] != value for key, value in bar.work.items()):
            continue
        programs = work["programs"]
        ours = programs.get("ours", {}).get(bar.quantity)
        theirs = {name: entry[bar.quantity] for name, entry in programs.items()
                  if name != "ours" and (bar.peer is ANY or name == bar.peer) and entry.get(bar.quantity)}
        if ours and any(not name.startswith("full") for name in theirs):
            best = min(theirs, key=theirs.get)
            return {"ours": ours, "peer": best, "theirs": theirs[best], "ratio": theirs[best] / ours}
    return None


def agrees(run, bar):
    """False where the same run found outputs or gradients of such works too far off."""
    kind = ("train" if bar.work["training"] else "infer") + f" {bar.work['precision'].upper()} "
    return all(answer["agree"] for answer in run.get("agreement", []) if kind in answer["name"])


def of(runs):
    """Each bar with the newest run that has both sides."""
    rows = []
    for bar in BARS:
        for run in sorted(runs, key=lambda run: run["date"], reverse=True):
            found = ratio(bar, run)
            if found:
                rows.append({"bar": bar.text, "at_least": bar.at_least, "quantity": bar.quantity, **found,
                             "agrees": agrees(run, bar),
                             "reached": found["ratio"] >= bar.at_least and agrees(run, bar), "loaded": run.get("loaded", False),
                             "date": run["date"], "device": run["device"]})
                break
    return rows


def exponents(works):
    """How time and memory grow with n at one k: from the shortest to the longest, and where it is steepest."""
    rows = []
    for level in ("C0", "C3"):
        points = sorted({w["n"]: w["programs"]["ours"] for w in works
                         if w["level"] == level and w["training"] and "median_ms" in w["programs"].get("ours", {})
                         and all(w[key] == value for key, value in README.items())}.items())
        for quantity in ("median_ms", "peak_mib"):
            series = [(n, entry[quantity]) for n, entry in points if entry.get(quantity)]
            if len(series) < 2:
                continue
            slopes = [math.log(b[1] / a[1]) / math.log(b[0] / a[0]) for a, b in zip(series, series[1:])]
            (n, first), (m, last) = series[0], series[-1]
            whole = math.log(last / first) / math.log(m / n)
            rows.append({"level": level, "quantity": quantity, "from": n, "to": m, "exponent": whole,
                         "steepest": max(slopes), "at_most": EXPONENT, "reached": whole <= EXPONENT})
    return rows
