"""The JSON of an expression -> tree, with nft's own words for whatever a rule may look at."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache

from firewright.diagnostic import harmless
from firewright.readers.nftables.tree import (
    Between,
    Binary,
    Concat,
    Elements,
    Expression,
    Flags,
    Key,
    Looked,
    Number,
    Pairs,
    Prefix,
    Reference,
    Strange,
    Truth,
    Verdict,
    Word,
)

DEEPEST = 32
"""Expressions nested deeper than this are refused; nft itself stops earlier."""
VERDICTS = ("accept", "drop", "continue", "return", "jump", "goto")
_BINARY = ("&", "|", "^", "<<", ">>")
# These meta keys are listed without the word "meta" by nft; both spellings are one text here.
_SHORT_META = ("iif", "iifname", "oif", "oifname", "iifgroup", "oifgroup")
_LONGEST = 400
_KEPT = 1 << 14
"""Constants and verdicts that are remembered: a listing has most of them many times."""


class Malformed(ValueError):
    """The JSON is not what nft lists; the text says where it differs."""


def expression(json: object, depth: int = 0) -> Expression:
    """The tree of an expression. Raises Malformed for what no nft lists; a kind that is not known is `Strange`."""
    if depth > DEEPEST:
        raise Malformed(f"an expression is nested more than {DEEPEST} deep")
    if isinstance(json, str):
        return _constant(json)
    if isinstance(json, bool):
        return Truth(json)
    if isinstance(json, int):
        return _number(json)
    if isinstance(json, list):
        return Flags(tuple(expression(part, depth + 1) for part in json))
    if isinstance(json, dict) and len(json) == 1:
        ((kind, body),) = json.items()
        make = _MAKERS.get(kind)
        return make(kind, body, depth + 1) if make else Strange(words(json))
    raise Malformed(f"{words(json)} is no expression")


@lru_cache(maxsize=_KEPT)
def _constant(text: str) -> Word | Reference:
    return Reference(text[1:]) if text.startswith("@") and len(text) > 1 else Word(text)


@lru_cache(maxsize=_KEPT)
def _number(value: int) -> Number:
    return Number(value)


@lru_cache(maxsize=_KEPT)
def _verdict(word: str, target: str = "") -> Verdict:
    return Verdict(word, target)


def value(json: object, depth: int = 0) -> Expression | Verdict:
    """What a map leads to: a verdict or an expression."""
    found = verdict(json)
    return found if found is not None else expression(json, depth)


def verdict(json: object) -> Verdict | None:
    """The verdict that the JSON says, or None if it says something else."""
    if not isinstance(json, dict) or len(json) != 1:
        return None
    ((word, body),) = json.items()
    if word not in VERDICTS:
        return None
    if word not in ("jump", "goto"):
        return _verdict(word)
    target = body.get("target") if isinstance(body, dict) else None
    if not isinstance(target, str):
        raise Malformed(f"{word} without a chain to go to")
    return _verdict(word, target)


def words(json: object) -> str:
    """Any JSON in few words, harmless, different for different JSON: what is cut off is told apart by a digest.

    Raises Malformed for what is nested deeper than anything that nft lists.
    """
    return short(_words(json))


def short(text: str) -> str:
    """The text if it is short, else its beginning and a digest of all of it, harmless."""
    if len(text) <= _LONGEST:
        return text if text.isprintable() else harmless(text, 10 * _LONGEST)
    return (
        f"{harmless(text[:_LONGEST], 10 * _LONGEST)}… {hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"
    )


def _words(json: object, depth: int = 0) -> str:
    if depth > 4 * DEEPEST:
        raise Malformed(f"it is nested more than {4 * DEEPEST} deep")
    if isinstance(json, dict):
        listed = ((key, json[key]) for key in ordered(json))
        said = (str(key) if body is None else f"{key} {_words(body, depth + 1)}" for key, body in listed)
        return " ".join(said)
    if isinstance(json, list):
        return "{ " + ", ".join([_words(one, depth + 1) for one in json]) + " }"
    return str(json).lower() if isinstance(json, bool) else str(json)


_RANK = {
    word: place
    for place, word in enumerate(
        (
            "protocol", "name", "field", "base", "offset", "len", "mode", "mod", "key", "val", "val_unit", "used",
            "used_unit", "rate", "burst", "per", "inv", "rate_unit", "burst_unit", "family", "addr", "port", "dir", "spnum",
            "data", "expr", "seed", "num", "mss", "wscale", "type", "prefix", "group", "snaplen", "queue-threshold", "level",
            "op", "left", "right", "flags",
        )
    )
}  # fmt: skip
"""The properties of an object in the order in which nft lists them: JSON has none, and what is equal is to read equally."""


def ordered(given: dict[str, object]) -> list[str]:
    """The names of an object's properties: nft's order where it has one, then by the alphabet."""
    if len(given) < 2:
        return list(given)
    return sorted(given, key=lambda name: (_RANK.get(name, len(_RANK)), name))


def _fields(kind: str, body: object) -> dict[str, object]:
    if not isinstance(body, dict):
        raise Malformed(f"{kind} has no properties")
    return body


def _payload(kind: str, body: object, depth: int) -> Expression:
    given = _fields(kind, body)
    if given.keys() == {"protocol", "field"}:
        return Key(kind, f"{given.get('protocol')} {given.get('field')}")
    if given.keys() - {"base", "offset", "len"}:
        # Newer nft looks into tunnels: the same header, but another packet's.
        return Key("raw", f"payload {words(given)}")
    return Key("raw", f"@{given.get('base')},{given.get('offset')},{given.get('len')}")


def _meta(kind: str, body: object, depth: int) -> Expression:
    key = str(_fields(kind, body).get("key"))
    return Key(kind, key if key in _SHORT_META else f"meta {key}")


def _ct(kind: str, body: object, depth: int) -> Expression:
    given = _fields(kind, body)
    parts = ["ct", given.get("dir"), given.get("family"), given.get("key")]
    return Key(kind, " ".join(str(part) for part in parts if part))


def _fib(kind: str, body: object, depth: int) -> Expression:
    given = _fields(kind, body)
    flags = given.get("flags", [])
    listed = [flags] if isinstance(flags, str) else flags if isinstance(flags, list) else [words(flags)]
    return Key(kind, f"fib {' . '.join(map(str, listed))} {given.get('result')}")


def _numgen(kind: str, body: object, depth: int) -> Expression:
    given = _fields(kind, body)
    return Key(kind, f"numgen {given.get('mode')} mod {given.get('mod')} offset {given.get('offset', 0)}")


def _named(kind: str, body: object, depth: int) -> Expression:
    """Whatever else is a thing to look at: its kind and its properties, in the order in which nft lists them."""
    given = _fields(kind, body)
    listed = [given[name] for name in ordered(given)]
    parts = [str(part) if isinstance(part, str | int) else words(part) for part in listed]
    prefix = "" if kind == "exthdr" and len(parts) > 1 else f"{kind} "
    return Key(kind, short(f"{prefix}{' '.join(parts)}".strip()))


def _prefix(kind: str, body: object, depth: int) -> Expression:
    given = _fields(kind, body)
    length = given.get("len")
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= 128:
        raise Malformed(f"a prefix of {words(length)} bits")
    return Prefix(expression(given.get("addr"), depth), length)


def _range(kind: str, body: object, depth: int) -> Expression:
    if not isinstance(body, list) or len(body) != 2:
        raise Malformed("a range has two ends")
    return Between(expression(body[0], depth), expression(body[1], depth))


def _concat(kind: str, body: object, depth: int) -> Expression:
    return Concat(tuple(expression(part, depth) for part in _list(kind, body)))


def _set(kind: str, body: object, depth: int) -> Expression:
    listed = body if isinstance(body, list) else [body]
    if any(map(is_gated, listed)):
        raise Malformed("an element has a limit of its own")
    if listed and all(isinstance(row, list) and len(row) == 2 for row in listed):
        return Pairs(rows(listed, depth))
    return Elements(members(listed, depth))


def is_gated(one: object) -> bool:
    """Whether an element of a set or map does not hold for every packet: it has a rate, an amount or the like of its own."""
    return bool(properties(one) - {"val", "comment", "counter", "last", "timeout", "expires"})


def properties(one: object) -> set[str]:
    """The names of what an element of a set or map has beside its value."""
    key = one[0] if isinstance(one, list) and one else one
    inner = key.get("elem") if isinstance(key, dict) else None
    return set(inner) if isinstance(inner, dict) else set()


def members(listed: Sequence[object], depth: int = 0) -> tuple[Expression, ...]:
    """The elements of a set, without their counters, timeouts and comments."""
    return tuple(expression(_bare(one), depth) for one in listed)


def rows(listed: Sequence[object], depth: int = 0) -> tuple[tuple[Expression, Expression | Verdict], ...]:
    """The elements of a map: keys and what they lead to."""
    out = []
    for row in listed:
        if not isinstance(row, list) or len(row) != 2:
            raise Malformed(f"{words(row)} is no element of a map")
        out.append((expression(_bare(row[0]), depth), value(_bare(row[1]), depth)))
    return tuple(out)


def _bare(json: object) -> object:
    if isinstance(json, dict) and len(json) == 1 and "elem" in json:
        inner = json["elem"]
        if not isinstance(inner, dict) or "val" not in inner:
            raise Malformed("an element without its value")
        return inner["val"]
    return json


def _elem(kind: str, body: object, depth: int) -> Expression:
    return expression(_bare({kind: body}), depth)


def _map(kind: str, body: object, depth: int) -> Expression:
    given = _fields(kind, body)
    return Looked(expression(given.get("key"), depth), expression(given.get("data"), depth))


def _binary(kind: str, body: object, depth: int) -> Expression:
    parts = _list(kind, body)
    if len(parts) < 2:
        raise Malformed(f"{kind} combines two values")
    folded = expression(parts[0], depth)
    for part in parts[1:]:
        folded = Binary(kind, folded, expression(part, depth))
    return folded


def _list(kind: str, body: object) -> list[object]:
    if not isinstance(body, list):
        raise Malformed(f"{kind} is no list")
    return body


_MAKERS: dict[str, Callable[[str, object, int], Expression]] = {
    "payload": _payload,
    "meta": _meta,
    "ct": _ct,
    "fib": _fib,
    "numgen": _numgen,
    **dict.fromkeys(
        ("exthdr", "tcp option", "ip option", "sctp chunk", "dccp option", "rt", "socket", "osf", "ipsec"), _named
    ),
    **dict.fromkeys(("jhash", "symhash", "tunnel"), _named),
    "prefix": _prefix,
    "range": _range,
    "concat": _concat,
    "set": _set,
    "elem": _elem,
    "map": _map,
    **dict.fromkeys(_BINARY, _binary),
}
