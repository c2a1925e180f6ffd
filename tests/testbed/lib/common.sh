# shellcheck shell=bash
# Names, places and small words that every part of the bed shares.

default_bed=/var/cache/clearml-migrate-bed
CLEARML_BED=$(realpath -m "${CLEARML_BED:-$default_bed}")
repository=$(cd "$testbed/../.." && pwd)
export BED_LIB=$testbed/lib BED_BASE_IMAGE=clearml-migrate-bed-base:bookworm
run=$CLEARML_BED/run
socket=$run/docker.sock
# Beds in different directories must not meet in one network namespace.
BED_NETNS=clearml-bed-$(printf %s "$CLEARML_BED" | sha256sum | cut -c1-8)

# What a user's shell may carry that would lead docker or compose away from the bed.
user_docker_variables=(DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION
  DOCKER_DEFAULT_PLATFORM COMPOSE_FILE COMPOSE_PROJECT_NAME COMPOSE_PROFILES COMPOSE_ENV_FILES)
unset "${user_docker_variables[@]}"
export CLEARML_BED BED_NETNS DOCKER_HOST=unix://$socket DOCKER_CONFIG=$CLEARML_BED/docker-config

say() { printf 'bed: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# A long and talkative part, into a log of its own. Parts are programs: in a function called before `||`, bash would go on
# after an error.
logged() { # NAME WHAT COMMAND…
  local log=$run/$1.log what=$2
  shift 2
  say "$what"
  "$@" >"$log" 2>&1 </dev/null 8>&- 9>&- || die "$what failed; the end of $log: $(tail -n 15 "$log")"
}

need_root() {
  [ "$(id -u)" = 0 ] || die "the bed runs a docker daemon of its own and needs root; try: sudo $0"
  case $CLEARML_BED/ in "$repository"/*) die "CLEARML_BED=$CLEARML_BED is inside the repository; choose another directory" ;; esac
}

# One `up` or `down` at a time per bed. Descriptor 9 is the lock; daemons must not inherit it.
hold_bed_lock() {
  mkdir -p "$CLEARML_BED"
  exec 9>"$CLEARML_BED/bed.lock"
  if ! flock --nonblock 9; then
    say "another command is bringing the bed up or down; waiting for it"
    flock 9
  fi
}

release_bed_lock() { exec 9>&-; }

# Whether the process of a pid file still lives and is the bed's own: pids are reused.
alive() { # PIDFILE
  local pid
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$run"
}

# Ends a daemon by its pid file: asked first, then killed.
stop_by_pidfile() { # PIDFILE SECONDS
  local file=$1 left=$(($2 * 10)) pid
  if alive "$file"; then
    pid=$(cat "$file")
    kill -TERM "$pid"
    while alive "$file" && [ "$left" -gt 0 ]; do
      sleep 0.1
      left=$((left - 1))
    done
    if alive "$file"; then
      say "process $pid did not stop when asked; killing it"
      kill -KILL "$pid"
    fi
  fi
  rm -f "$file"
}
