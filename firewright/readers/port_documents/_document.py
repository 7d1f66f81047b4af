"""What a port document says: its rows as requirements, what was refused, which questions it leaves, each with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from firewright.model.address import AddressSet
from firewright.model.policy import Verb
from firewright.model.transport import Transport
from firewright.source import Span


class State(StrEnum):
    """How far a row is understood: wholly; between two bounds; not at all, which is a refusal with a name."""

    UNDERSTOOD = "understood"
    BOUNDED = "bounded"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class DocumentZone:
    """An end of flows by the name that a policy gives it; `said` is how the document writes it, empty where it does not.

    `addresses` are those that the document writes; where it writes none, `question` is what to ask of whoever installs.
    `any` and `internet` are no zones of a document: they are the language's own.
    """

    name: str
    said: str
    at: Span
    question: str = ""
    addresses: AddressSet | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """Flows that one row speaks of: from each source to each destination, the names of zones, `any` or `internet`.

    `surely` are the transports that the row means in every reading, `possibly` these and what it may mean: equal unless
    the row is bounded. `surely` may then be empty; a requirement of a row that is understood never is.
    `verb` is require, allow, deny or reject.
    """

    verb: Verb
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    surely: tuple[Transport, ...]
    possibly: tuple[Transport, ...]
    at: Span

    @property
    def is_bounded(self) -> bool:
        """Whether the two bounds differ."""
        return self.surely != self.possibly


@dataclass(frozen=True, slots=True)
class Entry:
    """One row, list item or sentence about ports: what it says, how far it is understood, and what it asks for.

    Where it is bounded or refused, `name` is the slug of the reason, `why` the reason in a sentence, and `help` a way out:
    for a service without a number what the catalog suggests. `verb` is what the row does, as far as it says so: None where even
    that is not understood.
    """

    said: str
    at: Span
    state: State
    requirements: tuple[Requirement, ...] = ()
    name: str = ""
    why: str = ""
    help: str = ""
    verb: Verb | None = None


@dataclass(frozen=True, slots=True)
class SaidTimeout:
    """How long flows without packets are to be remembered: `kind` as a policy calls it (`tcp-established`), in seconds."""

    kind: str
    seconds: int
    said: str
    at: Span


@dataclass(frozen=True, slots=True)
class DocumentNote:
    """Something that a person should know of a document, with the places that it is about."""

    name: str
    text: str
    places: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A port document as it is understood: every row that was found is exactly one entry, in the order of the document.

    `zones` are by name, in the order of their first use; those with a question are to be filled in. `is_ordered` says that
    its rows are a firewall's rules, of which the first that fits decides.
    """

    path: str
    title: str
    entries: tuple[Entry, ...]
    zones: Mapping[str, DocumentZone] = field(default_factory=dict)
    timeouts: tuple[SaidTimeout, ...] = ()
    notes: tuple[DocumentNote, ...] = ()
    is_ordered: bool = False

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What its rows ask for, in their order; a row may ask for nothing or for several things."""
        return tuple(one for entry in self.entries for one in entry.requirements)

    @property
    def refusals(self) -> tuple[Entry, ...]:
        """The rows that were not understood."""
        return tuple(entry for entry in self.entries if entry.state is State.REFUSED)

    @property
    def questions(self) -> tuple[DocumentZone, ...]:
        """The zones whose addresses the document does not say."""
        return tuple(zone for zone in self.zones.values() if zone.addresses is None)

    def count(self, state: State) -> int:
        """How many rows are of a state."""
        return sum(entry.state is state for entry in self.entries)

    def entry_of(self, requirement: Requirement) -> Entry:
        """The row that a requirement is of. Raises LookupError for one of another document. O(rows)."""
        for entry in self.entries:
            if any(one is requirement for one in entry.requirements):
                return entry
        raise LookupError("the requirement is of another document")

    def pairs(self) -> Iterator[tuple[Requirement, str, str]]:
        """Each requirement once for each pair of its ends."""
        for one in self.requirements:
            for source in one.sources:
                for destination in one.destinations:
                    yield one, source, destination
