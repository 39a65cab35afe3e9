#!/bin/sh
# Installs Debian's PostgreSQL, without a database that starts by itself; prints the folder of its programs, which is where
# test/helpers/postgres.ts looks for them.
set -eu

say() { echo "postgres.sh: $*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

if ! ls -d /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then
  command -v apt-get >/dev/null 2>&1 || { say "apt-get is needed"; exit 1; }
  as_root mkdir -p /etc/postgresql-common
  echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends postgresql >/dev/null
fi
dirname "$(ls -d /usr/lib/postgresql/*/bin/postgres | tail -n 1)"
