#!/usr/bin/env bash
# Images with the real Elasticsearch under its usual tags: the originals where they can be pulled, else the
# distributions of Maven Central on the bed's base. These carry no x-pack; see `entrypoint` for what that means.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/testbed/lib/image.sh
. "$BED_LIB/image.sh"

work=$(mktemp -d "$CLEARML_BED/elasticsearch.XXXXXX")
trap 'rm -rf "$work"' EXIT

build() { # VERSION MAVEN-GROUP
  local version=$1 image=docker.elastic.co/elasticsearch/elasticsearch:$1 recipe
  recipe=$(recipe_of "$here" "$(base_image_id)" "$version")
  if image_is_current "$image" "$recipe" || pull_image "$image"; then return; fi

  local context=$work/$version home=$work/$version/elasticsearch
  mkdir "$context"
  maven_fetch "$2:elasticsearch:$version:zip" "$work"
  unzip -q "$work/elasticsearch-$version.zip" -d "$context"
  mv "$context/elasticsearch-$version" "$home"
  chmod +x "$home"/bin/*
  mkdir -p "$home/data" "$home/logs"
  case $version in
    5.*) configure_5 "$home" ;;
    7.*) configure_7 "$home" "$version" ;;
    8.*) configure_8 "$home" ;;
  esac
  cp "$here/entrypoint" "$here/keep-classes" "$context"
  build_image "$image" "$recipe" "$context" --file "$here/Dockerfile.${version%%.*}"
}

configure_5() { # HOME
  cp "$here/jvm-5.options" "$1/config/jvm.options"
  cp "$here/log4j2-5.properties" "$1/config/log4j2.properties"
  cat >"$1/config/elasticsearch.yml" <<'EOF'
cluster.name: "docker-cluster"
network.host: 0.0.0.0
discovery.zen.minimum_master_nodes: 1
EOF
}

configure_7() { # HOME VERSION
  # Written for Java 13 at most; on 17 the security manager that Elasticsearch installs must be allowed.
  printf '%s\n' '17-:-Djava.security.manager=allow' >>"$1/config/jvm.options"
  cp "$here/log4j2-7.properties" "$1/config/log4j2.properties"
  printf 'cluster.name: "docker-cluster"\nnetwork.host: 0.0.0.0\n' >"$1/config/elasticsearch.yml"
  if [ "$2" = 7.6.2 ]; then add_reindex_module "$1/modules/reindex" "$2"; fi
}

configure_8() { # HOME
  # The console only, as in a container.
  cp "$here/log4j2-7.properties" "$1/config/log4j2.properties"
  printf 'cluster.name: "docker-cluster"\nnetwork.host: 0.0.0.0\n' >"$1/config/elasticsearch.yml"
}

# Maven Central's 7.6.2 distribution is the one for integration tests, with few modules. The server deletes a task's
# events with _delete_by_query, which is in the reindex module; it is published with what it needs, in pieces.
add_reindex_module() { # DIRECTORY VERSION
  local artifact
  mkdir "$1"
  while read -r artifact; do
    maven_fetch "$artifact:jar" "$1"
  done <<EOF
org.codelibs.elasticsearch.module:reindex:$2
org.elasticsearch.client:elasticsearch-rest-client:$2
org.elasticsearch:elasticsearch-ssl-config:$2
org.apache.httpcomponents:httpcore:4.4.12
org.apache.httpcomponents:httpcore-nio:4.4.12
org.apache.httpcomponents:httpclient:4.5.10
org.apache.httpcomponents:httpasyncclient:4.1.4
commons-codec:commons-codec:1.11
commons-logging:commons-logging:1.1.3
EOF
  sed "s/@VERSION@/$2/" "$here/reindex-descriptor.properties" >"$1/plugin-descriptor.properties"
  cp "$here/reindex-security.policy" "$1/plugin-security.policy"
}

build 5.6.16 org.elasticsearch.distribution.zip
build 7.6.2 org.elasticsearch.distribution.integ-test-zip
# For `elastic --target-version`: without the reindex module, because no server runs on it.
build 7.17.29 org.elasticsearch.distribution.integ-test-zip
# For `import`: without the page at `/`, which this distribution lacks.
build 8.17.0 org.elasticsearch.distribution.integ-test-zip
