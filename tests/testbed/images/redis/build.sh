#!/usr/bin/env bash
# redis under the tag that the servers' compose files name: the original where it can be pulled, else Debian's
# (7.0, whatever the tag says) set up like the original: /data, user 999, saved on SIGTERM.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/testbed/lib/image.sh
. "$BED_LIB/image.sh"

image=redis:5.0
recipe=$(recipe_of "$here" "$(base_image_id)")
if image_is_current "$image" "$recipe" || pull_image "$image"; then exit; fi
build_image "$image" "$recipe" "$here"
