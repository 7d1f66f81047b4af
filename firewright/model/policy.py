"""What a policy says, with every name resolved: zones, firewalls, rules. Nothing here reads, writes or decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from firewright.model.address import AddressSet
from firewright.model.moment import begins, ends
from firewright.model.transport import Transport
from firewright.source import NOWHERE, Located, Span


class Verb(StrEnum):
    """What a rule says. `otherwise` rules carry the answer for what no other rule of the pair names."""

    ALLOW = "allow"
    REQUIRE = "require"
    REQUEST = "request"
    DENY = "deny"
    REJECT = "reject"
    OTHERWISE = "otherwise"


class Action(StrEnum):
    """What a firewall does with a packet (RFC 8519, section 4): drop is silent, reject answers."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"


class ZoneKind(StrEnum):
    """Where a zone's meaning comes from: its prefixes, or the language."""

    NAMED = "named"
    INTERNET = "internet"
    ANY = "any"
    LOCAL = "local"
    MULTICAST = "multicast"
    BROADCAST = "broadcast"


BUILT_IN_ZONES = tuple(kind.value for kind in ZoneKind if kind is not ZoneKind.NAMED)


@dataclass(frozen=True, slots=True)
class Zone:
    """A set of addresses under a name; `question` is what to ask while it is not filled in, and its addresses are empty.

    `members` are the names of the zones that it is written as.
    """

    name: str
    addresses: AddressSet
    kind: ZoneKind = ZoneKind.NAMED
    question: str = ""
    members: tuple[str, ...] = ()
    at: Span = field(compare=False, default=NOWHERE)

    @property
    def is_local(self) -> bool:
        """Whether this is the machine that enforces."""
        return self.kind is ZoneKind.LOCAL

    @property
    def is_filled(self) -> bool:
        """Whether its addresses are known."""
        return not self.question


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of a rule's list of services: the word as written and exactly its transports; no transports are every packet.

    `names` are the catalog's services behind it, those within the policy's own services too; `helpers` the conntrack helpers
    (`model.conntrack_helper`) that those name.
    """

    word: str
    transports: tuple[Transport, ...]
    names: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    at: Span = field(compare=False, default=NOWHERE)

    @property
    def is_any(self) -> bool:
        """Whether it means every protocol and every port."""
        return not self.transports


@dataclass(frozen=True, slots=True)
class Ends:
    """Who may open a flow to whom: from any of these zones to any of those."""

    sources: tuple[Zone, ...]
    destinations: tuple[Zone, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One verb over one set of flows. Order never matters; `at` is the place of the verb, `label` how people call the rule.

    `ends` are as written: one pair for from/to, one a zone for `between` (to all the others) and `within` (to itself).
    `default` is the answer of an `otherwise` rule. `until` is a day, to its end, or a time of day (a datetime without a zone) at
    which it is over, in the policy's time zone (`model.moment`).
    """

    verb: Verb
    ends: tuple[Ends, ...]
    terms: tuple[Term, ...]
    at: Span = field(compare=False)
    name: str = ""
    because: str = ""
    owner: str = ""
    ticket: str = ""
    until: date | None = None
    when: tuple[str, ...] = ()
    is_on: bool = True
    sessions: int | None = None
    log: bool = False
    overrides: tuple[Located[str], ...] = ()
    default: Action | None = None

    @property
    def label(self) -> str:
        """Its name, or its verb with its services as written."""
        words = ", ".join(term.word for term in self.terms)
        return self.name or f"{self.verb}: {self.default.value if self.default else words}"

    def opens(self, firewall: Firewall) -> bool:
        """Whether a firewall lets through what the rule names, as far as no ban stands against it."""
        return self.verb is Verb.REQUIRE or (self.verb is Verb.ALLOW and firewall.opens == "allowed")

    def is_active(self, day: date) -> bool:
        """Whether it has a say on a day, at its beginning, or at a time of day in the policy's time zone.

        So it has where its options are on and a permission's end is not past; a ban's end never opens.
        """
        if not self.is_on:
            return False
        return self.until is None or self.verb in (Verb.DENY, Verb.REJECT) or begins(day) < ends(self.until)


@dataclass(frozen=True, slots=True)
class Firewall:
    """Where packets are stopped. `between` are its legs, `within` the zones whose inner traffic passes it too.

    The firewall `local` is the machine itself and has neither. `timeouts` are seconds by name.
    """

    name: str
    between: tuple[Zone, ...] = ()
    within: tuple[Zone, ...] = ()
    interfaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default: Action = Action.DROP
    opens: str = "allowed"
    timeouts: Mapping[str, int] = field(default_factory=dict)
    at: Span = field(compare=False, default=NOWHERE)

    @property
    def is_host(self) -> bool:
        """Whether it is the machine itself, which guards only its own traffic."""
        return not self.between and not self.within


@dataclass(frozen=True, slots=True)
class Service:
    """A name of the policy for some services; `words` are the entries as written."""

    name: str
    term: Term
    words: tuple[str, ...] = ()
    at: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True, slots=True)
class Option:
    """A yes or no that whoever installs decides."""

    name: str
    value: bool
    at: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True, slots=True)
class Policy:
    """What one authority says, whole: its `uses` merged in, its names resolved, `behind` the other authority on the path.

    `zones` holds the named zones and the built-in ones; `metadata` the texts that are published with it.
    """

    name: str
    path: str
    zones: Mapping[str, Zone]
    services: Mapping[str, Service]
    options: Mapping[str, Option]
    firewalls: Mapping[str, Firewall]
    rules: tuple[Rule, ...]
    behind: Policy | None = None
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metadata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    timezone: str = "UTC"
    paths: tuple[str, ...] = ()
    at: Span = field(compare=False, default=NOWHERE)

    @property
    def named_zones(self) -> tuple[Zone, ...]:
        """Its own zones, in file order, without the built-in ones."""
        return tuple(zone for zone in self.zones.values() if zone.kind is ZoneKind.NAMED)

    @property
    def questions(self) -> tuple[Zone, ...]:
        """The zones that nobody has filled in."""
        return tuple(zone for zone in self.zones.values() if not zone.is_filled)

    def authorities(self) -> Iterator[Policy]:
        """The policies on the path, the outermost first, this one last."""
        if self.behind is not None:
            yield from self.behind.authorities()
        yield self
