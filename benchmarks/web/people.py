"""What the database of the web application holds under load: accounts with sessions, and requests in every state with their exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from benchmarks.web.estate import POLICY, UNTIL, ZONES, zone
from firewright.model.account import Grant, Role
from firewright.model.request import Approval, Request, State, Wish
from firewright.store import accounts, log, requests, sessions, tokens
from firewright.store.accounts import Account
from firewright.store.database import Store
from firewright.workflows.requests.exception_text import path_of, text_of

PEOPLE = 200
REQUESTS = 2_000
EXCEPTIONS = 200
_STATES = (State.SUBMITTED, State.DECLINED, State.EXPIRED, State.WITHDRAWN, State.DRAFT)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in: a name, what they hold, the cookie, the token of forms, and one for programs."""

    name: str
    grants: tuple[Grant, ...]
    cookie: str
    csrf: str
    bearer: str

    def has(self, role: Role) -> bool:
        """Whether they hold a role for everything or for something."""
        return any(grant.role is role for grant in self.grants)


def grants_of(number: int) -> tuple[Grant, ...]:
    """Of ten people: four requesters of one zone, two of everything, one viewer, two approvers, one operator."""
    role = (Role.REQUESTER,) * 6 + (Role.VIEWER, Role.APPROVER, Role.APPROVER, Role.OPERATOR)
    scope = f"{POLICY}/{zone(number % ZONES)}" if number % 10 < 4 else "*"
    return (Grant(role[number % 10], scope),)


def fill(store: Store, folder: Path) -> list[Person]:
    """Put people, requests and the log's rows into a database, and the files of exceptions into the folder."""
    now = datetime.now(UTC)
    with store.writing() as c:
        people = [_person(c, number, now) for number in range(PEOPLE)]
        (folder / "exceptions").mkdir(exist_ok=True)
        for request in _requests(now):
            kept = requests.add(c, request)
            if request.state.has_exception:
                (folder / request.path).write_text(request.text)
            facts = {"state": kept.state.value, "policy": POLICY, "digest": kept.digest}
            about = f"request {kept.number}"
            log.append(c, log.Entry(kept.author, "request.submit", about, "", "web", kept.wish.because, facts, now))
    return people


def numbers_of(zone: str = "") -> list[int]:
    """The requests that have an end in a zone, or all."""
    return [one.number for one in _every() if zone in ("", *one.wish.sources, *one.wish.destinations)]


@cache
def _every() -> tuple[Request, ...]:
    return tuple(_requests(datetime.now(UTC)))


def _person(c: object, number: int, now: datetime) -> Person:
    name, grants = f"person-{number:03}", grants_of(number)
    accounts.add(c, Account(name, f"Person {number}", grants=grants))  # type: ignore[arg-type]
    end = now + timedelta(days=1)
    cookie, session = sessions.start(c, name, now, end)  # type: ignore[arg-type]
    bearer, _ = tokens.make(c, name, "load", grants, now, end)  # type: ignore[arg-type]
    return Person(name, grants, cookie, session.csrf, bearer)


def wish(random: Random, number: int, source: str = "") -> Wish:
    """What nobody asked for before: a port of its own from one zone to another."""
    first, second = random.sample(range(ZONES), 2)
    return Wish(
        POLICY, (source or zone(first),), (zone(second),), (f"tcp/{30_001 + number % 35_000}",),
        f"needed for the move of service {number}", f"team {number % 90}", UNTIL, f"CHG-{number}",
    )  # fmt: skip


def _requests(now: datetime) -> Iterator[Request]:
    random = Random(7)
    for number in range(1, REQUESTS + 1):
        asked = wish(random, number)
        author = f"person-{number % PEOPLE // 10 * 10 + 4:03}"
        text, path = text_of(asked, number), path_of(number)
        made = now - timedelta(hours=REQUESTS - number)
        one = Request(number, State.DRAFT, author, asked, text, path, "low", made, made)
        if number % (REQUESTS // EXCEPTIONS) == 0:
            given = Approval("person-007", ", ".join((*asked.sources, *asked.destinations)), one.digest, made)
            state = (State.APPROVED, State.IMPLEMENTED, State.VERIFIED)[number // 10 % 3]
            yield replace(one, state=state, approvals=(given,), review="2027-05-01")
        else:
            yield replace(one, state=_STATES[number % 5])
