# shellcheck shell=bash
# What an images/*/build.sh works with: . "$BED_LIB/image.sh"
#
# bed.sh runs build.sh on the host, so that it can fetch, with CLEARML_BED, DOCKER_HOST, DOCKER_CONFIG,
# BED_BASE_IMAGE and BED_LIB set. RUN lines of a Dockerfile have no network.

testbed=$(cd "$BED_LIB/.." && pwd)
# shellcheck source=tests/testbed/lib/common.sh
. "$BED_LIB/common.sh"
# shellcheck source=tests/testbed/lib/host.sh
. "$BED_LIB/host.sh"

recipe_label=clearml-migrate-bed.recipe

# The hash of everything an image is made of: the files and directories named, and any other word as it is.
recipe_of() { # PATH-OR-WORD…
  local part
  for part in "$@"; do
    if [ -e "$part" ]; then
      find "$part" -type f -print0 | sort -z | xargs -0 cat
    else
      printf '%s\n' "$part"
    fi
  done | sha256sum | cut -c1-32
}

# Whether the daemon has this image as the recipe makes it, or as it was pulled.
image_is_current() { # IMAGE RECIPE
  local label
  label=$(docker image inspect --format "{{index .Config.Labels \"$recipe_label\"}}" "$1" 2>/dev/null) || return 1
  [ "$label" = "$2" ] || [ -z "$label" ]
}

base_image_id() { docker image inspect --format '{{.Id}}' "$BED_BASE_IMAGE"; }

build_image() { # IMAGE RECIPE CONTEXT-DIRECTORY [DOCKER-BUILD-OPTION…]
  local image=$1 recipe=$2 context=$3
  shift 3
  # The classic builder: the newer one is a plugin that Debian 12 does not have.
  DOCKER_BUILDKIT=0 docker build --tag "$image" --label "$recipe_label=$recipe" \
    --build-arg "BASE=$BED_BASE_IMAGE" "$@" "$context"
}

# Puts a file of Maven Central, named ARTIFACT-VERSION.EXTENSION, into a directory. Fetched once per bed.
maven_fetch() { # GROUP:ARTIFACT:VERSION:EXTENSION DIRECTORY
  local coordinates cache=$CLEARML_BED/downloads file
  IFS=: read -ra coordinates <<<"$1"
  file=${coordinates[1]}-${coordinates[2]}.${coordinates[3]}
  [ -e "$cache/$file" ] || mvn -q -B -Dmaven.repo.local="$CLEARML_BED/maven" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dartifact="$1" -DoutputDirectory="$cache"
  cp "$cache/$file" "$2"
}

# Brings the original image where its registry can be reached; fails otherwise, and quickly when offline.
pull_image() { # IMAGE
  local registry=registry-1.docker.io
  case $1 in *.*/*) registry=${1%%/*} ;; esac
  # The original images want limits raised as stock compose files do; a bed that cannot grant that builds its own.
  can_raise_limits || return 1
  curl --silent --output /dev/null --max-time 3 "https://$registry/v2/" || return 1
  # The daemon's namespace has no way out, so the fetching is done here.
  command -v skopeo >/dev/null || apt_install skopeo
  skopeo --insecure-policy copy "docker://$1" "docker-daemon:$1" --dest-daemon-host "$DOCKER_HOST"
}
