#!/usr/bin/env bash
# docker compose v2, built from source through the Go module proxy: Debian 12 carries only the old Python one.
#   build-compose.sh VERSION FILE
set -euo pipefail
version=$1 plugin=$2

# Compose needs a newer Go than Debian 12 has; this one comes as a module, too.
toolchain=go1.25.3

work=$(mktemp -d "$CLEARML_BED/compose-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
# With the caches of whoever runs this: where they are warm, this takes seconds.
export HOME=${HOME:-$CLEARML_BED/home}
mkdir "$work/module"
cd "$work/module"

go=$(command -v go)
minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
# From 1.21 on Go fetches by itself the toolchain that a module asks for.
if [ "${minor:-0}" -lt 21 ]; then
  root=$(go mod download -json "golang.org/toolchain@v0.0.1-$toolchain.linux-amd64" | jq -r .Dir)
  # Modules carry no executable bits.
  chmod +x "$root"/bin/* "$root"/pkg/tool/linux_amd64/*
  go=$root/bin/go
fi

# `go install …@version` refuses modules with exclude directives, as compose is; being required is allowed.
printf 'module bed\ngo 1.24\nrequire github.com/docker/compose/v2 %s\n' "$version" >go.mod
printf '//go:build tools\n\npackage tools\n\nimport _ "github.com/docker/compose/v2/cmd"\n' >tools.go
"$go" mod tidy
"$go" build -trimpath -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$version" \
  -o "$work/docker-compose" github.com/docker/compose/v2/cmd
install -D -m 0755 "$work/docker-compose" "$plugin"
