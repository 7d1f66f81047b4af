"""Services as nft says them: matches for a rule that stands alone, and maps that lead to many verdicts at once."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from firewright.model.interval import Range, Ranges, canonical
from firewright.model.packet import DCCP, ICMP, PORTED, SCTP, TCP, TYPED, UDP, UDPLITE
from firewright.syntax.nftables import Field, Masked, Match, Rule, Statement, Verdict, VerdictMap

_WHOLE: Range = (0, 0xFFFF)
_DESTINATION = {
    TCP: Field.TCP_DESTINATION_PORT,
    UDP: Field.UDP_DESTINATION_PORT,
    SCTP: Field.SCTP_DESTINATION_PORT,
    DCCP: Field.DCCP_DESTINATION_PORT,
    UDPLITE: Field.UDPLITE_DESTINATION_PORT,
}
_SOURCE = {
    TCP: Field.TCP_SOURCE_PORT,
    UDP: Field.UDP_SOURCE_PORT,
    SCTP: Field.SCTP_SOURCE_PORT,
    DCCP: Field.DCCP_SOURCE_PORT,
    UDPLITE: Field.UDPLITE_SOURCE_PORT,
}
_LINEAR_RANGES = 4
"""Port ranges of one protocol up to which rules are cheaper than a map of intervals."""
_FEW_PORTS = 4
_LINEAR_POINTS = 3
"""Ports up to which rules are cheaper than a map."""


class Piece(NamedTuple):
    """Selectors of one protocol that have one verdict."""

    protocol: int
    low: int
    high: int
    verdict: Verdict


def protocol_pieces(services: Ranges) -> Iterator[tuple[int, int, int, int]]:
    """The ranges of a set of services as first and last protocol with first and last selector; several protocols only whole."""
    for low, high in services:
        first, last = low >> 16, high >> 16
        start, end = low & 0xFFFF, high & 0xFFFF
        if first == last:
            yield first, first, start, end
            continue
        if start:
            yield first, first, start, 0xFFFF
            first += 1
        if end != 0xFFFF:
            if first < last:
                yield first, last - 1, *_WHOLE
            yield last, last, 0, end
        else:
            yield first, last, *_WHOLE


def service_matches(services: Ranges | None, source_ports: Ranges | None) -> list[tuple[Statement, ...]]:
    """The matches of a set of services: a packet is of one of them if all matches of one entry hold."""
    if services is None:
        return [()] if source_ports is None else [(Match(Field.SOURCE_PORT, source_ports),)]
    whole: list[Range] = []
    parts: dict[int, list[Range]] = {}
    for first, last, low, high in protocol_pieces(services):
        if (low, high) == _WHOLE and source_ports is None:
            whole.append((first, last))
            continue
        for protocol in range(first, last + 1):
            parts.setdefault(protocol, []).append((low, high))
    found: list[tuple[Statement, ...]] = [(Match(Field.PROTOCOL, canonical(whole)),)] if whole else []
    by_ports: dict[Ranges, list[int]] = {}
    for protocol, ranges in parts.items():
        if protocol in TYPED:
            found += type_matches(protocol, tuple(ranges))
        else:
            by_ports.setdefault(canonical(ranges), []).append(protocol)
    for ports, protocols in by_ports.items():
        found.append(_port_matches(protocols, ports, source_ports))
    return found


def _port_matches(protocols: list[int], ports: Ranges, source_ports: Ranges | None) -> tuple[Statement, ...]:
    """Destination and source ports of some protocols that have ports."""
    if not set(protocols) <= set(PORTED):
        raise ValueError(f"protocols without ports: {protocols}")
    destination, source, parts = Field.DESTINATION_PORT, Field.SOURCE_PORT, []
    if len(protocols) == 1:
        destination, source = _DESTINATION[protocols[0]], _SOURCE[protocols[0]]
    else:
        parts.append(Match(Field.PROTOCOL, canonical((one, one) for one in protocols)))
    if source_ports is not None:
        parts.append(Match(source, source_ports))
    if ports != (_WHOLE,):
        parts.append(Match(destination, ports))
    return tuple(parts)


def type_matches(protocol: int, selectors: Iterable[Range]) -> list[tuple[Statement, ...]]:
    """The matches of types and codes of one of the two ICMPs; whole types together, codes one type each."""
    kind, code = (Field.ICMP_TYPE, Field.ICMP_CODE) if protocol == ICMP else (Field.ICMPV6_TYPE, Field.ICMPV6_CODE)
    whole: list[Range] = []
    parts: dict[int, list[Range]] = {}
    for low, high in selectors:
        first, last = low >> 8, high >> 8
        for number in range(first, last + 1):
            here = (low & 255 if number == first else 0, high & 255 if number == last else 255)
            if here == (0, 255):
                whole.append((number, number))
            else:
                parts.setdefault(number, []).append(here)
    found: list[tuple[Statement, ...]] = []
    types = canonical(whole)
    if types == ((0, 255),):
        found.append((Match(Field.PROTOCOL, ((protocol, protocol),)),))
    elif types:
        found.append((Match(kind, types),))
    for number, codes in parts.items():
        found.append((Match(kind, ((number, number),)), Match(code, canonical(codes))))
    return found


def dispatch_services(groups: Iterable[tuple[Ranges, Verdict]]) -> list[Rule]:
    """Rules that give each service the verdict of its group; the groups share nothing and hold every service there is."""
    whole: dict[int, Verdict] = {}
    parts: dict[int, list[Piece]] = {}
    for services, verdict in groups:
        for first, last, low, high in protocol_pieces(services):
            for protocol in range(first, last + 1):
                if (low, high) == _WHOLE:
                    whole[protocol] = verdict
                else:
                    parts.setdefault(protocol, []).append(Piece(protocol, low, high, verdict))
    common = Tally(whole.values()).most_common(1)
    default = common[0][0] if common else next(iter(parts.values()))[0].verdict
    rules, points = [], []
    for protocol, pieces in sorted(parts.items()):
        pieces.sort()
        rest = whole[protocol] = _most_frequent(pieces, default)
        wanted = [piece for piece in pieces if piece.verdict != rest]
        if protocol in TYPED:
            rules += _type_rules(protocol, wanted)
        else:
            wanted = list(_few_alone(wanted))
            single = [piece for piece in wanted if piece.low == piece.high]
            if len(wanted) - len(single) > _LINEAR_RANGES:
                elements = tuple((((piece.low, piece.high),), piece.verdict) for piece in wanted)
                rules.append(Rule((VerdictMap((Masked(_DESTINATION[protocol]),), elements),)))
            else:
                points += single
                rules += _port_rules([piece for piece in wanted if piece.low != piece.high])
    return [*_point_rules(points), *rules, *_protocol_rules(whole, default), Rule((default,))]


def _few_alone(pieces: list[Piece]) -> Iterator[Piece]:
    """The pieces, a range of a few ports as so many single ones: they are found by the same lookup as all others."""
    for piece in pieces:
        if piece.high - piece.low < _FEW_PORTS:
            yield from (piece._replace(low=port, high=port) for port in range(piece.low, piece.high + 1))
        else:
            yield piece


def _most_frequent(pieces: list[Piece], default: Verdict) -> Verdict:
    """The verdict of most ranges, the default where it is one of them."""
    tally = Tally(piece.verdict for piece in pieces)
    most = max(tally.values())
    return default if tally[default] == most else next(verdict for verdict, count in tally.items() if count == most)


def _point_rules(points: list[Piece]) -> list[Rule]:
    """Rules for single ports: a hash of protocol and port, or where they are few, one after the other."""
    if len(points) <= _LINEAR_POINTS:
        return _port_rules(points)
    keys = (Masked(Field.PROTOCOL), Masked(Field.DESTINATION_PORT))
    elements = tuple((((one.protocol, one.protocol), (one.low, one.high)), one.verdict) for one in points)
    return [Rule((VerdictMap(keys, elements),))]


def _port_rules(pieces: list[Piece]) -> list[Rule]:
    """A rule for each protocol and verdict."""
    by_verdict: dict[tuple[int, Verdict], list[Range]] = {}
    for piece in pieces:
        by_verdict.setdefault((piece.protocol, piece.verdict), []).append((piece.low, piece.high))
    return [
        Rule((*_port_matches([protocol], canonical(ports), None), verdict))
        for (protocol, verdict), ports in by_verdict.items()
    ]


def _type_rules(protocol: int, pieces: list[Piece]) -> list[Rule]:
    by_verdict: dict[Verdict, list[Range]] = {}
    for piece in pieces:
        by_verdict.setdefault(piece.verdict, []).append((piece.low, piece.high))
    return [
        Rule((*matches, verdict))
        for verdict, selectors in by_verdict.items()
        for matches in type_matches(protocol, selectors)
    ]


def _protocol_rules(whole: dict[int, Verdict], default: Verdict) -> list[Rule]:
    """Rules for the protocols whose rest is not what the rest of all protocols is."""
    by_verdict: dict[Verdict, list[Range]] = {}
    for protocol, verdict in sorted(whole.items()):
        if verdict != default:
            by_verdict.setdefault(verdict, []).append((protocol, protocol))
    return [Rule((Match(Field.PROTOCOL, canonical(protocols)), verdict)) for verdict, protocols in by_verdict.items()]
