#!/usr/bin/env bash
# The old docker-compose of Debian 12 (1.29.2, Python), unpacked into a directory of its own. Installed as a package it
# would be on everybody's PATH; here only the tests that want it put it there.
#   build-compose-v1.sh DIRECTORY
set -euo pipefail
directory=$1

mkdir -p "$CLEARML_BED/debs"
work=$(mktemp -d "$CLEARML_BED/compose-v1-build.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The first of alternatives is enough, and `<…>` is a virtual package.
mapfile -t needed < <(apt-cache depends docker-compose | sed -n 's/^ *|\{0,1\}Depends: \([^<]*\)$/\1/p')
"$BED_LIB/apt-install.sh" "${needed[@]}"
cd "$work"
# As root: _apt may not write here.
apt-get -qq -o APT::Sandbox::User=root download docker-compose
dpkg-deb --extract docker-compose_*.deb "$work/root"

mkdir -p "$work/made/bin"
mv "$work/root/usr/lib/python3/dist-packages" "$work/made/lib"
# Debian's own Python, whichever other one comes first on PATH.
cat >"$work/made/bin/docker-compose" <<SCRIPT
#!/bin/sh
PYTHONPATH='$directory/lib' exec /usr/bin/python3 -W ignore -c 'from compose.cli.main import main; main()' "\$@"
SCRIPT
chmod 0755 "$work/made/bin/docker-compose"
rm -rf "$directory"
mkdir -p "$(dirname "$directory")"
mv "$work/made" "$directory"
