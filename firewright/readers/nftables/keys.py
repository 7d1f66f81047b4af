"""What an expression looks at."""

from __future__ import annotations

from collections.abc import Iterable

from firewright.readers.nftables.tree import (
    Binary,
    Concat,
    Elements,
    Expression,
    Flags,
    Key,
    Looked,
    Number,
    Pairs,
    Reference,
    Verdict,
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
