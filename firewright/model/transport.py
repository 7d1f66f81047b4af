"""What a service is made of: a protocol with its ports, or with its ICMP types. `tcp/443`, `icmp/echo-request`, `protocol/esp`.

Numbers live on one axis, the *service axis*: `protocol << 16 | selector`, where the selector is the destination port, or
ICMP type << 8 | code, or anything for a protocol that has neither (such a protocol is only ever taken whole).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from re import ASCII, fullmatch
from types import MappingProxyType

from firewright.diagnostic import harmless, nearest
from firewright.model.interval import Range, Ranges, canonical, intersection
from firewright.model.packet import FAMILIES, PORTED, TYPED, Family
from firewright.model.protocol import (
    ICMP_TYPES,
    PING_FAMILY,
    PORTED_NAMES,
    PROTOCOL_NUMBERS,
    SHARED_ICMP_TYPES,
    TypeAndCodes,
)
from firewright.model.service_words import words as words

EVERY_SELECTOR: Ranges = ((0, 0xFFFF),)
"""Every port, or every ICMP type and code."""
EVERY_SERVICE: Ranges = ((0, 0xFFFFFF),)
"""The whole service axis."""
TRANSPORT_WORDS = (*PORTED_NAMES, "icmp", "icmpv4", "icmpv6", "protocol", "any")
"""The words that a transport begins with."""
TEXT_LIMIT = 80
"""Characters of the longest transport that is read."""


class BadTransport(ValueError):
    """A text that is no transport: `message` says what is wrong in one sentence, `help` what to write."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help


@dataclass(frozen=True, slots=True)
class Transport:
    """One protocol in one or both families, with its destination ports (or ICMP types and codes) and source ports.

    Canonical at birth: equal sets are equal values. Only TCP, UDP, SCTP, DCCP and UDP-Lite have ports, only ICMP has
    types, so that other protocols are always taken whole. Raises ValueError for what no text can say.
    """

    families: tuple[Family, ...]
    protocol: int
    selectors: Ranges = EVERY_SELECTOR
    source_ports: Ranges = EVERY_SELECTOR

    def __post_init__(self) -> None:
        object.__setattr__(self, "families", tuple(family for family in FAMILIES if family in self.families))
        object.__setattr__(self, "selectors", canonical(self.selectors))
        object.__setattr__(self, "source_ports", canonical(self.source_ports))
        if not self.families or not 0 <= self.protocol <= 255:
            raise ValueError(f"no such protocol or family: {self.protocol}, {self.families}")
        if not all(ranges and ranges[0][0] >= 0 and ranges[-1][1] <= 0xFFFF for ranges in self._axes()):
            raise ValueError("a transport has at least one selector and one source port, each of 16 bits")
        if self.protocol not in PORTED and self.source_ports != EVERY_SELECTOR:
            raise ValueError(f"protocol {self.protocol} has no ports")
        if self.protocol not in PORTED + TYPED and self.selectors != EVERY_SELECTOR:
            raise ValueError(f"protocol {self.protocol} has neither ports nor types")

    def _axes(self) -> tuple[Ranges, Ranges]:
        return self.selectors, self.source_ports

    def services(self) -> Ranges:
        """Its ranges on the service axis."""
        base = self.protocol << 16
        return tuple((base | low, base | high) for low, high in self.selectors)


def service_ranges(transports: Iterable[Transport], family: Family) -> Mapping[Ranges, Ranges]:
    """The union of these transports in one family: for each set of source ports, the services it is good for.

    Canonical: each service stands under exactly one key, the union of the source ports of all transports that hold it;
    so equal unions are equal mappings, in the order of their keys. O(n²) in the number of different source-port sets.
    """
    by_source: dict[Ranges, list[Range]] = {}
    for transport in transports:
        if family in transport.families:
            by_source.setdefault(transport.source_ports, []).extend(transport.services())
    merged = {source: canonical(services) for source, services in by_source.items()}
    return MappingProxyType(merged if len(merged) < 2 else _by_service(merged))


def _by_service(by_source: Mapping[Ranges, Ranges]) -> dict[Ranges, Ranges]:
    """The same pairs, regrouped so that no service stands under two keys."""
    ends = sorted({end for services in by_source.values() for low, high in services for end in (low, high + 1)})
    regrouped: dict[Ranges, list[Range]] = {}
    for low, after in pairwise(ends):
        here = ((low, after - 1),)
        sources = [source for source, services in by_source.items() if intersection(services, here)]
        if sources:
            regrouped.setdefault(canonical(pair for source in sources for pair in source), []).extend(here)
    return {source: canonical(services) for source, services in sorted(regrouped.items())}


def is_transport(text: str) -> bool:
    """Whether a word is meant as a transport rather than as a service's name: `tcp`, `tcp/x`, `443`, `x/tcp`."""
    return "/" in text or text in TRANSPORT_WORDS or bool(fullmatch(r"[0-9][0-9\-:,]*", text))


@lru_cache(maxsize=4096)
def parse_transport(text: str) -> tuple[Transport, ...]:
    """The transports that a text stands for, one for each protocol and family it names. Raises BadTransport.

    `tcp/443`, `udp/33434-33534`, `tcp` and `tcp/any` (every port), likewise `sctp`, `dccp`, `udplite`; `icmp` and
    `icmp/echo-request` (each family's own ICMP), `icmpv4/8`, `icmpv6/1/4`, `icmpv4/redirect`; `protocol/esp`,
    `protocol/50`, `protocol/0-5`; `any` (every protocol of both families).
    """
    if len(text) > TEXT_LIMIT:
        raise BadTransport(f"no transport is as long as {harmless(text, 40)}", "write tcp/443, one transport an entry")
    word, slash, rest = text.partition("/")
    if text == "any":
        return _protocols(0, 255)
    if word in PORTED_NAMES:
        ports = EVERY_SELECTOR if not slash or rest == "any" else (_range(rest, PORT, word),)
        return (Transport(FAMILIES, PORTED_NAMES[word], ports),)
    if word == "icmp":
        return _either_icmp(rest if slash else "any")
    if word in ("icmpv4", "icmpv6"):
        return (_own_icmp(4 if word == "icmpv4" else 6, rest if slash else "any"),)
    if word == "protocol":
        return _protocol(rest)
    raise _no_transport(text)


def parse_ports(text: str) -> Ranges:
    """The ports that a text stands for, where the protocol is known: `53`, `1024-65535`, `any`. Raises BadTransport."""
    return EVERY_SELECTOR if text == "any" else (_range(text, PORT, ""),)


@dataclass(frozen=True, slots=True)
class _Number:
    """What is counted, its last number, and examples of how it is written."""

    what: str
    top: int
    example: str


PORT = _Number("port", 65535, "443")
_TYPE = _Number("ICMP type", 255, "8")
_CODE = _Number("ICMP code", 255, "0")
_PROTOCOL = _Number("protocol", 255, "50")


def _range(text: str, number: _Number, before: str) -> Range:
    """`N` or `N-M`. `before` is what stands before it, for the help."""
    lead = f"{before}/" if before else ""
    found = fullmatch(r"([0-9]+)(?:-([0-9]+))?", text)
    if not found:
        raise _bad_range(text, number, lead)
    low, high = (_bounded(digits, number, lead) for digits in (found[1], found[2] or found[1]))
    if low > high:
        raise BadTransport(f"range upside down: {low}-{high}", f"write {lead}{high}-{low}")
    return low, high


def _bounded(digits: str, number: _Number, lead: str) -> int:
    plain = digits.lstrip("0") or "0"
    if len(plain) > 9 or int(plain) > number.top:
        raise BadTransport(
            f"{number.what} {harmless(plain, 20)} does not exist", f"{number.what}s run from 0 to {number.top}"
        )
    if plain != digits:
        raise BadTransport(f"{digits} begins with a zero", f"write {lead}{plain}")
    return int(plain)


def _bad_range(text: str, number: _Number, lead: str) -> BadTransport:
    shown, example = harmless(text, 40), f"{lead}{number.example}"
    if not text:
        return BadTransport(f"no {number.what} after {lead}", f"write {example}")
    if fullmatch(r"[0-9,\s\-]+", text, ASCII) and "," in text:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        entries = ", ".join(f"{lead}{part}" for part in parts[:8])
        return BadTransport(f"several {number.what}s in one entry: {shown}", f"write one entry each: {entries}")
    if found := fullmatch(r"\s*([0-9]+)\s*(?:-|:|\.\.|–|\s)\s*([0-9]+)\s*", text, ASCII):
        return BadTransport(f"{shown} is no range", f"write {lead}{found[1]}-{found[2]}")
    if found := fullmatch(r"-([0-9]+)|([0-9]+)-", text, ASCII):
        whole = f"0-{found[1]}" if found[1] else f"{found[2]}-{number.top}"
        return BadTransport(f"{shown} is half a range", f"write {lead}{whole}")
    return BadTransport(
        f"{shown} is no {number.what}", f"write a number, as in {example}; a service's name stands alone, as in https"
    )


def _icmp_pair(family: Family, found: TypeAndCodes) -> Range:
    kind, first, last = found
    return kind << 8 | first, kind << 8 | last


def _either_icmp(text: str) -> tuple[Transport, ...]:
    """Each family's own ICMP, whole or one type that both have by name."""
    if text == "any":
        return tuple(Transport((family,), PING_FAMILY[family]) for family in FAMILIES)
    if text in SHARED_ICMP_TYPES:
        return tuple(
            Transport((family,), PING_FAMILY[family], (_icmp_pair(family, ICMP_TYPES[family][text]),))
            for family in FAMILIES
        )
    if fullmatch(r"[0-9].*", text):
        shown = harmless(text, 20)
        raise BadTransport(
            f"icmp/{shown} is another type in each family",
            f"write icmpv4/{shown} or icmpv6/{shown}, or a type by its name",
        )
    own = [f"icmpv{family}/{text}" for family in FAMILIES if text in ICMP_TYPES[family]]
    if own:
        raise BadTransport(f"icmp/{text} does not mean the same in both families", f"write {' or '.join(own)}")
    raise _no_type(text, "icmp", SHARED_ICMP_TYPES)


def _own_icmp(family: Family, text: str) -> Transport:
    """One family's ICMP: `any`, a type by name, `T`, `T-T`, `T/C` or `T/C-C`."""
    word, protocol = f"icmpv{family}", PING_FAMILY[family]
    if text == "any":
        return Transport((family,), protocol)
    kind, slash, code = text.partition("/")
    if kind in ICMP_TYPES[family]:
        named = ICMP_TYPES[family][kind]
        if slash:
            raise BadTransport(
                f"a code follows a type's number, not its name: {text}", f"write {word}/{named[0]}/{code}"
            )
        return Transport((family,), protocol, (_icmp_pair(family, named),))
    if not fullmatch(r"[\s0-9,:\-]*", kind, ASCII):
        raise _no_type(kind, word, ICMP_TYPES[family])
    low, high = _range(kind, _TYPE, word)
    if not slash:
        return Transport((family,), protocol, ((low << 8, high << 8 | 255),))
    if low != high:
        raise BadTransport(
            f"codes of several types at once: {harmless(text, 40)}", f"write {word}/{low}/{code} and so on"
        )
    first, last = _range(code, _CODE, f"{word}/{low}")
    return Transport((family,), protocol, ((low << 8 | first, low << 8 | last),))


def _no_type(text: str, word: str, known: Iterable[str]) -> BadTransport:
    near = nearest(text, known)
    return BadTransport(
        f"{harmless(text, 40)} is no ICMP type" if text else f"no ICMP type after {word}/",
        f"did you mean {word}/{near}?" if near else f"the types of {word} are {', '.join(known)}",
    )


def _protocols(low: int, high: int) -> tuple[Transport, ...]:
    return tuple(Transport(FAMILIES, number) for number in range(low, high + 1))


def _protocol(text: str) -> tuple[Transport, ...]:
    if text in PROTOCOL_NUMBERS:
        return _protocols(PROTOCOL_NUMBERS[text], PROTOCOL_NUMBERS[text])
    if fullmatch(r"[\s0-9,:\-]+", text, ASCII):
        return _protocols(*_range(text, _PROTOCOL, "protocol"))
    near = nearest(text, PROTOCOL_NUMBERS)
    raise BadTransport(
        f"no IP protocol is called {harmless(text, 40)}" if text else "no protocol after protocol/",
        f"did you mean protocol/{near}?" if near else "write its name or number, as in protocol/esp or protocol/50",
    )


_REVERSED = r"([0-9][0-9\-]*)/([a-z]+)"
_SEPARATED = r"([a-z0-9]+)\s*[/: ]\s*([0-9a-z\-]+)"


def _no_transport(text: str) -> BadTransport:
    """What is wrong with a text that begins with no known word."""
    shown, lowered = harmless(text, 40), text.strip().lower()
    if fullmatch(r"[0-9]+(-[0-9]+)?", lowered, ASCII):
        return BadTransport(f"{shown} is a port without a protocol", f"write tcp/{shown} or udp/{shown}")
    if (found := fullmatch(_REVERSED, lowered)) and found[2] in TRANSPORT_WORDS:
        return BadTransport(f"the protocol comes first: {shown}", f"write {found[2]}/{found[1]}")
    if (found := fullmatch(_SEPARATED, lowered)) and found[1] in TRANSPORT_WORDS:
        return BadTransport(f"{shown} is not how a transport is written", f"write {found[1]}/{found[2]}")
    if lowered in TRANSPORT_WORDS:
        return BadTransport(f"{shown} is not how a transport is written", f"write {lowered}")
    word = lowered.partition("/")[0]
    if word in PROTOCOL_NUMBERS:
        return BadTransport(f"{harmless(word)} has no ports to name", f"write protocol/{word}")
    near = nearest(word, TRANSPORT_WORDS)
    return BadTransport(
        f"no protocol with ports is called {harmless(word, 40)}" if word else "a transport begins with its protocol",
        f"did you mean {near}?" if near else f"they are {', '.join(TRANSPORT_WORDS)}",
    )
