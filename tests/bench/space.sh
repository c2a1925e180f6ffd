#!/usr/bin/env bash
# Measures the room that a copy takes on the target's disk: its peak while the program fills real nodes, against the bytes of
# the live documents in the old data, for each kind of index.
#
#   tests/bench/space.sh [--documents N,N…] [--versions V,V…] [--json FILE]      --help says more
#
# Needs Java 17, cargo, python3 and, to fetch Elasticsearch (tests/fixtures/lucene/node.sh fetch), Maven; no docker. What
# src/planner/room.rs plans with comes from here.
set -euo pipefail
bench=$(cd "$(dirname "$0")" && pwd)
case " $* " in
  *" --help "* | *" -h "*) exec python3 "$bench/space.py" --help ;;
esac
cd "$bench/../.."
cargo build --quiet --example bench-copy
export BENCH_PROGRAM=$PWD/target/debug/examples/bench-copy
exec python3 "$bench/space.py" "$@"
