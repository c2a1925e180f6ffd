#!/usr/bin/env bash
# The test bed: a docker daemon of its own, compose, and images of the servers that the tests migrate.
#
# It runs on a bare Debian 12 as root, needs package registries only, and keeps everything it downloads or builds
# under $CLEARML_BED. The daemon lives in a network namespace of its own, listens on a socket of its own, and never
# touches one that you work with. `bed.sh help` lists the commands.
set -euo pipefail

testbed=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/testbed/lib/common.sh
. "$testbed/lib/common.sh"
# shellcheck source=tests/testbed/lib/host.sh
. "$testbed/lib/host.sh"
# shellcheck source=tests/testbed/lib/daemon.sh
. "$testbed/lib/daemon.sh"
# shellcheck source=tests/testbed/lib/build.sh
. "$testbed/lib/build.sh"

usage() {
  cat <<EOF
usage: tests/testbed/bed.sh COMMAND

  up [GROUP…]    bring the daemon, compose and the images (GROUP: a directory of images/; default all)
  exec CMD…      run CMD against the bed: its network, its daemon, compose
  with CMD…      up, exec, and down again, whatever happens; a bed that was up before stays up
  env            print the exports that point docker at the bed (published ports are reachable through exec only)
  status         what is running, what is cached
  down           stop every container, network and daemon of the bed; the cache stays
  wipe           down, and delete the cache

CLEARML_BED is the cache directory, $default_bed unless set. Two directories are two beds.
EOF
}

# Everything that `up` brings, each part skipped when it is already as this checkout wants it.
bring_up() {
  install_host_packages
  build_compose
  build_compose_v1
  start_daemons
  build_images "$@"
}

cmd_up() {
  need_root
  hold_bed_lock
  mkdir -p "$run"
  bring_up "$@"
  # From now on the bed is somebody's, not only `with`'s.
  rm -f "$run/ephemeral"
  release_bed_lock
  say "up: $socket"
}

cmd_down() {
  need_root
  hold_bed_lock
  stop_daemons
  release_bed_lock
  say "down"
}

cmd_exec() {
  [ $# -gt 0 ] || die "exec: which command?"
  need_root
  daemons_alive || die "the bed is not up; start it with: tests/testbed/bed.sh up"
  enter_bed "$@"
}

# Users of a `with` bed share a lock; the last one out turns off the light.
cmd_with() {
  [ $# -gt 0 ] || die "with: which command?"
  need_root
  mkdir -p "$CLEARML_BED"
  exec 8>"$CLEARML_BED/users.lock"
  flock --shared 8
  trap leave_with_bed EXIT
  hold_bed_lock
  mkdir -p "$run"
  daemons_alive || touch "$run/ephemeral"
  bring_up
  release_bed_lock
  local status=0
  (enter_bed "$@" 8>&-) || status=$?
  return "$status"
}

leave_with_bed() {
  local status=$?
  trap '' INT TERM HUP
  trap - EXIT
  release_bed_lock
  if flock --exclusive --nonblock 8; then
    hold_bed_lock
    if [ -e "$run/ephemeral" ]; then stop_daemons; fi
  fi
  exit "$status"
}

cmd_env() {
  printf 'export CLEARML_BED=%q DOCKER_HOST=%q DOCKER_CONFIG=%q\n' "$CLEARML_BED" "$DOCKER_HOST" "$DOCKER_CONFIG"
  printf 'unset %s\n' "${user_docker_variables[*]}"
}

cmd_status() {
  if daemons_alive; then
    say "up: $socket, network namespace $BED_NETNS"
    docker ps --all --format 'table {{.Names}}\t{{.Image}}\t{{.Status}}\t{{.Ports}}'
    docker image ls --format 'table {{.Repository}}:{{.Tag}}\t{{.Size}}\t{{.CreatedSince}}'
  else
    say "down"
  fi
  [ ! -d "$CLEARML_BED" ] || du -sh --one-file-system "$CLEARML_BED"
}

cmd_wipe() {
  cmd_down
  rm -rf --one-file-system "$CLEARML_BED"
  say "deleted $CLEARML_BED"
}

case ${1-} in
  up | down | exec | with | env | status | wipe)
    command=$1
    shift
    "cmd_$command" "$@"
    ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
