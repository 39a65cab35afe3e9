#!/bin/sh
# Makes sure that docker-compose.yml can be brought up on a Debian machine, as root. Needs the Docker Engine of docker.sh, with networks.
# Logs to $SPRF_CI_DIR (default /var/tmp/sprf-ci).
set -eu

dir=${SPRF_CI_DIR:-/var/tmp/sprf-ci}
mkdir -p "$dir"

say() { echo "compose.sh: $*"; }

if ! curl -fsS --max-time 10 --unix-socket /var/run/docker.sock http://docker/networks 2>/dev/null | grep -q '"Name":"bridge"'; then
  say "the Docker Engine does not answer, or runs without networks"
  exit 1
fi

missing=
for pair in docker-compose:docker-compose docker:docker.io; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
  say "installing$missing"
  apt-get update >"$dir/compose-apt.log" 2>&1 || true
  # shellcheck disable=SC2086
  if ! DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >>"$dir/compose-apt.log" 2>&1; then
    say "$(tail -n 1 "$dir/compose-apt.log")"
    exit 1
  fi
fi
say "$(docker-compose version --short 2>/dev/null || docker-compose version | head -n 1)"
