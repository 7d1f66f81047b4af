"""Roles in scopes, as the API takes and gives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from firewright.model.account import Grant, Role
from firewright.web.api._answers import Tree
from firewright.web.api._wishes import Sent, Told


class GrantBody(Sent):
    """A role within a scope."""

    role: Annotated[Role, Field(examples=["viewer"])]
    scope: Annotated[str, Field(min_length=1, max_length=300, examples=["tenant-a-edge"])]
    """`*` for everything, a policy, or POLICY/ZONE."""


class GrantTold(Told):
    """A role within a scope."""

    role: Role
    scope: str


def grants_in(bodies: Iterable[GrantBody]) -> tuple[Grant, ...]:
    """The grants that a body names, each once, sorted."""
    return tuple(sorted({Grant(one.role, one.scope) for one in bodies}))


def grant_tree(grant: Grant) -> Tree:
    """One grant."""
    return {"role": grant.role.value, "scope": grant.scope}
