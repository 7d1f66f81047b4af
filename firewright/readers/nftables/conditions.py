"""A comparison -> Condition: exact where the key is an axis, bounded by literals where it is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from firewright.model.interval import Ranges, complement, union
from firewright.readers.nftables.domains import TIME, Domain
from firewright.readers.nftables.expressions import short
from firewright.readers.nftables.fields import Field, Scene, around, field, is_unsaid, may_break
from firewright.readers.nftables.keys import is_known, is_plain, keys_of
from firewright.readers.nftables.masks import behind, evaluated
from firewright.readers.nftables.rows import Products, Row, presence, rows_of
from firewright.readers.nftables.terms import (
    ALWAYS,
    NEVER,
    Condition,
    Terms,
    both,
    literal,
)
from firewright.readers.nftables.tree import (
    Binary,
    Concat,
    Elements,
    Expression,
    Key,
    ListedTable,
    Match,
    Pairs,
    Reference,
    Truth,
    Word,
)
from firewright.readers.nftables.wording import say, say_match

CATCH_ALL = Word("*")
"""The element of a set or map that every key is in which no other element has."""


class Conditions:
    """Reads the comparisons of one table in one scene; remembers what it has read.

    `changed` are the keys that rules of the ruleset set: what they hold may differ from rule to rule.
    """

    def __init__(self, table: ListedTable, scene: Scene, changed: Collection[str]) -> None:
        self.table, self.scene, self.changed = table, scene, changed
        self.known: dict[Match, tuple[Condition, bool]] = {}
        """What each comparison holds, and whether that differs from rule to rule."""
        self.catching: dict[str, bool] = {}
        self.sets: dict[tuple[str, Domain], Ranges | None] = {}
        self.products: dict[Expression, Products] = {}

    def match(self, match: Match, place: str) -> Condition:
        """What a comparison holds; `place` names the rule, for what is not the same in the next. Raises TooWide."""
        known = self.known.get(match)
        if known is None:
            known = self.known[match] = self._caught(match) or self._match(match), self._is_fleeting(match)
        found, is_fleeting = known
        return Condition(_renamed(found.terms, place), _renamed(found.unless, place)) if is_fleeting else found

    def _caught(self, match: Match) -> Condition | None:
        """A set with a catch-all: every key is in it, and the rule needs no more than what the key looks at."""
        if isinstance(match.right, Reference):
            name = match.right.name
            if name not in self.catching:
                self.catching[name] = CATCH_ALL in (self._elements(match.right) or ())
            is_caught = self.catching[name]
        else:
            is_caught = CATCH_ALL in (self._elements(match.right) or ())
        if not is_caught or match.operator not in ("==", "!="):
            return None
        return Condition(presence(match.left, self.scene) if match.operator == "==" else NEVER)

    def _is_fleeting(self, match: Match) -> bool:
        keys = list(keys_of(match.left))
        if not is_known(match.left) or any(key.kind == "numgen" or key.text == "meta random" for key in keys):
            return True
        if isinstance(match.right, Reference) and self._is_filled(match.right):
            return True
        return self._is_changed(match.left) or self._is_unsaid(match.left)

    def _is_changed(self, expression: Expression) -> bool:
        return bool(self.changed) and any(key.text in self.changed for key in keys_of(expression))

    def _is_unsaid(self, expression: Expression) -> bool:
        return any(is_unsaid(key, self.scene) for key in keys_of(expression))

    def _is_filled(self, reference: Reference) -> bool:
        found = self.table.sets.get(reference.name)
        return found is None or found.is_filled

    def _match(self, match: Match) -> Condition:
        left, right, operator = match.left, match.right, match.operator
        if self._is_changed(left):
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
        inside = presence(match.left, self.scene)
        if match.operator in ("!=", "!"):
            plain = Match("in" if match.operator == "!" else "==", match.left, match.right)
            text = self._text(plain)
            missing = [f"{key.text} present" for key in keys_of(match.left) if may_break(key)]
            if not is_known(match.left):
                missing.append(f"{say(match.left)} present")
            holds = tuple(sorted({(text, False), *((name, True) for name in missing)}))
            return Condition(both(inside, ((ALWAYS[0][0], holds),), self.scene.family))
        return Condition(both(inside, literal(self._text(match)), self.scene.family))

    def _text(self, match: Match) -> str:
        text = say_match(match)
        return f"{text} of {self.table.title}" if "@" in text and _has_reference(match.right) else text

    def _worded(self, match: Match, key: Key) -> Condition:
        """A key whose constants are words: one literal for each, so that rules about the same know of each other."""
        right, operator = match.right, match.operator
        inside = around(key, self.scene)
        if isinstance(right, Truth):
            wanted = right.value is (operator != "!=")
            return Condition(both(inside, literal(f"{key.text} exists", wanted), self.scene.family))
        listed = self._elements(right)
        if operator not in ("==", "!=") or listed is None or len(listed) > _FEW or not all(map(is_plain, listed)):
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
        if isinstance(right, Pairs):
            return [key for key, _ in right.rows]
        if isinstance(right, Reference):
            found = self.table.sets.get(right.name)
            if found is None:
                return None
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
            number = evaluated(match.left, value, own.domain)
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
        if left.operator != "&" or not isinstance(left.left, Key) or mask is None or own.domain is TIME:
            return None
        given = self.ranges(match.right, own.domain) if match.operator in ("==", "!=") else None
        held = behind(mask, given, own.domain.top)
        if held is None:
            return None
        return held if match.operator == "==" else complement(held, own.domain.top)

    def _concat(self, match: Match, left: Concat) -> Condition:
        listed = self._elements(match.right)
        if listed is None or match.operator not in ("==", "!="):
            return self._bounded(match)
        if not presence(left, self.scene):
            return Condition(NEVER)
        rows = rows_of(left, listed, self.scene)
        if rows is None:
            return self._bounded(match)
        terms = self._products(left).of(row for row in rows if row is not None)
        if match.operator == "==":
            return Condition(terms)
        if any(literals for _, literals in terms):
            return self._bounded(match)
        whole = presence(left, self.scene)
        for part in left.parts:
            own = field(part, self.scene) if isinstance(part, Key) else None
            if own is not None:
                whole = both(whole, own.holds(((0, own.domain.top),), self.scene), self.scene.family)
        return Condition(whole, terms)

    def looked_up(self, key: Expression, rows: Iterable[Row], place: str) -> Terms | None:
        """The packets whose key is in one of these rows of a map, as the rule at this place sees it. Raises TooWide.

        None if other rules write to the key, so that it may have any value.
        """
        terms = self._products(key).of(rows)
        if not self._is_changed(key):
            return _renamed(terms, place) if self._is_unsaid(key) else terms
        return _renamed(terms, place) if all(literals for _, literals in terms) else None

    def _products(self, key: Expression) -> Products:
        found = self.products.get(key)
        if found is None:
            found = self.products[key] = Products(key, self.scene)
        return found


_FEW = 64


def _renamed(terms: Terms, place: str) -> Terms:
    return tuple((box, tuple((f"{text} ({place})", wanted) for text, wanted in literals)) for box, literals in terms)


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
