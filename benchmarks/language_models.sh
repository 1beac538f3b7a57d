#!/usr/bin/env bash
# Language models of bytes, n = 1,024, on the Brown corpus: full attention, k = n/4, n/8, n/16, and the ways of
# sharing E and F at k = n/4, masked and causal, all of them equally long. Prints a table; a run that is finished is
# not made again, and one that was stopped goes on.
#   benchmarks/language_models.sh [STEPS] [FOLDER]
# From the environment, unless they should be as said here: CONFIG, the model; TEXT, a file to learn from, else the Brown
# corpus is fetched; LINFORMER, the command; ONLY, a regular expression of the names of runs to make; JOBS, how many
# of them at a time, 1. A run that fails is named, the others go on, and the exit code is 1. Also writes
# FOLDER/results.json. Figures for a GPU come of CONFIG=benchmarks/language-model-gpu.json and 2000 steps.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
steps=${1:-400}
folder=${2:-$home/runs/language-models}
config=${CONFIG:-$home/benchmarks/language-model.json}
linformer=${LINFORMER:-$home/linformer}
text=${TEXT:-$folder/brown.txt}
mkdir -p "$folder"
[ -f "$text" ] || "$home/benchmarks/brown.sh" "$text"

run() { # name, task, key=value …
  local name=$1 task=$2 out=$folder/$1 log=$folder/$1.log
  shift 2
  if ! [[ $name =~ ${ONLY:-} ]] || [ -f "$out/model.safetensors" ]; then return; fi
  local arguments=(--resume "$out")
  if ! [ -f "$out/trainer_state.json" ]; then
    arguments=(--config "$config" --task "$task" --data "$text" --steps "$steps" --out "$out")
    for each in "$@"; do arguments+=(--set "$each"); done
  fi
  local code=0
  "$linformer" train "${arguments[@]}" >>"$log" 2>&1 || code=$?
  if [ $code != 0 ]; then
    echo "$name: FAILED with exit code $code; $log ends with: $(tail -n 1 "$log")"
    return 1
  fi
  echo "$name: done"
}

runs() {
  local task causal sharing
  for task in causal-lm masked-lm; do
    causal=causal=$([ "$task" = causal-lm ] && echo true || echo false)
    echo "$task-full $task $causal full_attention=true"
    echo "$task-k256 $task $causal dim_k=256"
    echo "$task-k128 $task $causal dim_k=128"
    echo "$task-k64 $task $causal dim_k=64"
    echo "$task-k256-xavier $task $causal dim_k=256 projection_init=xavier"
  done
  for task in causal-lm masked-lm; do
    causal=causal=$([ "$task" = causal-lm ] && echo true || echo false)
    for sharing in kv headwise none; do
      echo "$task-k256-$sharing $task $causal dim_k=256 parameter_sharing=$sharing"
    done
  done
}

export -f run
export steps folder config linformer text
failed=0
runs | xargs -P "${JOBS:-1}" -L 1 bash -c 'run "$@"' run || failed=1

python3 - "$folder" <<'PYTHON'
import json, pathlib, sys

rows = {}
print("| run | steps | bits a byte, test | accuracy | parameters of the file, bytes | seconds |")
print("|---|---|---|---|---|---|")
for state in sorted(pathlib.Path(sys.argv[1]).glob("*/trainer_state.json")):
    run = json.loads(state.read_text())
    if "evaluation" not in run:
        continue
    result = run["evaluation"]
    lines = (state.parent / "log.jsonl").read_text().splitlines()
    size = (state.parent / "model.safetensors").stat().st_size
    seconds = json.loads(lines[-1])["seconds"]
    rows[state.parent.name] = dict(result, steps=run["global_step"], seconds=seconds, weights_bytes=size)
    print(f"| {state.parent.name} | {run['global_step']} | {result['bits_per_byte']:.3f} |"
          f" {100 * result['accuracy']:.1f} % | {size:,} | {seconds:.0f} |")
(pathlib.Path(sys.argv[1]) / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
PYTHON

for task in causal-lm masked-lm; do
  logs=$(ls "$folder/$task"-{full,k256,k128,k64,k256-xavier}/log.jsonl 2>/dev/null || true)
  # shellcheck disable=SC2086
  [ -z "$logs" ] || "$linformer" plot --log $logs --key eval_loss --out "$folder/$task.png" || failed=1
done
exit $failed
