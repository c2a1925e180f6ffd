#!/usr/bin/env bash
# Damages every kind of file 1,000 times in each way and writes what came of it to tests/results/corruption-1000.json.
#
#   tests/full/corruption.sh [ROUNDS]
#
# In a release build, as users have it. What is done is kept in target/full, a file for each kind of file of a directory:
# the same command goes on with the rest. Everything is drawn from fixed seeds, so the result is always the same.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${1:-1000}
# Of another program, or other damages, nothing is taken over.
state=$(cat tests/fixtures/lucene/*.tar.gz tests/lucene/*.rs tests/lucene/corruption/*.rs | sha256sum | cut -c1-12)
sources=$(find src/lucene -name '*.rs' | sort | xargs cat | sha256sum | cut -c1-12)
kept=target/full/corruption-$rounds-$state-$sources
mkdir -p "$kept"
CLEARML_CORRUPTIONS=$rounds CLEARML_CORRUPTION_RESULTS=$kept cargo test --release --test lucene -- corruption

# {"rounds": …, "files": [{"directory": "killed", "kind": ".cfs", "truncated": {"refused": …, "irrelevant": …}, …}, …]}
result=tests/results/corruption-$rounds.json
for file in "$kept"/*.json; do
  name=$(basename "$file" .json)
  jq -c --arg directory "${name%@*}" --arg kind "${name#*@}" '{$directory, $kind} + .' "$file"
done | jq -Rrs --argjson rounds "$rounds" '"{\"rounds\": \($rounds), \"files\": [\n" +
  (split("\n") | map(select(. != "")) | join(",\n")) + "\n]}"' >"$result"
jq -r '[.files[] | del(.directory, .kind)[]] | "\(length) sorts of damage: \(map(.refused) | add) refused by name, " +
  "\(map(.irrelevant) | add) without effect, \(map(.believed // 0) | add) forgeries believed"' "$result"
echo "the result is in $result"
