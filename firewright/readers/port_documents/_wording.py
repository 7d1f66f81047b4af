"""The words of port documents: which of them mean any, none, a protocol, a condition; and the cell split into these."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from firewright.model.protocol import PORTED_NAMES, PROTOCOL_NUMBERS


def vocabulary(text: str, apart: str | None = None) -> frozenset[str]:
    """The words of a text, apart at spaces; or its phrases, apart at a mark."""
    return frozenset(" ".join(part.split()) for part in text.split(apart))


ANY = vocabulary(
    """any|all|*|any port|all ports|any ports|any protocol|all protocols|all traffic|any traffic|any any|everything|any/any
    |any service|all services|any tcp/udp""",
    "|",
)
NOTHING = vocabulary("|-|--|---|–|—|x|n/a|na|n.a|none|not applicable|nil|no|?|tbd|tba|unknown|no port", "|")
OVER = {
    "tls": "tcp", "ssl": "tcp", "http/2": "tcp", "http2": "tcp", "http/1.1": "tcp", "grpc": "tcp", "websocket": "tcp",
    "websockets": "tcp", "ws": "tcp", "wss": "tcp", "rest": "tcp", "quic": "udp", "http/3": "udp", "http3": "udp", "dtls": "udp",
}  # fmt: skip
"""What carries protocols that have no port of their own (RFC 8446, 9113, 6455, 9000, 9114, 9147)."""
_PORTLESS = frozenset(
    (
        "icmp",
        "icmpv4",
        "icmpv6",
        "igmp",
        "esp",
        "ah",
        "gre",
        "ospf",
        "eigrp",
        "vrrp",
        "pim",
        "ipip",
        "etherip",
        "ipcomp",
    )
)
_ALIASES = {"icmp4": "icmpv4", "icmp6": "icmpv6", "ipv6-icmp": "icmpv6", "icmp-v6": "icmpv6", "tcp4": "", "udp4": ""}
_FILLERS = vocabulary("port ports range ranges number numbers inclusive the on both default")
_CONDITIONS = vocabulary(
    """depends depending depend configurable configured configuration varies variable custom customizable dynamic dynamically
    random ephemeral high example if when unless optional optionally user-defined assigned negotiated see only usually
    typically maybe may might"""
)
_NEGATIONS = vocabulary("not except excluding without never no non but !")
_FOOTNOTE = re.compile(r"\[\^[^\]\n]*\]|(?<=[\w)\]])[†‡§¶¹²³⁰⁴-⁹*]+(?![\w*])|^[†‡§¶¹²³]+(?=[\w(])")
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[0-9]+)
    |(?P<range>\.\.+|[-–—‑‒−~])
    |(?P<join>[,;&+、|\n])
    |(?P<slash>/)|(?P<colon>:)|(?P<open>[(\[])|(?P<close>[)\]])
    |(?P<above>>=|≥|>)|(?P<below><=|≤|<)
    |(?P<word>http/[123](?:\.1)?(?![\w.])|[^\W\d_][\w.']*(?:-[^\W\d_][\w.']*)*|!|\*)
    |(?P<strange>\S))""",
    re.VERBOSE,
)


class Kind(Enum):
    """What a piece of a cell is."""

    NUMBER = "number"
    RANGE = "range"
    JOIN = "join"
    OR = "or"
    SLASH = "slash"
    COLON = "colon"
    OPEN = "open"
    CLOSE = "close"
    ABOVE = "above"
    BELOW = "below"
    PROTOCOL = "protocol"
    PORTLESS = "portless"
    NUMBERED = "protocol number"
    ANY = "any"
    NAME = "name"
    CONDITION = "condition"
    NEGATION = "negation"


class Piece(NamedTuple):
    """A piece of a cell with what it is, in lower case."""

    kind: Kind
    text: str


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """A cell's text in lower case, without references to footnotes, spaces single; lines stay lines."""
    lines = (" ".join(_FOOTNOTE.sub("", line).split()).rstrip(" .") for line in text.split("\n"))
    return "\n".join(line for line in lines if line).casefold()


def pieces(text: str) -> Iterator[Piece]:
    """The pieces of a folded cell. O(length)."""
    text = text.replace("ip protocol", "protocol").replace("http(s)", "http, https")
    for found in _TOKEN.finditer(text.replace(" to ", "~").replace(" through ", "~").replace(" thru ", "~")):
        group, content = str(found.lastgroup), found[found.lastgroup or 0]
        if group == "word":
            yield from _word(content)
        elif group == "strange":
            yield Piece(Kind.NAME, content)
        else:
            yield Piece(Kind(group), content)


def _word(word: str) -> Iterator[Piece]:
    plain = word.rstrip(".'")
    plain = _ALIASES.get(plain, "") or plain
    if plain in PORTED_NAMES:
        yield Piece(Kind.PROTOCOL, plain)
    elif plain in _PORTLESS:
        yield Piece(Kind.PORTLESS, plain)
    elif plain in ("protocol", "protocols", "proto"):
        yield Piece(Kind.NUMBERED, plain)
    elif plain in ("any", "all", "*"):
        yield Piece(Kind.ANY, plain)
    elif plain in ("and", "plus"):
        yield Piece(Kind.JOIN, ",")
    elif plain == "or":
        yield Piece(Kind.OR, "or")
    elif plain in _CONDITIONS:
        yield Piece(Kind.CONDITION, plain)
    elif plain in _NEGATIONS:
        yield Piece(Kind.NEGATION, plain)
    elif plain not in _FILLERS:
        yield Piece(Kind.NAME, plain or word)


def protocol_like(word: str) -> str:
    """The protocol with ports that a misspelt word most likely means, or an empty text: `tpc`, `upd`, `tc p`."""
    near = get_close_matches(word, (*PORTED_NAMES, "icmp", "icmpv6"), n=1, cutoff=0.6)
    return near[0] if near else ""


def protocol_number(word: str) -> int | None:
    """The number of an IP protocol by its name."""
    return PROTOCOL_NUMBERS.get(word)
