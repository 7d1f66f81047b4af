"""A rule -> steps: what becomes of which packets, in one scene, before chains are put together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from firewright.model.interval import Ranges
from firewright.readers.nftables.conditions import CATCH_ALL, Conditions
from firewright.readers.nftables.keys import keys_of
from firewright.readers.nftables.rows import Row, presence, rows_of
from firewright.readers.nftables.terms import ALWAYS, NEVER, Condition, Terms, TooWide, both, literal
from firewright.readers.nftables.tree import (
    Decide,
    Effect,
    Expression,
    Fill,
    Gate,
    Handover,
    ListedRule,
    Looked,
    Match,
    Pairs,
    Reference,
    Statement,
    Translate,
    Verdict,
    VerdictMap,
)
from firewright.readers.nftables.wording import say

FINAL = ("accept", "drop", "reject")


@dataclass(frozen=True, slots=True)
class Step:
    """Packets in one of the terms and in none under `unless` meet this verdict; `rule` is the number of the rule behind it."""

    terms: Terms
    unless: Terms
    verdict: Verdict
    rule: int


class Reading:
    """One rule being read: the packets that are still in it, and the steps so far."""

    def __init__(self, conditions: Conditions, number: int, place: str) -> None:
        self.conditions, self.number, self.place = conditions, number, place
        self.family = conditions.scene.family
        self.terms: Terms = ALWAYS
        self.unless: Terms = ()
        self.steps: list[Step] = []
        self.refused = ""

    def rule(self, rule: ListedRule) -> list[Step]:
        """The steps of a rule; one that cannot be read may do anything."""
        try:
            if rule.refused:
                raise TooWide(rule.refused)
            for statement in rule.statements:
                if not self.terms:
                    break
                self.statement(statement)
        except TooWide as why:
            self.refused = str(why)
            self.terms, self.unless, self.steps = ALWAYS, (), []
            self.handed_over("this rule", is_known=False)
        return self.steps

    def statement(self, statement: Statement) -> None:
        """Go on with the next statement: fewer packets stay in the rule, or some are decided."""
        match statement:
            case Match():
                self.only(self.conditions.match(statement, self.place))
            case Decide(verdict):
                if verdict.word != "continue":
                    self.decide(self.terms, verdict)
                    self.terms = ()
            case VerdictMap(key, data):
                self.looked_up(key, data)
            case Effect(text, looks):
                self.effect(text, looks)
            case Fill(element=element, text=text):
                # A set that is full takes no more, and then the rule ends: it may go on or not.
                self.narrow(presence(element, self.conditions.scene))
                self.narrow(literal(f"{text} ({self.place})"))
            case Gate(text):
                self.narrow(literal(f"{text} ({self.place})"))
            case Handover(text, is_known):
                self.handed_over(text, is_known=is_known)
            case Translate():
                # It sets up the connection, and that accepts the packet.
                self.decide(self.terms, Verdict("accept"))
                self.terms = ()

    def narrow(self, terms: Terms) -> None:
        """Keep the packets that are in the terms."""
        self.terms = both(self.terms, terms, self.family)

    def only(self, condition: Condition) -> None:
        """Keep the packets that a condition holds."""
        self.narrow(condition.terms)
        self.unless += condition.unless

    def decide(self, terms: Terms, verdict: Verdict) -> None:
        """Let the packets of the terms that are still in the rule meet a verdict."""
        if terms:
            self.steps.append(Step(terms, self.unless, verdict, self.number))

    def effect(self, text: str, looks: Sequence[Expression]) -> None:
        """Keep the packets that have what a statement reads."""
        for look in looks:
            if any(key.kind != "meta" for key in keys_of(look)):
                self.narrow(presence(look, self.conditions.scene))
            if isinstance(look, Looked):
                # A key that the map does not have ends the rule.
                self.narrow(literal(f"{text} ({self.place})"))

    def handed_over(self, text: str, *, is_known: bool) -> None:
        """Something else decides: it accepts or drops; what is not known may also go on, or end the rule."""
        accepts, drops, goes_on = (literal(f"{text} {what} ({self.place})") for what in ("accepts", "drops", "goes on"))
        self.decide(both(self.terms, accepts, self.family), Verdict("accept"))
        if is_known:
            self.decide(self.terms, Verdict("drop"))
            self.terms = ()
        else:
            self.decide(both(self.terms, drops, self.family), Verdict("drop"))
            self.narrow(goes_on)

    def looked_up(self, key: Expression, data: Expression) -> None:
        """A verdict map: each verdict for the packets whose key has it; the rule ends for keys that it does not have."""
        if not presence(key, self.conditions.scene):
            self.terms = ()
            return
        rows = self.entries(data)
        products = None if rows is None else self.products(key, rows)
        if rows is None or products is None:
            self.handed_over(f"{say(key)} vmap {say(data)} ({self.conditions.table.title})", is_known=False)
            return
        before, going_on = self.terms, NEVER
        for verdict, own_terms in products.items():
            met = both(before, own_terms, self.family)
            if verdict.word == "continue":
                going_on = met
            else:
                self.decide(met, verdict)
        self.terms = going_on
        for verdict in (verdict for one, verdict in rows if one == CATCH_ALL):
            self.caught(both(before, presence(key, self.conditions.scene), self.family), products, verdict)

    def products(self, key: Expression, rows: Sequence[tuple[Expression, Verdict]]) -> dict[Verdict, Terms] | None:
        """The packets whose key a map names, by verdict; None if the map is not understood."""
        named = [(one, verdict) for one, verdict in rows if one != CATCH_ALL]
        listed = rows_of(key, [one for one, _ in named], self.conditions.scene)
        if listed is None or not _are_disjoint(listed, [verdict for _, verdict in named]):
            return None
        by_verdict: dict[Verdict, list[Row]] = {}
        for row, (_, verdict) in zip(listed, named, strict=True):
            if row is not None:
                by_verdict.setdefault(verdict, []).append(row)
        found: dict[Verdict, Terms] = {}
        for verdict, own in by_verdict.items():
            terms = self.conditions.looked_up(key, own, self.place)
            if terms is None:
                return None
            found[verdict] = terms
        return found

    def caught(self, rest: Terms, products: Mapping[Verdict, Terms], verdict: Verdict) -> None:
        """The verdict of a map for every key that it does not name."""
        if verdict.word == "continue":
            self.terms = rest
            self.unless += tuple(term for known, terms in products.items() if known != verdict for term in terms)
        elif rest:
            named = tuple(term for terms in products.values() for term in terms)
            self.steps.append(Step(rest, self.unless + named, verdict, self.number))

    def entries(self, data: Expression) -> list[tuple[Expression, Verdict]] | None:
        """Keys and verdicts of a map; None if packets fill it, or it leads to anything but verdicts."""
        if isinstance(data, Reference):
            found = self.conditions.table.sets.get(data.name)
            listed = None if found is None or found.is_filled or not found.is_map else found.rows
        else:
            listed = data.rows if isinstance(data, Pairs) else None
        if listed is None:
            return None
        out = [(key, value) for key, value in listed if isinstance(value, Verdict)]
        return out if len(out) == len(listed) else None


def _are_disjoint(listed: Sequence[Row | None], of: Sequence[Verdict]) -> bool:
    """Whether no key has two verdicts, as far as that can be seen quickly.

    The kernel takes a concatenation of ranges that lies around one that it has already, and then finds the older of them.
    """
    verdicts: dict[Row, Verdict] = {}
    for row, verdict in zip(listed, of, strict=True):
        if row is not None and verdicts.setdefault(row, verdict) != verdict:
            return False
    if len(set(verdicts.values())) < 2:
        return True
    columns = [set(column) for column in zip(*verdicts, strict=True)]
    if any(len({isinstance(part, str) for part in column}) > 1 for column in columns):
        return False  # a name that is not known may be one of the numbers
    is_apart = [_are_apart(column) for column in columns]
    if all(is_apart):
        return True
    # Those parts first that tell most rows from each other.
    order = sorted(range(len(is_apart)), key=lambda place: not is_apart[place])
    rows = [(tuple(row[place] for place in order), verdict) for row, verdict in verdicts.items()]
    return _agree(rows, 0, [_MOST_COMPARED])


_MOST_COMPARED = 2_000_000


def _are_apart(parts: Collection[Ranges | str]) -> bool:
    """Whether no number is in two of these."""
    ends = sorted(pair for part in parts if not isinstance(part, str) for pair in part)
    return all(one[1] < other[0] for one, other in pairwise(ends))


def _agree(rows: list[tuple[Row, Verdict]], place: int, left: list[int]) -> bool:
    """Whether rows that share a key from a part on have one verdict; False as well where that takes too long to see."""
    left[0] -= len(rows)
    if len({verdict for _, verdict in rows}) < 2:
        return True
    if left[0] < 0 or place == len(rows[0][0]):
        return False
    alike: dict[Ranges | str, list[tuple[Row, Verdict]]] = {}
    for row in rows:
        alike.setdefault(row[0][place], []).append(row)
    if _are_apart(alike):
        return all(_agree(group, place + 1, left) for group in alike.values())
    return all(
        _agree([row for part in group for row in alike[part]], place + 1, left) for group in _shared(alike, left)
    )


def _shared(parts: Iterable[Ranges | str], left: list[int]) -> Iterator[tuple[Ranges | str, ...]]:
    """The parts that are at one number together, once for each number at which one begins; none more when time is up."""
    begun: list[tuple[int, Ranges]] = []
    ranges = [part for part in parts if not isinstance(part, str)]
    for low, high, own in sorted((*pair, part) for part in ranges for pair in part):
        begun = [one for one in begun if one[0] >= low] + [(high, own)]
        left[0] -= len(begun)
        if left[0] < 0:
            yield tuple(parts)
            return
        yield tuple(dict.fromkeys(one for _, one in begun))
    yield from ((part,) for part in parts if isinstance(part, str))
