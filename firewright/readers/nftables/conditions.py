"""A comparison -> Condition: exact where the key is an axis, bounded by literals where it is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from firewright.model.interval import Ranges, complement, union
from firewright.readers.nftables.domains import Domain
from firewright.readers.nftables.expressions import short
from firewright.readers.nftables.fields import Field, Scene, around, field, may_break
from firewright.readers.nftables.terms import (
    ALWAYS,
    NEVER,
    Condition,
    Term,
    Terms,
    both,
    literal,
)
from firewright.readers.nftables.tree import (
    Binary,
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
    Truth,
    Verdict,
    Word,
)
from firewright.readers.nftables.wording import say, say_match

Row = tuple[Ranges | str, ...]
"""For each part of a key its numbers, or the words of a constant that is not known."""

_MOST_RANGES = 4096
"""A bit mask with holes is written as so many ranges at most."""


class Conditions:
    """Reads the comparisons of one table in one scene; remembers what it has read.

    `changed` are the keys that rules of the ruleset set: what they hold may differ from rule to rule.
    """

    def __init__(self, table: ListedTable, scene: Scene, changed: Collection[str]) -> None:
        self.table, self.scene, self.changed = table, scene, changed
        self.known: dict[Match, Condition] = {}
        self.sets: dict[tuple[str, Domain], Ranges | None] = {}

    def match(self, match: Match, place: str) -> Condition:
        """What a comparison holds; `place` names the rule, for what is not the same in the next. Raises TooWide."""
        found = self.known.get(match)
        if found is None:
            found = self.known[match] = self._match(match)
        if self._is_fleeting(match):
            return Condition(_renamed(found.terms, place), _renamed(found.unless, place))
        return found

    def _is_fleeting(self, match: Match) -> bool:
        keys = list(keys_of(match.left))
        if (
            not _is_known(match.left)
            or any(key.kind == "numgen" for key in keys)
            or any(key.text == "meta random" for key in keys)
        ):
            return True
        if isinstance(match.right, Reference) and self._is_filled(match.right):
            return True
        return bool(self.changed) and any(key.text in self.changed for key in keys)

    def _is_filled(self, reference: Reference) -> bool:
        found = self.table.sets.get(reference.name)
        return found is None or found.is_filled

    def _match(self, match: Match) -> Condition:
        left, right, operator = match.left, match.right, match.operator
        if self.changed and any(key.text in self.changed for key in keys_of(left)):
            return self._bounded(match)
        if isinstance(right, Reference) and self._is_filled(right):
            return self._bounded(match)
        if isinstance(left, Concat):
            return self._concat(match, left)
        if isinstance(left, Binary):
            return self._masked(match, left)
        if not isinstance(left, Key):
            return self._bounded(match)
        own = field(left, self.scene)
        if own is None:
            return self._worded(match, left)
        numbers = self._compared(own, right, operator)
        return self._bounded(match) if numbers is None else Condition(own.holds(numbers, self.scene))

    def _compared(self, own: Field, right: Expression, operator: str) -> Ranges | None:
        """The numbers of a field for which the comparison holds."""
        top = own.domain.top
        if operator in ("in", "!"):
            bits = own.domain.number(right)
            if bits is None or not own.values:
                return None
            wanted = operator == "in"
            return _listed(value for value in own.values if bool(value & bits) is wanted)
        given = self.ranges(right, own.domain)
        if given is None:
            return None
        if operator in ("==", "!="):
            return given if operator == "==" else complement(given, top)
        if len(given) != 1 or given[0][0] != given[0][1]:
            return None
        number = given[0][0]
        below = ((0, number - 1),) if number else ()
        upto = ((0, number),)
        return {
            "<": below,
            "<=": upto,
            ">": complement(upto, top),
            ">=": complement(below, top),
        }[operator]

    def ranges(self, right: Expression, domain: Domain) -> Ranges | None:
        """The numbers that a constant or a set stands for; None if one of them is not known."""
        if isinstance(right, Reference):
            key = right.name, domain
            if key not in self.sets:
                found = self.table.sets[right.name]
                listed = [row[0] for row in found.rows] if found.is_map else list(found.members)
                self.sets[key] = _union(listed, domain)
            return self.sets[key]
        if isinstance(right, Elements):
            return _union(right.members, domain)
        if isinstance(right, Pairs):
            return _union([row[0] for row in right.rows], domain)
        return domain.ranges(right)

    def _bounded(self, match: Match) -> Condition:
        """A comparison of which only this is known: what it looks at is there."""
        inside = self.presence(match.left)
        if match.operator in ("!=", "!"):
            plain = Match("in" if match.operator == "!" else "==", match.left, match.right)
            text = self._text(plain)
            missing = [f"{key.text} present" for key in keys_of(match.left) if may_break(key)]
            if not _is_known(match.left):
                missing.append(f"{say(match.left)} present")
            holds = tuple(sorted({(text, False), *((name, True) for name in missing)}))
            return Condition(both(inside, ((ALWAYS[0][0], holds),), self.scene.family))
        return Condition(both(inside, literal(self._text(match)), self.scene.family))

    def _text(self, match: Match) -> str:
        text = say_match(match)
        return f"{text} of {self.table.title}" if "@" in text and _has_reference(match.right) else text

    def presence(self, expression: Expression) -> Terms:
        """The packets that have what an expression looks at, as far as boxes can say it."""
        terms = ALWAYS
        for key in keys_of(expression):
            own = field(key, self.scene)
            numbers = None if own is None or key.text.startswith("th ") else own.domain.top
            inside = around(key, self.scene)
            if own is not None and numbers is not None and key.kind == "payload" and key.text not in _NUMBERED:
                inside = both(inside, own.holds(((0, numbers),), self.scene), self.scene.family)
            terms = both(terms, inside, self.scene.family)
        return terms

    def _worded(self, match: Match, key: Key) -> Condition:
        """A key whose constants are words: one literal for each, so that rules about the same know of each other."""
        right, operator = match.right, match.operator
        inside = around(key, self.scene)
        if isinstance(right, Truth):
            wanted = right.value is (operator != "!=")
            return Condition(both(inside, literal(f"{key.text} exists", wanted), self.scene.family))
        listed = self._elements(right)
        if operator not in ("==", "!=") or listed is None or len(listed) > _FEW or not all(map(_is_plain, listed)):
            return self._bounded(match)
        texts = sorted({short(f"{key.text} {say(one)}") for one in listed})
        if operator == "==":
            terms: Terms = tuple((ALWAYS[0][0], ((text, True),)) for text in texts)
        else:
            missing = [(f"{key.text} present", True)] if may_break(key) else []
            terms = ((ALWAYS[0][0], tuple(sorted([*((text, False) for text in texts), *missing]))),)
        return Condition(both(inside, terms, self.scene.family))

    def _elements(self, right: Expression) -> Sequence[Expression] | None:
        if isinstance(right, Elements):
            return right.members
        if isinstance(right, Reference):
            found = self.table.sets[right.name]
            return [row[0] for row in found.rows] if found.is_map else found.members
        return (right,)

    def _masked(self, match: Match, left: Binary) -> Condition:
        """Bits of a key compared: decided by trying every number, or as the ranges that share the masked bits."""
        keys = list(keys_of(left))
        own = field(keys[0], self.scene) if len(keys) == 1 else None
        if own is None:
            return self._bounded(match)
        numbers = self._tried(own, match) if own.values else self._preimage(own, match, left)
        return self._bounded(match) if numbers is None else Condition(own.holds(numbers, self.scene))

    def _tried(self, own: Field, match: Match) -> Ranges | None:
        wide = Field(own.domain, own.holds)
        bits = own.domain.number(match.right) if match.operator in ("in", "!") else None
        wanted = None if bits is not None else self._compared(wide, match.right, match.operator)
        if bits is None and wanted is None:
            return None
        held = []
        for value in own.values:
            number = _evaluated(match.left, value, own.domain)
            if number is None:
                return None
            if bits is not None:
                holds = bool(number & bits) is (match.operator == "in")
            else:
                holds = wanted is not None and any(low <= number <= high for low, high in wanted)
            if holds:
                held.append(value)
        return _listed(held)

    def _preimage(self, own: Field, match: Match, left: Binary) -> Ranges | None:
        mask = own.domain.number(left.right)
        if left.operator != "&" or not isinstance(left.left, Key) or mask is None:
            return None
        given = self.ranges(match.right, own.domain) if match.operator in ("==", "!=") else None
        held = _behind(mask, given, own.domain.top)
        if held is None:
            return None
        return held if match.operator == "==" else complement(held, own.domain.top)

    def _concat(self, match: Match, left: Concat) -> Condition:
        listed = self._elements(match.right)
        if listed is None or match.operator not in ("==", "!="):
            return self._bounded(match)
        if not self.presence(left):
            return Condition(NEVER)
        rows = self.rows(left, listed)
        if rows is None:
            return self._bounded(match)
        terms = self.products(left, rows)
        if match.operator == "==":
            return Condition(terms)
        if any(literals for _, literals in terms):
            return self._bounded(match)
        whole = self.presence(left)
        for part in left.parts:
            own = field(part, self.scene) if isinstance(part, Key) else None
            if own is not None:
                whole = both(whole, own.holds(((0, own.domain.top),), self.scene), self.scene.family)
        return Condition(whole, terms)

    def rows(self, left: Expression, listed: Sequence[Expression]) -> list[Row] | None:
        """The elements of a set by the parts of its key; None if one of them has another shape."""
        keys = left.parts if isinstance(left, Concat) else (left,)
        fields = [self._looked_at(key) for key in keys]
        known: list[dict[Expression, Ranges | str]] = [{} for _ in keys]
        out: list[Row] = []
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
                        ranges = _behind(mask, ranges, own.domain.top)
                        if ranges is None:
                            return None
                        if not ranges:  # no number has these bits under the mask: the element is never found
                            break
                    if ranges is None and not _is_plain(part):
                        return None
                    read = known[place][part] = say(part) if ranges is None else ranges
                row.append(read)
            else:
                out.append(tuple(row))
        return out

    def _looked_at(self, key: Expression) -> tuple[Field | None, int | None]:
        """The field of a part of a key, and the mask under which it is looked at, if it is."""
        if isinstance(key, Key):
            return field(key, self.scene), None
        if isinstance(key, Binary) and key.operator == "&" and isinstance(key.left, Key):
            own = field(key.left, self.scene)
            mask = None if own is None or own.values else own.domain.number(key.right)
            if mask is not None:
                return own, mask
        return None, None

    def products(self, left: Expression, rows: Iterable[Row]) -> Terms:
        """The packets whose key is in one of the rows. Raises TooWide."""
        if not self.presence(left):
            return NEVER
        keys = left.parts if isinstance(left, Concat) else (left,)
        known: list[dict[Ranges | str, Terms]] = [{} for _ in keys]
        tails: dict[Row, Terms] = {}
        out: dict[Term, None] = {}
        for row in _folded(list(rows)):
            head, rest = row[0], row[1:]
            tail = tails.get(rest)
            if tail is None:
                tail = ALWAYS
                for place, part in enumerate(rest, 1):
                    tail = both(tail, self._remembered(known, keys, place, part), self.scene.family)
                tails[rest] = tail
            out.update(dict.fromkeys(both(self._remembered(known, keys, 0, head), tail, self.scene.family)))
        return tuple(out)

    def _remembered(
        self, known: list[dict[Ranges | str, Terms]], keys: Sequence[Expression], place: int, part: Ranges | str
    ) -> Terms:
        found = known[place].get(part)
        if found is None:
            found = known[place][part] = self._part(keys[place], part)
        return found

    def _part(self, key: Expression, part: Ranges | str) -> Terms:
        own, _ = self._looked_at(key)
        if own is not None and not isinstance(part, str):
            return own.holds(part, self.scene)
        text = part if isinstance(part, str) else str(part)
        return both(self.presence(key), literal(short(f"{say(key)} {text}")), self.scene.family)


def _behind(mask: int, given: Ranges | None, top: int) -> Ranges | None:
    """The numbers that are one of these under a mask; None if they are not known, or too many ranges."""
    if given is None or sum(high - low for low, high in given) > 64:
        return None
    out: list[tuple[int, int]] = []
    for number in (number for low, high in given for number in range(low, high + 1)):
        found = _sharing(mask, number, top)
        if found is None or len(out) + len(found) > _MOST_RANGES:
            return None
        out += found
    return union(tuple(sorted(out)))


_FEW = 64
_NUMBERED = frozenset(
    {"ip ttl", "ip6 hoplimit", "ip length", "ip id", "ip frag-off", "ip dscp", "ip6 dscp", "ip ecn", "ip6 ecn"}
    | {"ip6 length", "udp length", "esp spi", "ah spi"}
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
        case _ if hasattr(expression, "key"):
            yield from keys_of(expression.key)


def _is_known(left: Expression) -> bool:
    """Whether an expression is made of keys and constants only; what else it is may be anything, each time."""
    match left:
        case Concat(parts):
            return all(map(_is_known, parts))
        case Binary(_, one, other):
            return _is_known(one) and (_is_known(other) or isinstance(other, Number | Word | Flags))
        case _:
            return isinstance(left, Key)


def _renamed(terms: Terms, place: str) -> Terms:
    return tuple((box, tuple((f"{text} ({place})", wanted) for text, wanted in literals)) for box, literals in terms)


def _is_plain(expression: Expression) -> bool:
    return not isinstance(expression, Binary | Elements | Pairs | Reference | Key)


def _has_reference(right: Expression) -> bool:
    return isinstance(right, Reference)


def _listed(values: Iterable[int]) -> Ranges:
    return union(tuple((value, value) for value in values))


def _union(listed: Sequence[Expression], domain: Domain) -> Ranges | None:
    out: list[tuple[int, int]] = []
    for one in listed:
        found = domain.ranges(one)
        if found is None:
            return None
        out += found
    return union(tuple(out))


def _evaluated(expression: Expression, value: int, domain: Domain) -> int | None:
    """The number of an expression where its key has this value."""
    if isinstance(expression, Key):
        return value
    if isinstance(expression, Binary):
        left, right = _evaluated(expression.left, value, domain), _evaluated(expression.right, value, domain)
        if left is None or right is None:
            return None
        match expression.operator:
            case "&":
                return left & right
            case "|":
                return left | right
            case "^":
                return left ^ right
            case _:
                return None
    return domain.number(expression)


def _sharing(mask: int, number: int, top: int) -> list[tuple[int, int]] | None:
    """The numbers that have these bits under a mask, as ranges; None if they are too many."""
    if number & ~mask:
        return []
    width = top.bit_length()
    low_free = 0
    while low_free < width and not mask >> low_free & 1:
        low_free += 1
    holes = [bit for bit in range(low_free, width) if not mask >> bit & 1]
    if 1 << len(holes) > _MOST_RANGES:
        return None
    starts = [number]
    for bit in holes:
        starts += [start | 1 << bit for start in starts]
    return [(start, start | (1 << low_free) - 1) for start in sorted(starts)]


def _folded(rows: Sequence[Row]) -> list[Row]:
    """The same rows in fewer: those that differ in one part only become one. O(passes x parts x n)."""
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
