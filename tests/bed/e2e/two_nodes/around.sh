#!/usr/bin/env bash
# Runs a command inside the bed with a pair of real Elasticsearch nodes beside it, 5.6.16 and 7.6.2, and takes them away
# afterwards. The command finds their addresses in CLEARML_TEST_ES5 and CLEARML_TEST_ES7.
set -euo pipefail

repository=docker.elastic.co/elasticsearch/elasticsearch
containers=()
cleanup() { [ ${#containers[@]} -eq 0 ] || docker rm --force --volumes "${containers[@]}" >/dev/null; }
trap cleanup EXIT

# version, heap, further settings
start() {
  local version=$1 heap=$2 id port
  shift 2
  id=$(docker run --detach --publish 127.0.0.1::9200 --env "ES_JAVA_OPTS=-Xms$heap -Xmx$heap" \
    --env discovery.type=single-node --env xpack.security.enabled=false \
    --env cluster.routing.allocation.disk.threshold_enabled=false --env http.max_content_length=512mb \
    "${@/#/--env=}" "$repository:$version")
  containers+=("$id")
  port=$(docker port "$id" 9200/tcp | head -n 1)
  address=http://$port
}

wait_for() {
  local deadline=$((SECONDS + 120))
  until curl --silent --fail --max-time 5 "$1/_cluster/health" >/dev/null; do
    [ $SECONDS -lt $deadline ] || { echo "$1 does not answer after two minutes" >&2 && exit 1; }
    sleep 0.5
  done
}

start 5.6.16 1g
export CLEARML_TEST_ES5=$address
start 7.6.2 1536m indices.breaker.total.use_real_memory=false
export CLEARML_TEST_ES7=$address
wait_for "$CLEARML_TEST_ES5"
wait_for "$CLEARML_TEST_ES7"
"$@"
