"""The example that `serve --example` shows: a provider's perimeter and a tenant behind it, people, and who decides."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import choice
from typing import TYPE_CHECKING

from firewright.cli._output import write_whole
from firewright.cli._server import CannotServe
from firewright.model.account import Grant, Role

if TYPE_CHECKING:
    from firewright.store.database import Store

_PROFILE = "provider-perimeter"
_PERIMETER, _TENANT = "internet-ports-regions-1-2", "tenant-a-edge"
_APPROVALS = """\
# Who decides about requests for these policies.
owners:
  tenants: [anna]
  tenant-a: [anna, arne]
approve:
  low: {count: 1}
  medium: {count: 1}
  high: {count: 2}
longest: 365d
remind: [14d, 3d]
review: 180d
break-glass: {who: [otto], longest: 4h, review: 2d}
"""
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of which passwords are made: none is taken for another."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the example."""

    name: str
    shown: str
    grants: tuple[Grant, ...]


PEOPLE = (
    Person("vera", "Vera, who only looks", (Grant(Role.VIEWER),)),
    Person("tom", "Tom of tenant A", (Grant(Role.REQUESTER, _TENANT), Grant(Role.REQUESTER, f"{_PERIMETER}/tenants"))),
    Person("anna", "Anna, who approves", (Grant(Role.APPROVER),)),
    Person("arne", "Arne, who approves too", (Grant(Role.APPROVER),)),
    Person("otto", "Otto, who operates", (Grant(Role.OPERATOR),)),
    Person("ada", "Ada, the admin", (Grant(Role.ADMIN),)),
)


def place(named: str | None) -> Path:
    """Where the example goes: a folder that is named, else a fresh temporary one."""
    return Path(named).absolute() if named else Path(tempfile.mkdtemp(prefix="firewright-example-"))


def write_policies(folder: Path) -> bool:
    """Put the example's policies into `folder`, in a git repository where git is there; False where they are there already.

    Raises CannotServe where something else is.
    """
    from firewright.diagnostic import Report
    from firewright.live.new_repository import begin_repository
    from firewright.workflows.init import find_profile, start

    if folder.exists() and any(folder.iterdir()):
        if (folder / "approvals.yaml").is_file():
            return False
        raise CannotServe(f"{folder} holds something else", "name a folder that is empty, or none")
    report = Report()
    profile = find_profile(_PROFILE, report)
    begun = start(profile, {}, folder, report) if profile else None
    if begun is None:
        raise CannotServe(f"the profile {_PROFILE} is not installed whole", "install firewright again")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**begun.texts, "approvals.yaml": _APPROVALS}.items():
        write_whole(folder / name, text)
    begin_repository(folder, "Begin with the example")
    return True


def make_people(store: Store, now: datetime) -> tuple[tuple[Person, str], ...]:
    """The example's accounts with their new passwords; nothing where there are accounts already."""
    from firewright.store import accounts, log
    from firewright.store.accounts import Account
    from firewright.workflows.passwords import hashed

    with store.reading() as c:
        if not accounts.is_empty(c):
            return ()
    made = tuple((one, _password()) for one in PEOPLE)
    kept = {one.name: hashed(password) for one, password in made}
    with store.writing() as c:
        for one, _ in made:
            accounts.add(c, Account(one.name, one.shown, kept[one.name], one.grants))
            log.append(c, log.Entry("example", "account.add", f"account {one.name}", "", "cli", "", {}, now))
    return made


def _password() -> str:
    """80 random bits in groups that can be typed."""
    return "-".join("".join(choice(_SIGNS) for _ in range(4)) for _ in range(4))
