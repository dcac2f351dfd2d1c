"""BGSAVE is the data set of one instant, while writers go on."""

import sys

import persistkv

path = sys.argv[1] if len(sys.argv) > 1 else "snapshot-data"
with persistkv.open(path, save="") as store:
    for n in range(50_000):
        store.set(f"k{n}", "before")
    store.bgsave()
    for n in range(50_000):
        store.set(f"k{n}", "after")
    while store.info("persistence")["rdb_bgsave_in_progress"]:
        pass

with persistkv.open(path, save="") as store:
    before = sum(store.get(f"k{n}") == b"before" for n in range(50_000))
print(f"{before} of 50000 keys have the value they had when the snapshot began")
sys.exit(0 if before == 50_000 else 1)
