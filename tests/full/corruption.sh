#!/usr/bin/env bash
# Damages every kind of file 1,000 times in each way and writes what came of it to tests/results/corruption-1000.json, and
# of MongoDB's files to tests/results/corruption-mongodb-1000.json.
#
#   tests/full/corruption.sh [ROUNDS [READER…]]      the readers are lucene and wiredtiger
#
# In a release build, as users have it. What is done is kept in target/full, a file for each kind of file of a directory:
# the same command goes on with the rest. Everything is drawn from fixed seeds, so the result is always the same.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${1:-1000}

# The reader is src/NAME, its tests are tests/NAME.
damage() { # NAME RESULT
  local state sources kept file name
  # Of another program, or other damages, nothing is taken over.
  state=$(cat "tests/fixtures/$1"/*.tar.gz "tests/$1"/*.rs "tests/$1"/corruption/*.rs | sha256sum | cut -c1-12)
  sources=$(find "src/$1" -name '*.rs' | sort | xargs cat | sha256sum | cut -c1-12)
  kept=target/full/corruption-$1-$rounds-$state-$sources
  mkdir -p "$kept"
  CLEARML_CORRUPTIONS=$rounds CLEARML_CORRUPTION_RESULTS=$kept cargo test --release --test "$1" -- corruption

  # {"rounds": …, "files": [{"directory": "killed", "kind": ".cfs", "truncated": {"refused": …, "irrelevant": …}, …}, …]}
  for file in "$kept"/*.json; do
    name=$(basename "$file" .json)
    jq -c --arg directory "${name%@*}" --arg kind "${name#*@}" '{$directory, $kind} + .' "$file"
  done | jq -Rrs --argjson rounds "$rounds" '"{\"rounds\": \($rounds), \"files\": [\n" +
    (split("\n") | map(select(. != "")) | join(",\n")) + "\n]}"' >"$2"
  jq -r '[.files[] | del(.directory, .kind)[]] | "\(length) sorts of damage: \(map(.refused) | add) refused by name, " +
    "\(map(.irrelevant) | add) without effect, \(map(.torn // 0) | add) like a server that was killed, " +
    "\(map(.believed // 0) | add) believed"' "$2"
  echo "the result is in $2"
}

readers=("${@:2}")
[ $# -gt 1 ] || readers=(lucene wiredtiger)
for reader in "${readers[@]}"; do
  case $reader in
    lucene) damage lucene "tests/results/corruption-$rounds.json" ;;
    wiredtiger) damage wiredtiger "tests/results/corruption-mongodb-$rounds.json" ;;
    *) echo "no such reader: $reader" >&2 && exit 2 ;;
  esac
done
