"""Exceptions that mean more by now than was agreed to: which, whether they are applied all the same, who was told, and what is known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from firewright.analysis.compare import Change
from firewright.diagnostic import harmless
from firewright.model.account import Role
from firewright.model.approval_rules import Growth, Weight
from firewright.model.policy import Policy
from firewright.model.request import Request
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.store import log, outbox, requests, settings
from firewright.store.database import Store
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.checking import weight_of
from firewright.workflows.requests.estate import Estate
from firewright.workflows.requests.meaning import lasts_longer, more_than, opened_by_each
from firewright.workflows.requests.refused import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LOOK = "growth"
_EVENT = "exception.grown"


@dataclass(frozen=True, slots=True)
class Grown:
    """A request whose exception, in a file of a policy, means more by now: why, and whether it may not be applied therefore.

    `detail` is what only whoever sees the policy whole is told, as how many addresses. `digest` tells one growth from another; it is
    empty where it is not known that anything grew.
    """

    request: Request
    path: str
    why: str
    detail: str = ""
    is_refused: bool = True
    digest: str = ""

    def __str__(self) -> str:
        return _joined(self.why, self.detail)


def grown(desk: Desk, policy: Policy, agreed: Mapping[str, Request]) -> Iterator[Grown]:
    """The approved exceptions, by their files in the policy as it is to be applied, that open more than was agreed to.

    One small comparison for each of them: 2 s for 200 in 10,000 rules.
    """
    if not agreed:
        return
    kept = requests.openings(desk.connection, {one.number for one in agreed.values()})
    is_told = desk.estate.rules.growth is Growth.TELL
    order = list(Weight)
    try:
        opens = opened_by_each(policy, desk.estate.day_of(policy))
        for path, request in agreed.items():
            changes, number = opens[path], request.number
            weight = weight_of(policy, request.wish, changes)
            if order.index(weight) > order.index(Weight(request.severity)):
                why = f"its severity is {weight} by now, and request {number} was approved as {request.severity}"
                yield Grown(request, path, why)
                continue
            found = _grown(policy, request, path, changes, kept.get(number))
            if found is not None:
                yield replace(found, is_refused=found.is_refused and not (is_told and found.digest))
    except (Unfilled, Undecided, Refused) as error:
        for path, request in agreed.items():
            yield Grown(request, path, f"nobody can tell what request {request.number} opens", harmless(str(error)))


def _grown(policy: Policy, request: Request, path: str, changes: Sequence[Change], kept: str | None) -> Grown | None:
    """What is more than was kept, by the digest of more packets; what nobody kept passes, and is told. Raises Undecided."""
    number = request.number
    if kept is None:
        why = f"request {number} was approved before what exceptions open was kept: it is not bound to what it opened"
        return Grown(request, path, why, is_refused=False)
    if not kept:
        return Grown(request, path, f"nobody can tell what request {number} opened when it was approved")
    if lasts_longer(kept, policy, request.wish):
        why = f"it ends later than when request {number} was approved: the policy's time zone is another"
        return Grown(request, path, why)
    more = more_than(changes, kept, policy, request.wish)
    if more is None:
        return None
    return Grown(request, path, f"it opens more than when request {number} was approved", str(more), digest=more.digest)


def _joined(why: str, detail: str) -> str:
    return f"{why}: {detail}" if detail else why


def tell(store: Store, found: Iterable[Grown], now: datetime) -> None:
    """Log, and send as an event, each growth that is only told: once for each. Raises StoreError."""
    told = {f"grown {one.request.number} {one.digest[:32]}": one for one in found if one.digest and not one.is_refused}
    with store.reading() as c:
        if all(settings.get(c, name) for name in told):
            return
    with store.writing() as c:
        for name, one in told.items():
            if settings.get(c, name):
                continue
            settings.put(c, name, now.isoformat())
            request, about = one.request, f"request {one.request.number}"
            facts = {"exception": one.path, "policy": request.wish.policy, "growth": one.digest}
            # how much more is not in the log: whoever sees one end of the request may read its rows
            log.append(c, log.Entry(SYSTEM.account, _EVENT, about, "", SYSTEM.way.value, one.why, facts, now))
            body = {"request": request.number, "owner": request.wish.owner, "because": str(one), **facts}
            outbox.queue(c, _EVENT, json.dumps(body), now, request.wish.policy)


@dataclass(frozen=True, slots=True)
class Look:
    """What was found when all exceptions were last looked at: the estate's digest, and the grown by the request's number.

    `mark` changes with whatever could change what is found. Nothing is known of requests that were approved or edited since.
    """

    digest: str = ""
    mark: str = ""
    found: Mapping[int, tuple[str, str, str, bool]] = field(default_factory=dict)
    """Of each what it was found of (`version_of`), why, the detail, and whether it is refused."""

    def why(self, desk: Desk, request: Request) -> str | None:
        """Why a request's exception means more by now, or that it does not (empty); None where nobody has looked yet.

        How much more is told to whoever sees the policy whole.
        """
        if not desk.estate.rules.is_required:
            return ""
        if desk.estate.digest != self.digest:
            return None
        version, why, detail, _ = self.found.get(request.number, _NOTHING)
        if version != version_of(request):
            return ""
        return _joined(why, detail if desk.actor.is_allowed(Role.VIEWER, request.wish.policy) else "")

    def is_refused(self, request: Request) -> bool:
        """Whether an exception that means more may not be applied therefore."""
        return self.found.get(request.number, _NOTHING)[3]


_NOTHING = ("", "", "", False)


def look_of(estate: Estate, found: Iterable[Grown], mark: str = "") -> Look:
    """What was found of an estate."""
    known = {one.request.number: (version_of(one.request), one.why, one.detail, one.is_refused) for one in found}
    return Look(estate.digest, mark, known)


def mark_of(estate: Estate, standing: Iterable[Request]) -> str:
    """What changes when looking again could find something else: the files, the days, and what was agreed to."""
    days = [estate.day_of(policy).isoformat() for policy in estate.policies.values()]
    facts = [estate.digest, days, sorted((one.number, version_of(one)) for one in standing)]
    return sha256(json.dumps(facts).encode()).hexdigest()


def version_of(request: Request) -> str:
    """What changes when a request is edited or agreed to, and by nothing else that is done to it."""
    return f"{request.revision}/{len(request.approvals)}"


def last_look(c: Connection) -> Look:
    """What was found the last time; nothing where nobody has looked yet."""
    kept = settings.get(c, _LOOK)
    if not kept:
        return Look()
    tree = json.loads(kept)
    found = {
        int(number): (version, why, detail, refused)
        for number, (version, why, detail, refused) in tree["found"].items()
    }
    return Look(tree["digest"], tree["mark"], found)


def keep_look(c: Connection, look: Look) -> None:
    """Keep what was found for whoever asks what is known."""
    settings.put(c, _LOOK, json.dumps({"digest": look.digest, "mark": look.mark, "found": dict(look.found)}))
