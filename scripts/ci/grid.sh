#!/bin/sh
# Makes sure that the real workloads of the tests can be built and used on a Debian machine, as root: PostgreSQL and nginx, whose
# files become images, psql and wrk, which use them, and iptables. Nothing of it is started or set up on the machine itself.
# Needs the Docker Engine of docker.sh, with networks. Logs to $SPRF_CI_DIR (default /var/tmp/sprf-ci).
set -eu

dir=${SPRF_CI_DIR:-/var/tmp/sprf-ci}
mkdir -p "$dir"

say() { echo "grid.sh: $*"; }
engine() { curl -fsS --max-time 10 --unix-socket /var/run/docker.sock "http://docker/$1"; }

if ! engine networks 2>/dev/null | grep -q '"Name":"bridge"'; then
  say "the Docker Engine does not answer, or runs without networks"
  exit 1
fi

missing=
for pair in nginx:nginx-light wrk:wrk psql:postgresql-client iptables:iptables setpriv:util-linux busybox:busybox-static docker:docker.io; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
if [ -n "$missing" ]; then
  say "installing$missing"
  apt-get update >"$dir/grid-apt.log" 2>&1 || true
  # Neither a server nor a database on the machine itself.
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  fi
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    policy=ours
  fi
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold $missing >>"$dir/grid-apt.log" 2>&1 || failed=yes
  [ "${policy:-}" = ours ] && rm -f /usr/sbin/policy-rc.d
  [ -z "${failed:-}" ] || { tail -n 20 "$dir/grid-apt.log" >&2; exit 1; }
fi
if ! iptables -w 5 -S DOCKER-USER >/dev/null 2>&1; then
  say "this machine does not let iptables rules be read"
  exit 1
fi
say "$(ls -d /usr/lib/postgresql/*/bin/postgres | tail -n 1), $(nginx -v 2>&1), wrk, iptables"
