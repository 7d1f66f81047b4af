"""A program that writes to a store until it is killed, and says on its output what was acknowledged: one line a transaction."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from firewright.store import log, requests
from firewright.store.database import open_store
from firewright.store.errors import StoreError
from tests.store.made import entry, request


def main(url: str, name: str, count: int) -> None:
    """Make a request, change it and log both, `count` times; say its number and its row after each commit."""
    store = open_store(url)
    for nth in range(count):
        try:
            with store.writing() as c:
                kept = requests.add(c, request(author=name))
                requests.put(c, replace(kept, version=2, said=str(nth)), 1)
                row = log.append(c, entry(kept.number, who=name))
        except StoreError as error:
            sys.exit(error.message)
        os.write(1, f"{kept.number} {row.number} {row.digest}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
