#!/usr/bin/env bash
# Measures ways to move a Trains Server's documents from Elasticsearch 5.6 to 7.6, in turn, between one pair of nodes.
#
#   tests/bench/run.sh [--documents N] [--rounds R] [--json FILE] [WAY…]      --help lists the ways and the rest
#
# Needs what the test bed needs (root, Debian 12, package registries) and, for elasticdump, npm. The data are made
# once for each number of documents and kept in the bed's cache, as is elasticdump.
set -euo pipefail
bench=$(cd "$(dirname "$0")" && pwd)
bed=$bench/../testbed/bed.sh
export CLEARML_BED=${CLEARML_BED:-/var/cache/clearml-migrate-bed}
export BENCH_CACHE=$CLEARML_BED/bench
# The tests try the script itself and have no use for a program that took minutes to optimise.
profile=${BENCH_PROFILE:-release}

# Without elasticdump the rest can be measured all the same; bench.py says that it is missing.
get_elasticdump() {
  local place=$BENCH_CACHE/elasticdump
  if [ -x "$place/node_modules/.bin/elasticdump" ]; then return; fi
  if ! command -v npm >/dev/null; then
    echo "bench: npm is missing, so elasticdump cannot be had; try: apt-get install npm" >&2
    return
  fi
  mkdir -p "$place"
  npm install --prefix "$place" --no-audit --no-fund --loglevel=error elasticdump >&2 ||
    echo "bench: npm could not install elasticdump" >&2
}

# Also checks the arguments, before anything takes long.
ways=$(python3 "$bench/bench.py" --list "$@")
case " $* " in *" --help "* | *" -h "* | *" --list "*)
  printf '%s\n' "$ways"
  exit
  ;;
esac

program=$(cd "$bench/../.." && cargo build --profile "$profile" --example bench-copy --message-format=json-render-diagnostics |
  jq -r 'select(.reason == "compiler-artifact" and .target.name == "bench-copy") | .executable')
export BENCH_PROGRAM=$program
case $ways in *elasticdump*) get_elasticdump ;; esac

# A bed that was up before stays up.
if ! "$bed" exec true 2>/dev/null; then trap '"$bed" down' EXIT; fi
# The tests' bed has all images, and goes down behind them unless it is brought up for good.
[ -n "${CLEARML_BED_READY-}" ] || "$bed" up elasticsearch
"$bed" exec python3 "$bench/bench.py" "$@"
