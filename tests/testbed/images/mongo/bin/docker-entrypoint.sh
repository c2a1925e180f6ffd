#!/bin/bash
# As the official image's: `mongod` is implied before options, gives up root after taking over the data directories, and
# listens on every address unless told otherwise.
set -e
case ${1:-} in -*) set -- mongod "$@" ;; esac
if [ "$1" = mongod ]; then
  if [ -n "${MONGO_INITDB_ROOT_USERNAME:-}${MONGO_INITDB_ROOT_PASSWORD:-}" ]; then
    echo "not supported by the stand-in: authentication" >&2
    exit 1
  fi
  case " $* " in *" --bind_ip"*) ;; *) set -- "$@" --bind_ip_all ;; esac
  if [ "$(id -u)" = 0 ]; then
    find /data/db /data/configdb \! -user mongodb -exec chown mongodb '{}' +
    exec setpriv --reuid=999 --regid=999 --clear-groups "$@"
  fi
fi
exec "$@"
