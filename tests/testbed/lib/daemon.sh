# shellcheck shell=bash
# containerd and dockerd of the bed: started in their own network namespace, stopped without a trace.

# What the compose file of a server with an agent mounts.
host_socket=/var/run/docker.sock

daemons_alive() { alive "$run/dockerd.pid" && alive "$run/containerd.pid" && [ -S "$socket" ]; }

in_netns() { nsenter --net="/run/netns/$BED_NETNS" -- "$@"; }

# The last thing a caller does: becomes the command, inside the bed.
enter_bed() { exec nsenter --net="/run/netns/$BED_NETNS" -- "$@"; }

start_daemons() {
  if daemons_alive; then return; fi
  # A machine that was switched off, or a daemon that was killed, leaves pieces behind.
  stop_daemons keep-marks
  say "starting dockerd"
  raise_max_map_count
  mkdir -p "$run" "$DOCKER_CONFIG" "$CLEARML_BED/docker" "$CLEARML_BED/containerd"
  # `ip netns exec` would hide the cgroup mounts below /sys; nsenter changes the network and nothing else.
  ip netns add "$BED_NETNS"
  in_netns ip link set lo up
  # Where the machine has no docker, the mount of its socket makes a directory in the socket's place.
  if ! [ -e "$host_socket" ]; then touch "$run/no-host-socket"; fi
  configure_daemons
  spawn containerd containerd --config "$run/containerd.toml"
  await containerd test -S "$run/containerd.sock"
  # dockerd 20.10 does not start over a network of which it was killed while it made it. The bed starts without any.
  rm -f "$CLEARML_BED/docker/network/files/local-kv.db"
  spawn dockerd dockerd --config-file "$run/daemon.json"
  await dockerd docker version
  # Containers of a daemon that was killed: a bed starts empty.
  remove_docker_objects
}

configure_daemons() {
  cat >"$run/containerd.toml" <<EOF
version = 2
root = "$CLEARML_BED/containerd"
state = "$run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$run/containerd.sock"
EOF
  # An explicit file, so that a /etc/docker/daemon.json of the machine is not read.
  jq -n --arg socket "unix://$socket" --arg data "$CLEARML_BED/docker" --arg run "$run" '{
    hosts: [$socket], group: "root", pidfile: ($run + "/docker.pid"), "data-root": $data,
    "exec-root": ($run + "/docker"), containerd: ($run + "/containerd.sock")}' >"$run/daemon.json"
  if can_raise_limits; then return; fi
  # The checkout may go away while the bed runs.
  install -m 0755 "$testbed/lib/runc-clamped" "$run/runc-clamped"
  jq --arg path "$run/runc-clamped" '. + {runtimes: {clamped: {path: $path}}, "default-runtime": "clamped"}' \
    "$run/daemon.json" >"$run/daemon.json.new"
  mv "$run/daemon.json.new" "$run/daemon.json"
}

spawn() { # NAME COMMAND…
  local name=$1
  shift
  # A session of its own, without our locks, and with the signals that background jobs of a shell ignore.
  setsid env --default-signal nsenter --net="/run/netns/$BED_NETNS" -- "$@" \
    </dev/null >"$run/$name.log" 2>&1 8>&- 9>&- &
  echo $! >"$run/$name.pid"
}

await() { # NAME TEST-COMMAND…
  local name=$1 left=600
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$(cat "$run/$name.pid")" 2>/dev/null || die "$name ended: $(tail -n 5 "$run/$name.log")"
    [ "$left" -gt 0 ] || die "$name does not answer after a minute: $(tail -n 5 "$run/$name.log")"
    left=$((left - 1))
    sleep 0.1
  done
}

# Every step works on whatever is left, so that it also cleans up after a crash.
stop_daemons() { # [keep-marks]
  local ephemeral=
  if [ "${1-}" = keep-marks ] && [ -e "$run/ephemeral" ]; then ephemeral=yes; fi
  if daemons_alive; then remove_docker_objects; fi
  stop_by_pidfile "$run/dockerd.pid" 60
  stop_by_pidfile "$run/containerd.pid" 20
  kill_leftover_shims
  unmount_leftovers
  if [ -e "/run/netns/$BED_NETNS" ]; then ip netns delete "$BED_NETNS"; fi
  if [ -e "$run/no-host-socket" ]; then rmdir "$host_socket" 2>/dev/null || true; fi
  # The logs stay for whoever wonders.
  find "$run" -xdev -mindepth 1 ! -name '*.log' -delete 2>/dev/null || true
  if [ -n "$ephemeral" ]; then touch "$run/ephemeral"; fi
}

remove_docker_objects() {
  docker ps --all --quiet | xargs -r docker rm --force --volumes >/dev/null
  docker network ls --filter type=custom --quiet | xargs -r docker network rm >/dev/null
  docker volume ls --quiet | xargs -r docker volume rm --force >/dev/null
}

# A killed containerd leaves its shims, and they their containers.
kill_leftover_shims() {
  local shim
  for shim in $(pids_with_argument "$run/containerd.sock"); do
    kill_tree "$shim"
  done
}

pids_with_argument() { # WORD
  local file
  for file in /proc/[0-9]*/cmdline; do
    if tr '\0' '\n' 2>/dev/null <"$file" | grep -qxF -- "$1"; then basename "${file%/cmdline}"; fi
  done
}

kill_tree() { # PID
  local child
  while read -r child; do kill_tree "$child"; done < <(cat "/proc/$1/task/"*/children 2>/dev/null | xargs -r -n 1)
  kill -KILL "$1" 2>/dev/null || true
}

unmount_leftovers() {
  local mounted
  # Innermost first.
  while read -r mounted; do
    umount --lazy "$mounted" || true
  done < <(awk -v dir="$CLEARML_BED/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
}
