#!/usr/bin/env bash
# WiredTiger 3.0.0, the engine of MongoDB 3.6.0 to 3.6.2, as a Python package: what the golden directories of MongoDB 3.6
# are made with (tests/fixtures/wiredtiger/old_engine). No test needs it.
#
#   CLEARML_OLD_ENGINE=$(wiredtiger-3.0.sh) …      builds what is not there yet, and prints where it is
#
# It is for Python 2.7 only, which Debian 12 does not have: PYTHON2 names it, if it is not python2.7 (pyenv builds one).
# Built from PyPI's source package and kept in the bed's cache; what is missing of Debian's is installed (as root).
set -euo pipefail
version=3.0.0
here=$(cd "$(dirname "$0")" && pwd)
cache=${CLEARML_BED:-/var/cache/clearml-migrate-bed}
python=${PYTHON2:-python2.7}
built=$cache/wiredtiger/$version-$(sha256sum <"$0" | cut -c1-8)

build() { # DIRECTORY
  local missing=() pair
  for pair in swig:swig autoreconf:autoconf aclocal:automake libtoolize:libtool; do
    command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  for pair in snappy-c.h:libsnappy-dev zlib.h:zlib1g-dev; do
    [ -e "/usr/include/${pair%:*}" ] || missing+=("${pair#*:}")
  done
  [ ${#missing[@]} = 0 ] || "$here/apt-install.sh" "${missing[@]}"
  "$python" -m pip download --quiet --no-deps --no-binary :all: --dest "$1" "wiredtiger==$version"
  LDFLAGS='-Wl,--no-as-needed -lsnappy -lz' "$python" -m pip install --quiet --no-deps --target "$1/built" \
    "$1/wiredtiger-$version.tar.gz"
  PYTHONPATH=$1/built "$python" -c 'import wiredtiger'
}

mkdir -p "$cache/wiredtiger"
exec 9>"$cache/wiredtiger/lock"
flock 9
if [ ! -d "$built" ]; then
  making=$(mktemp -d "$cache/wiredtiger/making.XXXXXX")
  trap 'rm -rf "$making"' EXIT
  echo "wiredtiger: building $version, once on this machine" >&2
  build "$making" >"$cache/wiredtiger/build-$version.log" 2>&1 9>&- || {
    echo "wiredtiger: the build failed; the end of $cache/wiredtiger/build-$version.log:" >&2
    tail -n 15 "$cache/wiredtiger/build-$version.log" >&2
    exit 1
  }
  chmod -R a+rX "$making/built"
  mv -T "$making/built" "$built"
fi
printf '%s\n' "$built"
