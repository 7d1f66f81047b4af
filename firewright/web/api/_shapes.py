"""What the views of pages reckon, as the API gives it: each shape names the keys, and takes their values from the view's own.

A shape is declared once: it makes the tree, and it is the tree's documentation.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from firewright.web.api._answers import Tree

ShapeOf = TypeVar("ShapeOf", bound="Shape")


class Shape(BaseModel):
    """A tree that is made from a value's attributes; further keys may be added to it, none is taken away."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True, use_attribute_docstrings=True)

    @classmethod
    def tree(cls, value: object) -> Tree:
        """The value as a tree. Raises ValidationError where the value is not what the shape says: a fault of ours."""
        return cls.model_validate(value).model_dump(mode="json", by_alias=True)


def trees(shape: type[Shape], values: Any) -> list[Tree]:
    """Several values as trees of one shape."""
    return [shape.tree(value) for value in values]


def _by_family(value: object) -> object:
    return {"ipv4": value[0], "ipv6": value[1]} if isinstance(value, tuple) else value


def _named(name: str, key: str) -> Any:
    """A field that is called `key` in the tree and `name` in the value; a tree that was made once is read by its own key."""
    return Field(validation_alias=AliasChoices(key, name), serialization_alias=key)


class Counted(Shape):
    """How many addresses of each family."""

    ipv4: int
    ipv6: int


Count = Annotated[Counted, BeforeValidator(_by_family)]


class FlowTold(Shape):
    """Flows in words: from where, to where, which services, in which families."""

    source: Annotated[str, _named("source", "from")]
    destination: Annotated[str, _named("destination", "to")]
    service: Annotated[str, _named("service", "services")]
    families: list[str]
    """IPv4, IPv6, or both."""


class StationTold(Shape):
    """One firewall on the way, and the line by which it passes or stops."""

    policy: str
    firewall: str
    does: str
    """passes, stops, or is not on the way."""
    outcome: str
    place: str
    rule: str
    """The rule's words, empty where no rule decides."""
    because: str
    line: str
    """The line as it stands there."""


class PieceTold(Shape):
    """Flows that the same lines decide."""

    flows: list[FlowTold]
    words: str
    """What becomes of them, in a sentence."""
    outcome: str
    is_open: bool
    witness: str
    """One packet of them; empty where its addresses are not yours to see."""
    stations: list[StationTold]
    sources: Count
    """How many addresses may begin them."""
    destinations: Count


class PairBody(Shape):
    """Everything from one zone to another, the open flows first."""

    policy: str
    source: Annotated[str, _named("source", "from")]
    destination: Annotated[str, _named("destination", "to")]
    question: str
    pieces: list[PieceTold]
    total: int
    next: str | None


class CellTold(Shape):
    """What becomes of the flows from one zone to another."""

    zone: str
    code: str
    """In short: how many ports and protocols are open, `all`, `most`, `ask`, `deny`, `–` closed, `n/e` not enforced."""
    words: str
    heat: int
    """How broad it is, from 0 (nothing is open) to 4 (everything)."""


class RowTold(Shape):
    """A zone, and what may be begun from it to each zone."""

    zone: str
    cells: list[CellTold]


class MatrixBody(Shape):
    """From each zone to each other what is open."""

    policy: str
    service: str
    """The services that it is about; empty: all."""
    zones: list[str]
    rows: list[RowTold]
    total: int
    """How many zones the policy has that you see."""


class OpeningTold(Shape):
    """Flows that the internet may begin now, and the line that lets them in."""

    policy: str
    services: list[str]
    is_worldwide: bool
    """Whether so many addresses may begin them that they are the internet."""
    is_enforced: bool
    """Whether a firewall stands before it."""
    place: str
    because: str
    piece: PieceTold


class UnaskedTold(Shape):
    """A policy of which it is not known what is open, and why."""

    policy: str
    unasked: str


class ExposureBody(Shape):
    """One page of what is open to the internet now."""

    openings: list[OpeningTold]
    unasked: list[UnaskedTold]
    total: int
    next: str | None


class EndingTold(Shape):
    """A rule with an end."""

    policy: str
    rule: str
    verb: str
    until: str
    days: int
    """How many are left, begun ones too; 0: it is over."""
    owner: str
    because: str
    ticket: str
    place: str


class EndingsBody(Shape):
    """What ends within thirty days, or is over and still stands there."""

    endings: list[EndingTold]
    total: int
    next: str | None


class ChangeTold(Shape):
    """Flows that fare otherwise than before."""

    kind: str
    """opens, closes, answers, hides, or promises."""
    words: str
    flows: list[FlowTold]
    witness: str
    before: list[StationTold]
    after: list[StationTold]


class PolicyChangeTold(Shape):
    """What changed in one policy."""

    policy: str
    changes: list[ChangeTold]
    settings: list[str]
    note: str
    """That it is new or gone, or why the two cannot be compared."""


class FormerTold(Shape):
    """A former state that can be compared with."""

    digest: str
    at: str
    seen: str


class ChangesBody(Shape):
    """What changed since a former state."""

    since: FormerTold | None
    formers: list[FormerTold]
    policies: list[PolicyChangeTold]


class HitTold(Shape):
    """A service of the catalog in a line."""

    name: str
    title: str
    ports: str
    visible: str
    """From where it should be reached at most."""


class HitsBody(Shape):
    """The services that were found."""

    ports: list[HitTold]


class KnownTold(Shape):
    """What the catalog says of one service."""

    name: str
    title: str
    ports: str
    what: str
    encrypted: str
    authenticated: str
    when_open: str
    visible: str
    advice: str
    incident: str
    instead: str
    source: str
    date: str


class EntryTold(Shape):
    """An entry of IANA's registry."""

    name: str
    ports: str
    title: str


class HereTold(Shape):
    """What one policy does with the services, the most open first."""

    policy: str
    pieces: list[PieceTold]
    unasked: str
    """Why that is not known; empty where it is."""


class PortBody(Shape):
    """Everything about one port, range, service or product."""

    word: str
    transports: str
    known: list[KnownTold]
    registered: list[EntryTold]
    left_off: int
    """How many entries of the registry there are beside these."""
    together: list[HitTold]
    here: list[HereTold]


class ToldTold(Shape):
    """One policy's answer, as far as you may see it."""

    policy: str
    day: str
    question: str
    summary: str
    hidden: bool
    """Whether there is more to it than you may see."""
    pieces: list[PieceTold]


class TroubleTold(Shape):
    """Something that is wrong with a question, and the way out."""

    message: str
    help: str


class AnswersBody(Shape):
    """What each policy that knows the ends says, exactly."""

    told: Annotated[list[ToldTold], _named("told", "answers")]
    problems: list[TroubleTold]


class FindingsTold(Shape):
    """Something that is wrong with the policies, or worth a look."""

    name: str
    severity: str
    message: str
    policy: str
    place: str
    line: str
    notes: list[str]
    witness: str
    help: str


class FindingsBody(Shape):
    """One page of findings, errors first."""

    findings: list[FindingsTold]
    total: int
    is_readable: bool
    """Whether everything could be read."""
    next: str | None


class HostProblemTold(Shape):
    """Something that is wrong with a host, as it said itself."""

    severity: str
    name: str
    message: str
    witness: str
    help: str


class HostTold(Shape):
    """A managed host as it was last heard of."""

    name: str
    policy: str
    firewall: str
    generation: str
    state: str
    loaded: str
    mode: str
    drift: str
    """none, drifted, or not known."""
    witness: str
    should: str
    does: str
    seen: datetime
    age: int
    """Seconds since it was heard of."""
    is_quiet: bool
    """Whether that is too long."""
    word: Annotated[str, _named("word", "stands")]
    """In a word: as it should be, worth a look, not heard of, in error, or drifted."""
    boot: str
    ends: list[str]
    problems: list[HostProblemTold]


class HostsBody(Shape):
    """One page of hosts, by name."""

    hosts: list[HostTold]
    total: int
    next: str | None


class HostBody(HostTold):
    """A host, and how it was before, the last first."""

    history: list[HostTold]


class PublishedTold(Shape):
    """What is said of a policy where it is published."""

    policy: str
    title: str
    connectivity: list[str]
    labels: list[str]
    version: str
    owner: str
    agreed_with: str
    reviewed: str
    contact: str


class PoliciesBody(Shape):
    """The policies of which you see something."""

    policies: list[PublishedTold]
    broken: list[str]
    """The files that cannot be read; for those who see everything."""
    estate: str
    """The hash of all that was read."""


class FirewallTold(Shape):
    """A firewall, and the zones that you see of those that it stands between."""

    name: str
    between: list[str]
    within: list[str]
    is_host: bool
    """Whether it is the machine itself."""
    otherwise: str
    """What it does with what no rule names."""
    opens: str


class PolicyBody(PublishedTold):
    """One policy."""

    path: str
    """Its file; empty where you do not see all of it."""
    timezone: str
    day: str
    """The day, or the instant, that it is told of."""
    is_whole: bool
    """Whether you see all of it."""
    behind: str
    """The policy of the other authority on the path."""
    firewalls: list[FirewallTold]
    services: list[str]
    """Its own services by name, those of lines that you see."""
    bans: list[str]
    """The bans that a request can ask to pass, by name, those that you see."""
    pictures: list[str]
    """Where the port status and the path map are to be had."""


class ZoneTold(Shape):
    """A zone: its addresses where they are yours to see."""

    name: str
    kind: str
    """named, or what the language defines: internet, local, any, multicast, broadcast."""
    prefixes: list[str] | None
    """IPv4 and IPv6; null where they may not be told, or are not filled in."""
    addresses: Counted | None
    members: list[str]
    """The zones that it is written as."""
    question: str
    """What to ask while it is not filled in."""


class ZonesBody(Shape):
    """One page of zones that you see."""

    zones: list[ZoneTold]
    total: int
    next: str | None


class EndsTold(Shape):
    """Zones that begin, and zones that are led to."""

    sources: Annotated[list[str], _named("sources", "from")]
    destinations: Annotated[list[str], _named("destinations", "to")]


class RuleTold(Shape):
    """A rule whose line you may see."""

    name: str
    verb: str
    ends: list[EndsTold]
    services: list[str]
    """As written; none: what an `otherwise` rule answers."""
    because: str
    owner: str
    ticket: str
    until: str
    overrides: list[str]
    is_on: bool
    log: bool
    place: str
    line: str


class RulesBody(Shape):
    """One page of a policy's rules, in their order in the files, which never matters."""

    rules: list[RuleTold]
    total: int
    next: str | None


class WallTold(Shape):
    """A firewall on the path, with the zones on its legs that you see."""

    policy: str
    firewall: str
    is_own: bool
    """Whether it is of the policy that was asked about, and not of another authority on the path."""
    outer: list[str]
    """The legs that lead outside."""
    inner: list[str]
    manners: list[str]


class PathsBody(Shape):
    """The firewalls on the paths of a policy, the outermost first."""

    policy: str
    walls: list[WallTold]
