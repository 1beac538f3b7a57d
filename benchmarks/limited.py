"""One run of `linformer bench` within a limit of a GPU's memory, for limits.py, and what it says about the limit."""
import json
import math
import os
import re
import signal
import subprocess
import tempfile

OUT_OF_MEMORY = re.compile("RESOURCE_EXHAUSTED|ResourceExhausted|OOM when allocating"
                           "|Out of memory while trying to allocate")
GPU_FULL = "CUDA_ERROR_OUT_OF_MEMORY"  # not the limit: the GPU had less than that to give


class Failed(Exception):
    """A run that says nothing about the limit."""


class Refused(Exception):
    """What no other run would do better: bad input, or no GPU."""


def execute(command, limit_s):
    """Exit code, output and errors of a command that is ended with its children after a while."""
    with tempfile.TemporaryFile("w+") as log:
        # Level 0, for what TensorFlow says of the GPU's memory; its own allocator, for no other keeps the limit.
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0"}
        environment.pop("TF_GPU_ALLOCATOR", None)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
                                   env=environment)
        try:
            out, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Failed(f"no answer in {limit_s:.0f} s") from None
        log.seek(0)
        text = log.read()
    if process.returncode == 2:
        raise Refused(last_line(text))
    return process.returncode, out, text


def last_line(log):
    """What the program said at the end, or all that is known."""
    lines = [line for line in log.splitlines() if "linformer bench: " in line] or log.strip().splitlines()
    return lines[-1][:500] if lines else "it said nothing"


def step_within(linformer, work, mib, limit_s):
    """The milliseconds of a step within a limit, or None if that is too little."""
    limited = {**work, "memory_limit_mib": mib, "warmup": 1, "steps": 2}
    code, out, log = execute([*linformer, "bench", "--work", json.dumps(limited)], limit_s)
    if code == 0:
        answer = json.loads([line for line in out.splitlines() if line.startswith("{")][-1])
        if not math.isfinite(answer["loss"]):
            raise Failed(f"the loss is {answer['loss']}")
        return answer["median_ms"]
    if GPU_FULL in log:
        raise Failed("the GPU has less than the limit to give; fewer --jobs, or a smaller --gpu-mib")
    if OUT_OF_MEMORY.search(log):
        return None
    raise Failed(f"exit code {code}: {last_line(log)}")


def estimate(linformer, work, limit_s):
    """MiB, as the model's configuration lets expect."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(work["config"], file)
        file.flush()
        code, out, log = execute([*linformer, "summary", "--memory", "--json", "--batch", str(work["batch"]),
                                  "--config", file.name], limit_s)
    if code != 0:
        raise Failed(f"summary: exit code {code}: {last_line(log)}")
    return json.loads(out)["memory"]["peak_bytes"][work["config"]["checkpoint_level"]] / 2**20
