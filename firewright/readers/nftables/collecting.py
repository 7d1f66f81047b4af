"""Python's collector of reference cycles, stopped while a large listing is read: it would look at every new value again and again.

Nothing that is built here has cycles. Measured on 10,000 rules: 0.6 s instead of 1.3 s.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collecting() -> Iterator[None]:
    """Stop the collector inside, and start it again behind if it ran before."""
    was_running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_running:
            gc.enable()
