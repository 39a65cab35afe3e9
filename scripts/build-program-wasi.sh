#!/bin/sh
# Builds a C program for the wasi engine: scripts/build-program-wasi.sh <output.wasm> <source.c>...
# Needs clang, lld, wasi-libc and libclang-rt-14-dev-wasm32 (Debian). The same sources give the same bytes.
set -eu
output=$1
shift
clang --target=wasm32-wasi -Oz -std=gnu17 -Wall -Wextra -Wno-unused-result -Wno-infinite-recursion -fno-ident \
  -ffile-prefix-map="$PWD=." -nostdlibinc -isystem /usr/include/wasm32-wasi -L/usr/lib/wasm32-wasi \
  -Wl,--strip-all -Wl,-z,stack-size=65536 -o "$output" "$@"
chmod 644 "$output"
