"""Save points: ``save ""`` never saves by itself, ``save "3600 1"`` at the close and, after an hour, by itself."""

import os
import sys

import persistkv

root = sys.argv[1] if len(sys.argv) > 1 else "save-points-data"
for save in ("", "3600 1"):
    path = os.path.join(root, "hourly" if save else "never")
    with persistkv.open(path, save=save) as store:
        store.set("k", "v")
    with persistkv.open(path, save=save) as store:
        print(f"save {save!r}: kept over a close: {'k' in store}")
        store.set("k", "v")
        store.save()  # works whatever the save points say
    with persistkv.open(path, save=save) as store:
        print(f"save {save!r} and SAVE: kept over a close: {'k' in store}")
