"""The JSON of a statement -> tree: what decides, what compares, what only does something beside."""

from __future__ import annotations

from collections.abc import Callable

from firewright.readers.nftables.expressions import VERDICTS, Malformed, expression, short, verdict, words
from firewright.readers.nftables.tree import (
    Decide,
    Effect,
    Expression,
    Fill,
    Gate,
    Handover,
    Key,
    Match,
    Reference,
    Statement,
    Translate,
    Verdict,
    VerdictMap,
    Word,
)
from firewright.readers.nftables.wording import say

OPERATORS = ("==", "!=", "<", ">", "<=", ">=", "in", "!")
# "!" is what nft 1.0 lists for "none of these bits".
_REJECTED_ONLY = {
    "tcp reset": Match("==", Key("meta", "meta l4proto"), Word("tcp")),
    "icmp": Match("==", Key("meta", "meta nfproto"), Word("ipv4")),
    "icmpv6": Match("==", Key("meta", "meta nfproto"), Word("ipv6")),
}
"""What nft adds before a reject of this type, and leaves out when it lists the rule."""


def statement(json: object) -> tuple[Statement, ...]:
    """The statements that one JSON object stands for. Raises Malformed; a kind that is not known hands the packet over."""
    if isinstance(json, str):
        # What nft cannot say in JSON it says in its own words: an anonymous chain, for one.
        return (Handover(short(" ".join(json.split())), is_known=False),)
    if not isinstance(json, dict) or len(json) != 1:
        raise Malformed(f"{words(json)} is no statement")
    ((kind, body),) = json.items()
    if kind in VERDICTS:
        found = verdict(json)
        return () if found is None else (Decide(found),)
    make = _MAKERS.get(kind)
    return make(kind, body) if make else (Handover(words(json), is_known=False),)


def _match(kind: str, body: object) -> tuple[Statement, ...]:
    if not isinstance(body, dict) or "left" not in body or "right" not in body:
        raise Malformed("a comparison has two sides")
    operator = body.get("op", "==")
    if operator not in OPERATORS:
        raise Malformed(f"{words(operator)} compares nothing")
    return (Match(operator, expression(body["left"]), expression(body["right"])),)


def _vmap(kind: str, body: object) -> tuple[Statement, ...]:
    if not isinstance(body, dict):
        raise Malformed("a verdict map has a key and data")
    return (VerdictMap(expression(body.get("key")), expression(body.get("data"))),)


def _reject(kind: str, body: object) -> tuple[Statement, ...]:
    type_ = body.get("type") if isinstance(body, dict) else None
    decided = Decide(Verdict("reject"))
    only = _REJECTED_ONLY.get(str(type_))
    return (only, decided) if only else (decided,)


def _count(kind: str, body: object) -> tuple[Statement, ...]:
    return (_COUNTED,) if isinstance(body, dict) and "map" not in body else _effect(kind, body)


_COUNTED = Effect("counter")


def _effect(kind: str, body: object) -> tuple[Statement, ...]:
    return (Effect(_named(kind, body), _looked_up(body)),)


def _gate(kind: str, body: object) -> tuple[Statement, ...]:
    looks = _looked_up(body)
    return (*((Effect(_named(kind, body), looks),) if looks else ()), Gate(_named(kind, body)))


def _looked_up(body: object) -> tuple[Expression, ...]:
    """The maps from which a statement takes its object or its values: it ends the rule for a key that they do not have."""
    if not isinstance(body, dict):
        return ()
    own = (expression({"map": body["map"]}),) if isinstance(body.get("map"), dict) else ()
    return own + tuple(look for inner in body.values() if isinstance(inner, dict) for look in _nested(inner))


def _nested(inner: dict[str, object]) -> tuple[Expression, ...]:
    return (expression(inner),) if isinstance(inner.get("map"), dict) and len(inner) == 1 else ()


def _mangle(kind: str, body: object) -> tuple[Statement, ...]:
    if not isinstance(body, dict):
        raise Malformed("a mangle has a key and a value")
    key, value = expression(body.get("key")), expression(body.get("value"))
    return (Effect(short(f"{say(key)} set {say(value)}"), (key, value), say(key)),)


def _fill(kind: str, body: object) -> tuple[Statement, ...]:
    if not isinstance(body, dict):
        raise Malformed("a set statement has an element")
    target, element = expression(body.get(kind)), expression(body.get("elem"))
    gates = body.get("stmt", [])
    listed = gates if isinstance(gates, list) else [gates]
    gate = " ".join(words(one) for one in listed if not (isinstance(one, dict) and set(one) <= {"counter"}))
    name = target.name if isinstance(target, Reference) else say(target)
    inner = f"{say(element)} {gate}".strip()
    return (Fill(name, element, short(f"{words(body.get('op'))} @{name} {{ {inner} }}"), gate),)


def _meter(kind: str, body: object) -> tuple[Statement, ...]:
    if not isinstance(body, dict):
        raise Malformed("a meter has a key")
    key: Expression = expression(body.get("key"))
    text = words({kind: body})
    return Effect(text, (key,)), Gate(text)


def _handover(kind: str, body: object) -> tuple[Statement, ...]:
    looks = _looked_up(body)
    text = _named(kind, body)
    return (*((Effect(text, looks),) if looks else ()), Handover(text))


def _foreign(kind: str, body: object) -> tuple[Statement, ...]:
    """An extension of xtables: a match goes on or stops, a target may do anything."""
    if isinstance(body, dict) and body.get("type") in ("match", "watcher"):
        return (Gate(_named(kind, body)),)
    return (Handover(_named(kind, body), is_known=False),)


def _translate(kind: str, body: object) -> tuple[Statement, ...]:
    return (Translate(_named(kind, body)),)


def _named(kind: str, body: object) -> str:
    return words({kind: body}) if body is not None else kind


_MAKERS: dict[str, Callable[[str, object], tuple[Statement, ...]]] = {
    "match": _match,
    "vmap": _vmap,
    "reject": _reject,
    "counter": _count,
    "mangle": _mangle,
    "set": _fill,
    "map": _fill,
    "meter": _meter,
    "xt": _foreign,
    **dict.fromkeys(
        ("log", "reset", "notrack", "dup", "flow", "last", "secmark", "ct helper", "ct timeout", "ct expectation"),
        _effect,
    ),
    **dict.fromkeys(("limit", "quota", "ct count", "tproxy"), _gate),
    **dict.fromkeys(("queue", "synproxy", "fwd"), _handover),
    **dict.fromkeys(("snat", "dnat", "masquerade", "redirect"), _translate),
}
