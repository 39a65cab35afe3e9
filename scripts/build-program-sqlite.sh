#!/bin/sh
# Builds the image of examples/programs/bookkeeping-sqlite, pushes it to a registry and prints its digest:
#   scripts/build-program-sqlite.sh <registry, such as 127.0.0.1:5000> [repository:tag]
# Needs a Docker Engine, gcc and sqlite3 (Debian). Prints "<registry>/<repository:tag> <64 hex digits>" as its last line.
set -eu

registry=${1:?usage: build-program-sqlite.sh <registry> [repository:tag]}
name=$registry/${2:-sprf/bookkeeping-sqlite:1}
programs=$(cd "$(dirname "$0")/../examples/programs" && pwd)
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT INT TERM

root=$context/root
mkdir -p "$root/usr/bin"
gcc -std=gnu17 -O2 -static -Wall -Wextra -Wl,--build-id=none -o "$root/bookkeeping" \
  "$programs/bookkeeping-sqlite/main.c" "$programs/bookkeeping-entries/entries.c"
strip "$root/bookkeeping"

sqlite=$(readlink -f "$(command -v sqlite3)")
cp "$sqlite" "$root/usr/bin/sqlite3"
# The libraries and the loader, each where the program looks for it.
ldd "$sqlite" | sed -n 's/^.*=> \(\/[^ ]*\) .*$/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*$/\1/p' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
cp "$programs/bookkeeping-sqlite/Dockerfile" "$context/"
# The same files give the same layer, whenever they are built.
find "$root" -exec touch -h -d @0 {} +
find "$root" -type d -exec chmod 755 {} +
find "$root" -type f -exec chmod 755 {} +

DOCKER_BUILDKIT=0 docker build --quiet --tag "$name" "$context" >&2
docker push --quiet "$name" >&2
digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$name" |
  sed -n "s|^${name%:*}@sha256:\([0-9a-f]\{64\}\)\$|\1|p" | head -n 1)
[ -n "$digest" ] || { echo "the registry gave no digest" >&2; exit 1; }
echo "$name $digest"
