#!/usr/bin/env bash
# Client libraries against `persistkv serve`, each from its registry: redis-py, ioredis, node-redis, hiredis; and what
# stands on them and lives by its scripts: BullMQ, redlock, rate-limiter-flexible, RQ, limits.
#
#     tests/clients/run.sh TARGET_DIR
#
# TARGET_DIR holds the program (debug or release); what is fetched goes below it. Under CI=true whatever can not be
# fetched is a failure.
set -uo pipefail
target=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
out=$target/clients
mkdir -p "$out"
run=$(mktemp -d /tmp/pkvc-XXXXXX)
passed=0 failed=0

fetch() { # name, command...
  local name=$1
  shift
  "$@" >"$out/log" 2>&1 && return 0
  echo "LEFT OUT: $name can not be fetched"
  sed 's/^/  /' "$out/log"
  [ "${CI:-}" = true ] && failed=$((failed + 1))
  return 1
}

check() { # name, command...
  local name=$1
  shift
  if timeout 300 "$@" >"$run/log" 2>&1; then
    passed=$((passed + 1))
    sed 's/^/ok     /' "$run/log"
  else
    failed=$((failed + 1))
    echo "FAILED $name"
    sed 's/^/  /' "$run/log"
    tail -5 "$run/server.log" | sed 's/^/  server: /'
  fi
}

python() {
  [ -x "$out/venv/bin/python" ] || python3 -m venv "$out/venv" || return 1
  "$out/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
}

node_modules() {
  cp "$here/package.json" "$here"/*.mjs "$out" && cd "$out" && npm install --no-audit --no-fund --loglevel=error
}

# The package of the system, or the same package unpacked here.
hiredis() {
  local lib
  lib=usr/lib/$(uname -m)-linux-gnu
  if [ ! -e /usr/include/hiredis/hiredis.h ] && [ ! -e "$out/deb/usr/include/hiredis/hiredis.h" ]; then
    if ! apt-cache show libhiredis-dev >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then apt-get update -qq; fi
    mkdir -p "$out/deb" && cd "$out/deb" && apt-get download -qq -o APT::Sandbox::User=root libhiredis-dev libhiredis0.14 || return 1
    for deb in *.deb; do dpkg -x "$deb" . || return 1; done
  fi
  ${CC:-cc} -Wall -Wextra -Werror -I"$out/deb/usr/include" "$here/hiredis.c" -L"$out/deb/$lib" -lhiredis \
    -Wl,-rpath,"$out/deb/$lib" -o "$out/hiredis"
}

# redis-py caches over TCP only.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$target/persistkv" serve --port "$port" --bind 127.0.0.1 --unixsocket "$run/s" --dir "$run" --save "" --logfile "$run/server.log" &
server=$!
trap 'kill $server; wait $server; rm -rf "$run"' EXIT
for _ in $(seq 100); do [ -S "$run/s" ] && break || sleep 0.1; done

if fetch "redis-py, RQ, limits" python; then
  check redis-py "$out/venv/bin/python" "$here/redis_client.py" "$run/s" "$port"
  check "RQ and limits" "$out/venv/bin/python" "$here/queues.py" "$run/s" "$port"
fi
if (fetch "ioredis, node-redis, BullMQ" node_modules); then
  check ioredis node "$out/ioredis.mjs" "$run/s"
  check node-redis node "$out/node_redis.mjs" "$run/s"
  check "BullMQ, redlock and rate-limiter-flexible" node "$out/queues.mjs" "$port"
elif [ "${CI:-}" = true ]; then
  failed=$((failed + 1))
fi
if (fetch hiredis hiredis); then
  check hiredis "$out/hiredis" "$run/s"
elif [ "${CI:-}" = true ]; then
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed (clients)"
[ "$failed" = 0 ]
