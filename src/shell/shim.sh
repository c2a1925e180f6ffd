#!/bin/sh
# docker shim of clearml-migrate: turns `docker clearml-migrate …` into `docker clearml migrate …`, because docker allows no
# hyphen in the name of a plugin. Everything else goes to the next docker on PATH unchanged.
# Installed by install.sh --docker-shim, removed by install.sh --uninstall.
set -u

here=$(cd "$(dirname "$0")" && pwd -P)
real=
old_ifs=$IFS
IFS=:
set -f
for dir in $PATH; do
    if [ -x "$dir/docker" ] && [ ! -d "$dir/docker" ] && [ "$(cd "$dir" && pwd -P)" != "$here" ]; then
        real=$dir/docker
        break
    fi
done
IFS=$old_ifs
set +f
if [ -z "$real" ]; then
    echo "docker: no docker on PATH behind the shim $here/docker of clearml-migrate" >&2
    exit 127
fi

left=$#
state=options
# Each word is taken off the front and put back at the end, so that after one round the order is the same again.
while [ "$left" -gt 0 ]; do
    word=$1
    shift
    left=$((left - 1))
    case $state in
        value) state=options ;;
        options)
            case $word in
                clearml-migrate)
                    set -- "$@" clearml
                    word=migrate
                    state=rest
                    ;;
                -c | -H | -l | -D[cHl] | --context | --host | --log-level) state=value ;;
                --config | --tlscacert | --tlscert | --tlskey) state=value ;;
                -* | help) ;;
                *) state=rest ;;
            esac
            ;;
    esac
    set -- "$@" "$word"
done
exec "$real" "$@"
