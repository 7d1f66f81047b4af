"""A value of any result type whose every text is hostile, made from the types of its fields: a new one is held to the contract at once."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from firewright.diagnostic import Diagnostic
from firewright.reports import Findings
from firewright.source import Source, Span

LATE = ("analysis", "model", "space", "catalog")
"""Layers whose names result types mention without importing them."""


CLOSED: dict[str, Any] = {
    "Step.verb": "applied",
    "Moved.kind": "opens",
    "Oddity.kind": "shadowed",
    "Judged.verdict": "accept",
    "RoutePart.verdict": "accept",
    "Plan.mode": "enforce",
    "Status.mode": "enforce",
    "Cut.what": "flows",
    "Cut.verdict": "drop",
    "Base.hook": "input",
    "Base.kind": "filter",
    "Base.policy": "drop",
    "FamilyTable.family": 4,
    "FamilyTable.rows": (0,),
    "FamilyTable.columns": (0,),
}
"""Fields of a few words each, which are nobody's free text."""


class _Late(dict[str, Any]):
    """The names of those layers, looked for when they are asked for."""

    def __missing__(self, name: str) -> Any:
        for layer in LATE:
            package = import_module(f"firewright.{layer}")
            for module in iter_modules(package.__path__, f"{package.__name__}."):
                found = vars(import_module(module.name)).get(name)
                if isinstance(found, type) and found.__module__.startswith("firewright."):
                    return found
        raise KeyError(name)


def filled(kind: Any, text: str, findings: Findings) -> Any:
    """A value of a type: a dataclass with every field filled, a text, a number, one member of each collection."""
    if kind is Findings:
        return findings
    known: dict[Any, Any] = {
        str: text, int: 7, float: 0.5, bool: True, date: date(2026, 11, 21),
        datetime: datetime(2026, 11, 21, 18, 30, tzinfo=UTC), Span: Span(f"{text}.yaml", 2, 4, 5),
        Diagnostic: findings.diagnostics[0], Source: Source("a.yaml", f"one\n{text}\n"), Any: text, object: text,
    }  # fmt: skip
    if kind in known:
        return known[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        several = inner[:1] if inner[1:] == (...,) else inner
        return tuple(filled(one, text, findings) for one in several)
    if origin in (typing.Union, types.UnionType):
        return filled(next(one for one in inner if one is not type(None)), text, findings)
    if origin is typing.Literal:
        return inner[0]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {filled(inner[0], text, findings): filled(inner[1], text, findings)}
    if isinstance(origin, type) and issubclass(origin, frozenset):
        return frozenset((filled(inner[0], text, findings),))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if is_dataclass(kind):
        return _dataclass(kind, lambda one: filled(one, text, findings))
    raise TypeError(f"nobody knows how to fill {kind}")


def _dataclass(kind: Any, fill: Callable[[Any], Any]) -> Any:
    here = vars(sys.modules[kind.__module__])
    hints = typing.get_type_hints(kind, here, _Late({"date": date, "Mapping": Mapping, **here}))
    given = {}
    for field in fields(kind):
        if field.init:
            try:
                closed = CLOSED.get(f"{kind.__name__}.{field.name}")
                given[field.name] = fill(hints[field.name]) if closed is None else closed
            except TypeError:
                if field.default is MISSING and field.default_factory is MISSING:
                    raise
    return kind(**given)
