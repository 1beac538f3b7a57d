#!/usr/bin/env bash
# Causal language models of bytes, n = 1,024, on the Brown corpus, for more updates of one sequence each: full attention,
# k = n/4 and n/16. Draws their curves.
#   benchmarks/language_models_long.sh [STEPS] [FOLDER]
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
steps=${1:-3000}
folder=${2:-$home/runs/language-models-long}
mkdir -p "$folder"
[ -f "$folder/brown.txt" ] || "$home/benchmarks/brown.sh" "$folder/brown.txt"

run() {
  [ ! -f "$folder/$1/model.safetensors" ] || return 0
  "$home/linformer" train --config "$home/benchmarks/language-model.json" --task causal-lm --data "$folder/brown.txt" \
    --set causal=true --set "$2" --batch 1 --steps "$steps" \
    --set training_args.warmup_steps=100 --set training_args.eval_steps=250 --out "$folder/$1" | tail -n 12
}

run full full_attention=true
run k256 dim_k=256
run k64 dim_k=64
"$home/linformer" plot --log "$folder"/{full,k256,k64}/log.jsonl --key eval_loss --out "$folder/eval-loss.png"
