#!/usr/bin/env bash
# Measures the heap that a long document takes of the node that it is written to: how many MB pass, and how many end real nodes.
#
#   tests/bench/long_documents.sh [--versions V,V…] [--heaps MIB,MIB…] [--json FILE]      --help says more
#
# Needs what space.sh needs. What src/planner/room.rs asks for comes from here.
set -euo pipefail
bench=$(cd "$(dirname "$0")" && pwd)
case " $* " in
  *" --help "* | *" -h "*) exec python3 "$bench/long_documents.py" --help ;;
esac
cd "$bench/../.."
cargo build --quiet --example bench-copy
export BENCH_PROGRAM=$PWD/target/debug/examples/bench-copy
exec python3 "$bench/long_documents.py" "$@"
