#!/usr/bin/env bash
# An export of 10 MB served by 8 threads of Java and of Python, in turns. Needs a build with its tests done
# (./mvnw verify), for the Python that they install. usage: run.sh [rounds [seconds]]
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
rounds=${1:-3} seconds=${2:-10}
python=$(ls -d "${XDG_CACHE_HOME:-$HOME/.cache}"/linformer/venv/tensorflow-*/bin/python | head -1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export TF_CPP_MIN_LOG_LEVEL=2
serve() { # name, keys of config.json
  cat >"$folder/$1.json" <<JSON
{"model_type": "classifier", "num_tokens": 16, "num_classes": 10, $2}
JSON
  "$home/linformer" init --config "$folder/$1.json" --out "$folder/$1" >/dev/null
  "$home/linformer" export --model "$folder/$1" --out "$folder/$1-export" >/dev/null
  du -sb "$folder/$1-export/1" "$folder/$1/model.safetensors"
  for ((i = 1; i <= rounds; i++)); do
    echo "$1, round $i, Java"
    java -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 \
      -cp "$home/linformer-cli/target/classes:$(cat "$home/linformer-cli/target/classpath")" \
      "$home/tools/serving/Serve.java" "$folder/$1-export/1" "$seconds" 2>/dev/null
    echo "$1, round $i, Python"
    "$python" "$home/tools/serving/serve.py" \
      "$folder/$1-export/1" "$seconds" 2>/dev/null
  done
}
serve small '"input_size": 128, "channels": 32, "dim_k": 16, "dim_ff": 64, "nhead": 2, "depth": 2'
serve large '"input_size": 512, "channels": 256, "dim_k": 128, "dim_ff": 1024, "nhead": 4, "depth": 3'
