#!/usr/bin/env bash
# Measures `status` on journals of migrations with many indices, and how much memory it takes. Needs cargo and python3.
#
#   tests/bench/status.sh [--indices N] [--parts N] [--rounds R] [--json FILE]      --help says more
set -euo pipefail
bench=$(cd "$(dirname "$0")" && pwd)
case " $* " in
  *" --help "* | *" -h "*) exec python3 "$bench/status.py" --help ;;
esac
cd "$bench/../.."
if [ -z "${BENCH_PROGRAM-}" ]; then
  cargo build --release --bin docker-clearml-migrate
  export BENCH_PROGRAM=$PWD/target/release/docker-clearml-migrate
fi
exec python3 "$bench/status.py" "$@"
