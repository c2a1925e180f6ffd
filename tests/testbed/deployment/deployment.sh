#!/usr/bin/env bash
# A Trains Server 0.15.1 as its users have it: compose file, configuration, data of every kind. Runs inside the bed:
#   tests/testbed/bed.sh exec tests/testbed/deployment/deployment.sh create /tmp/demo/trains --documents 200000 --kill
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data=$here/../data
export PYTHONDONTWRITEBYTECODE=1
# One of the users of apiserver.conf.
user=jane
password=spring-2020
api=http://localhost:8008
elastic=http://localhost:9200

usage() {
  cat <<EOF
usage: deployment.sh COMMAND DIRECTORY [OPTIONS]

  create   make DIRECTORY, start the stack, fill it; it keeps running unless told otherwise
    --documents N   how many there are at the end (default 10000)
    --seed S        other data for another number (default 1)
    --tail K        operations that Elasticsearch has not flushed at the end (default N/40 with --kill, else none)
    --keys-twice R  as many documents more, which Elasticsearch 7 refuses
    --kill          at the end kill Elasticsearch with SIGKILL; the other services keep running
    --stop          at the end stop the whole stack gently
  start    start the stack and wait until it answers
  stop     stop it gently
  kill     kill Elasticsearch with SIGKILL
  destroy  remove its containers, networks, volumes, and every file

DIRECTORY-manifest/ gets manifest.json (what must be there) and tasks.ndjson (for ask.py).
EOF
}

say() { printf 'deployment: %s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# Quiet: what compose has to say about a failure still comes.
compose() { (cd "$directory" && docker compose --progress quiet "$@"); }

make_directories() {
  [ ! -e "$directory" ] || die "$directory exists; destroy it first or choose another"
  mkdir -p "$directory"/{data/{elastic,mongo/{db,configdb},redis,fileserver},logs,config,agent} "$manifest"
  # As upstream's instructions and the images leave them.
  chown 1000:1000 "$directory"/{data/elastic,logs,config}
  chown -R 999:999 "$directory"/data/{mongo,redis}
}

write_configuration() {
  sed "s|@HOME@|$directory|g" "$here/docker-compose.yml.in" >"$directory/docker-compose.yml"
  cp "$here/env.in" "$directory/.env"
  cp "$here/apiserver.conf" "$directory/config/apiserver.conf"
}

wait_until_it_answers() {
  local deadline=$((SECONDS + 180))
  until curl --silent --fail --max-time 5 "$api/auth.fixed_users_mode" >/dev/null &&
    curl --silent --fail --max-time 5 "$elastic/_cluster/health?wait_for_status=yellow&timeout=2s" >/dev/null; do
    if [ $SECONDS -ge $deadline ]; then
      compose ps --all >&2
      compose logs --tail 15 apiserver elasticsearch mongo >&2
      die "the server does not answer after three minutes"
    fi
    sleep 0.5
  done
}

# What can be made without the servers; a plan that cannot be met ends here.
write_plan() {
  python3 "$data/generate.py" "${plan[@]}" --manifest "$manifest/manifest.json" --tasks "$manifest/tasks.ndjson" \
    --uploads "$directory/data/fileserver"
}

fill() {
  # The tasks first: nothing may come between the last operation and the kill.
  python3 "$data/load_tasks.py" --server "$api" --user $user --password $password "$manifest/tasks.ndjson"
  compose exec -T redis redis-cli set testbed:filled-with "${plan[*]}" >/dev/null
  python3 "$data/generate.py" "${plan[@]}" --elastic "$elastic"
}

kill_elasticsearch() {
  # Killed by hand, so that docker does not start it again.
  docker kill --signal KILL trains-elastic >/dev/null
  # An empty log of operations has only its header of 43 bytes.
  local with_operations
  with_operations=$(find "$directory/data/elastic" -name 'translog-*.tlog' -size +43c | wc -l)
  [ "$with_operations" -gt 0 ] || die "Elasticsearch had flushed everything before it was killed"
  say "killed Elasticsearch; $with_operations of its logs hold operations that no segment has"
}

cmd_create() {
  local documents=10000 seed=1 tail='' twice=0 end=run
  while [ $# -gt 0 ]; do
    case $1 in
      --kill | --stop) end=${1#--} ;;
      --documents | --seed | --tail | --keys-twice)
        [ $# -gt 1 ] || die "$1 needs a number"
        case $1 in
          --documents) documents=$2 ;;
          --seed) seed=$2 ;;
          --tail) tail=$2 ;;
          --keys-twice) twice=$2 ;;
        esac
        shift
        ;;
      *) die "create: unknown option $1" ;;
    esac
    shift
  done
  if [ -z "$tail" ]; then if [ "$end" = kill ]; then tail=$((documents / 40)); else tail=0; fi; fi
  plan=(--documents "$documents" --seed "$seed" --kill-tail "$tail" --keys-twice "$twice")
  make_directories
  write_configuration
  write_plan
  compose up --detach --quiet-pull
  wait_until_it_answers
  fill
  case $end in
    kill) kill_elasticsearch ;;
    stop) cmd_stop ;;
  esac
  say "$directory: $documents documents"
}

cmd_start() {
  compose up --detach
  wait_until_it_answers
}

cmd_stop() {
  # These hear no stop signal, and have nothing to write.
  compose stop --timeout 1 agent-services webserver apiserver fileserver
  compose stop --timeout 120
}

cmd_kill() { kill_elasticsearch; }

cmd_destroy() {
  if [ -f "$directory/docker-compose.yml" ]; then compose down --volumes --remove-orphans --timeout 1; fi
  rm -rf --one-file-system "$directory" "$manifest"
}

case ${1-} in
  create | start | stop | kill | destroy)
    [ $# -gt 1 ] || die "$1: which directory?"
    command=$1
    directory=$(realpath -m "$2")
    manifest=$directory-manifest
    shift 2
    "cmd_$command" "$@"
    ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
