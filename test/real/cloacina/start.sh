#!/usr/bin/env bash
# Starts a PostgreSQL of its own and a cloacina-server, both on free ports, and prints one line of JSON once the server
# answers: {"url","key","run","pid"}. `run` is the folder of this run: for compiler.sh and stop.sh.
#
# Every variable that the server knows is passed on: CLOACINA_CORS_ALLOWED_ORIGINS, CLOACINA_LOGIN_THROTTLE_…, and so on.
# CLOACINA_REAL_ARGS: more arguments for the server, as in "--default-executor fleet".
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ -x "$server" ] || fail "run install.sh first"
tools="$(database_tools)" || fail "no PostgreSQL: run install.sh first"
key="clk_RealServerBootstrapKey000000000000000000000"
export CLOACINA_SECRET_KEK="${CLOACINA_SECRET_KEK:-MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}"

run="$(mktemp -d "${TMPDIR:-/tmp}/switchyard-cloacina.XXXXXX")"
# Whatever goes wrong from here on, nothing stays behind.
trap '"$(dirname "$0")/stop.sh" "$run" >/dev/null 2>&1 || true' ERR
chmod 755 "$run"
mkdir "$run/database" "$run/home"
[ "$(id -u)" != 0 ] || chown postgres "$run/database"

database_port="$(free_port)"
(
  cd "$run/database"
  as_database_user "$tools/initdb" -D data -U cloacina --auth=trust --encoding=UTF8 --locale=C.UTF-8 >init.log 2>&1
  # Nothing has to survive a crash of the machine.
  as_database_user "$tools/pg_ctl" -D data -w -l postgres.log start >start.log 2>&1 -o "-p $database_port \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=500 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
)
"$tools/createdb" -h 127.0.0.1 -p "$database_port" -U cloacina cloacina
echo "postgres://cloacina:cloacina@127.0.0.1:$database_port/cloacina" >"$run/database_url"

port="$(free_port)"
# In a session of its own, or it would die with the terminal instead of by stop.sh.
setsid "$server" --home "$run/home" --database-url "$(cat "$run/database_url")" --bind "127.0.0.1:$port" \
  --bootstrap-key "$key" ${CLOACINA_REAL_ARGS:-} >"$run/server.log" 2>&1 </dev/null &
pid=$!
echo "$pid" >"$run/server.pid"
for _ in $(seq 300); do
  if curl -fsS -o /dev/null "http://127.0.0.1:$port/health" 2>/dev/null; then
    printf '{"url":"http://127.0.0.1:%s","key":"%s","run":"%s","pid":%s}\n' "$port" "$key" "$run" "$pid"
    exit 0
  fi
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.2
done
tail -20 "$run/server.log" >&2
"$(dirname "$0")/stop.sh" "$run"
fail "the server does not answer"
