"""Where each rule, chain and object stands in a text for `nft -f`, and the text without some of them.

A sketch of nft's grammar, enough for what people write in files: who edits by it reads the result again and compares. What
it cannot follow (includes, rules put at a place) it says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

Stretch = tuple[int, int]
"""Where something begins in a text, and where it ends."""
_FAMILIES = ("ip", "ip6", "inet", "arp", "bridge", "netdev")
_OF_CHAIN = ("type", "policy", "comment", "flags", "devices", "device", "define", "redefine", "undefine")
"""How what is no rule begins in a chain."""
_TWO_WORDS = ("ct", "synproxy", "tunnel")
_OBJECTS = ("set", "map", "flowtable", "counter", "quota", "limit", "secmark", "synproxy")
_LOST = ("include", "insert", "replace", "reset", "rename", "import")
_SPACE = re.compile(r"[ \t]*")
_BEHIND = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)")


class NotFollowed(Exception):
    """A text whose rules cannot be found in it; the text of the exception says why."""


@dataclass(slots=True)
class Places:
    """Where things stand: rules by table and chain, in order; chains by table and name; objects by kind, table and name."""

    rules: dict[tuple[str, str], list[Stretch]] = field(default_factory=dict)
    chains: dict[tuple[str, str], list[Stretch]] = field(default_factory=dict)
    things: dict[tuple[str, str, str], list[Stretch]] = field(default_factory=dict)


def places(text: str) -> Places:
    """Where everything stands in a text. Raises NotFollowed. O(n)."""
    found = Places()
    for start, end in _statements(text, 0, len(text)):
        _command(text, start, end, found)
    return found


def _command(text: str, start: int, end: int, found: Places) -> None:
    head, inside = _opened(text, start, end)
    words = _words(head)
    if words[:1] in (["add"], ["create"]):
        words = words[1:]
    if not words or words[0] in ("flush", "delete", "destroy", "define", "redefine", "undefine", "element"):
        return
    if words[0] in _LOST:
        raise NotFollowed(f"it has the command {words[0]!r}")
    kind, rest = _kind(words)
    family = rest.pop(0) if rest and rest[0] in _FAMILIES else "ip"
    if kind == "table" and rest:
        if inside:
            _table(text, *inside, f"{family} {rest[0]}", found)
    elif kind == "chain" and len(rest) > 1:
        _chain(text, (start, end), inside, f"{family} {rest[0]}", rest[1], found)
    elif kind == "rule" and len(rest) > 2:
        if rest[2] in ("position", "index", "handle"):
            raise NotFollowed("it has a rule that is put at a place")
        found.rules.setdefault((f"{family} {rest[0]}", rest[1]), []).append((start, end))
    elif kind in _OBJECTS or " " in kind:
        if len(rest) > 1:
            found.things.setdefault((kind, f"{family} {rest[0]}", rest[1]), []).append((start, end))
    else:
        raise NotFollowed(f"it has the command {words[0]!r}")


def _table(text: str, start: int, end: int, title: str, found: Places) -> None:
    for first, last in _statements(text, start, end):
        head, inside = _opened(text, first, last)
        words = _words(head)
        if words[:1] == ["include"]:
            raise NotFollowed("it includes another file")
        kind, rest = _kind(words)
        if kind == "chain" and rest:
            _chain(text, (first, last), inside, title, rest[0], found)
        elif inside and rest:
            found.things.setdefault((kind, title, rest[0]), []).append((first, last))


def _chain(text: str, whole: Stretch, inside: Stretch | None, title: str, name: str, found: Places) -> None:
    found.chains.setdefault((title, name), []).append(whole)
    rules = found.rules.setdefault((title, name), [])
    for first, last in _statements(text, *inside) if inside else ():
        word = text[first:last].split(None, 1)[0]
        if word == "include":
            raise NotFollowed("it includes another file")
        if word not in _OF_CHAIN:
            rules.append((first, last))


def _kind(words: list[str]) -> tuple[str, list[str]]:
    if words and words[0] in _TWO_WORDS and len(words) > 2 and words[0] == "ct":
        return f"ct {words[1]}", words[2:]
    return (words[0], words[1:]) if words else ("", [])


def _words(head: str) -> list[str]:
    return [word.strip('"') for word in head.replace("\\\n", " ").split()]


def _opened(text: str, start: int, end: int) -> tuple[str, Stretch | None]:
    """What stands before the first brace of a statement, and what is inside if the statement ends with its other one."""
    brace = text.find("{", start, end)
    if brace < 0:
        return text[start:end], None
    return text[start:brace], (brace + 1, end - 1) if text[end - 1] == "}" else None


_TELLING = re.compile(r'["#{};\n\\]')


def _statements(text: str, start: int, end: int) -> Iterator[Stretch]:
    """The statements of a part of a text: they end at a newline or a semicolon outside of braces and quotes, or at a comment."""
    at, begin, depth = start, start, 0
    while (sign := _TELLING.search(text, at, end)) is not None:
        at = sign.end()
        match sign[0]:
            case '"':
                closing = text.find('"', at, end)
                at = end if closing < 0 else closing + 1
            case "#":
                newline = text.find("\n", at, end)
                at = end if newline < 0 else newline
                if depth == 0:
                    yield from _trimmed(text, begin, sign.start())
                    begin = at
            case "\\":
                at = min(at + 1, end)
            case "{":
                depth += 1
            case "}":
                depth -= 1
            case _ if depth == 0:
                yield from _trimmed(text, begin, sign.start())
                begin = at
    yield from _trimmed(text, begin, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[Stretch]:
    inner = text[start:end]
    if inner.strip():
        first = start + len(inner) - len(inner.lstrip())
        yield first, start + len(inner.rstrip())


def without(text: str, gone: Collection[Stretch]) -> str:
    """The text without some stretches: with their line where nothing else stands on it but a comment. O(n)."""
    kept, at = [], 0
    for start, stop in _together(text, gone):
        line = max(at, text.rfind("\n", 0, start) + 1)
        behind = _BEHIND.match(text, stop)
        if behind is not None and not text[line:start].strip():
            start, stop = line, behind.end()
        kept.append(text[at:start])
        at = stop
    return "".join((*kept, text[at:]))


def _together(text: str, gone: Collection[Stretch]) -> list[Stretch]:
    """The stretches with the semicolons behind them, in order; those between which nothing stands are one."""
    found: list[Stretch] = []
    for start, end in sorted(gone):
        stop = _past_semicolon(text, end)
        if found and (start < found[-1][1] or not text[found[-1][1] : start].strip(" \t")):
            first, last = found.pop()
            start, stop = first, max(last, stop)
        found.append((start, stop))
    return found


def _past_semicolon(text: str, at: int) -> int:
    spaces = _SPACE.match(text, at)
    stop = at if spaces is None else spaces.end()
    return stop + 1 if text[stop : stop + 1] == ";" else at
