# shellcheck shell=bash
# What the machine itself must have: Debian packages, one kernel setting, a Go that can build compose.

# command, and the Debian 12 package that brings it
host_commands=(
  dockerd:docker.io docker:docker.io containerd:containerd runc:runc iptables:iptables ip:iproute2
  debootstrap:debootstrap jq:jq unzip:unzip curl:curl mvn:maven go:golang-go
)

install_host_packages() {
  local entry packages=()
  for entry in "${host_commands[@]}"; do
    command -v "${entry%%:*}" >/dev/null || packages+=("${entry#*:}")
  done
  if [ ${#packages[@]} -gt 0 ]; then apt_install "${packages[@]}"; fi
}

apt_install() {
  logged apt "installing $*" "$BED_LIB/apt-install.sh" "$@"
}

# Elasticsearch refuses to serve a network with less. The setting is the whole machine's and only ever raised.
raise_max_map_count() {
  local wanted=262144
  [ "$(cat /proc/sys/vm/max_map_count)" -ge $wanted ] || echo $wanted >/proc/sys/vm/max_map_count
}

can_raise_limits() {
  local capabilities
  capabilities=$(sed -n 's/^CapEff:\t//p' /proc/self/status)
  # CAP_SYS_RESOURCE is capability 24.
  (((0x$capabilities >> 24) & 1))
}
