#!/usr/bin/env bash
# Reads 300 directories that WiredTiger was stopped in and 50 that it was killed in, made on the spot, and writes what came
# of it to tests/results/wiredtiger-engine.json.
#
#   tests/full/wiredtiger.sh [CLEAN [KILLED]]
#
# What is done is kept in target/full, ten seeds to a file: the same command goes on with the rest.
set -euo pipefail
cd "$(dirname "$0")/../.."

clean=${1:-300} killed=${2:-50}
# Of another program, or other directories, nothing is taken over.
makers=$(cat tests/fixtures/wiredtiger/*.py tests/testbed/lib/wiredtiger.sh | sha256sum | cut -c1-12)
sources=$(find src/wiredtiger -name '*.rs' | sort | xargs cat | sha256sum | cut -c1-12)
kept=target/full/wiredtiger-$clean-$killed-$makers-$sources
mkdir -p "$kept"
CLEARML_WIREDTIGER_CLEAN=$clean CLEARML_WIREDTIGER_KILLED=$killed CLEARML_WIREDTIGER_RESULTS=$kept \
  cargo test --release --test bed -- --nocapture e2e::wiredtiger_engine

# {"clean": {"equal": 300, …}, "killed": {"equal": 48, "replayed": …}}
result=tests/results/wiredtiger-engine.json
sum='reduce .[] as $one ({}; reduce ($one | to_entries[]) as {$key, $value} (.; .[$key] += $value))'
for sort in clean killed; do
  jq -s --arg sort "$sort" "{(\$sort): ($sum)}" "$kept/$sort"-*.json
done | jq -s add >"$result"
cat "$result"
