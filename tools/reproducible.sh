#!/usr/bin/env bash
# Builds what is published twice and compares the bytes of every jar and of the SBOM; says which differ. Every jar has to
# hold LICENSE and NOTICE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
first=$(mktemp -d)
trap 'rm -rf "$first"' EXIT

build() {
  ./mvnw -q -B -Prelease -DskipTests -Djacoco.skip -Dspotless.check.skip clean package -pl '!linformer-recipes,!notebooks'
}

build
for jar in linformer-*/target/*.jar; do
  for file in LICENSE NOTICE; do
    unzip -p "$jar" "META-INF/$file" | cmp - "$file" || { echo "$jar has not META-INF/$file" >&2; exit 1; }
  done
done
cp linformer-*/target/*.jar target/bom.json target/bom.xml "$first"
build
differ=0
for file in "$first"/*; do
  name=$(basename "$file")
  second=$(find linformer-*/target target -maxdepth 1 -name "$name")
  cmp "$file" "${second:-/dev/null}" || differ=1
done
echo "$(find "$first" -type f | wc -l) files, $([ $differ = 0 ] && echo "all the same" || echo "some differ")"
exit $differ
