#!/bin/sh
# Installs Debian's Chromium, in which the dashboard is tested; prints the path of the program, which is where
# test/helpers/browser.ts looks for it unless SPRF_CHROMIUM names another.
set -eu

program=/usr/bin/chromium

if [ ! -x "$program" ]; then
  as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
  as_root apt-get update -qq >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >&2
fi
"$program" --version >&2
echo "$program"
