#!/usr/bin/env bash
# Measures the program of an earlier commit against this one's, in turn, on the same warmed target, and compares them pair by pair.
#
#   tests/bench/rounds.sh [--old COMMIT] [--way WAY] [--documents N] [--rounds R] [--json FILE]      --help says more
#
# Needs what tests/bench/run.sh needs, without npm. The earlier program is built once, in the bed's cache. BENCH_PROFILE and
# BENCH_PROFILE_OLD are the profiles that both are built with, default release: with --old HEAD they compare two profiles.
set -euo pipefail
bench=$(cd "$(dirname "$0")" && pwd)
bed=$bench/../testbed/bed.sh
export CLEARML_BED=${CLEARML_BED:-/var/cache/clearml-migrate-bed}
export BENCH_CACHE=$CLEARML_BED/bench
export BENCH_PROFILE=${BENCH_PROFILE:-release}
export BENCH_PROFILE_OLD=${BENCH_PROFILE_OLD:-$BENCH_PROFILE}

# Also checks the arguments, before anything takes long.
commit=$(python3 "$bench/rounds.py" --show-old "$@")
case " $* " in *" --help "* | *" -h "*)
  printf '%s\n' "$commit"
  exit
  ;;
esac

build() { # DIRECTORY PROFILE
  (cd "$1" && cargo build --profile "$2" --example bench-copy --message-format=json-render-diagnostics |
    jq -r 'select(.reason == "compiler-artifact" and .target.name == "bench-copy") | .executable')
}

cd "$bench/../.."
commit=$(git rev-parse --short=12 "$commit^{commit}")
earlier=$BENCH_CACHE/program-$commit
if [ ! -e "$earlier/Cargo.toml" ]; then
  rm -rf "$earlier.making"
  mkdir -p "$earlier.making"
  git archive "$commit" | tar -x -C "$earlier.making"
  mv "$earlier.making" "$earlier"
fi
BENCH_PROGRAM_OLD=$(build "$earlier" "$BENCH_PROFILE_OLD")
BENCH_PROGRAM=$(build "$PWD" "$BENCH_PROFILE")
export BENCH_PROGRAM_OLD BENCH_PROGRAM

# A bed that was up before stays up.
if ! "$bed" exec true 2>/dev/null; then trap '"$bed" down' EXIT; fi
[ -n "${CLEARML_BED_READY-}" ] || "$bed" up elasticsearch
"$bed" exec python3 "$bench/rounds.py" "$@"
