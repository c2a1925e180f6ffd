#!/usr/bin/env bash
# Runs the tests, suite by suite, and says how long each took. Exit code 0 if all passed.
#
#   tests/run.sh [SUITE…]    default: unit e2e crash
#
#   unit    format, lints, and every test that needs neither root nor docker
#   e2e     the parts and a whole migration with real servers on the test bed (root; see tests/testbed/bed.sh)
#   crash   a migration, and elastic, killed in each step and continued; prints step and outcome
#   full    what takes hours and is not among the default: 1,000 damages of each sort to every kind of file
#           (tests/full/corruption.sh), libFuzzer on every parser for two minutes (tests/fuzz/guided.sh), and the static
#           build (tests/static.sh) in an empty container (root; on the test bed)
set -uo pipefail
cd "$(dirname "$0")/.." || exit

bed=tests/testbed/bed.sh
bed_suites=(e2e crash)
fuzz_seconds=120
# The test targets of each, tests/NAME.rs; every other one belongs to the suite unit.
e2e_targets=(docker find elastic readers refusals_bed places elastic_command rough_edges e2e compose_v1 early_releases failed_start rescue
  bench import_nodes equality odd_values renamed_stacks stand_ins wiredtiger_engine)
crash_targets=(crash crash_elastic)
full_targets=(static_binary)
# Elasticsearch of these versions runs beside the bed, without docker.
bare_versions=(5.0.0 5.2.2 5.4.3 5.6.16 7.6.2 7.17.29 8.17.0)

unit() {
  local targets
  mapfile -t targets < <(unit_targets)
  cargo fmt --check &&
    cargo clippy --all-targets -- -D warnings &&
    cargo test --lib --bins "${targets[@]}" &&
    cargo test --doc
}

# The integration tests that are not suites of their own: tests/NAME.rs or tests/NAME/main.rs.
unit_targets() {
  local file name
  for file in tests/*.rs tests/*/main.rs; do
    [ -e "$file" ] || continue
    name=${file#tests/}
    name=${name%/main.rs}
    name=${name%.rs}
    case " ${e2e_targets[*]} ${crash_targets[*]} ${full_targets[*]} " in
      *" $name "*) ;;
      *) printf -- '--test=%s\n' "$name" ;;
    esac
  done
}

# Targets that need servers: built outside, where crates can be fetched, and run inside the bed.
on_the_bed() { # TARGET…
  local target builds=() was_up=no
  for target in "$@"; do builds+=("--test=$target"); done
  if "$bed" exec true 2>/dev/null; then was_up=yes; fi
  # The stacks of the suites have the names and ports of real ones, so one suite at a time and machine.
  cargo test --no-run "${builds[@]}" &&
    CLEARML_BED_READY=1 flock --close /tmp/clearml-migrate-tests.lock "$bed" with "$0" --inside "$@" || return
  if [ "$was_up" = no ] && "$bed" exec true 2>/dev/null; then
    echo "the test bed was left up: something in it brought it up for good" >&2
    return 1
  fi
}

# Inside the bed: one target after another, whatever became of the one before.
inside() { # TARGET…
  local target around failed=0
  for target in "$@"; do
    around=()
    # These need no more than two nodes.
    [ "$target" != elastic ] || around=(tests/testbed/nodes.sh)
    "${around[@]}" cargo test --offline --test "$target" -- --nocapture --test-threads=1 || failed=1
  done
  return $failed
}

e2e() {
  # Fetched outside, too; where there was no bed before, there is no Maven either.
  { command -v mvn >/dev/null || tests/testbed/lib/apt-install.sh maven; } &&
    tests/fixtures/lucene/node.sh fetch "${bare_versions[@]}" &&
    tests/testbed/lib/wiredtiger.sh >/dev/null &&
    on_the_bed "${e2e_targets[@]}"
}

full() {
  local failed=0
  tests/full/corruption.sh || failed=1
  tests/fuzz/guided.sh --seconds "$fuzz_seconds" || failed=1
  CLEARML_STATIC_PROGRAM=$(tests/static.sh) on_the_bed "${full_targets[@]}" || failed=1
  return $failed
}

run_suite() { # SUITE
  case $1 in
    unit) unit ;;
    e2e) e2e ;;
    crash) on_the_bed "${crash_targets[@]}" ;;
    full) full ;;
  esac
}

if [ "${1-}" = --inside ]; then
  shift
  inside "$@"
  exit
fi

suites=("$@")
[ $# -gt 0 ] || suites=(unit "${bed_suites[@]}")
for suite in "${suites[@]}"; do
  case $suite in
    unit | e2e | crash | full) ;;
    *)
      echo "no such suite: $suite; there are: unit ${bed_suites[*]} full" >&2
      exit 2
      ;;
  esac
done

summary=()
failed=0
for suite in "${suites[@]}"; do
  echo "== $suite"
  started=$SECONDS
  result=passed
  run_suite "$suite" || {
    result=FAILED
    failed=1
  }
  took=$((SECONDS - started))
  line=$(printf '%-6s %s in %d.%d min' "$suite" "$result" $((took / 60)) $((took % 60 / 6)))
  echo "== $line"
  summary+=("$line")
done
printf '\n'
printf '%s\n' "${summary[@]}"
exit $failed
