"""An nftables listing as a tree of frozen values: what `nft -j list ruleset` says, in its own words, not yet understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from firewright.diagnostic import Diagnostic


@dataclass(frozen=True, slots=True)
class Key:
    """What a rule looks at: a header field, a fact about the packet. `text` is its name in nft's words (`tcp dport`).

    `kind` is the JSON word it came under: payload, meta, ct, exthdr, fib, ...
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: int


@dataclass(frozen=True, slots=True)
class Word:
    """A constant by name: an address, an interface, a state, a time."""

    text: str


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a header exists."""

    value: bool


@dataclass(frozen=True, slots=True)
class Prefix:
    """The values that begin like `base` in their first `length` bits."""

    base: Expression
    length: int


@dataclass(frozen=True, slots=True)
class Between:
    """A closed range."""

    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Concat:
    """Several values side by side."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Flags:
    """Several bits of one value, any or all of them as the operator says."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Elements:
    """An anonymous set."""

    members: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """An anonymous map: keys and what they lead to."""

    rows: tuple[tuple[Expression, Expression | Verdict], ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A named set or map of the table."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """Bits of two values combined: &, |, ^, <<, >>."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Looked:
    """What a map has for a key."""

    key: Expression
    data: Expression


@dataclass(frozen=True, slots=True)
class Strange:
    """An expression that is not known here, in words of its own."""

    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """accept, drop, continue, return, jump, goto; `target` is the chain of the last two."""

    word: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """Go on only if this holds."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Decide:
    """A verdict as a statement; `word` "reject" is one more here."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class VerdictMap:
    """The verdict that a map has for a key; where it has none, the rule ends."""

    key: Expression
    data: Expression


@dataclass(frozen=True, slots=True)
class Effect:
    """What never decides and never stops: counters, log, marks. `looks` are the expressions it reads, `changes` what it sets."""

    text: str
    looks: tuple[Expression, ...] = ()
    changes: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """A packet puts an element into a set; `gate` are the conditions of its own that come with it."""

    set: str
    element: Expression
    text: str
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """Goes on or stops by what no header says: a rate, an amount, a number of connections."""

    text: str


@dataclass(frozen=True, slots=True)
class Handover:
    """Gives the packet to something else that decides: a queue, a proxy of handshakes, a statement that is not known here."""

    text: str
    is_known: bool = True
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class Translate:
    """Changes addresses or ports by connection tracking (NAT)."""

    text: str


Expression: TypeAlias = (
    Key
    | Number
    | Word
    | Truth
    | Prefix
    | Between
    | Concat
    | Flags
    | Elements
    | Pairs
    | Reference
    | Binary
    | Looked
    | Strange
)
Statement: TypeAlias = Match | Decide | VerdictMap | Effect | Fill | Gate | Handover | Translate


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule: where it is, its statements, its words where a text listing had them. `refused` says why it cannot be read."""

    handle: int
    statements: tuple[Statement, ...]
    comment: str = ""
    text: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class ListedChain:
    """A chain; one with a hook is a base chain (kind filter, nat, route). Priority is a number, policy accept or drop."""

    name: str
    rules: tuple[ListedRule, ...] = ()
    kind: str = ""
    hook: str = ""
    priority: int = 0
    policy: str = "accept"
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedSet:
    """A named set, or map if `is_map`.

    `is_filled` where packets put elements in, or elements have limits of their own, so that what it holds is not fixed;
    `is_fading` where elements go by themselves after a time.
    """

    name: str
    members: tuple[Expression, ...] = ()
    rows: tuple[tuple[Expression, Expression | Verdict], ...] = ()
    is_map: bool = False
    is_filled: bool = False
    is_fading: bool = False


@dataclass(frozen=True, slots=True)
class ListedTable:
    """A table of one family (ip, ip6, inet, arp, bridge, netdev). A dormant one hooks nothing.

    `helpers` are its objects that give flows a conntrack helper: by their names the kernel's name of the helper.
    """

    family: str
    name: str
    chains: Mapping[str, ListedChain]
    sets: Mapping[str, ListedSet]
    is_dormant: bool = False
    helpers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its family and name, as nft writes them."""
        return f"{self.family} {self.name}"


@dataclass(frozen=True, slots=True)
class Listing:
    """All tables, in the order of the listing."""

    path: str
    tables: tuple[ListedTable, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
