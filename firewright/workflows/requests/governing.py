"""Whether somebody is to decide about exceptions: where approvals.yaml was seen once, taking it away takes nobody's say away."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from firewright.diagnostic import harmless
from firewright.model.account import Role
from firewright.readers.policy_yaml.approvals import FILE
from firewright.store import log, outbox, settings
from firewright.workflows.requests.refused import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from firewright.store.database import Store
    from firewright.workflows.requests.acting import Desk
    from firewright.workflows.requests.estate import Estate

_SEEN, _RELEASED = "rules-seen", "rules-released"


def note(store: Store, estate: Estate, now: datetime) -> None:
    """Remember that there are rules of approval, and that whoever did without them for these policies does so no longer.

    Raises StoreError.
    """
    if not estate.rules.is_required:
        return
    with store.reading() as c:
        if settings.get(c, _SEEN) and not _released(c).keys() & estate.policies.keys():
            return
    with store.writing() as c:
        if not settings.get(c, _SEEN):
            settings.put(c, _SEEN, now.isoformat(timespec="seconds"))
        left = {name: said for name, said in _released(c).items() if name not in estate.policies}
        settings.put(c, _RELEASED, json.dumps(left))


def gone(c: Connection, estate: Estate, policy: str) -> str:
    """Why nobody can tell who decides about a policy, or nothing: there were rules of approval, and nobody said to do without.

    One database is of one folder of policies, so it counts wherever a policy lies now, and however it is called.
    """
    if estate.rules.is_required:
        return ""
    seen = settings.get(c, _SEEN)
    if not seen or is_released(c, policy):
        return ""
    return f"{FILE}, which said who decides (seen {seen[:10]}), is not there any more"


def is_released(c: Connection, policy: str) -> bool:
    """Whether an admin has said that nobody is to decide about a policy's exceptions."""
    return policy in _released(c)


def release(desk: Desk, policy: str, because: str) -> None:
    """Say, as an admin of a policy, that nobody has to decide about its exceptions any more; loudly, and logged. Raises Refused."""
    said = because.strip()
    if not desk.actor.is_allowed(Role.ADMIN, policy):
        named = harmless(policy, 60)
        raise Refused("may-not", f"you are no admin of {named}", "an admin says that nobody has to decide", 403)
    if desk.estate.rules.is_required:
        message = f"{FILE} is there, and says who decides"
        raise Refused("wrong-state", message, f"take {FILE} away first, if nobody is to decide any more", 409)
    if not said:
        raise Refused("missing", "the reason is missing", "say in a sentence why", 422)
    c, actor = desk.connection, desk.actor
    settings.put(c, _RELEASED, json.dumps({**_released(c), policy: desk.now.isoformat(timespec="seconds")}))
    facts = {"policy": policy}
    about = f"policy {policy}"
    entry = log.Entry(
        actor.account, "exceptions.without-rules", about, actor.origin, actor.way.value, said, facts, desk.now
    )
    log.append(c, entry)
    body = {"policy": policy, "by": actor.account, "because": said}
    outbox.queue(c, "exceptions.without-rules", json.dumps(body), desk.now, policy)


def _released(c: Connection) -> dict[str, str]:
    found: dict[str, str] = json.loads(settings.get(c, _RELEASED) or "{}")
    return found
