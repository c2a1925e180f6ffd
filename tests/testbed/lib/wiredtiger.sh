#!/usr/bin/env bash
# WiredTiger 11.3.1, the engine of MongoDB 8.0, as a Python package: what the golden directories and the tests against the
# engine are made with. The program itself never links it.
#
#   PYTHONPATH=$(wiredtiger.sh) python3 …      builds what is not there yet, and prints where it is
#
# It is built from PyPI's source package once per machine, which takes some minutes, and kept in the bed's cache. Where
# swig, cmake, ninja, or the headers of snappy, zlib and zstd are missing, they are installed (as root).
set -euo pipefail
version=11.3.1
here=$(cd "$(dirname "$0")" && pwd)
cache=${CLEARML_BED:-/var/cache/clearml-migrate-bed}
python=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
built=$cache/wiredtiger/$version-$python-$(sha256sum <"$0" | cut -c1-8)

say() { printf 'wiredtiger: %s\n' "$*" >&2; }

build() { # DIRECTORY
  local missing=() program header
  for program in swig cmake ninja; do command -v "$program" >/dev/null || missing+=("${program/#ninja/ninja-build}"); done
  for header in snappy-c.h:libsnappy-dev zlib.h:zlib1g-dev zstd.h:libzstd-dev; do
    [ -e "/usr/include/${header%:*}" ] || missing+=("${header#*:}")
  done
  [ ${#missing[@]} = 0 ] || "$here/apt-install.sh" "${missing[@]}"
  python3 -m pip download --quiet --no-deps --no-binary :all: --dest "$1" "wiredtiger==$version"
  tar -xzf "$1/wiredtiger-$version.tar.gz" -C "$1"
  # MongoDB has its compressors within the engine. setup.py knows no way to ask for that, nor to link them.
  sed -i 's/-DENABLE_PYTHON=1/& -DHAVE_BUILTIN_EXTENSION_SNAPPY=1 -DHAVE_BUILTIN_EXTENSION_ZLIB=1 -DHAVE_BUILTIN_EXTENSION_ZSTD=1/' \
    "$1/wiredtiger-$version/setup.py"
  LDFLAGS='-Wl,--no-as-needed -lsnappy -lzstd -lz' python3 -m pip install --quiet --no-deps --target "$1/built" \
    "$1/wiredtiger-$version"
  PYTHONPATH=$1/built python3 -c 'import wiredtiger'
}

mkdir -p "$cache/wiredtiger"
exec 9>"$cache/wiredtiger/lock"
flock 9
if [ ! -d "$built" ]; then
  started=$SECONDS
  making=$(mktemp -d "$cache/wiredtiger/making.XXXXXX")
  trap 'rm -rf "$making"' EXIT
  say "building $version for $python, once on this machine"
  build "$making" >"$cache/wiredtiger/build.log" 2>&1 9>&- || {
    say "the build failed; the end of $cache/wiredtiger/build.log:"
    tail -n 15 "$cache/wiredtiger/build.log" >&2
    exit 1
  }
  chmod -R a+rX "$making/built"
  mv -T "$making/built" "$built"
  say "built in $((SECONDS - started)) s"
fi
printf '%s\n' "$built"
