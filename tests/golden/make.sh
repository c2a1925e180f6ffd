#!/usr/bin/env bash
# Makes tests/golden/7fc5be1 anew: what the program of commit 7fc5be1 leaves of its runs on real servers, killed at its failpoints.
#
#   CLEARML_BED_READY=1 flock --close /tmp/clearml-migrate-tests.lock tests/golden/make.sh     as root, with the test bed up
#
# journals.tar.zst has the journals of four runs that went forward and back: of a server and of `elastic`, small ones that were
# killed in each step, and ones of so many documents that their digests are full. A journal is only appended to, so that each of
# its beginnings is what a kill behind that record has left.
# machines.tar.zst has four machines as they were left: files of a small server and what a run has made of them.
# All of it is of one place, `root` below, for which the tests put their own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
bed=$project/tests/testbed/bed.sh
commit=7fc5be1
root=/var/tmp/clearml-migrate-golden
old=$root/opt/trains
new=$root/opt/clearml
# Its size fills nearly all buckets of the digests of two indices.
many=20000
few=150

say() { printf 'golden: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# The program of then, built once in the bed's cache.
program() {
  local sources
  sources=${CLEARML_BED:-/var/cache/clearml-migrate-bed}/bench/program-$(git -C "$project" rev-parse --short=12 "$commit^{commit}")
  if [ ! -e "$sources/Cargo.toml" ]; then
    rm -rf "$sources.making"
    mkdir -p "$sources.making"
    git -C "$project" archive "$commit" | tar -x -C "$sources.making"
    mv "$sources.making" "$sources"
  fi
  (cd "$sources" && cargo build --quiet --bin docker-clearml-migrate) >&2
  printf '%s\n' "$sources/target/debug/docker-clearml-migrate"
}

deployment() { "$project/tests/testbed/deployment/deployment.sh" "$1" "$old" "${@:2}"; }

clear_away() {
  local label
  for label in com.docker.compose.project=trains com.docker.compose.project=clearml org.clearml-migrate.run; do
    docker ps --all --quiet --filter "label=$label" | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
    docker network ls --quiet --filter "label=$label" | xargs --no-run-if-empty docker network rm >/dev/null
  done
  rm -rf --one-file-system "$root"
}

# A stopped server of 0.15.1 whose Elasticsearch was killed. Its servers, which hear no stop signal, get a second to end.
old_server() { # DOCUMENTS
  clear_away
  mkdir -p "$root"/{opt,somewhere,state}
  deployment create --documents "$1" --tail 40
  # Pictures, which do not compress.
  curl --silent --fail --show-error --request DELETE "http://localhost:9200/events-plot-*" >/dev/null
  curl --silent --fail --show-error "http://localhost:9200/_cat/indices/events-*,worker_stats_*,queue_metrics_*?h=index,docs.count&s=index" |
    awk '{ print $1 "\t" $2 }' >"$root/counts.tsv"
  deployment kill
  deployment stop
  sed -i 's|^    image: allegroai/trains.*|&\n    stop_grace_period: 1s|; s|-Xms1g -Xmx1g|& -XX:TieredStopAtLevel=1|' "$old/docker-compose.yml"
  printf 'elastic { probing { max_retries: 120, timeout: 1 } }\n' >>"$old/config/apiserver.conf"
}

# Calls the program of then, and requires that it ends so: 0, or 137 for SIGKILL.
call() { # CODE FAILPOINTS WORD…
  local wanted=$1 points=$2 code=0
  shift 2
  (
    cd "$root/somewhere"
    exec env HOME="$root" CLEARML_MIGRATE_STATE_DIR="$root/state" CLEARML_MIGRATE_FAILPOINTS="$points" NO_COLOR=1 "$PROGRAM" "$@"
  ) </dev/null >"$root/said" 2>&1 || code=$?
  [ "$code" = "$wanted" ] || die "$points $*: code $code instead of $wanted: $(tail -n 30 "$root/said")"
  say "$code $points $*"
}

server() { call "$1" "$2" --yes --file "$old/docker-compose.yml" "${@:3}"; }

# A run is found by any name that its files have or had.
back() { call "$1" "$2" rollback --yes --file "$old/docker-compose.yml"; }

elastic() { call "$1" "$2" elastic -s "$old/data/elastic" -t "$old/data/elastic_7" --yes "${@:3}"; }

elastic_back() { call "$1" "$2" rollback --yes --source "$old/data/elastic"; }

keep_journal() { # NAME FILE
  cp "$2" "$made/journals/$1.journal"
  say "$1: $(wc -l <"$2") records, $(stat -c %s "$2") bytes"
}

# Without the containers that a killed run has left, as after a power failure.
keep_machine() { # NAME
  docker ps --all --quiet --filter label=org.clearml-migrate.run | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
  mkdir "$made/machines/$1"
  cp -a "$root"/{opt,state,counts.tsv} "$made/machines/$1"
  rm -rf "$made/machines/$1"/opt/*-manifest "$made/machines/$1"/opt/*/logs/*
  say "machine $1"
}

small_server() {
  local step
  old_server $few
  server 137 'files.journal_append=kill@2'
  server 137 'step.pull_images.started=kill'
  server 137 'docker.compose_down=kill'
  server 137 'files.archive.entry=kill@9'
  server 137 'elastic.checkpoint_due=error;elastic.checkpoint=kill'
  server 137 'elastic.bulk=kill@2'
  server 137 'step.copy_elastic.applied=kill'
  server 137 'step.verify_elastic.started=kill'
  server 137 'files.copy.file=kill@2'
  server 137 'step.copy_redis.applied=kill'
  server 137 'step.retire_sources.started=kill'
  server 137 'files.rename=kill@2'
  server 137 'step.move_home.applied=kill'
  server 137 'files.write_new=kill@2'
  server 137 'docker.compose_up=kill'
  server 137 'step.check_health.started=kill'
  server 0 ''
  for step in check_health start_stack rewrite_compose move_home retire_sources copy_redis copy_mongo verify_elastic \
    copy_elastic back_up stop_stack pull_images; do
    back 137 "step.$step.undo=kill"
  done
  back 0 ''
  keep_journal server-small "$old/.clearml-migrate/journal"
}

small_elastic() {
  local step
  old_server $few
  elastic 137 'files.journal_append=kill@2'
  elastic 137 'step.pull_images.started=kill'
  elastic 137 'files.archive.entry=kill@9'
  elastic 137 'elastic.checkpoint_due=error;elastic.checkpoint=kill'
  elastic 137 'elastic.bulk=kill@2'
  elastic 137 'step.copy_elastic.applied=kill'
  elastic 137 'step.verify_elastic.started=kill'
  elastic 137 'step.retire_sources.started=kill'
  elastic 137 'step.retire_sources.applied=kill'
  elastic 0 ''
  for step in retire_sources verify_elastic copy_elastic back_up pull_images; do
    elastic_back 137 "step.$step.undo=kill"
  done
  elastic_back 0 ''
  keep_journal elastic-small "$old/data/.clearml-migrate/elastic.journal"
}

full() {
  old_server $many
  server 137 'elastic.checkpoint_due=error;elastic.checkpoint=kill' --no-backup
  server 0 ''
  back 0 ''
  keep_journal server-full "$old/.clearml-migrate/journal"
  deployment stop
  elastic 137 'elastic.checkpoint_due=error;elastic.checkpoint=kill' --no-backup
  elastic 0 ''
  elastic_back 0 ''
  keep_journal elastic-full "$old/data/.clearml-migrate/elastic.journal"
}

machines() {
  old_server $few
  server 137 'elastic.create_index=kill@8' --no-backup
  server 137 'elastic.checkpoint_due=error;elastic.checkpoint=kill'
  keep_machine server-in-copy
  server 137 'files.rename=kill@3'
  keep_machine server-in-switch
  server 0 ''
  (cd "$new" && docker compose --progress quiet stop --timeout 60)
  keep_machine server-completed
  old_server $few
  elastic 137 'step.verify_elastic.started=kill' --no-backup
  keep_machine elastic-in-verification
}

# The same archive for the same files, and each file that is in several machines once.
pack() { # NAME
  tar --create --format=posix --pax-option=delete=atime,delete=ctime --sort=name --numeric-owner --directory "$made/$1" . |
    zstd --quiet --ultra -22 --long=26 --force -o "$here/$commit/$1.tar.zst"
  say "$here/$commit/$1.tar.zst: $(stat -c %s "$here/$commit/$1.tar.zst") bytes"
}

# What an earlier try has made is not made again.
inside() {
  made=/var/tmp/clearml-migrate-golden-made
  trap clear_away EXIT
  mkdir -p "$made/journals"
  [ -e "$made/journals/elastic-full.journal" ] || full
  if [ ! -e "$made/machines/elastic-in-verification" ]; then
    rm -rf "$made/machines"
    mkdir "$made/machines"
    machines
  fi
  [ -e "$made/journals/elastic-small.journal" ] || small_elastic
  [ -e "$made/journals/server-small.journal" ] || small_server
  mkdir -p "$here/$commit"
  pack journals
  pack machines
  rm -rf "$made"
}

if [ "${1-}" = --inside ]; then
  inside
else
  PROGRAM=$(program)
  export PROGRAM
  "$bed" exec "$0" --inside
fi
