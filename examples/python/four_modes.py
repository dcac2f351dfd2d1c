"""The four persistence modes: what is on disk after a close, and what comes back."""

import os
import sys

import persistkv

MODES = {
    "none": {"save": "", "appendonly": False},
    "snapshot": {"save": "3600 1 300 100", "appendonly": False},
    "log": {"save": "", "appendonly": True, "appendfsync": "everysec"},
    "both": {"save": "3600 1", "appendonly": True},
}

root = sys.argv[1] if len(sys.argv) > 1 else "four-modes-data"
for name, directives in MODES.items():
    path = os.path.join(root, name)
    with persistkv.open(path, directives) as store:
        store.incr("runs")
    files = sorted(file for file in os.listdir(path) if file != "persistkv.lock")
    with persistkv.open(path, directives) as store:
        print(f"{name:<10} kept: {store.get('runs') is not None!s:<5}  files: {' '.join(files)}")
