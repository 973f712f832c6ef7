#!/usr/bin/env bash
# Makes sure that the published cloacina-server 0.12.0, its compiler and PostgreSQL are there. Run again it does nothing.
# The first time it takes a quarter of an hour and 4 GB in $CLOACINA_REAL_HOME (default ~/.cache/cloacina-real).
# Exit code 3: it cannot be done on this machine, with one line on stderr that says why.
set -euo pipefail
. "$(dirname "$0")/common.sh"
version=0.12.0
mkdir -p "$real_home/bin"

packages="postgresql libpq-dev libssl-dev libsasl2-dev cmake pkg-config python3-dev clang"
missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || fail "these packages are needed:$missing" 3
  sudo=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || fail "these packages are needed, as root:$missing" 3
    sudo="sudo"
  fi
  # The tests make clusters of their own; the system gets none.
  $sudo mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
  { $sudo apt-get update && $sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends $missing; } >&2 || fail "could not install:$missing" 3
fi

PATH="$PATH:$HOME/.cargo/bin"
for crate in cloacina-server cloacina-compiler; do
  stamp="$real_home/bin/.$crate.version"
  if [ -x "$real_home/bin/$crate" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$version" ]; then continue; fi
  command -v cargo >/dev/null || fail "no cargo, and $crate is not built yet" 3
  # The crates ask for Rust 1.99 and build with 1.95. Speed does not matter, so this is the shortest build.
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 cargo install "$crate" --version "$version" --locked --debug --force \
    --ignore-rust-version --target-dir "$real_home/target" --root "$real_home" >&2 || fail "$crate does not build" 3
  echo "$version" >"$stamp"
done
