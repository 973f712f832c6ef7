#!/usr/bin/env bash
# Starts the compiler of one tenant of a running server: compiler.sh RUN [TENANT], by default `public`. The tenant has to
# exist. Rust packages need a Cargo.lock, and are built from what cargo has in its cache.
set -euo pipefail
. "$(dirname "$0")/common.sh"
run="$1"
tenant="${2:-public}"
[ -x "$compiler" ] || fail "run install.sh first"
arguments=(--home "$run/compiler-$tenant" --database-url "$(cat "$run/database_url")"
  --bind "127.0.0.1:$(free_port)" --poll-interval-ms 250 --cargo-target-dir "$real_home/package-target"
  --build-rlimit-mem 16G --cargo-flag=--ignore-rust-version)
[ "$tenant" = public ] || arguments+=(--tenant-schema "$tenant")
mkdir -p "$run/compiler-$tenant"
CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_INCREMENTAL=0 PATH="$PATH:$HOME/.cargo/bin" \
  setsid "$compiler" "${arguments[@]}" >"$run/compiler-$tenant.log" 2>&1 </dev/null &
echo $! >"$run/compiler-$tenant.pid"
