"""The instants that rules compare the time with: where the meaning of a ruleset changes by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from firewright.readers.nftables.domains import SECOND, TIME
from firewright.readers.nftables.keys import keys_of
from firewright.readers.nftables.tree import (
    Between,
    Concat,
    Elements,
    Expression,
    Flags,
    Key,
    ListedTable,
    Match,
    Number,
    Pairs,
    Reference,
    VerdictMap,
    Word,
)


def instants_in(tables: Iterable[ListedTable]) -> set[int]:
    """Every constant (epoch seconds) that `meta time` is compared with, alone or beside other keys."""
    found: set[int] = set()
    for table in tables:
        for chain in table.chains.values():
            for rule in chain.rules:
                for part in rule.statements:
                    if isinstance(part, Match):
                        left, right = part.left, part.right
                    elif isinstance(part, VerdictMap):
                        left, right = part.key, part.data
                    else:
                        continue
                    if any(key.text == "meta time" for key in keys_of(left)):
                        found.update(_instants(left, right, table))
    return found


def _instants(left: Expression, right: Expression, table: ListedTable) -> Iterator[int]:
    place = _place(left)
    for constant in _constants(right, table):
        part = constant.parts[place] if isinstance(constant, Concat) and place < len(constant.parts) else constant
        ends = (
            (part.low, part.high) if isinstance(part, Between) else part.parts if isinstance(part, Flags) else (part,)
        )
        for end in ends:
            number = TIME.number(end) if isinstance(end, Number | Word) else None
            if number is not None:
                yield number // SECOND


def _place(left: Expression) -> int:
    parts = left.parts if isinstance(left, Concat) else (left,)
    return next(place for place, part in enumerate(parts) if any(key.text == "meta time" for key in keys_of(part)))


def _constants(right: Expression, table: ListedTable) -> Iterator[Expression]:
    match right:
        case Reference(name):
            known = table.sets.get(name)
            if known is not None:
                yield from known.members
                yield from (key for key, _ in known.rows)
        case Elements(members):
            yield from members
        case Pairs(rows):
            yield from (key for key, _ in rows)
        case Key():
            return
        case _:
            yield right
