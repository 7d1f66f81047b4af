"""What an expression looks at."""

from __future__ import annotations

from collections.abc import Iterable

from firewright.readers.nftables.tree import (
    Binary,
    Concat,
    Effect,
    Elements,
    Expression,
    Fill,
    Flags,
    Key,
    Looked,
    Match,
    Number,
    Pairs,
    Reference,
    Statement,
    Verdict,
    VerdictMap,
    Word,
)


def keys_of(expression: Expression | Verdict) -> Iterable[Key]:
    """Whatever an expression looks at."""
    match expression:
        case Key():
            yield expression
        case Concat(parts):
            for part in parts:
                yield from keys_of(part)
        case Binary(_, left, right):
            yield from keys_of(left)
            yield from keys_of(right)
        case Looked(key=key):
            yield from keys_of(key)


def sets_of(statement: Statement) -> set[str]:
    """The named sets and maps that a statement asks for what they have; one that it only fills is none of them."""
    match statement:
        case Match(_, left, right):
            asked: tuple[Expression | Verdict, ...] = (left, right)
        case VerdictMap(key, data):
            asked = (key, data)
        case Effect(looks=looks):
            asked = looks
        case Fill(element=element):
            asked = (element,)
        case _:
            return set()
    return {name for one in asked for name in _references(one)}


def _references(expression: Expression | Verdict) -> Iterable[str]:
    match expression:
        case Reference(name):
            yield name
        case Concat(parts) | Elements(parts):
            for part in parts:
                yield from _references(part)
        case Binary(_, left, right):
            yield from _references(left)
            yield from _references(right)
        case Looked(key, data):
            yield from _references(key)
            yield from _references(data)
        case Pairs(rows):
            for one, other in rows:
                yield from _references(one)
                yield from _references(other)


def is_known(left: Expression) -> bool:
    """Whether an expression is made of keys and constants only; what else it is may be anything, each time."""
    match left:
        case Concat(parts):
            return all(map(is_known, parts))
        case Binary(_, one, other):
            return is_known(one) and (is_known(other) or isinstance(other, Number | Word | Flags))
        case _:
            return isinstance(left, Key)


def is_plain(expression: Expression) -> bool:
    """Whether an expression is a constant by itself."""
    return not isinstance(expression, Binary | Elements | Pairs | Reference | Key)
