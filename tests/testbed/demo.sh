#!/usr/bin/env bash
# Shows a whole migration: a sample Trains Server 0.15.1 with real Elasticsearch data, in a temporary directory, on a docker
# daemon of its own, goes to ClearML Server 1.1 and comes back. Nothing is left but the bed's cache.
#
#   ./install.sh --demo           installs the program, then runs this
#   tests/testbed/demo.sh         takes docker-clearml-migrate from PATH, else from target/
#
# It looks for differences itself: the old server, the new one and the old one again must give equal answers.
set -euo pipefail

testbed=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$testbed/../.." && pwd)
documents=5000
credentials=jane:spring-2020
api=http://localhost:8008

# --- what is said ----------------------------------------------------------------------------------------------------------

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi

chapter() { printf '\n%s=== %s%s\n' "$bold" "$*" "$plain"; }

tell() { printf '%s\n' "$@"; }

fail() {
  printf '\nThe demo stops here: %s\n' "$1" >&2
  shift
  [ $# = 0 ] || printf '%s\n' "$@" >&2
  exit 1
}

# Runs a command as a user would type it, and shows both it and its output as they are.
typed() {
  printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"
  local status=0
  "$@" || status=$?
  [ "$status" != 130 ] || exit 130
  [ "$status" = 0 ] || fail "\"$*\" ended with $status; the reason is above."
}

# The plan has just been shown; everything else passes as it comes (which awk of Debian would hold back).
without_plan() {
  local first='^The old server and the new one$' after='^In short$'
  sed --unbuffered "/$first/,/$after/{/$first/{s/.*/[... the plan, as above ...]\\n/;p;};/$after/!d;}"
}

# Runs what is not the point of the demo: silent, unless it fails.
quietly() { # WHAT COMMAND…
  local what=$1
  shift
  "$@" >"$demo/quiet.log" 2>&1 || fail "$what failed. The end of what it said:" "$(tail -n 20 "$demo/quiet.log")"
}

# --- outside the bed -------------------------------------------------------------------------------------------------------

check_machine() {
  if [ "$(id -u)" != 0 ]; then
    fail 'it needs root, because it runs a docker daemon of its own instead of using yours.' \
      "Try: sudo ./install.sh --demo" \
      'Without root you can read what a migration looks like in README.md, and see your own plan with' \
      '"docker clearml migrate --dry-run", which changes nothing.'
  fi
  [ "$(uname -sm)" = 'Linux x86_64' ] || fail "it was made for Linux on x86_64; this is $(uname -sm)."
  command -v apt-get >/dev/null || fail 'it installs what it needs with apt-get, which is not here.'
}

find_program() {
  local place
  for place in "$(command -v docker-clearml-migrate || :)" "$repository"/target/{release,debug}/docker-clearml-migrate; do
    if [ -x "$place" ]; then
      program=$place
      return
    fi
  done
  fail 'the program is not installed.' 'Type: ./install.sh --demo'
}

enter_bed() {
  chapter 'A place to play in'
  tell 'Your docker, its images and its containers are left alone. The demo runs a second docker daemon, in a network' \
    'of its own. The first time this takes several minutes: it installs missing Debian packages, builds docker compose,' \
    'and builds images of the servers: the real Elasticsearch 5.6.16 and 7.6.2 and the real Redis, and stand-ins for' \
    'MongoDB and the Trains and ClearML servers, which cannot be had from package registries.' ''
  # The stacks have the names and ports of real ones, so one demo or suite of tests at a time.
  exec 7>/tmp/clearml-migrate-tests.lock
  if ! flock --nonblock 7; then
    tell 'Tests or another demo are running on this machine; waiting for them.'
    flock 7
  fi
  # No stray descriptor for the daemons: the lock would live as long as they do.
  local status=0
  DEMO_PROGRAM=$program "$testbed/bed.sh" with "$testbed/demo.sh" --inside 7>&- || status=$?
  exit "$status"
}

# --- inside the bed --------------------------------------------------------------------------------------------------------

prepare() {
  case ${DOCKER_HOST:-} in
    unix://"${CLEARML_BED:?}"/*) ;;
    *) fail 'this part runs inside the bed only.' ;;
  esac
  local others
  others=$(docker ps --all --format '{{.Names}}' | xargs)
  [ -z "$others" ] || fail "somebody works on the bed; it has containers: $others." \
    'End that first, or take another bed: CLEARML_BED=/var/cache/another-bed tests/testbed/demo.sh'
  demo=$(mktemp -d "${TMPDIR:-/tmp}/clearml-demo.XXXXXX")
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  old=$demo/opt/trains
  new=$demo/opt/clearml
  # The plugin where docker looks for it, beside compose; the memory of migrations inside the temporary directory.
  mkdir -p "$demo/opt" "$demo/docker/cli-plugins"
  cp "$DOCKER_CONFIG/cli-plugins/docker-compose" "$demo/docker/cli-plugins/"
  cp "$DEMO_PROGRAM" "$demo/docker/cli-plugins/docker-clearml"
  export DOCKER_CONFIG=$demo/docker CLEARML_MIGRATE_STATE_DIR=$demo/state
  # Enough for a sample; the rest of the machine is not the demo's.
  export CLEARML_MIGRATE_MEMORY=${CLEARML_MIGRATE_MEMORY:-2g}
}

clean_up() {
  local status=$?
  trap '' INT TERM HUP
  trap - EXIT
  cd /
  chapter 'Clean up'
  local kind ids
  for kind in container network volume; do
    ids=$(ours "$kind")
    # shellcheck disable=SC2086 # a list of ids
    if [ -n "$ids" ]; then docker "$kind" rm --force $ids >/dev/null || status=1; fi
  done
  rm -rf --one-file-system "$demo" || status=1
  if [ "$status" = 0 ]; then
    tell 'The sample server and its directory are gone. What was built for it stays for the next time, in' \
      "$CLEARML_BED; to delete that: tests/testbed/bed.sh wipe"
  fi
  exit "$status"
}

# The bed had nothing of these when the demo began.
ours() {
  case $1 in
    container) docker container ls --all --quiet ;;
    network) docker network ls --quiet --filter type=custom ;;
    volume) docker volume ls --quiet ;;
  esac | xargs
}

ask() { # METHOD BODY
  curl --silent --show-error --fail --max-time 60 --user "$credentials" --header 'Content-Type: application/json' \
    --data "$2" "$api/$1" | jq .data
}

# What a user would look at: the list of experiments, and of one of them the console, a curve, a plot, debug images.
look() { # FILE
  local tasks task
  {
    tasks=$(ask tasks.get_all '{"page": 0, "page_size": 500}')
    jq -r '"\(.tasks | length) experiments, such as \([.tasks[].name] | sort | .[:3] | join(", "))"' <<<"$tasks"
    # One with events of every kind.
    task=$(jq -r '.tasks | to_entries | map(select([.value.log, .value.plot, .value.training_debug_image] | all(. > 0)))
      | max_by(.value.log).key' "$old_manifest")
    jq -r --arg id "$task" '.tasks[] | select(.id == $id) | "the experiment \(.name) (\(.status)):"' <<<"$tasks"
    ask events.get_task_events "{\"task\": \"$task\", \"event_type\": \"log\", \"batch_size\": 3}" |
      jq -r '"  console: \(.total) events, beginning with", (.events[] | "    \(.msg | gsub("\\s+"; " ") | .[:90])")'
    ask events.scalar_metrics_iter_histogram "{\"task\": \"$task\"}" |
      jq -r '"  curves: \([.[] | length] | add) of \(keys | join(", "))",
        (to_entries | sort_by(.key != "loss", .key) | .[0] | .key as $metric | .value | to_entries | sort_by(.key) | .[0]
          | "    \($metric)/\(.value.name): \(.value.x | length) points, the last one \(.value.y[-1]) at iteration \(.value.x[-1])")'
    ask events.get_task_events "{\"task\": \"$task\", \"event_type\": \"plot\"}" | jq -r '"  plots: \(.total)"'
    ask events.get_task_events "{\"task\": \"$task\", \"event_type\": \"training_debug_image\"}" | jq -r '"  debug images: \(.total)"'
  } >"$1" || fail 'the server gave no answer.'
  sed "s/.*/  $dim|$plain &/" "$1"
}

same_as_before() { # FILE WHO
  diff "$demo/before" "$1" >&2 || fail "$2 does not show what the old server showed; the differences are above."
  tell '' "Word for word what the old server showed before."
}

wait_for_server() {
  local deadline=$((SECONDS + 180))
  until curl --silent --fail --max-time 5 --user "$credentials" --data '{}' "$api/auth.login" >/dev/null &&
    curl --silent --fail --max-time 5 'http://localhost:9200/_cluster/health?wait_for_status=yellow&timeout=2s' >/dev/null; do
    [ $SECONDS -lt $deadline ] || fail 'the old server does not answer after three minutes.'
    sleep 0.5
  done
}

tour() {
  prepare
  chapter 'An old server, as its users have it'
  tell "Trains Server 0.15.1 with Elasticsearch 5.6.16 starts in $old" \
    "and is filled with $documents documents: console logs, curves, plots, debug images, statistics of workers and queues." \
    'It also has experiments in MongoDB, users who may log in, and a compose file that somebody has edited.' \
    'This takes a minute ...'
  quietly 'Making the sample server' "$testbed/deployment/deployment.sh" create "$old" --documents "$documents"
  old_manifest=$old-manifest/manifest.json
  tell '' 'This is what it shows:' ''
  look "$demo/before"
  cd "$old"

  chapter 'What would be done?'
  tell 'A dry run finds the server, runs the checks and prints the whole plan. It writes nothing and creates no container;' \
    'the old server goes on running.'
  typed docker clearml migrate --dry-run

  chapter 'The migration'
  tell 'One command. Without -y it would show the same plan and ask.'
  typed docker clearml migrate -y | without_plan
  cd "$new"

  chapter 'Is it all there?'
  tell 'The new server is asked what the old one was asked, through its API:' ''
  look "$demo/after"
  same_as_before "$demo/after" 'the new server'

  chapter 'And back'
  tell 'The old data were never written to, so going back means to give them their names again.'
  typed docker clearml migrate rollback -y
  cd "$old"
  wait_for_server
  tell '' 'The old server is asked once more:' ''
  look "$demo/again"
  same_as_before "$demo/again" 'the old server'
}

case ${1-} in
  '')
    check_machine
    find_program
    enter_bed
    ;;
  --inside) tour ;;
  *)
    printf 'usage: tests/testbed/demo.sh\n' >&2
    exit 2
    ;;
esac
