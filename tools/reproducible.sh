#!/usr/bin/env bash
# Builds what is published twice and compares the bytes: 'Reproducible Build output summary', or what differs.
# What Maven has downloaded is read where it is; this project's artifacts go to a repository of their own under target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kept=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
first=$PWD/target/first-build
rm -rf "$first"
build() {
  ./mvnw -B -Prelease -Dgpg.skip -DskipTests -Djacoco.skip -Dspotless.check.skip -Dmdep.analyze.skip \
    -Dmaven.repo.local="$first" -Dmaven.repo.local.tail="$kept" \
    -pl '!linformer-recipes,!notebooks' "$@"
}
build clean install
build clean verify artifact:compare
