"""Reads the words of a picture back into sets, as a person would, sharing no code with what writes them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from firewright.analysis.status import Direction, Stand, Standing
from firewright.drawing.naming import Item
from firewright.drawing.roster import Roster
from firewright.model.interval import Ranges, canonical, difference, intersection, union
from firewright.model.packet import ICMP, ICMPV6, SCTP, TCP, UDP
from firewright.model.transport import parse_transport

Key = tuple[int, str]
"""A family, and what is listed together: `tcp`, `udp`, `sctp`, `dccp`, `udplite`, `icmp` or `other` (protocols by number)."""
PORTED = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp", "DCCP": "dccp", "UDP-Lite": "udplite"}
NUMBERS = {"tcp": TCP, "udp": UDP, "sctp": SCTP, "dccp": 33, "udplite": 136}
SPLIT = ("sctp", "dccp", "udplite")


def read_back(said: Roster) -> dict[Key, dict[tuple[Standing, frozenset[str]], Ranges]]:
    """For each family and list the selectors that are told with each standing and marks."""
    told: dict[Key, dict[tuple[Standing, frozenset[str]], Ranges]] = defaultdict(lambda: defaultdict(tuple))
    rests: list[tuple[Key, Standing, frozenset[str]]] = []
    families = said.direction.families
    for standing, rows in said.bands:
        for row in rows:
            for item in row.items:
                only = [int(mark[3]) for mark in item.marks if mark.startswith("IPv")]
                marks = frozenset(mark for mark in item.marks if not mark.startswith("IPv"))
                for family in only or families:
                    for kind, ranges in _item(row.category, item, family):
                        if ranges is None:
                            rests.append(((family, kind), standing, marks))
                        else:
                            held = told[family, kind]
                            assert not intersection(held[standing, marks], ranges), f"{item} is told twice"
                            held[standing, marks] = union(held[standing, marks], ranges)
    named = {family: {kind for one, kind in told if one == family and kind in SPLIT} for family in families}
    decided = expected(said.direction)
    explicit = {key: union(*held.values()) for key, held in told.items()}
    for (family, kind), standing, marks in rests:
        listed = explicit.get((family, kind), ())
        whole = canonical((n, n) for n in _others(named[family] | {k for (f, k), *_ in rests if f == family}))
        every: Ranges = whole if kind == "other" else ((0, 65535),)
        ruled = union(*decided.get((family, kind), {}).values())  # essentials are ruled by nobody and told apart
        rest = intersection(difference(every, listed), ruled)
        told[family, kind][standing, marks] = union(told[family, kind][standing, marks], rest)
    return {key: dict(found) for key, found in told.items()}


def _others(split: set[str]) -> Iterator[int]:
    """The protocols that are told by number: not those that are told by their ports; 1 stands for the other family's ICMP."""
    apart = {NUMBERS[kind] for kind in split if kind in SPLIT}
    return (number for number in range(256) if number not in {TCP, UDP, ICMPV6, *apart})


def _item(category: str, item: Item, family: int) -> Iterator[tuple[str, Ranges | None]]:
    """What an item lists; None is all that is not listed elsewhere."""
    if item.ports == "every port of every protocol":
        yield from ((kind, None) for kind in ("tcp", "udp", "icmp", "other"))
    elif item.ports in ("all other ports", "all ports"):
        yield PORTED[item.name or category], None
    elif item.ports in ("all other protocols", "all protocols"):
        yield "other", None
    elif item.ports in ("all ICMP", "all other ICMP"):
        yield "icmp", None
    elif category == "ICMP":
        yield from (("icmp", ranges) for ranges in _icmp(item.ports, family))
    elif item.ports == "ICMP of the other family":
        yield "other", ((ICMP, ICMP),)
    elif found := re.fullmatch(r"protocol (\d+)", item.ports):
        yield "other", ((int(found[1]), int(found[1])),)
    else:
        word = item.ports.split(" ", 1)[0] if item.ports[0].isalpha() else category
        yield PORTED[word], _ports(item.ports.removeprefix(word))


def _ports(text: str) -> Ranges:
    pairs = [part.strip().partition("–") for part in text.split(",")]
    return canonical((int(low), int(high or low)) for low, _, high in pairs)


def _icmp(text: str, family: int) -> Iterator[Ranges]:
    head, _, rest = text.removeprefix("all ").partition(" ")
    own = head if head in ("ICMPv4", "ICMPv6") else ""
    word = own.lower() + (f"/{rest.replace(' ', '-')}" if rest else "") if own else f"icmp/{text.replace(' ', '-')}"
    yield from (one.selectors for one in parse_transport(word) if family in one.families)


def expected(direction: Direction) -> dict[Key, dict[tuple[Standing, frozenset[str]], Ranges]]:
    """The same from the shares of a direction."""
    found: dict[Key, dict[tuple[Standing, frozenset[str]], Ranges]] = defaultdict(lambda: defaultdict(tuple))
    for share in direction.shares:
        spoken = [stand for stand in share.stands if stand.standing is not Standing.CLOSED] or share.stands
        for stand in spoken:
            for kind, ranges in _lists(share.family, share.services):
                held = found[share.family, kind]
                key = stand.standing, _marks(stand, len(share.stands) > 1)
                held[key] = union(held[key], ranges)
    return {key: dict(held) for key, held in found.items()}


def _marks(stand: Stand, is_part: bool) -> frozenset[str]:
    words = {"required": stand.is_required, "answered": stand.is_answered, "in part": is_part}
    return frozenset(word for word, holds in words.items() if holds)


def _lists(family: int, services: Ranges) -> Iterator[tuple[str, Ranges]]:
    own, foreign = (ICMP, ICMPV6) if family == 4 else (ICMPV6, ICMP)
    others: list[tuple[int, int]] = []
    for low, high in services:
        for number in range(low >> 16, (high >> 16) + 1):
            first, last = max(low, number << 16) & 65535, min(high, number << 16 | 65535) & 65535
            kind = next((kind for kind, one in NUMBERS.items() if one == number), "icmp" if number == own else "")
            if kind and not (kind in SPLIT and (first, last) == (0, 65535)):
                yield kind, ((first, last),)
            else:
                others.append((ICMP, ICMP) if number == foreign else (number, number))
    if others:
        yield "other", canonical(others)
