"""A small estate with a store: two zones beside the internet, people with roles, and who decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from firewright.model.account import Actor, Grant, Role
from firewright.model.request import Request, Wish
from firewright.store import accounts
from firewright.store.accounts import Account
from firewright.store.database import Store
from firewright.workflows.requests import acting
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.estate import Estate, read_estate

NOW = datetime(2026, 11, 21, 18, 30, 0, 250, UTC)
"""When the tests take place."""
POLICY = """\
policy: edge
zones:
  tenants: [198.51.100.0/24, "2001:db8:10::/48"]
  office: [192.0.2.0/24, "2001:db8:20::/48"]
services: {portal: tcp/8443}
firewalls: {core: {between: [internet, tenants, office]}}
rules:
  - {from: tenants, to: internet, allow: [https, tcp/1688], because: the published list}
  - {name: no-smb, from: any, to: tenants, deny: smb, because: over a VPN only}
  - {from: any, to: any, request: any, because: anything else is asked for}
"""
APPROVALS = """\
owners: {tenants: [bob, eve, "@net"], office: [cas, eve]}
approve: {low: {count: 1}, medium: {count: 1, of: either}, high: {count: 2, of: either}}
longest: 365d
review: 60d
break-glass: {who: [otto], longest: 4h, review: 2d}
"""
PEOPLE = {
    "ann": (Grant(Role.REQUESTER, "edge/tenants"),),
    "bob": (Grant(Role.APPROVER, "edge/tenants"),),
    "cas": (Grant(Role.APPROVER),),
    "eve": (Grant(Role.REQUESTER), Grant(Role.APPROVER)),
    "otto": (Grant(Role.OPERATOR, "edge"),),
    "vera": (Grant(Role.VIEWER),),
}
PLAIN = Wish("edge", ("tenants",), ("internet",), ("tcp/11371",), "keys are fetched", "ann", "2026-12-24")
"""What ann asks for."""


def wish(**changed: Any) -> Wish:
    """What ann asks for, with changes."""
    return replace(PLAIN, **changed)


class World:
    """A folder, a store, and the people; `now` is when everything happens."""

    def __init__(self, folder: Path, store: Store, now: datetime = NOW) -> None:
        self.folder, self.store, self.now = folder, store, now
        folder.mkdir(exist_ok=True)
        self.write("edge.yaml", POLICY)
        self.write("approvals.yaml", APPROVALS)
        with store.writing() as c:
            for name, grants in PEOPLE.items():
                if accounts.find(c, name) is None:
                    accounts.add(c, Account(name, name.title(), grants=grants))
                else:
                    self._put(c, name, grants=grants, groups=(), is_active=True)

    def write(self, name: str, text: str) -> None:
        """Put a file into the folder."""
        (self.folder / name).write_text(text, encoding="utf-8")

    @property
    def estate(self) -> Estate:
        """The folder as it is now."""
        return read_estate(self.now, self.folder)

    def account(self, name: str, **changed: Any) -> None:
        """Give somebody other roles or groups, or let them be active no more."""
        with self.store.writing() as c:
            self._put(c, name, **changed)

    @staticmethod
    def _put(c: Any, name: str, **changed: Any) -> None:
        found = accounts.find(c, name)
        assert found is not None
        assert accounts.put(c, replace(found, **changed))

    @contextmanager
    def desk(self, name: str) -> Iterator[Desk]:
        """A desk at which somebody does one thing, with the roles that they have now."""
        with self.store.writing() as c:
            account = accounts.find(c, name)
            grants: Iterable[Grant] = account.grants if account is not None and account.is_active else ()
            groups = account.groups if account is not None else ()
            yield Desk(c, self.estate, Actor(name, tuple(grants), tuple(groups)), self.now)

    def ask(self, name: str = "ann", *, is_draft: bool = False, **changed: Any) -> Request:
        """A request of somebody's."""
        with self.desk(name) as desk:
            return acting.make(desk, wish(**changed), is_draft=is_draft)

    def find(self, number: int) -> Request:
        """A request as it is now."""
        with self.desk("cas") as desk:
            return acting.find(desk, number)

    def approve(self, number: int, name: str = "bob", digest: str = "") -> Request:
        """Somebody agrees to what is there, or to what has a digest."""
        with self.desk(name) as desk:
            return acting.approve(desk, number, digest or acting.find(desk, number).digest)
