"""What a record of a policy says once it is read: values by key, in the shapes of the grammar, no name looked up yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeVar, cast

from firewright.document import Scalar
from firewright.source import Located, Span

T = TypeVar("T")


class FromPorts(NamedTuple):
    """A service with source ports: `{udp: any, source-port: 53}`."""

    protocol: Scalar
    ports: tuple[Scalar, ...]
    source_ports: tuple[Scalar, ...]
    at: Span


class Asked(NamedTuple):
    """A zone that whoever installs fills in, with the question."""

    question: Scalar


ServiceWord = Scalar | FromPorts
Entries = tuple[tuple[Scalar, T], ...]
"""A table as read: names with their values, in the order of the text."""


@dataclass(slots=True)
class Stated:
    """What a record says: values by key; `keys` are all that stand there, `values` only those that could be read.

    With `has_strangers` there were keys that nobody knows, so that what is missing is probably misspelt. `takes_addresses` says
    that its ends may be addresses without a zone of their own.
    """

    at: Span
    keys: dict[str, Scalar] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    has_strangers: bool = False
    takes_addresses: bool = False

    def is_broken(self, key: str) -> bool:
        """Whether the key is there, and was complained about."""
        return key in self.keys and key not in self.values

    def words(self, key: str) -> tuple[Scalar, ...]:
        """The words of a list; none where the key is missing or broken."""
        return cast("tuple[Scalar, ...]", self.values.get(key, ()))

    def word(self, key: str) -> Scalar | None:
        """One word."""
        return cast("Scalar | None", self.values.get(key))

    def text(self, key: str) -> str:
        """One text, or an empty one."""
        found = self.values.get(key)
        return cast("Scalar", found).text if found is not None else ""

    def prose(self, key: str) -> str:
        """One text on one line, or an empty one."""
        found = self.values.get(key)
        return " ".join(cast("Scalar", found).text.split()) if found is not None else ""

    def day(self, key: str) -> date | None:
        """One day, or one time of a day: a datetime."""
        found = self.values.get(key)
        return cast("Located[date]", found).value if found is not None else None

    def seconds(self, key: str) -> int | None:
        """One duration."""
        found = self.values.get(key)
        return cast("Located[int]", found).value if found is not None else None

    def is_yes(self, key: str) -> bool:
        """Yes or no; no where the key is missing."""
        found = self.values.get(key)
        return found is not None and cast("Located[bool]", found).value

    def table(self, key: str) -> Entries[Any]:
        """Names with their values."""
        return cast("Entries[Any]", self.values.get(key, ()))

    def records(self, key: str) -> tuple[Stated, ...]:
        """A list of records."""
        return cast("tuple[Stated, ...]", self.values.get(key, ()))
