#!/bin/sh
# Makes what the Dockerfile copies: one static program (Debian: gcc libc6-dev).
set -eu
mkdir -p build/root
gcc -std=gnu17 -O2 -static -Wall -Wextra -Wl,--build-id=none -o build/root/program main.c
strip build/root/program
