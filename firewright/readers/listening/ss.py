"""What `ss` of iproute2 prints: with its head or without (-H), with processes (-p), extended (-e), of one kind or of all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from firewright.model.packet import UDP, UDPLITE
from firewright.readers.listening._ends import NUMBERS_HELP, PROTOCOLS, RAW, NotAnEnd, end_of, is_anybody
from firewright.readers.listening._heard import (
    LINE_LIMIT,
    ROW_LIMIT,
    HeardListing,
    HeardRow,
    Holder,
    Listing,
    beginning,
)
from firewright.readers.listening._row import Families, listening_row, other_row, refused_row
from firewright.source import Source, Span

_STATES = (
    "LISTEN|UNCONN|ESTAB|SYN-SENT|SYN-RECV|FIN-WAIT-1|FIN-WAIT-2|TIME-WAIT|CLOSE-WAIT|LAST-ACK|CLOSING|CLOSED|UNKNOWN|NEW-SYN-RECV"
    "|BOUND-INACTIVE"
)
_KINDS = "tcp|udp|raw|udplite|udpl|sctp|dccp|mptcp|icmp6|\\?\\?\\?|unknown"
_ELSEWHERE = "nl|u_str|u_dgr|u_seq|p_raw|p_dgr|v_str|v_dgr|ti_rd|ti_sq|ti_st|ti_dg|xdp|unix"
"""Sockets of other families: of the same machine, of its virtual machines, or below IP."""
_HEAD = re.compile(r"^(?:Netid\s+)?(?:State\s+)?Recv-Q\s+Send-Q\s+Local")
_ROW = re.compile(
    rf"(?:(?P<kind>{_KINDS})\s+)?(?:(?P<state>{_STATES})\s+)?(?P<queues>\d+\s+\d+)\s+(?P<local>\S+)\s+(?P<peer>\S+)(?P<rest>.*)"
)
_OTHER_ROW = re.compile(rf"(?:{_ELSEWHERE})\s+\S")
_FIRST_ROW = re.compile(
    rf"\A\s*(?:(?:{_KINDS})\s+(?:{_STATES})|(?:LISTEN|UNCONN))\s+\d+\s+\d+\s+\S+[:\]]\S+\s+\S", re.MULTILINE
)
_HOLDER = re.compile(r'\("(.{0,64}?)",(?:pid=)?(\d{1,10})[,)]')
_V6_ONLY = re.compile(r"\bv6only:([01])\b")
_OLD_ANY = re.compile(r"\s:::(?:\d|\*|[a-z])")
"""How versions before 2017 write any address of IPv6; `*` then is any of IPv4, and nothing says what takes both."""
_NEW = re.compile(r"\s(?:0\.0\.0\.0(?:%\S+)?:|\[)")
_WHY_STAR = "nothing in the listing says whether * is IPv4 alone or both families"
_WHY_OLD = "an old listing does not say whether a socket of IPv6 takes IPv4, too"


def _knows(text: str) -> bool:
    return any(map(_HEAD.match, beginning(text))) or bool(_FIRST_ROW.match(text))


@dataclass(frozen=True, slots=True)
class _Words:
    """What `*` means in a listing: `is_old` as old versions, `is_new` as later ones; neither where nothing tells."""

    is_old: bool
    is_new: bool

    def star(self) -> Families:
        if self.is_new:
            return Families((6, 4))
        return Families((4,)) if self.is_old else Families((4,), (6,), _WHY_STAR)


def _read(source: Source) -> HeardListing:
    is_old = bool(_OLD_ANY.search(source.text))
    words = _Words(is_old, not is_old and bool(_NEW.search(source.text)))
    return HeardListing(source.path, "ss", tuple(_rows(source, words)))


def _rows(source: Source, words: _Words) -> Iterator[HeardRow]:
    count = 0
    for number, line in enumerate(source.text.splitlines(), 1):
        text = line.strip()
        # with -i, -m and -o a socket goes on in lines that are indented
        if not text or _HEAD.match(text) or (line[:1] in " \t" and not _ROW.match(text)):
            continue
        at = Span(source.path, number, 1)
        count += 1
        if count > ROW_LIMIT:
            yield refused_row(text[:LINE_LIMIT], at, f"more than {ROW_LIMIT:,} lines", "list only what listens (-l)")
            return
        yield _row(text, at, words)


def _row(text: str, at: Span, words: _Words) -> HeardRow:
    if len(text) > LINE_LIMIT:
        return refused_row(text[:LINE_LIMIT], at, f"more than {LINE_LIMIT:,} characters in a line")
    if _OTHER_ROW.match(text):
        return other_row(text, at)
    found = _ROW.fullmatch(text)
    if found is None:
        return refused_row(text, at, "it is no line of ss about a socket")
    state = found["state"] or ""
    if state not in ("LISTEN", "UNCONN", ""):
        return other_row(text, at)
    kind = found["kind"] or {"LISTEN": "tcp", "UNCONN": "udp"}.get(state, "")
    if not kind:
        return refused_row(text, at, "neither a kind nor a state of the socket", "list it with both: ss -tulpn")
    local, _, port = found["local"].rpartition(":")
    # a kind that ss has no name for is a raw socket of a protocol
    protocol = PROTOCOLS.get(kind, RAW)
    listens = "UNCONN" if protocol in (UDP, UDPLITE, RAW) else "LISTEN"
    if state not in (listens, "") or not is_anybody(found["peer"]):
        return other_row(text, at)
    try:
        end = end_of(local)
    except NotAnEnd as error:
        return refused_row(text, at, str(error), NUMBERS_HELP)
    holders = tuple(Holder(name, int(pid)) for name, pid in _HOLDER.findall(found["rest"]))
    return listening_row(text, at, protocol, end, port, _families(end.address, found, protocol, words), holders)


def _families(address: object, found: re.Match[str], protocol: int, words: _Words) -> Families:
    """The families of a socket that has no own address."""
    said = _V6_ONLY.search(found["rest"])
    if address is None:
        star = words.star()
        if protocol == RAW and words.is_new:
            return Families((6,))
        return Families((6, 4)) if said and said[1] == "0" else star
    if getattr(address, "version", 4) == 4:
        return Families((4,))
    if said:
        return Families((6,) if said[1] == "1" or protocol == RAW else (6, 4))
    return Families((6,), (4,), _WHY_OLD) if words.is_old and protocol != RAW else Families((6,))


LISTING = Listing("ss", _knows, _read)
