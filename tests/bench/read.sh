#!/usr/bin/env bash
# Measures reading alone: `export -o /dev/null` on one processor, of the data that run.sh moves.
#
#   tests/bench/read.sh [--documents N] [--rounds R] [--json FILE] [--data DIR]      --help says more
#
# Needs what the test bed needs (root, Debian 12, package registries) to make the data, which is done once; with --data
# DIR, a data directory of Elasticsearch 5, nothing but cargo and python3.
set -euo pipefail
bench=$(cd "$(dirname "$0")" && pwd)
bed=$bench/../testbed/bed.sh
export CLEARML_BED=${CLEARML_BED:-/var/cache/clearml-migrate-bed}
export BENCH_CACHE=$CLEARML_BED/bench

case " $* " in
  *" --help "* | *" -h "*) exec python3 "$bench/read.py" --help ;;
esac
cd "$bench/../.."
cargo build --release --bin docker-clearml-migrate
export BENCH_PROGRAM=$PWD/target/release/docker-clearml-migrate
case " $* " in
  *" --data "*) exec python3 "$bench/read.py" "$@" ;;
esac
# A bed that was up before stays up.
if ! "$bed" exec true 2>/dev/null; then trap '"$bed" down' EXIT; fi
# The tests' bed has all images, and goes down behind them unless it is brought up for good.
[ -n "${CLEARML_BED_READY-}" ] || "$bed" up elasticsearch
"$bed" exec python3 "$bench/read.py" "$@"
