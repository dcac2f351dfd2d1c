"""Check-and-set: threads move money between accounts at once; none is made or lost, and no account goes below zero.

``python transfer.py [DIR]``
"""

from __future__ import annotations

import random
import sys
import threading

import persistkv

ACCOUNTS = ["a", "b", "c"]


def transfer(store: persistkv.Store, source: str, target: str, amount: int) -> bool:
    """False if there is not enough."""

    def look_and_queue(pipe: persistkv.Pipeline) -> bool:
        enough = int(pipe.get(source) or 0) >= amount
        pipe.multi()
        if enough:
            pipe.decrby(source, amount)
            pipe.incrby(target, amount)
        return enough

    # Begins again when somebody else changed the account between the look and the transfer.
    return store.transaction(look_and_queue, source, value_from_callable=True)


def transfers(store: persistkv.Store, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(250):
        transfer(store, rng.choice(ACCOUNTS), rng.choice(ACCOUNTS), rng.randrange(20))


with persistkv.open(sys.argv[1] if len(sys.argv) > 1 else "transfer-data", appendonly=True) as store:
    for account in ACCOUNTS:
        store.set(account, 100, nx=True)
    threads = [threading.Thread(target=transfers, args=(store, seed)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    balances = [int(store.get(account)) for account in ACCOUNTS]
    below = "no account" if min(balances) >= 0 else "an account"
    print(f"1000 transfers: {sum(balances)} in all, {below} below zero")
