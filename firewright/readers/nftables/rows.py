"""The elements of a set or map as rows, one part for each part of the key, and the packets that they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from firewright.model.interval import Ranges, union
from firewright.readers.nftables.domains import TIME
from firewright.readers.nftables.expressions import short
from firewright.readers.nftables.fields import Field, Scene, around, field
from firewright.readers.nftables.keys import is_plain, keys_of
from firewright.readers.nftables.masks import behind
from firewright.readers.nftables.terms import ALWAYS, NEVER, Term, Terms, both, literal
from firewright.readers.nftables.tree import Binary, Concat, Expression, Key
from firewright.readers.nftables.wording import say

Row = tuple[Ranges | str, ...]
"""For each part of a key its numbers, or the words of a constant that is not known."""

_NUMBERED = frozenset(
    {"ip ttl", "ip6 hoplimit", "ip length", "ip id", "ip frag-off", "ip dscp", "ip6 dscp", "ip ecn", "ip6 ecn"}
    | {"ip6 length", "udp length", "esp spi", "ah spi"}
)


def presence(expression: Expression, scene: Scene) -> Terms:
    """The packets that have what an expression looks at, as far as boxes can say it."""
    terms = ALWAYS
    for key in keys_of(expression):
        own = field(key, scene)
        inside = around(key, scene)
        if own is not None and key.kind == "payload" and key.text not in _NUMBERED:
            inside = both(inside, own.holds(((0, own.domain.top),), scene), scene.family)
        terms = both(terms, inside, scene.family)
    return terms


def rows_of(left: Expression, listed: Sequence[Expression], scene: Scene) -> list[Row | None] | None:
    """The elements of a set by the parts of its key, None for one that no key is; None if one has another shape."""
    keys = left.parts if isinstance(left, Concat) else (left,)
    fields = [_looked_at(key, scene) for key in keys]
    known: list[dict[Expression, Ranges | str]] = [{} for _ in keys]
    out: list[Row | None] = []
    for one in listed:
        parts = one.parts if isinstance(one, Concat) else (one,)
        if len(parts) != len(keys):
            return None
        row = []
        for place, part in enumerate(parts):
            read = known[place].get(part)
            if read is None:
                own, mask = fields[place]
                ranges = None if own is None else own.domain.ranges(part)
                if own is not None and mask is not None:
                    ranges = behind(mask, ranges, own.domain.top)
                    if ranges is None:
                        return None
                    if not ranges:  # no number has these bits under the mask: the element is never found
                        out.append(None)
                        break
                if ranges is None and not is_plain(part):
                    return None
                read = known[place][part] = say(part) if ranges is None else ranges
            row.append(read)
        else:
            out.append(tuple(row))
    return out


def _looked_at(key: Expression, scene: Scene) -> tuple[Field | None, int | None]:
    """The field of a part of a key, and the mask under which it is looked at, if it is."""
    if isinstance(key, Key):
        return field(key, scene), None
    if isinstance(key, Binary) and key.operator == "&" and isinstance(key.left, Key):
        own = field(key.left, scene)
        mask = None if own is None or own.values or own.domain is TIME else own.domain.number(key.right)
        if mask is not None:
            return own, mask
    return None, None


class Products:
    """The packets that rows stand for under one key in one scene; remembers what it has read of each part."""

    def __init__(self, left: Expression, scene: Scene) -> None:
        self.scene = scene
        self.keys = left.parts if isinstance(left, Concat) else (left,)
        self.is_seen = bool(presence(left, scene))
        self.known: list[dict[Ranges | str, Terms]] = [{} for _ in self.keys]
        self.tails: dict[Row, Terms] = {}

    def of(self, rows: Iterable[Row]) -> Terms:
        """The packets whose key is in one of the rows. Raises TooWide."""
        if not self.is_seen:
            return NEVER
        out: dict[Term, None] = {}
        for row in _folded(list(rows)):
            out.update(dict.fromkeys(both(self._part(0, row[0]), self._tail(row[1:]), self.scene.family)))
        return tuple(out)

    def _tail(self, rest: Row) -> Terms:
        tail = self.tails.get(rest)
        if tail is None:
            tail = ALWAYS
            for place, part in enumerate(rest, 1):
                tail = both(tail, self._part(place, part), self.scene.family)
            self.tails[rest] = tail
        return tail

    def _part(self, place: int, part: Ranges | str) -> Terms:
        found = self.known[place].get(part)
        if found is None:
            found = self.known[place][part] = _part(self.keys[place], part, self.scene)
        return found


def _part(key: Expression, part: Ranges | str, scene: Scene) -> Terms:
    own, _ = _looked_at(key, scene)
    if own is not None and not isinstance(part, str):
        return own.holds(part, scene)
    text = part if isinstance(part, str) else str(part)
    return both(presence(key, scene), literal(short(f"{say(key)} {text}")), scene.family)


def _folded(rows: Sequence[Row]) -> list[Row]:
    """The same rows in fewer: those that differ in one part only become one. O(passes x parts x n)."""
    if len(rows) < 2:
        return list(rows)
    numbers: dict[Ranges | str, int] = {}
    short_rows = list(dict.fromkeys(tuple(numbers.setdefault(part, len(numbers)) for part in row) for row in rows))
    known = list(numbers)
    shrunk = True
    while shrunk and len(short_rows) > 1:
        shrunk = False
        for place in range(len(short_rows[0])):
            alike: dict[tuple[int, ...], list[int]] = {}
            kept: list[tuple[int, ...]] = []
            for row in short_rows:
                if isinstance(known[row[place]], str):
                    kept.append(row)
                else:
                    alike.setdefault(row[:place] + row[place + 1 :], []).append(row[place])
            if len(alike) + len(kept) == len(short_rows):
                continue
            shrunk = True
            for rest, parts in alike.items():
                number = parts[0] if len(parts) == 1 else _joined(parts, numbers, known)
                kept.append((*rest[:place], number, *rest[place:]))
            short_rows = kept
    return [tuple(known[part] for part in row) for row in short_rows]


def _joined(parts: list[int], numbers: dict[Ranges | str, int], known: list[Ranges | str]) -> int:
    sets = [one for part in parts if not isinstance(one := known[part], str)]
    joined = union(*sets)
    number = numbers.setdefault(joined, len(numbers))
    if number == len(known):
        known.append(joined)
    return number
