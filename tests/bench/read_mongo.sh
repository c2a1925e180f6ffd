#!/usr/bin/env bash
# Measures reading MongoDB's files alone: `export -o /dev/null` on one processor, checksums and the walk through the index
# on _id included.
#
#   tests/bench/read_mongo.sh [--megabytes N] [--rounds R] [--json FILE]      --help says more
#
# Needs cargo and python3, and for the data the engine (tests/testbed/lib/wiredtiger.sh). They are made once.
set -euo pipefail
cd "$(dirname "$0")/../.."
case " $* " in *" --help "* | *" -h "*) exec python3 tests/bench/read_mongo.py --help ;; esac
cargo build --release --bin docker-clearml-migrate
BENCH_PROGRAM=${CARGO_TARGET_DIR:-$PWD/target}/release/docker-clearml-migrate
BENCH_CACHE=${CLEARML_BED:-/var/cache/clearml-migrate-bed}/bench
PYTHONPATH=$(tests/testbed/lib/wiredtiger.sh):tests/fixtures/wiredtiger
export BENCH_PROGRAM BENCH_CACHE PYTHONPATH PYTHONDONTWRITEBYTECODE=1
exec python3 tests/bench/read_mongo.py "$@"
