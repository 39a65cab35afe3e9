#!/bin/sh
# Builds go-waku, a Waku node that is not ours, as tools/go/go.mod pins it; prints the path of the program. Built once for each
# state of that file, into $SPRF_CI_DIR (default /var/tmp/sprf-ci), which is where test/helpers/go-waku.ts looks for it.
set -eu

cd "$(dirname "$0")/../../tools/go"
dir=${SPRF_CI_DIR:-/var/tmp/sprf-ci}/go-waku
program=$dir/waku-$(cat go.mod go.sum | sha256sum | cut -c 1-12)
# The last one that the pinned quic-go compiles with; `go` fetches it as it does any module.
export GOTOOLCHAIN=go1.20.14 GOFLAGS=-mod=readonly

say() { echo "go-waku.sh: $*" >&2; }

if [ ! -x "$program" ]; then
  command -v go >/dev/null 2>&1 || PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null 2>&1 || { say "Go 1.21 or later is needed, and none is installed"; exit 1; }
  mkdir -p "$dir"
  say "building go-waku (two to five minutes), log in $dir/build.log"
  # Without its spam protection, which needs a native library and which no cluster of ours uses.
  if ! nice go build -trimpath -tags gowaku_no_rln -o "$program.new" github.com/waku-org/go-waku/cmd/waku >"$dir/build.log" 2>&1; then
    tail -n 20 "$dir/build.log" >&2
    exit 1
  fi
  mv "$program.new" "$program"
fi
echo "$program"
