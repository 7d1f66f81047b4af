"""The header's entries: each routes file says its own, nobody keeps a list."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from firewright.model.account import Actor, Role
from firewright.registry import Registry
from firewright.web.access import holds

ROUTES: Registry[object] = Registry("firewright.web.routes", "ROUTER")


@dataclass(frozen=True, slots=True, order=True)
class Nav:
    """One entry: its place among the others, what it says, where it leads, and the role without which it is not shown."""

    order: int
    label: str
    path: str
    role: Role | None = Role.VIEWER


def entries() -> tuple[Nav, ...]:
    """Every entry of the files in `web/routes`, in order."""
    modules = (import_module(f"firewright.web.routes.{name.replace('-', '_')}") for name in ROUTES.names())
    return tuple(sorted(found for module in modules if isinstance(found := getattr(module, "NAV", None), Nav)))


def shown(every: tuple[Nav, ...], actor: Actor | None) -> tuple[Nav, ...]:
    """The entries that somebody may follow; nobody's are none."""
    return () if actor is None else tuple(one for one in every if holds(actor, one.role))


def is_current(entry: Nav, path: str) -> bool:
    """Whether a page lies under an entry."""
    return path == entry.path or (entry.path != "/" and path.startswith(f"{entry.path}/"))
