"""How long an answer is waited for. What a thread reckons cannot be stopped: it is left to end by itself, and nobody hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

_LEFT: set[asyncio.Task[None]] = set()
"""What nobody waits for any more, held so that it is not thrown away while it still runs."""


async def within(seconds: float, work: Coroutine[None, None, None]) -> bool:
    """Do some work, and say whether it was done in time; raises what it raises. Work that takes longer is told to end, and left."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        task.result()
        return True
    _LEFT.add(task)
    task.add_done_callback(_forget)
    task.cancel()  # reaches it where it waits; a thread goes on until it returns
    return False


def _forget(task: asyncio.Task[None]) -> None:
    _LEFT.discard(task)
    with suppress(asyncio.CancelledError):
        task.exception()  # asked for, so that nobody complains that nobody asked
