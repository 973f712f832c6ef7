# Where everything is; sourced by the other scripts. Never inside a checkout.
real_home="${CLOACINA_REAL_HOME:-$HOME/.cache/cloacina-real}"
server="$real_home/bin/cloacina-server"
compiler="$real_home/bin/cloacina-compiler"

fail() {
  echo "$1" >&2
  exit "${2:-1}"
}

# Runs a command as somebody PostgreSQL accepts: it refuses to work for root.
as_database_user() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# A port that nobody listens on now.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The newest PostgreSQL that is installed.
database_tools() {
  local found
  found="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)"
  [ -n "$found" ] && echo "$found"
}
