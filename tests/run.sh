#!/usr/bin/env bash
# Runs the tests, suite by suite, and says how long each took. Exit code 0 if all passed.
#
#   tests/run.sh [SUITE…]    default: unit e2e crash
#
#   unit    format, lints, and every test that needs neither root nor docker
#   e2e     a whole migration with real servers on the test bed (root; see tests/testbed/bed.sh)
#   crash   the same, killed and continued
set -uo pipefail
cd "$(dirname "$0")/.." || exit

bed=tests/testbed/bed.sh
bed_suites=(e2e crash)

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
    case " ${bed_suites[*]} " in *" $name "*) ;; *) printf -- '--test=%s\n' "$name" ;; esac
  done
}

# A suite that needs servers: built outside, where crates can be fetched, and run inside the bed.
on_the_bed() { # SUITE
  if [ ! -e "tests/$1.rs" ] && [ ! -e "tests/$1/main.rs" ]; then
    echo "there is no test target $1 (tests/$1.rs or tests/$1/main.rs)" >&2
    return 1
  fi
  # The stacks of the suites have the names and ports of real ones, so one suite at a time and machine.
  cargo test --no-run --test "$1" &&
    CLEARML_BED_READY=1 flock --close /tmp/clearml-migrate-tests.lock \
      "$bed" with cargo test --offline --test "$1" -- --nocapture --test-threads=1
}

run_suite() { # SUITE
  case $1 in
    unit) unit ;;
    e2e | crash) on_the_bed "$1" ;;
  esac
}

suites=("$@")
[ $# -gt 0 ] || suites=(unit "${bed_suites[@]}")
for suite in "${suites[@]}"; do
  case $suite in
    unit | e2e | crash) ;;
    *)
      echo "no such suite: $suite; there are: unit ${bed_suites[*]}" >&2
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
