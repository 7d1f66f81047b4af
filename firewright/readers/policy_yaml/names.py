"""What the files of a policy define, merged: a name stands for one thing, and a name defined twice is an error."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from firewright.diagnostic import Note
from firewright.document import Scalar
from firewright.readers.policy_yaml.complaint import Complaints, quoted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Definition(Generic[T]):
    """A name with what it stands for; None where that was complained about."""

    name: Scalar
    value: T | None


@dataclass(slots=True)
class Names(Generic[T]):
    """The definitions of one kind. A name that is `broken` was complained about, and so are no uses of it."""

    kind: str
    defined: dict[str, Definition[T]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def take(self, entries: Iterable[tuple[Scalar, T | None]], complaints: Complaints) -> None:
        """Add definitions; the first of a name counts."""
        for name, value in entries:
            first = self.defined.get(name.text)
            if first is not None:
                message = f"the {self.kind} {quoted(name)} is defined twice"
                notes = [Note("it is defined here first", first.name.at)]
                complaints.error("name-twice", message, name.at, "rename one, or take it out", notes)
                continue
            self.defined[name.text] = Definition(name, value)
            if value is None:
                self.broken.add(name.text)
