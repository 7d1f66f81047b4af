"""What pages about policies begin with: which ones somebody sees, the one that an address names, and where lists go on."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import Request

from firewright.model.account import Actor
from firewright.model.policy import Policy
from firewright.web.estate import estate_of, memory_key
from firewright.web.problem import Problem
from firewright.web.running import running
from firewright.web.views.listing import Leaf
from firewright.web.views.sight import Sight
from firewright.workflows.requests.estate import Estate

Made = TypeVar("Made")


def shown(request: Request, key: Hashable, make: Callable[[], Made]) -> Made:
    """What a view is made of, once for these files and days; the key names whatever it depends on, who sees what among it."""
    return running(request).estates.views.get(memory_key(estate_of(request), key), make)


def policies_seen(estate: Estate, actor: Actor) -> tuple[Policy, ...]:
    """The policies of which somebody sees something, in the order of their files."""
    return tuple(policy for policy in estate.policies.values() if Sight(actor, policy).is_any)


def sight_of(request: Request, actor: Actor, name: str) -> Sight:
    """What somebody sees of the policy of a name. Raises Problem: 404, where it is not there as where it is not theirs."""
    policy = estate_of(request).policies.get(name)
    sight = None if policy is None else Sight(actor, policy)
    if sight is None or not sight.is_any:
        raise Problem(
            404, "no-such-policy", "there is no such policy, or it is not yours to see", "choose one of the list"
        )
    return sight


def chosen_policy(request: Request, actor: Actor, name: str) -> Sight | None:
    """What somebody sees of the policy that was chosen, of the first one if none was; None where there is none at all."""
    if name:
        return sight_of(request, actor, name)
    found = policies_seen(estate_of(request), actor)
    return Sight(actor, found[0]) if found else None


def address(path: str, **fields: object) -> str:
    """An address of ours with those fields that are not empty."""
    kept = {key: value for key, value in fields.items() if value not in ("", None)}
    return f"{path}?{urlencode(kept)}" if kept else path


def part(text: str) -> str:
    """A name as one part of an address."""
    return quote(text, safe="")


def turned(leaf: Leaf[Any], path: str, **fields: object) -> tuple[str, str]:
    """The addresses of the leaf before and of the leaf after; empty where there is none."""
    before = address(path, **fields, page=leaf.number - 1) if leaf.number > 1 else ""
    after = address(path, **fields, page=leaf.number + 1) if leaf.number < leaf.leaves else ""
    return before, after


def attachment(name: str) -> dict[str, str]:
    """The header by which an answer is a file to save; whatever else stands in its name becomes a hyphen."""
    kept = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "-" for one in name)[:120]
    return {"Content-Disposition": f'attachment; filename="{kept}"'}
