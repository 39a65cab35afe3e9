#!/bin/sh
# Builds Kubo, the IPFS node most others run, as tools/kubo/go.mod pins it; prints the path of the program. Built once for each
# state of that file, into $SPRF_CI_DIR (default /var/tmp/sprf-ci), which is where test/helpers/kubo.ts looks for it.
set -eu

cd "$(dirname "$0")/../../tools/kubo"
dir=${SPRF_CI_DIR:-/var/tmp/sprf-ci}/kubo
program=$dir/ipfs-$(cat go.mod go.sum | sha256sum | cut -c 1-12)
export GOFLAGS=-mod=readonly

say() { echo "kubo.sh: $*" >&2; }

if [ ! -x "$program" ]; then
  command -v go >/dev/null 2>&1 || PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null 2>&1 || { say "Go 1.26 or later is needed, and none is installed"; exit 1; }
  mkdir -p "$dir"
  say "building Kubo (two to five minutes), log in $dir/build.log"
  # Without FUSE mounts, which nothing here uses.
  if ! CGO_ENABLED=0 nice go build -trimpath -tags nofuse -o "$program.new" github.com/ipfs/kubo/cmd/ipfs >"$dir/build.log" 2>&1; then
    tail -n 20 "$dir/build.log" >&2
    exit 1
  fi
  mv "$program.new" "$program"
fi
echo "$program"
