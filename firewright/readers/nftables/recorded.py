"""What packets left in a listing: the elements of sets that rules fill, and the counters of rules, with their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from firewright.diagnostic import harmless
from firewright.readers.nftables import domains
from firewright.readers.nftables.domains import Domain
from firewright.readers.nftables.expressions import Malformed, expression
from firewright.readers.nftables.parsing import objects, unreadable
from firewright.readers.nftables.tree import Concat, Expression, Word

_DOMAINS: Mapping[str, Domain] = MappingProxyType(
    {
        "ipv4_addr": domains.IPV4,
        "ipv6_addr": domains.IPV6,
        "inet_proto": domains.PROTOCOL,
        "inet_service": domains.PORT,
        "icmp_type": domains.ICMP_TYPE,
        "icmp_code": domains.ICMP_CODE,
        "icmpv6_type": domains.ICMPV6_TYPE,
        "icmpv6_code": domains.ICMPV6_CODE,
        "ct_state": domains.CT_STATE,
    }
)
"""What the values of a set are by the name of their type."""
_NAME = "ifname"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An element that packets put into a set: its values, names of interfaces as words and all else as numbers.

    `packets` and `bytes` are its counter's, `left` the seconds until it is forgotten, 0 where that is not listed.
    """

    set: str
    values: tuple[int | str, ...]
    packets: int
    bytes: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """A rule that counts: its chain, its comment, and the verdict behind the counter, with the chain it goes to."""

    chain: str
    comment: str
    verdict: str
    target: str
    packets: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Left:
    """What packets left in one table: elements, and the counters of its rules in their order; `sizes` how much a set holds."""

    elements: tuple[Recorded, ...]
    rules: tuple[Counted, ...]
    sizes: Mapping[str, int]


def left_in(json_text: str, path: str, table: str, prefix: str) -> Left:
    """What packets left in a table (`inet firewright`), and there in the sets whose names begin so. Raises UnreadableListing."""
    elements: list[Recorded] = []
    rules: list[Counted] = []
    sizes: dict[str, int] = {}
    for kind, body in objects(json_text, path):
        if f"{body.get('family')} {body.get('table')}" != table:
            continue
        name = body.get("name")
        if kind == "set" and isinstance(name, str) and name.startswith(prefix):
            size = body.get("size", 0)
            sizes[name] = size if isinstance(size, int) else 0
            try:
                elements += _elements(name, body)
            except (Malformed, RecursionError) as error:
                raise unreadable(path, f"set {harmless(name)}: {error}") from None
        elif kind == "rule":
            rules += _counted(body)
    return Left(tuple(elements), tuple(rules), MappingProxyType(sizes))


def _elements(name: str, body: dict[str, object]) -> list[Recorded]:
    kinds, listed = body.get("type"), body.get("elem", [])
    if not isinstance(listed, list):
        raise Malformed("its elements are no list")
    types = kinds if isinstance(kinds, list) else [kinds]
    found = []
    for one in listed:
        given = one.get("elem") if isinstance(one, dict) else None
        held = given if isinstance(given, dict) else {"val": one}
        values = _values(expression(held.get("val")), types)
        packets, amount = _count(held.get("counter"))
        found.append(Recorded(name, values, packets, amount, _number(held.get("expires"))))
    return found


def _values(read: Expression, types: list[object]) -> tuple[int | str, ...]:
    parts = read.parts if isinstance(read, Concat) else (read,)
    if len(parts) != len(types):
        raise Malformed(f"an element has {len(parts)} values where its type has {len(types)}")
    return tuple(_value(part, str(kind)) for part, kind in zip(parts, types, strict=True))


def _value(part: Expression, kind: str) -> int | str:
    if kind == _NAME:
        if not isinstance(part, Word):
            raise Malformed("an interface without a name")
        return part.text
    found = _DOMAINS[kind].number(part) if kind in _DOMAINS else None
    if found is None:
        raise Malformed(f"a value of the type {harmless(kind, 40)} is not known")
    return found


def _counted(body: dict[str, object]) -> list[Counted]:
    """The rule, if it counts."""
    parts = body.get("expr", [])
    listed = [one for one in parts if isinstance(one, dict)] if isinstance(parts, list) else []
    counts = [one["counter"] for one in listed if "counter" in one]
    if not counts:
        return []
    verdict, target = "", ""
    for one in listed:
        for word in ("accept", "drop", "reject", "goto", "jump", "return"):
            if word in one:
                inner = one[word]
                verdict, target = word, str(inner.get("target", "")) if isinstance(inner, dict) else ""
    comment = body.get("comment", "")
    said = harmless(comment, 200) if isinstance(comment, str) else ""
    return [Counted(str(body.get("chain", "")), said, verdict, target, *_count(counts[-1]))]


def _count(counter: object) -> tuple[int, int]:
    return (_number(counter.get("packets")), _number(counter.get("bytes"))) if isinstance(counter, dict) else (0, 0)


def _number(json: object) -> int:
    return json if isinstance(json, int) and not isinstance(json, bool) and json >= 0 else 0
