#!/usr/bin/env bash
# Runs the tests, suite by suite, and says how long each took. Exit code 0 if all passed.
#
#   tests/run.sh [SUITE[::MODULE[::…]]…]    default: every suite but full
#
#   unit    format, lints, and every test that needs neither root nor docker
#   e2e     the parts and a whole migration with real servers on the test bed (root; see tests/testbed/bed.sh)
#   crash   a migration, and elastic, killed in each step and continued; prints step and outcome
#   full    what takes hours and is not among the default: 1,000 damages of each sort to every kind of file
#           (tests/full/corruption.sh), 350 directories of WiredTiger's (tests/full/wiredtiger.sh), libFuzzer on every
#           parser for two minutes (tests/fuzz/guided.sh), and the static build (tests/static.sh) in an empty container
#           (root; on the test bed)
#
# The suites of the bed are the directories of tests/bed, and their modules are what there is in them: tests/bed/main.rs.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

bed=tests/testbed/bed.sh
fuzz_seconds=120
# Elasticsearch of these versions runs beside the bed, without docker.
bare_versions=(5.0.0 5.2.2 5.4.3 5.6.16 7.6.2 7.17.29 8.17.0)

suites_of_the_bed() { find tests/bed -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort; }

unit() {
  cargo fmt --check &&
    cargo clippy --all-targets -- -D warnings &&
    cargo test
}

# What needs servers: built outside, where crates can be fetched, and run inside the bed.
on_the_bed() { # SUITE[::MODULE…]
  local was_up=no
  if "$bed" exec true 2>/dev/null; then was_up=yes; fi
  # The stacks of the tests have the names and ports of real ones, so one suite at a time and machine.
  cargo test --no-run --test bed &&
    CLEARML_BED_READY=1 flock --close /tmp/clearml-migrate-tests.lock "$bed" with "$0" --inside "$1" || return
  if [ "$was_up" = no ] && "$bed" exec true 2>/dev/null; then
    echo "the test bed was left up: something in it brought it up for good" >&2
    return 1
  fi
}

in_the_crate() { cargo test --offline --quiet --test bed -- "$@"; }

# The names of all tests of the bed, one a line.
listed() { in_the_crate --list --format terse | sed -n 's/: test$//p'; }

# Inside the bed: one module after another, each in a process of its own, whatever became of the one before. Which there
# are, the tests' own names say.
inside() { # SUITE[::MODULE…]
  local all names suites stray module failed=0
  all=$(listed) || return
  suites=$(suites_of_the_bed | paste -sd '|')
  stray=$(grep --extended-regexp --invert-match "^($suites)::" <<<"$all")
  if [ -n "$stray" ]; then
    printf 'these tests are in no suite, that is, in no directory of tests/bed:\n%s\n' "$stray" >&2
    return 1
  fi
  names=$(grep --extended-regexp "^$1(::|\$)" <<<"$all")
  if [ -z "$names" ]; then
    echo "the bed has no tests of this name: $1" >&2
    return 1
  fi
  modules=()
  for module in $(awk -F :: '{ print $1 "::" $2 }' <<<"$names" | uniq); do
    # shellcheck disable=SC2046  # names of tests have no blanks
    run_module "$module" $(grep "^$module::" <<<"$names") || failed=1
  done
  printf '\n== %s, module by module\n' "$1"
  printf '%s\n' "${modules[@]}"
  return $failed
}

# Runs tests of a module by their full names, and requires that so many have passed.
run_module() { # MODULE TEST…
  local module=$1 directory around=() log passed result=passed started=$SECONDS
  shift
  directory=tests/bed/${module/::/\/}
  if [ -x "$directory/around.sh" ]; then around=("$directory/around.sh"); fi
  log=$(mktemp)
  printf '\n== %s\n' "$module"
  "${around[@]}" cargo test --offline --quiet --test bed -- \
    --nocapture --test-threads=1 --format pretty --include-ignored --exact "$@" 2>&1 | tee "$log"
  [ "${PIPESTATUS[0]}" = 0 ] || result=FAILED
  passed=$(sed -n 's/^test result: .*\. \([0-9]*\) passed;.*/\1/p' "$log" | tail -n 1)
  rm -f "$log"
  if [ "${passed:-0}" != $# ]; then result=FAILED; fi
  modules+=("$(printf '%-24s %s, %d of %d tests in %d s' "$module" "$result" "${passed:-0}" $# $((SECONDS - started)))")
  [ "$result" = passed ]
}

fetched_for_e2e() {
  # Fetched outside, too; where there was no bed before, there is no Maven either.
  { command -v mvn >/dev/null || tests/testbed/lib/apt-install.sh maven; } &&
    tests/fixtures/lucene/node.sh fetch "${bare_versions[@]}" &&
    tests/testbed/lib/wiredtiger.sh >/dev/null
}

full() { # SUITE[::MODULE…]
  local failed=0
  if [ "$1" = full ]; then
    tests/full/corruption.sh || failed=1
    tests/full/wiredtiger.sh || failed=1
    tests/fuzz/guided.sh --seconds "$fuzz_seconds" || failed=1
  fi
  CLEARML_STATIC_PROGRAM=$(tests/static.sh) on_the_bed "$1" || failed=1
  return $failed
}

run_suite() { # SUITE[::MODULE…]
  case $1 in
    unit) unit ;;
    full | full::*) full "$1" ;;
    e2e | e2e::*) fetched_for_e2e && on_the_bed "$1" ;;
    *) on_the_bed "$1" ;;
  esac
}

if [ "${1-}" = --inside ]; then
  inside "$2"
  exit
fi

mapfile -t known < <(echo unit && suites_of_the_bed)
suites=("$@")
if [ $# -eq 0 ]; then mapfile -t suites < <(printf '%s\n' "${known[@]}" | grep --invert-match --line-regexp full); fi
for suite in "${suites[@]}"; do
  if ! printf '%s\n' "${known[@]}" | grep --quiet --line-regexp --fixed-strings "${suite%%::*}"; then
    echo "no such suite: $suite; there are: ${known[*]}" >&2
    exit 2
  fi
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
