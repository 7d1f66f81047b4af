"""Who may do what: accounts, and roles granted for everything, for a policy, or for one of its zones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

EVERYTHING = "*"
"""The scope of a grant that holds everywhere."""


class Role(StrEnum):
    """What somebody may do. Every role includes what viewers may; an admin manages accounts and decides nothing."""

    VIEWER = "viewer"
    REQUESTER = "requester"
    APPROVER = "approver"
    OPERATOR = "operator"
    ADMIN = "admin"


class Way(StrEnum):
    """By what an act came."""

    WEB = "web"
    API = "api"
    CLI = "cli"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role within a scope: `*`, a policy's name, or `POLICY/ZONE`."""

    role: Role
    scope: str = EVERYTHING

    def covers(self, policy: str, zone: str = "") -> bool:
        """Whether it holds for a policy as a whole, or for a zone of it where one is named."""
        return self.scope in (EVERYTHING, policy) or (bool(zone) and self.scope == f"{policy}/{zone}")

    def touches(self, policy: str) -> bool:
        """Whether it holds for anything of a policy."""
        return self.scope in (EVERYTHING, policy) or self.scope.startswith(f"{policy}/")


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts: an account's name, its grants and groups, and by what and from where.

    A token narrows its account's grants; those here are what is left of them. `is_narrowed` says that something of them is gone:
    then what is one's own is seen only as far as the grants reach, as all else is. `let_in_by` is the account that made the link by
    which the password was last set.
    """

    account: str
    grants: tuple[Grant, ...] = ()
    groups: tuple[str, ...] = ()
    way: Way = Way.CLI
    origin: str = ""
    name: str = ""
    is_narrowed: bool = False
    let_in_by: str = ""

    def is_allowed(self, role: Role, policy: str, zone: str = "") -> bool:
        """Whether a role is held for a policy, or for a zone of it."""
        return any(_includes(grant.role, role) and grant.covers(policy, zone) for grant in self.grants)

    def touches(self, role: Role, policy: str) -> bool:
        """Whether a role is held for anything of a policy."""
        return any(_includes(grant.role, role) and grant.touches(policy) for grant in self.grants)

    def sees(self, policy: str, zones: Collection[str]) -> bool:
        """Whether flows between these zones may be shown: the policy is granted as a whole, or one of the zones is."""
        whole = self.is_allowed(Role.VIEWER, policy)
        return whole or any(self.is_allowed(Role.VIEWER, policy, zone) for zone in zones)

    def is_everywhere(self, role: Role) -> bool:
        """Whether a role is held for everything."""
        return any(_includes(grant.role, role) and grant.scope == EVERYTHING for grant in self.grants)


def narrowed_actor(actor: Actor, scopes: Collection[Grant]) -> Actor:
    """Somebody as a token of theirs lets them act: with what is left of their grants, and with no more than that says."""
    left = narrowed(actor.grants, scopes)
    return replace(actor, grants=left, is_narrowed=not set(actor.grants) <= set(left))


def _includes(held: Role, wanted: Role) -> bool:
    """Whether whoever holds one role has the other: all may view."""
    return held is wanted or wanted is Role.VIEWER


def narrowed(grants: Iterable[Grant], scopes: Collection[Grant]) -> tuple[Grant, ...]:
    """The grants of a token: those of its account that lie within the ones that the token was made with."""
    return tuple(
        Grant(limit.role, inner)
        for grant in grants
        for limit in scopes
        if grant.role is limit.role and (inner := _inner(grant.scope, limit.scope))
    )


def _inner(one: str, other: str) -> str:
    """The narrower of two scopes if one lies in the other, else nothing."""
    if one == other or other == EVERYTHING or one.startswith(f"{other}/"):
        return one
    if one == EVERYTHING or other.startswith(f"{one}/"):
        return other
    return ""
