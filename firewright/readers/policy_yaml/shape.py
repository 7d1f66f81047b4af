"""The shapes that a value of a policy can have, as data: from them come the reader, the JSON Schema and the reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Text:
    """Prose of one value, not empty."""


@dataclass(frozen=True)
class Name:
    """The name of something of the policy, or a reference to it. `kind` says of what: zone, service, option, rule, ..."""

    kind: str


@dataclass(frozen=True)
class Word:
    """One of a few words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class YesNo:
    """yes or no."""


@dataclass(frozen=True)
class Day:
    """A day, as 2027-03-31."""


@dataclass(frozen=True)
class Moment:
    """A day, or a time of a day in the policy's time zone, as 2027-03-31T18:30."""


@dataclass(frozen=True)
class Duration:
    """A whole number of seconds, minutes, hours or days: 30s, 5m, 4h, 2d."""


@dataclass(frozen=True)
class Path:
    """A file of the same repository, relative to this one."""


@dataclass(frozen=True)
class ZoneEntry:
    """A prefix, an address, a range of addresses, or the name of another zone."""


@dataclass(frozen=True)
class Endpoint:
    """The name of a zone, or a prefix, an address, a range of addresses."""


@dataclass(frozen=True)
class ServiceEntry:
    """A service's name, a transport such as tcp/443, or `{udp: any, source-port: 53}`."""


@dataclass(frozen=True)
class Several:
    """A list of these, or one alone. At least `least`; `word`, if there is one, may stand for the empty list."""

    of: Shape
    least: int = 1
    word: str = ""
    is_loose: bool = True


@dataclass(frozen=True)
class Table:
    """Names, each with a value of one shape."""

    kind: str
    of: Shape
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """Values of a shape, or `{fill-in: a question}` for whoever installs."""

    otherwise: Shape


@dataclass(frozen=True)
class Key:
    """A key: its shape, what it says in one sentence, an example of its value."""

    name: str
    shape: Shape
    says: str
    example: str
    is_required: bool = False


@dataclass(frozen=True)
class Record:
    """A mapping of known keys. `called` is what people call it, with its article: a policy, a rule.

    `synonyms` are words that people type for keys; `elsewhere` are keys that do not belong here, and what to do instead.
    """

    called: str
    keys: tuple[Key, ...]
    synonyms: tuple[tuple[str, str], ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()

    @cached_property
    def by_name(self) -> dict[str, Key]:
        """Its keys by their names."""
        return {key.name: key for key in self.keys}


Shape = (
    Text
    | Name
    | Word
    | YesNo
    | Day
    | Moment
    | Duration
    | Path
    | ZoneEntry
    | Endpoint
    | ServiceEntry
    | Several
    | Table
    | Question
    | Record
)
