#!/bin/sh
# Makes a Docker Engine and a registry (127.0.0.1:5000) run on a Debian machine, as root. What runs already is left alone.
# Everything it starts logs to $SPRF_CI_DIR (default /var/tmp/sprf-ci) and goes on running.
set -eu

dir=${SPRF_CI_DIR:-/var/tmp/sprf-ci}
registry=127.0.0.1:5000
mkdir -p "$dir"

say() { echo "docker.sh: $*"; }

install_missing() {
  missing=
  for pair in dockerd:docker.io docker-registry:docker-registry gcc:gcc busybox:busybox-static sqlite3:sqlite3; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
  done
  # Programs are linked statically.
  ls /usr/lib/*/libc.a >/dev/null 2>&1 || missing="$missing libc6-dev"
  command -v curl >/dev/null 2>&1 || missing="$missing curl"
  [ -z "$missing" ] && return 0
  say "installing$missing"
  apt-get update >"$dir/apt.log" 2>&1 || true
  # Services are started below, never by the package.
  printf '#!/bin/sh\nexit 101\n' >"$dir/policy-rc.d"
  chmod +x "$dir/policy-rc.d"
  [ -e /usr/sbin/policy-rc.d ] || { cp "$dir/policy-rc.d" /usr/sbin/policy-rc.d && policy=ours; }
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >>"$dir/apt.log" 2>&1 || failed=yes
  [ "${policy:-}" = ours ] && rm -f /usr/sbin/policy-rc.d
  [ -z "${failed:-}" ] || { tail -n 20 "$dir/apt.log" >&2; exit 1; }
}

engine_answers() { [ -S /var/run/docker.sock ] && curl -fsS --max-time 2 --unix-socket /var/run/docker.sock http://docker/_ping >/dev/null 2>&1; }
registry_answers() { curl -fsS --max-time 2 "http://$registry/v2/" >/dev/null 2>&1; }

# wait_for <seconds> <pid> <check>
wait_for() {
  left=$(($1 * 5))
  while ! $3; do
    left=$((left - 1))
    if [ "$left" -le 0 ] || ! kill -0 "$2" 2>/dev/null; then return 1; fi
    sleep 0.2
  done
}

start_engine() {
  if engine_answers; then say "a Docker Engine is running already"; return; fi
  # A daemon that was killed leaves these, and the next one refuses to start.
  if [ -f /var/run/docker.pid ] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null; then rm -f /var/run/docker.pid; fi
  # Programs have no network, so the engine works without its bridge where the machine does not allow one.
  for flags in "" "--bridge=none --iptables=false --ip-forward=false"; do
    # shellcheck disable=SC2086
    setsid nohup dockerd $flags >"$dir/dockerd.log" 2>&1 </dev/null &
    pid=$!
    if wait_for 30 "$pid" engine_answers; then say "started dockerd${flags:+ with $flags} (pid $pid)"; return; fi
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  say "dockerd did not start:"
  tail -n 20 "$dir/dockerd.log" >&2
  exit 1
}

start_registry() {
  if registry_answers; then say "a registry is running already at $registry"; return; fi
  mkdir -p "$dir/registry"
  cat >"$dir/registry.yml" <<YAML
version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: $dir/registry }
  delete: { enabled: true }
http: { addr: $registry }
YAML
  setsid nohup docker-registry serve "$dir/registry.yml" >"$dir/registry.log" 2>&1 </dev/null &
  pid=$!
  if ! wait_for 15 "$pid" registry_answers; then
    say "the registry did not start:"
    tail -n 20 "$dir/registry.log" >&2
    exit 1
  fi
  say "started a registry at $registry (pid $pid)"
}

install_missing
start_engine
start_registry
say "Docker Engine $(curl -fsS --unix-socket /var/run/docker.sock http://docker/version | sed -n 's/.*"Version":"\([^"]*\)","ApiVersion.*/\1/p'), registry $registry, logs in $dir"
