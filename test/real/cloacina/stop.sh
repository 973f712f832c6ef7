#!/usr/bin/env bash
# Ends the processes of one run, by the ids that its folder holds, and removes the folder: stop.sh RUN
set -euo pipefail
. "$(dirname "$0")/common.sh"
run="${1:?which run}"
[ -d "$run" ] || exit 0
for file in "$run"/compiler-*.pid "$run"/server.pid; do
  [ -f "$file" ] || continue
  pid="$(cat "$file")"
  kill "$pid" 2>/dev/null || continue
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
done
if [ -d "$run/database/data" ]; then
  (cd "$run/database" && as_database_user "$(database_tools)/pg_ctl" -D data -m immediate -w stop >/dev/null 2>&1) || true
fi
rm -rf "$run"
