"""What `netstat` prints: of Linux (net-tools, BusyBox), of the BSDs and macOS, and of Windows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from firewright.model.packet import Family
from firewright.readers.listening._ends import NUMBERS_HELP, PROTOCOLS, RAW, End, NotAnEnd, end_of, is_anybody
from firewright.readers.listening._heard import (
    LINE_LIMIT,
    ROW_LIMIT,
    HeardListing,
    HeardRow,
    HeardState,
    Holder,
    Listing,
    beginning,
)
from firewright.readers.listening._row import Families, listening_row, other_row, refused_row
from firewright.source import Source, Span

_HEAD = re.compile(
    r"^\s*(?:Active (?:Internet|UNIX|LOCAL)|Proto\s|Active Connections|Aktive Verbindungen|\(|Netid\s)", re.IGNORECASE
)
_KNOWN = re.compile(
    r"^\s*(?:Active (?:Internet|UNIX)|Proto\s+(?:Recv-Q|Local|RefCnt)|Active Connections)", re.MULTILINE | re.IGNORECASE
)
_LINUX = re.compile(
    r"(?P<kind>tcp|udp|udplite|raw|sctp|dccp)(?P<six>6?)\s+\d+\s+\d+\s+(?P<local>\S+)\s+(?P<far>\S+:\S+)(?:\s+(?P<rest>.*))?"
)
_BSD = re.compile(
    r"(?P<kind>tcp|udp|icm|div|raw)(?P<version>4|6|46|64|4/6)?\s+\d+\s+\d+\s+(?P<local>\S+)\s+(?P<far>\S+\.\S+)(?:\s+(?P<rest>.*))?"
)
_WINDOWS = re.compile(r"(?P<kind>TCP|UDP)\s+(?P<local>\S+:\d+)\s+(?P<far>\S+:\S+)(?:\s+(?P<rest>.*))?")
_FIRST_ROW = re.compile(
    r"\A\s*(?:(?:tcp|udp|udplite|raw)(?:46|[46])?\s+\d+\s+\d+\s+\S+[.:]\S+\s|(?:TCP|UDP)\s+\S+:\d+\s+\S+:[\d*])"
)
_UNIX = re.compile(r"(?:unix|stream|dgram|seqpacket|nl|[0-9a-f]{8,16}\s)", re.IGNORECASE)
_ELSEWHERE = re.compile(r"(?:bluetooth|l2cap|rfcomm|Active|kctl|kevt)", re.IGNORECASE)
_HOLDER = re.compile(r"(?:^|\s)(\d{1,10})/(\S.*?)\s*$")
_PID = re.compile(r"(?:^|\s)(\d{1,10})\s*$")
_EXECUTABLE = re.compile(r"\s*\[(?P<name>[^\]]{1,64})\]\s*$")
_CUT = 23
"""The width of a local address in net-tools: an IPv6 address that does not fit is cut off so that it and its port do."""
_WHY_BOTH = "netstat does not say whether a socket of IPv6 takes IPv4, too"
_WHY_CUT = "its address may be cut off: any address of its family is meant"


def _knows(text: str) -> bool:
    return any(map(_KNOWN.match, beginning(text))) or bool(_FIRST_ROW.match(text))


def _read(source: Source) -> HeardListing:
    reading = _Reading(source)
    rows = list(reading.rows())
    return HeardListing(source.path, "netstat", tuple(_settled(rows)))


@dataclass(slots=True)
class _Reading:
    source: Source

    def rows(self) -> Iterator[HeardRow]:
        """The rows; a line with a program's name of Windows belongs to the row before."""
        last: HeardRow | None = None
        count = 0
        for number, line in enumerate(self.source.text.splitlines(), 1):
            text = line.strip()
            if not text or (_HEAD.match(line) and not _WINDOWS.fullmatch(text)):
                continue
            named = _EXECUTABLE.fullmatch(line)
            if named and last is not None:
                last = replace(
                    last, holders=tuple(Holder(named["name"], one.pid) for one in last.holders or (Holder("", 0),))
                )
                continue
            if last is not None:
                yield last
            count += 1
            at = Span(self.source.path, number, 1)
            if count > ROW_LIMIT:
                last = refused_row(
                    text[:LINE_LIMIT], at, f"more than {ROW_LIMIT:,} lines", "list only what listens (-l)"
                )
                break
            last = _row(text, at)
        if last is not None:
            yield last


def _row(text: str, at: Span) -> HeardRow:
    if len(text) > LINE_LIMIT:
        return refused_row(text[:LINE_LIMIT], at, f"more than {LINE_LIMIT:,} characters in a line")
    try:
        if found := _LINUX.fullmatch(text):
            return _linux(text, at, found)
        if found := _WINDOWS.fullmatch(text):
            return _windows(text, at, found)
        if found := _BSD.fullmatch(text):
            return _bsd(text, at, found)
    except NotAnEnd as error:
        return refused_row(text, at, str(error), NUMBERS_HELP)
    if _UNIX.match(text) or _ELSEWHERE.match(text):
        return other_row(text, at)
    return refused_row(text, at, "it is no line of netstat about a socket")


def _linux(text: str, at: Span, found: re.Match[str]) -> HeardRow:
    local, _, port = found["local"].rpartition(":")
    rest = found["rest"] or ""
    protocol, family = PROTOCOLS[found["kind"]], _family(found["six"])
    state = rest.partition(" ")[0]
    is_listening = (
        state in ("LISTEN", "LISTENING") if found["kind"] in ("tcp", "sctp", "dccp") else state != "ESTABLISHED"
    )
    if not (is_listening and is_anybody(found["far"])):
        return other_row(text, at)
    holders = tuple(Holder(name, int(pid)) for pid, name in _HOLDER.findall(rest))
    is_cut = family == 6 and len(found["local"]) == _CUT
    if is_cut:
        families = Families((), (6,), _WHY_CUT)
        return listening_row(text, at, protocol, End(None), port, families, holders)
    end = end_of(local, family)
    if end.address is not None and end.address.version == 6:
        family = 6  # BusyBox calls them tcp and udp, too
    if end.interface.isdecimal():
        end = End(end.address)  # BusyBox prints whatever stands where a number of an interface would
    families = Families((6,), (4,), _WHY_BOTH) if family == 6 and protocol != RAW else Families((family,))
    return listening_row(text, at, protocol, end, port, families, holders)


def _windows(text: str, at: Span, found: re.Match[str]) -> HeardRow:
    local, _, port = found["local"].rpartition(":")
    rest = found["rest"] or ""
    # the word for the state is in the system's language; that nobody is at the other end is not
    if found["far"] not in ("0.0.0.0:0", "[::]:0", "*:*") or re.match("[A-Z_]*(?:BOUND|CLOSED)", rest):
        return other_row(text, at)
    end = end_of(local)
    pid = _PID.search(rest)
    holders = (Holder("", int(pid[1])),) if pid else ()
    families = Families((_family("6" if local.startswith("[") else ""),))
    return listening_row(text, at, PROTOCOLS[found["kind"].lower()], end, port, families, holders)


def _bsd(text: str, at: Span, found: re.Match[str]) -> HeardRow:
    kind, version = found["kind"], (found["version"] or "4").replace("/", "")
    rest = found["rest"] or ""
    if kind not in ("tcp", "udp") or found["far"] != "*.*" or (kind == "tcp" and not rest.startswith("LISTEN")):
        return other_row(text, at)
    local, _, port = found["local"].rpartition(".")
    end = end_of(local, 6 if version == "6" else 4)
    families = Families((6, 4)) if len(version) == 2 else Families((_family(version.replace("4", "")),))
    return listening_row(text, at, PROTOCOLS[kind], end, port, families)


def _family(six: str) -> Family:
    return 6 if six else 4


def _settled(rows: list[HeardRow]) -> Iterator[HeardRow]:
    """The rows, with those understood that only left open whether they take IPv4 where another socket has that port in IPv4."""
    taken = {
        (bound.protocol, bound.port)
        for row in rows
        for bound in row.bound
        if bound.family == 4 and bound.address == 0 and bound.is_certain
    }
    for row in rows:
        sure = tuple(bound for bound in row.bound if bound.is_certain)
        if row.why == _WHY_BOTH and all((one.protocol, one.port) in taken for one in sure):
            yield replace(row, state=HeardState.UNDERSTOOD, bound=sure, why="")
        else:
            yield row


LISTING = Listing("netstat", _knows, _read)
