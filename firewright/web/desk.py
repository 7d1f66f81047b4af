"""Where a page or the API acts on requests: a transaction, the estate, who asks and when; and the files that follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fastapi import Request

from firewright.model.account import Actor
from firewright.model.request import Wish
from firewright.store import requests
from firewright.web.estate import estate_of
from firewright.web.running import store_of
from firewright.workflows.requests import exceptions
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.checking import check_wish
from firewright.workflows.requests.refused import Refused


@contextmanager
def looking(request: Request, actor: Actor) -> Iterator[Desk]:
    """A desk at which nothing is changed."""
    with store_of(request).reading() as connection:
        yield Desk(connection, estate_of(request), actor, request.state.now)


@contextmanager
def deciding(request: Request, actor: Actor, wish: Wish | None = None, number: int = 0) -> Iterator[Desk]:
    """A desk at which one thing is done, whole or not at all.

    What the request with a number, or a wish, would mean is reckoned before, since everybody who writes waits for one another.
    """
    if wish is None and number:
        with store_of(request).reading() as connection:
            found = requests.find(connection, number)
        wish = found.wish if found is not None else None
    if wish is not None:
        with suppress(Refused):
            check_wish(estate_of(request), wish, request.state.now, number)
    with store_of(request).writing() as connection:
        yield Desk(connection, estate_of(request), actor, request.state.now)


def settled(request: Request) -> str:
    """Make the files as the requests say now, and what could not be done, in words."""
    done = exceptions.settle(store_of(request), estate_of(request), request.state.now)
    return "; ".join(done.troubles)
