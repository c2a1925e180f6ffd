#!/usr/bin/env bash
# Fuzzes the parsers with libFuzzer, which follows coverage, and puts what it finds into the corpus.
#
#   tests/fuzz/guided.sh [--seconds N] [--seeds] [TARGET…]      default: 60 seconds for each of all targets
#
#   --seeds    begin with the files of the golden directories, too: after these were made anew
#
# The stable compiler will do; libFuzzer wants a C++ compiler. The corpus (tests/fuzz/corpus.tar.gz, a directory for each
# target) is unpacked, fuzzed, cut down to the inputs that each reach something of their own, and packed again.
# An input that a parser fails on is kept in target/fuzz/failures, and the exit code is 1.
set -euo pipefail
cd "$(dirname "$0")/../.."

corpus=tests/fuzz/corpus.tar.gz
work=target/fuzz
seconds=60
seeds=
while [[ ${1-} == --* ]]; do
  case $1 in
    --seconds) seconds=$2 && shift ;;
    --seeds) seeds=yes ;;
    *) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
  esac
  shift
done

# Flags for this build alone: with a named target, build scripts go without.
host=$(rustc --print host-tuple)
coverage='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
coverage+=' -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table'
coverage+=' -Cllvm-args=-sanitizer-coverage-trace-compares'
# The versions that the program is built with.
cp Cargo.lock tests/fuzz/guided/Cargo.lock
RUSTFLAGS=$coverage cargo build --quiet --release --manifest-path tests/fuzz/guided/Cargo.toml \
  --target "$host" --target-dir "$work/build"
fuzzer=$work/build/$host/release/guided

rm -rf "$work/corpus" "$work/merged"
mkdir -p "$work/corpus" "$work/failures"
tar -xzf "$corpus" -C "$work/corpus"
if [ -n "$seeds" ]; then
  CLEARML_FUZZ_SEEDS=$work/corpus cargo test --quiet --test fuzz -- --ignored write_the_files
fi
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(ls "$work/corpus")

# Parsers are quick: an input that takes seconds is a failure too.
options=(-seed=5616 -timeout=5 -rss_limit_mb=1024 -max_len=16384)
failed=0
for target in "${targets[@]}"; do
  inputs=$work/corpus/$target
  log=$work/$target.log
  export CLEARML_FUZZ_TARGET=$target
  "$fuzzer" "$inputs" "${options[@]}" -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="$work/failures/$target-" >"$log" 2>&1 || {
    failed=1
    echo "$target: FAILED, see $log and $work/failures" >&2
  }
  mkdir -p "$work/merged/$target"
  "$fuzzer" -set_cover_merge=1 "${options[@]}" "$work/merged/$target" "$inputs" >>"$log" 2>&1
  rm -rf "$inputs"
  mv "$work/merged/$target" "$inputs"
  tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | head -n 1)
  printf '%-18s %10s inputs tried, %4s kept\n' "$target" "${tried:-no}" "$(find "$inputs" -type f | wc -l)"
done

tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=u=rwX,go=rX -C "$work/corpus" -cf - . |
  gzip -9n >"$corpus"
ls -l "$corpus"
exit $failed
