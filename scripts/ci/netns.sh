#!/bin/sh
# Installs Debian's iproute2, as root, and makes sure that network namespaces can be made, joined by a bridge and slowed, which is
# what test/helpers/namespaces.ts does. Nothing of it stays.
set -eu

say() { echo "netns.sh: $*"; }

if ! command -v ip >/dev/null 2>&1 || ! command -v tc >/dev/null 2>&1; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends iproute2 >/dev/null
fi
name=rntry$$
tidy() {
  ip link del "$name" 2>/dev/null || true
  ip netns del "$name" 2>/dev/null || true
}
trap tidy EXIT
ip netns add "$name"
ip link add "$name" type bridge
ip link add "${name}v" type veth peer name eth0 netns "$name"
ip link set "${name}v" master "$name"
tc qdisc replace dev "${name}v" root tbf rate 1mbit burst 4kb latency 500ms
say "$(ip -V)"
