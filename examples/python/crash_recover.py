"""A child process writes until it is killed with SIGKILL; everything it was told is written comes back."""

import subprocess
import sys

import persistkv

path = sys.argv[1] if len(sys.argv) > 1 else "crash-data"
if sys.argv[2:] == ["write"]:
    store = persistkv.open(path, appendonly=True, save="")
    while True:
        n = store.incr("n")
        store.set(f"k{n}", "v")
        print(n, flush=True)  # whatever is printed was acknowledged before

writer = subprocess.Popen([sys.executable, __file__, path, "write"], stdout=subprocess.PIPE, text=True)
for _ in range(5000):
    last = int(writer.stdout.readline())
writer.kill()
for line in writer.stdout:
    if line.endswith("\n"):
        last = int(line)
writer.wait()

with persistkv.open(path, appendonly=True, save="") as store:
    missing = [n for n in range(1, last + 1) if f"k{n}" not in store]
print(f"{last} writes were acknowledged before the kill, {len(missing)} are missing")
sys.exit(1 if missing else 0)
