# shellcheck shell=bash
# What `up` builds, each part once: compose, the base image, the groups of images/.

compose_version=v2.40.3
# As Debian 12 packages it.
compose_v1_version=1.29.2

build_compose() {
  local plugin=$DOCKER_CONFIG/cli-plugins/docker-compose
  [ "$("$plugin" version --short 2>/dev/null)" != "${compose_version#v}" ] || return 0
  logged compose "building docker compose $compose_version" "$BED_LIB/build-compose.sh" "$compose_version" "$plugin"
}

# The old one, for the tests that want it; nothing puts it on PATH by itself.
build_compose_v1() {
  local directory=$CLEARML_BED/compose-v1
  [ "$("$directory/bin/docker-compose" version --short 2>/dev/null)" != "$compose_v1_version" ] || return 0
  logged compose-v1 "unpacking docker-compose $compose_v1_version" "$BED_LIB/build-compose-v1.sh" "$directory"
}

build_images() { # [GROUP…]
  local group groups=("$@")
  if [ ${#groups[@]} = 0 ]; then mapfile -t groups < <(image_groups); fi
  once base "image: base (Debian 12, Java, Python, redis)" "$BED_LIB/build-base.sh" "$BED_LIB"
  for group in "${groups[@]}"; do
    [ -f "$testbed/images/$group/build.sh" ] || die "no such image group: $group; there are: $(image_groups | xargs)"
    once "images-$group" "images: $group" "$testbed/images/$group/build.sh" "$BED_LIB" "$testbed/images/$group"
  done
}

image_groups() { (cd "$testbed/images" && printf '%s\n' */ | tr -d /); }

# Runs a program unless this daemon has seen it succeed with the same files.
once() { # NAME WHAT PROGRAM FILES…
  local mark=$run/$1.done name=$1 what=$2 program=$3 recipe
  shift 3
  recipe=$(find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | cut -c1-64 | sha256sum)
  [ "$(cat "$mark" 2>/dev/null)" != "$recipe" ] || return 0
  logged "$name" "$what" bash "$program"
  printf '%s\n' "$recipe" >"$mark"
}
