#!/usr/bin/env bash
# Tests the C library in a target directory (debug or release): its symbols, its header, programs linked with
# either form of it, run plain, under AddressSanitizer and under valgrind. The last line counts checks.
#
#     tests/c/run.sh TARGET_DIR
set -uo pipefail
lib=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
out=$lib/c-tests
rm -rf "$out"
mkdir -p "$out/data"
trap 'rm -rf "$out/data"' EXIT
CC=${CC:-cc} CXX=${CXX:-c++}
strict="-Wall -Wextra -pedantic -Werror"
passed=0 failed=0

# name, command...: passes if the command does; its output is shown if it does not.
check() {
  local name=$1
  shift
  if "$@" >"$out/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok     $name"
  else
    failed=$((failed + 1))
    echo "FAILED $name"
    sed 's/^/  /' "$out/log"
  fi
}

# name, command...: a run of pkv-test, whose own checks count; one more is that it ends well.
run() {
  local name=$1 counts
  shift
  echo "-- $name"
  "$@" >"$out/run" 2>&1
  local status=$?
  grep -v '^ok ' "$out/run" | grep -vE '^[0-9]+ passed, [0-9]+ failed$'
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$out/run" | tail -1)
  echo "   ${counts:-no result} (exit $status)"
  passed=$((passed + $(cut -d' ' -f1 <<<"${counts:-0}")))
  failed=$((failed + $(cut -d' ' -f3 <<<"${counts:-0 x 0}")))
  check "$name ends well" test "$status" = 0 -a -n "$counts"
}

# What the README and persistkv.pc tell users of the static library to link.
static_libs=$(sed -n 's/^STATIC_LIBS := //p' Makefile)

exports_are_ours() {
  nm -D --defined-only "$lib/libpersistkv.so" | awk '{ print $3 }' | sort >"$out/exported"
  grep -ohE '\bpkv_[a-z0-9_]+\(' include/persistkv.h | tr -d '(' | grep -v '^pkv_log_callback$' | sort -u >"$out/declared"
  test -s "$out/exported" && diff "$out/declared" "$out/exported"
}
dynamic_section() {
  readelf -d "$lib/libpersistkv.so" >"$out/dynamic"
  grep -q 'Library soname: \[libpersistkv.so.0\]' "$out/dynamic" && grep -q 'NODELETE' "$out/dynamic"
}
static_list_is_told() {
  CARGO_TARGET_DIR=$(dirname "$lib") ${CARGO:-cargo} rustc --quiet -p persistkv-ffi --crate-type staticlib -- \
    --print native-static-libs 2>"$out/native"
  grep -qx "note: native-static-libs: $static_libs" "$out/native" || { cat "$out/native"; return 1; }
}
header_compiles() { # compiler and flags...
  printf '#include <persistkv.h>\nint main(void) { return pkv_version() == NULL; }\n' >"$out/header.c"
  "$@" $strict -Iinclude -fsyntax-only "$out/header.c"
}
examples() {
  make -s -C examples/c OUT="$out" CC="$CC" CFLAGS="-g $strict" PKV_CFLAGS="-I$PWD/include" \
    PKV_LIBS="-L$lib -lpersistkv -Wl,-rpath,$lib"
}
example_says() { # program, what its output must hold, arguments...
  "$out/$1" "${@:3}" >"$out/said" 2>&1 || { cat "$out/said"; return 1; }
  grep -qF "$2" "$out/said" || { cat "$out/said"; return 1; }
}
installs() {
  make -s install DESTDIR="$out/root" PREFIX=/opt/persistkv BUILT="$lib" || return 1
  export PKG_CONFIG_PATH=$out/root/opt/persistkv/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$out/root
  make -s -C examples/c OUT="$out/installed" CC="$CC" "$out/installed/quickstart" || return 1
  LD_LIBRARY_PATH=$out/root/opt/persistkv/lib "$out/installed/quickstart" || return 1
  # Statically, with the libraries that the .pc file names.
  $CC -std=c99 -D_GNU_SOURCE $(pkg-config --cflags persistkv) examples/c/quickstart.c -o "$out/installed/static" \
    "$out/root/opt/persistkv/lib/libpersistkv.a" $(sed -n 's/^Libs.private: //p' "$PKG_CONFIG_PATH/persistkv.pc") &&
    "$out/installed/static"
}
build() { # name, flags and libraries...
  $CC -std=c11 -D_GNU_SOURCE -g -O1 $strict -Iinclude tests/c/*.c -o "$out/$1" "${@:2}" -lpthread
}

check "only the header's functions are exported" exports_are_ours
check "the library has its soname and stays loaded" dynamic_section
check "users of the static library are told what to link" static_list_is_told
check "the header is C99" header_compiles $CC -std=c99
check "the header is C23" header_compiles $CC -std=c2x
check "the header is C++11" header_compiles $CXX -x c++ -std=c++11
check "the header is C++20" header_compiles $CXX -x c++ -std=c++20
ln -sf libpersistkv.so "$lib/libpersistkv.so.0"
check "the examples compile" examples
check "quickstart runs" example_says quickstart "adding to a name: command refused" "$out/data/quickstart"
check "quickstart goes on where it was" example_says quickstart "visit number 2" "$out/data/quickstart"
check "four_modes runs" example_says four_modes "appendonly.aof.1.incr.aof" "$out/data/four_modes"
check "transfer runs" example_says transfer "4000 transfers: 300 in all, no account below zero" "$out/data/transfer"
check "snapshot_while_writing runs" example_says snapshot_while_writing "count is 0, 0 of 100000 keys differ" \
  "$out/data/snapshot"
check "the installed library serves the examples" installs

shared="-L$lib -lpersistkv -Wl,-rpath,$lib"
check "the tests compile" build pkv-test $shared
run "shared library" "$out/pkv-test" "$out/data" "$out/crash_writer"
check "the tests link statically" build pkv-test-static "$lib/libpersistkv.a" $static_libs
run "static library" "$out/pkv-test-static" "$out/data" "$out/crash_writer"
if echo 'int main(void) { return 0; }' | $CC -fsanitize=address,undefined -x c - -o "$out/probe" 2>/dev/null; then
  check "the tests compile with sanitizers" build pkv-test-asan -fsanitize=address,undefined \
    -fno-sanitize-recover=all $shared
  run "AddressSanitizer" "$out/pkv-test-asan" "$out/data" "$out/crash_writer"
else
  echo "-- AddressSanitizer: the compiler has none, not run"
fi
if command -v valgrind >/dev/null; then
  # Children are silent and may leave memory: they do not own what they inherited. So the parent's report is read
  # rather than an exit status set. What tables of the library's own refer to counts as possibly lost, so only what is
  # definitely lost is an error. Without backtraces: Rust's keep a cache of symbols.
  valgrind_clean() {
    grep -q 'ERROR SUMMARY: 0 errors' "$out/valgrind" && ! grep -q 'ERROR SUMMARY: [1-9]' "$out/valgrind" ||
      { cat "$out/valgrind"; return 1; }
  }
  run "valgrind" env -u RUST_BACKTRACE valgrind --quiet --verbose --leak-check=full --show-leak-kinds=definite,indirect \
    --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes --fair-sched=yes \
    --log-file="$out/valgrind" "$out/pkv-test" "$out/data" "$out/crash_writer"
  check "valgrind finds no error and no leak" valgrind_clean
else
  echo "-- valgrind: not installed, not run"
fi

echo "$passed passed, $failed failed (C)"
[ "$failed" = 0 ]
