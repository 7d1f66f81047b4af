"""Who sees which rows of the log: all, or one's own and those on requests that one sees."""

from __future__ import annotations

from dataclasses import replace

from firewright.model.account import Actor, Grant, Role
from firewright.store import log, requests
from firewright.store.database import Store
from tests.store.made import entry, request


def test_rows_are_of_those_who_see_their_requests(store: Store) -> None:
    """A tenant's rows are those of their zone's requests and their own; a viewer of everything has all; pages go on by number."""
    with store.writing() as c:
        mine = requests.add(c, replace(request(), author="else"), ("mine",))
        theirs = requests.add(c, replace(request(), author="else"), ("theirs",))
        policy = mine.wish.policy
        for number, (who, about) in enumerate(
            [
                ("else", f"request {mine.number}"),
                ("else", f"request {theirs.number}"),
                ("me", "login"),
                ("else", "login"),
            ],
            1,
        ):
            log.append(c, replace(entry(number), who=who, about=about))
    with store.reading() as c:
        tenant = Actor("me", (Grant(Role.REQUESTER, f"{policy}/mine"),))
        everybody = Actor("vera", (Grant(Role.VIEWER),))
        nobody = Actor("x", (Grant(Role.VIEWER, "another"),))

        def seen(actor: Actor, after: int = 0) -> list[int]:
            return [row.number for row in log.rows(c, newest=True, seen_by=actor, after=after)]

        assert seen(tenant) == [3, 1] and seen(tenant, after=3) == [1]
        assert seen(everybody) == [4, 3, 2, 1] and seen(nobody) == []
        assert requests.several(c, [mine.number, theirs.number, 99]) == {mine.number: mine, theirs.number: theirs}
        assert requests.of_paths(c, [mine.path, "nowhere"]).keys() <= {mine.path}
