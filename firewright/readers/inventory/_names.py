"""Names of hosts with ranges in them (`web[01:20].example`), and the words that may be handed to ssh."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from itertools import product
from string import ascii_letters

from firewright.document import Scalar
from firewright.readers.inventory._inventory import HOST_LIMIT
from firewright.readers.policy_yaml.complaint import Complaints, quoted

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_NUMBERS = re.compile(r"([0-9]*):([0-9]+)(?::([0-9]+))?", re.ASCII)
_LETTERS = re.compile(r"([A-Za-z]):([A-Za-z])(?::([0-9]+))?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\\-]{0,63}\$?", re.ASCII)
_PORT = re.compile(r"(.+):([0-9]+)", re.ASCII)
RANGE_HELP = "write web[01:20].example, web[a:f] or web[0:10:2]; both ends of a range of numbers have as many digits"


def expanded(pattern: Scalar, complaints: Complaints) -> tuple[str, ...]:
    """The names that a pattern stands for, in order; none after complaining of it.

    Ends of a range are part of it; a leading zero keeps the width; letters go by the alphabet, capitals behind it.
    """
    parts: list[list[str]] = []
    end = 0
    count = 1
    for found in _BRACKETS.finditer(pattern.text):
        parts.append([pattern.text[end : found.start()]])
        end = found.end()
        values = _values(found[1])
        if not values or count * len(values) > HOST_LIMIT:
            what = f"more than {HOST_LIMIT:,} hosts" if values else f"no range: {quoted(found[0])}"
            complaints.error("bad-range", what, pattern.at, RANGE_HELP if not values else "split the inventory")
            return ()
        count *= len(values)
        parts.append(values)
    parts.append([pattern.text[end:]])
    names = tuple(map("".join, product(*parts)))
    if any(not is_name(name) for name in names[:1]):
        way_out = "a name has letters, digits, dots, hyphens and underscores, or is an IP address"
        complaints.error("bad-host", f"{quoted(pattern)} is no name of a host", pattern.at, way_out)
        return ()
    return names


def _values(inside: str) -> list[str]:
    """What a range stands for; nothing where it is none, or is upside down."""
    if numbers := _NUMBERS.fullmatch(inside):
        first, last, step = numbers[1] or "0", numbers[2], int(numbers[3] or 1)
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        if not step or (width and width != len(last)) or len(last) > 9 or len(first) > 9:
            return []
        return [f"{number:0{width}}" for number in _steps(int(first), int(last), step)]
    if letters := _LETTERS.fullmatch(inside):
        first, last = ascii_letters.index(letters[1]), ascii_letters.index(letters[2])
        step = int(letters[3] or 1)
        return [ascii_letters[number] for number in _steps(first, last, step)] if step else []
    return []


def _steps(first: int, last: int, step: int) -> range:
    """The numbers, or one more than may be, so that nobody builds a list of millions."""
    return range(first, min(last, first + step * HOST_LIMIT) + 1, step)


def is_name(text: str) -> bool:
    """Whether a text may be a host's name: nothing that ssh or a shell would take for something else."""
    return bool(_NAME.fullmatch(text)) or is_ipv6(text)


def is_ipv6(text: str) -> bool:
    """Whether a text is an IPv6 address, with or without a zone such as %eth0."""
    address, percent, zone = text.partition("%")
    if percent and not _NAME.fullmatch(zone):
        return False
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True


def is_user(text: str) -> bool:
    """Whether a text may be the name of a user on another machine."""
    return bool(_USER.fullmatch(text))


def is_destination(text: str) -> bool:
    """Whether a text may be handed to ssh as its destination: HOST or USER@HOST, never an option."""
    user, at, host = text.rpartition("@")
    return is_name(host) and (not at or is_user(user))


def without_port(pattern: Scalar) -> tuple[Scalar, str]:
    """A host and the port behind its last colon, as in `web1:2222` and `[2001:db8::1]:2222`; empty where there is none."""
    text = pattern.text
    if text.startswith("[") and (end := text.find("]")) > 0 and is_ipv6(text[1:end]):
        rest = text[end + 1 :]
        if not rest or re.fullmatch(r":[0-9]+", rest, re.ASCII):
            return pattern._replace(text=text[1:end]), rest[1:]
    bare = _BRACKETS.sub("", text)
    found = _PORT.fullmatch(text)
    if found and bare.count(":") == 1:
        return pattern._replace(text=found[1]), found[2]
    return pattern, ""
