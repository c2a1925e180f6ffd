#!/usr/bin/env bash
# The image that all others of the bed are built on: a minimal Debian 12 with what their servers need.
set -euo pipefail
# shellcheck source=tests/testbed/lib/image.sh
. "$BED_LIB/image.sh"

contents=ca-certificates,curl,openjdk-17-jre-headless,procps,python3,python3-pymongo,redis-server
recipe=$(recipe_of "$contents")
if image_is_current "$BED_BASE_IMAGE" "$recipe"; then exit; fi

root=$(mktemp -d "$CLEARML_BED/base.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
mkdir -p "$CLEARML_BED/debs"
debootstrap --variant=minbase --cache-dir="$CLEARML_BED/debs" --include="$contents" bookworm "$root"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/*.log
tar -C "$root" --sort=name -c . | docker import --change "LABEL $recipe_label=$recipe" - "$BED_BASE_IMAGE"
