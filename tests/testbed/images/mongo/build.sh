#!/usr/bin/env bash
# mongo:VERSION for every version that a migration can meet: the original where it can be pulled, else the stand-in that
# README.md describes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../../lib/image.sh
. "$BED_LIB/image.sh"

versions=(3.6.5 3.6.23 4.0.27 4.2.16 4.4.9 4.4.29 5.0.26 6.0.19 7.0.22)

work=$(mktemp -d "$CLEARML_BED/mongo.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The same for all versions, hence made once: jars, our classes, scripts.
make_context() { # DIRECTORY
  command -v javac >/dev/null || apt_install openjdk-17-jdk-headless
  mkdir "$1" "$1/classes"
  mvn -q -B -Dmaven.repo.local="$CLEARML_BED/maven" -f "$here/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$1/lib"
  javac -nowarn -proc:none --release 17 -cp "$1/lib/*" -d "$1/classes" "$here"/src/testbed/mongo/*.java
  # The engine that stopped servers leave their files with, and the library of it that the base does not have.
  local engine
  engine=$("$BED_LIB/wiredtiger.sh")
  mkdir "$1/engine"
  cp -r "$engine/wiredtiger" "$1/engine/"
  cp -L "$(ldconfig -p | awk '$1 == "libsnappy.so.1" {print $NF; exit}')" "$1/engine/"
  cp -r "$here/bin" "$here/Dockerfile" "$1/"
}

build() { # VERSION
  local image=mongo:$1 shell=mongosh recipe
  recipe=$(recipe_of "$here" "$BED_LIB/wiredtiger.sh" "$(base_image_id)" "$1")
  if image_is_current "$image" "$recipe" || pull_image "$image"; then return; fi
  case $1 in [345].*) shell=mongo ;; esac
  [ -d "$work/context" ] || make_context "$work/context"
  build_image "$image" "$recipe" "$work/context" --build-arg "MONGO_VERSION=$1" --build-arg "SHELL_NAME=$shell"
}

for version in "${versions[@]}"; do build "$version"; done
