#!/usr/bin/env bash
# The server's and the agent's images, always as stand-ins: they run on the bed's MongoDB, and say what they check.
# One recipe; the release and, for agents, the role are fixed in the image. See README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../../lib/image.sh
. "$BED_LIB/image.sh"

work=$(mktemp -d "$CLEARML_BED/server.XXXXXX")
trap 'rm -rf "$work"' EXIT

make_context() { # DIRECTORY
  command -v pip3 >/dev/null || apt_install python3-pip
  mkdir "$1"
  pip3 install --quiet --no-deps --no-compile --root-user-action=ignore --cache-dir "$CLEARML_BED/pip" \
    --target "$1/packages" --requirement "$here/requirements.txt"
  cp "$here/Dockerfile" "$here/entrypoint" "$1/"
  mkdir "$1/standin"
  cp "$here"/standin/*.py "$1/standin/"
}

build() { # IMAGE RELEASE [ROLE]
  local recipe
  recipe=$(recipe_of "$here/Dockerfile" "$here/entrypoint" "$here/requirements.txt" "$here/build.sh" "$(base_image_id)" "$2 ${3-}" \
    "$(cat "$here"/standin/*.py)")
  if image_is_current "$1" "$recipe"; then return; fi
  [ -d "$work/context" ] || make_context "$work/context"
  build_image "$1" "$recipe" "$work/context" --build-arg "RELEASE=$2" --build-arg "ROLE=${3-}"
}

build allegroai/trains:0.10.1 0.10.1
build allegroai/trains:0.11.0 0.11.0
build allegroai/trains:0.15.1 0.15.1
build allegroai/trains:latest 0.15.1
build allegroai/clearml:1.1.1 1.1.1
# Whoever does not name a release gets the newest, which cannot run on old databases.
build allegroai/clearml:latest 2.3.0
build allegroai/trains-agent-services:latest 0.15.1 agent-services
build allegroai/clearml-agent-services:latest 1.1.1 agent-services
