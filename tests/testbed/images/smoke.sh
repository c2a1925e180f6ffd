#!/usr/bin/env bash
# Runs the stand-ins against the real Elasticsearch and redis of the bed, and each rule that the tests rely on:
#   tests/testbed/bed.sh exec tests/testbed/images/smoke.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=smoke-$$
work=$(mktemp -d)

clean_up() {
  docker ps --all --quiet --filter "name=^$name-" | xargs -r docker rm --force --volumes >/dev/null
  docker network rm "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT

fail() {
  echo "smoke: $*" >&2
  exit 1
}

run() { # ALIAS DOCKER-OPTION… IMAGE [COMMAND…]
  local alias=$1
  shift
  docker run --detach --name "$name-$alias" --network "$name" --network-alias "$alias" "$@" >/dev/null
}

remove() { for alias in "$@"; do docker rm --force --volumes "$name-$alias" >/dev/null; done; }

address() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$name-$1"; }

elastic() { # VERSION
  run elasticsearch -e discovery.type=single-node -e xpack.security.enabled=false -e "ES_JAVA_OPTS=-Xms512m -Xmx512m" \
    -e cluster.routing.allocation.disk.threshold_enabled=false "docker.elastic.co/elasticsearch/elasticsearch:$1"
  local left=120
  until curl --silent --fail --output /dev/null "http://$(address elasticsearch):9200/_cluster/health"; do
    left=$((left - 1))
    [ $left -gt 0 ] || fail "Elasticsearch $1 does not start: $(docker logs --tail 5 "$name-elasticsearch")"
    sleep 0.5
  done
}

mongo() { run mongo --volume "$work/mongo:/data/db" "mongo:$1" "${@:2}"; }

# The API server, pointed at its databases by the environment names of its release.
api() { # TAG PREFIX [DOCKER-OPTION…]
  local tag=$1 prefix=$2 service
  shift 2
  local options=("$@")
  for service in ELASTIC:elasticsearch MONGODB:mongo REDIS:redis; do
    options+=(-e "${prefix}_${service%:*}_SERVICE_HOST=${service#*:}")
  done
  run apiserver -e "CLEARML__APISERVER__ELASTIC__PROBING__TIMEOUT=1" "${options[@]}" "allegroai/$tag" apiserver
}

check() { # CHECK [VERSION]
  python3 "$here/smoke.py" "$1" "http://$(address apiserver):8008" "${@:2}" && return
  docker logs --tail 30 "$name-apiserver" >&2
  fail "$1 failed"
}

# In order: the stand-in gives documents back by their ids.
stamps() {
  docker exec "$name-mongo" mongo --quiet --eval \
    'JSON.stringify(db.getSiblingDB("backend").versions.find().toArray().map(function(v){return v.num}))' |
    tr -d '[]"' | tr ',' '\n' | sort | paste -sd ' '
}

expect() { # WANTED FOUND WHAT
  [ "$1" = "$2" ] || fail "$3: wanted $1, found $2"
  echo "smoke: $3 ok"
}

# Ends by itself with this exit code, and says this.
expect_end() { # ALIAS CODE TEXT
  expect "$2" "$(timeout 60 docker wait "$name-$1")" "exit code of $1"
  docker logs "$name-$1" 2>&1 | grep -qF -- "$3" || fail "$1 did not say '$3': $(docker logs --tail 5 "$name-$1" 2>&1)"
  remove "$1"
}

docker network create "$name" >/dev/null
mkdir -p "$work/mongo" "$work/config" "$work/files"
old='0.12.1 0.13.0 0.14.0 0.15.0'
run redis redis:5.0

# A new Trains Server.
elastic 5.6.16
mongo 3.6.5 --setParameter internalQueryExecMaxBlockingSortBytes=196100200
api trains:latest TRAINS
check fresh 0.15.1
expect "$old" "$(stamps)" "stamps of 0.15.1"
remove apiserver elasticsearch

# ClearML Server on its MongoDB and an empty Elasticsearch 7: noticed, nothing written.
elastic 7.6.2
api clearml:1.1.1 CLEARML
check forgotten
expect "$old" "$(stamps)" "stamps after a forgotten migration"
expect "{}" "$(curl --silent "http://$(address elasticsearch):9200/_template/events*")" "templates after a forgotten migration"
remove apiserver

# With templates it goes on; a migration that fails is only logged.
curl --silent --fail --output /dev/null -X PUT -H 'Content-Type: application/json' \
  -d '{"index_patterns": "events-*"}' "http://$(address elasticsearch):9200/_template/events"
api clearml:1.1.1 CLEARML -e CLEARML__TESTBED__FAIL_MIGRATION=0.17.0
check half_migrated
expect "$old 0.16.0 0.16.1 0.16.2" "$(stamps)" "stamps of a half-way migration"
remove apiserver

# The next start finishes it; here with fixed users.
cat >"$work/config/apiserver.conf" <<'C'
auth { fixed_users { enabled: true, users: [ { username: "jane", password: "secret 1", name: "Jane Doe" } ] } }
C
api clearml:1.1.1 CLEARML --volume "$work/config:/opt/clearml/config:ro"
check migrated
expect "$old 0.16.0 0.16.1 0.16.2 0.17.0 1.0.0 1.0.2" "$(stamps)" "stamps of 1.1.1"
remove apiserver

# The newest server does not run on these.
api clearml:latest CLEARML
expect_end apiserver 1 "needs MongoDB 6 or later, found 3.6.5"

# Nor the old one on migrated documents.
remove elasticsearch
elastic 5.6.16
api trains:0.15.1 TRAINS
check refuses_schema
remove apiserver elasticsearch mongo

# A new ClearML Server, which waits for the lock that another one, killed while it started, has left.
mv "$work/mongo" "$work/mongo-migrated" && mkdir "$work/mongo"
elastic 7.6.2
mongo 3.6.5
lock=redis_lock_db_init_$(printf 'mongodb://mongo:27017' | md5sum | cut -d' ' -f1)
docker exec "$name-redis" redis-cli set "$lock" 1 EX 5 >/dev/null
api clearml:1.1.1 CLEARML
sleep 3
expect 000 "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://$(address apiserver):8008/debug.ping" || true)" \
  "a server that waits for the lock"
check fresh 1.1.1
docker exec --interactive "$name-apiserver" python3 - <"$here/smoke_indexes.py" || fail "indexes of MongoDB"
docker exec --interactive "$name-apiserver" python3 - <"$here/smoke_schema.py" || fail "schema of MongoDB"
remove apiserver elasticsearch

# MongoDB: one server per directory, survival of a kill, the ladder's rules.
run second --volume "$work/mongo:/data/db" mongo:3.6.5
expect_end second 100 "Another mongod instance is already running"
docker kill "$name-mongo" >/dev/null
expect 1 "$(cat "$work/mongo/mongod.lock")" "lock file of a killed mongod"
remove mongo
mongo 3.6.5
sleep 2
expect 10 "$(stamps | wc -w)" "stamps that survive a kill"
docker stop "$name-mongo" >/dev/null
expect 0 "$(docker inspect --format '{{.State.ExitCode}}' "$name-mongo")" "exit code of a stopped mongod"
expect 0 "$(stat --format %s "$work/mongo/mongod.lock")" "size of its lock file"
expect 999 "$(stat --format %u "$work/mongo/mongod.lock")" "owner of its files"
remove mongo
mongo 4.2.16
expect_end mongo 62 "need to be fully upgraded to version 4.0"
mongo 4.0.27 --setParameter internalQueryMaxBlockingSortMemoryUsageBytes=1
expect_end mongo 1 "Unknown --setParameter"
mongo 4.0.27
sleep 2
expect '{ "ok" : 1 }' "$(docker exec "$name-mongo" mongo --quiet --eval 'db.adminCommand({setFeatureCompatibilityVersion:"4.0"})')" "4.0"
remove mongo
mongo 3.6.5
expect_end mongo 62 "found 4.0, expected '3.6' or '3.4'"

# The web server needs its upstreams; the file server keeps files; the agent names what it would use.
run webserver allegroai/clearml:1.1.1 webserver
expect_end webserver 1 'host not found in upstream "apiserver"'
run fileserver --volume "$work/files:/mnt/fileserver" allegroai/clearml:1.1.1 fileserver
run apiserver --entrypoint sleep allegroai/clearml:1.1.1 1000
run webserver allegroai/clearml:1.1.1 webserver
sleep 2
expect 1 "$(curl --silent "http://$(address webserver)/" | grep -c 'ClearML Server 1.1.1')" "page of the web server"
curl --silent --fail --output /dev/null -F 'project/x.png=@/bin/true' "http://$(address fileserver):8081/"
cmp /bin/true "$work/files/project/x.png"
curl --silent --fail --path-as-is "http://$(address fileserver):8081/project/x.png" | cmp - /bin/true
curl --silent --fail "http://$(address webserver)/files/project/x.png" | cmp - /bin/true
expect 502 "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://$(address webserver)/api/debug.ping")" \
  "a web server whose API server is silent"
expect 404 "$(curl --silent --output /dev/null --write-out '%{http_code}' --path-as-is \
  "http://$(address fileserver):8081/../etc/passwd")" "a path out of the file server's root"
run agent -e CLEARML_API_HOST=http://fileserver:8081 -e TRAINS_HOST_IP=1.2.3.4 allegroai/clearml-agent-services:latest
sleep 2
expect 1 "$(docker logs "$name-agent" | grep -c 'TRAINS_HOST_IP=1.2.3.4')" "agent's environment"
echo "smoke: all ok"
