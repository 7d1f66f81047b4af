"""What an exception opens beside a policy without any: kept when it was agreed to, reckoned again before it is applied.

The text of an exception stays; what it means hangs on zones, services and bans of its policy, and on `--set`.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from firewright.analysis.compare import Change
from firewright.analysis.path import internet_of
from firewright.model.interval import Ranges, intersection, union
from firewright.model.moment import ends, instant_of
from firewright.model.moment import parse as moment_from
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.model.policy import Policy, ZoneKind
from firewright.model.request import Wish
from firewright.reports import address_words
from firewright.space.axis import Axis
from firewright.space.box import Box
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.workflows.requests.checking import addresses_in, counted, with_exception
from firewright.workflows.requests.opening import bare, files_of, joining, opened_of, packets_of
from firewright.workflows.requests.refused import Refused

_LONGEST = 1_000_000
"""Characters of what is kept of one exception."""
_SHORT = "zlib:"
"""What begins a text that was compressed, in base64."""


def opened_by_one(policy: Policy, path: str, text: str, day: date) -> tuple[Change, ...]:
    """What one exception would open beside the policy without any, and together with those that stand.

    Raises Refused, Unfilled, Undecided.
    """
    base = bare(policy)
    own = files_of(with_exception(base, path, text))[path]
    files = joining(base, {**files_of(policy), path: own})
    return opened_of(base, {path: own, **files}, day)[path]


def opened_by_each(policy: Policy, day: date) -> Mapping[str, tuple[Change, ...]]:
    """What each exception of a policy opens beside the policy without any, and together with others. Raises Unfilled, Undecided."""
    return opened_of(bare(policy), files_of(policy), day)


def written(changes: Iterable[Change], end: int) -> str:
    """What opens, and when it ends, as text that is kept: each product of a family with the ranges of its axes; short where it is long.

    Raises Refused where even that is too long, or where no product says it.
    """
    flows = [flow for change in changes for flow in change.flows]
    opens = [[flow.family, flow.axes] for flow in flows]
    text = json.dumps({"ends": end, "opens": opens}, separators=(",", ":"))
    if len(text) > _LONGEST:
        text = _SHORT + b64encode(zlib.compress(text.encode())).decode()
    if len(text) > _LONGEST or any(flow.literals for flow in flows):
        message = "what it opens is too much to be kept, so that nobody could tell later whether it is more by then"
        raise Refused("too-much", message, "ask for less at once: fewer ranges or ports, or in several requests", 422)
    return text


def end_of(policy: Policy, wish: Wish) -> int:
    """The instant at which what is asked for ends, on the policy's clock, in seconds since 1970."""
    return int(instant_of(ends(moment_from(wish.until)), policy.timezone))


def lasts_longer(kept: str, policy: Policy, wish: Wish) -> bool:
    """Whether a wish ends later by now than when what opens was kept: the policy has another time zone."""
    agreed = _tree(kept)["ends"]
    return agreed is not None and end_of(policy, wish) > agreed


def _tree(kept: str) -> dict[str, Any]:
    """What was kept, in whichever form; one without an end is from before ends were kept."""
    if kept.startswith(_SHORT):
        kept = zlib.decompress(b64decode(kept.removeprefix(_SHORT))).decode()
    tree: Any = json.loads(kept)
    return tree if isinstance(tree, dict) else {"ends": None, "opens": tree}


@dataclass(frozen=True, slots=True)
class Surplus:
    """What is open now and was not when it was agreed to: its flows, and one packet of them."""

    flows: tuple[Flow, ...]
    packet: Packet

    def __str__(self) -> str:
        sources, destinations = (address_words(counted(side)) for side in addresses_in(self.flows))
        return f"from {sources} to {destinations}, for example {self.packet}"

    @property
    def digest(self) -> str:
        """What tells it from another (SHA-256)."""
        return sha256(repr(self.flows).encode()).hexdigest()


def more_than(changes: Iterable[Change], kept: str, policy: Policy, wish: Wish) -> Surplus | None:
    """What is open now and was not in what was kept; None if all was. Raises Undecided.

    Whoever agreed to `internet` agreed to whatever is nobody's zone: it gets larger wherever a zone gets smaller.
    """
    internet = internet_of(policy)
    sides = tuple(_names_internet(policy, words) for words in (wish.sources, wish.destinations))
    then = _read(kept, {family: internet.ranges(family) for family in FAMILIES}, sides)
    surplus = packets_of(changes) - PacketSet.of(then)
    packet = surplus.witness()
    if packet is None:
        return None
    return Surplus(tuple(flow for family in FAMILIES for flow in surplus.flows(family)), packet)


def _names_internet(policy: Policy, words: Iterable[str]) -> bool:
    return any(word in policy.zones and policy.zones[word].kind is ZoneKind.INTERNET for word in words)


def _read(kept: str, internet: Mapping[Family, Ranges], sides: tuple[bool, ...]) -> dict[Family, list[Box]]:
    """What was kept, the end of it that was the internet as large as the internet is now."""
    found: dict[Family, list[Box]] = {family: [] for family in FAMILIES}
    for family, axes in _tree(kept)["opens"]:
        ranges = [tuple((low, high) for low, high in axis) for axis in axes]
        for axis, is_internet in zip((Axis.SOURCE, Axis.DESTINATION), sides, strict=True):
            if is_internet and intersection(ranges[axis], internet[family]):
                ranges[axis] = union(ranges[axis], internet[family])
        found[family].append(Flow(family, *ranges).box)
    return found
