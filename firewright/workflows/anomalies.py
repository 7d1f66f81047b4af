"""What is odd in a ruleset: rules that decide nothing, chains that nothing reaches, objects that nothing names."""

from __future__ import annotations

from collections.abc import Mapping

from firewright.analysis.rulebook import Key, Rulebook, Thing
from firewright.analysis.rulewise import DEAD, Judgement, Rulewise
from firewright.diagnostic import Report, harmless
from firewright.reports._anomalies import Anomalies, Oddity, PlacedRule
from firewright.source import NOWHERE, Source, Span
from firewright.space.budget import Undecided
from firewright.workflows.rulebooks.specimen import Specimen, specimen_in
from firewright.workflows.selection import Saying, silent

PAIRS = 5_000
"""Overlaps of rules that are looked at."""
WITNESSES = 200
"""Pairs that are shown with a packet."""


def anomalies_of(given: Source | str, report: Report, saying: Saying = silent) -> Anomalies | None:
    """Everything odd in a ruleset's rules, each judged with all others in place; None after saying why there is no answer.

    Exact: over every packet of both families, in every state. Of a match that is not understood only what holds however it
    is read. What was too much work for one rule is said of that rule.
    """
    specimen = specimen_in(given, report, saying)
    if specimen is None or not can_be_judged(specimen, report):
        return None
    saying("judging each rule")
    rulewise = Rulewise(specimen.book)
    judgements = rulewise.judgements()
    dead = {one.rule for one in judgements if one.kind in DEAD}
    saying("looking at pairs")
    try:
        pairs, left = rulewise.pairs(dead, PAIRS, WITNESSES)
    except Undecided as error:
        report.error("undecided", f"pairs of rules: {harmless(str(error))}")
        return None
    book = specimen.book
    oddities = [oddity(one, book, specimen.places) for one in (*judgements, *pairs)]
    oddities += (Oddity("unreachable", thing_rule(Thing("chain", *place))) for place in sorted(_without_rules(book)))
    oddities += (Oddity("unused", thing_rule(one)) for one in specimen.unused(()))
    not_judged = sum(key[:2] not in book.judged and key[:2] not in book.idle for key in book.facts)
    return Anomalies(book.path, len(book.facts), not_judged, tuple(oddities), left, report.sources)


def can_be_judged(specimen: Specimen, report: Report) -> bool:
    """Whether rules can be judged one by one; if not the report says why."""
    if specimen.book.unsure:
        said = harmless(specimen.book.unsure)
        report.error("not-judged", f"{harmless(specimen.book.path)}: rules cannot be judged one by one: {said}")
        return False
    return True


def oddity(judgement: Judgement, book: Rulebook, places: Mapping[Key, Span]) -> Oddity:
    """A judgement as it is reported."""
    return Oddity(
        judgement.kind.value if judgement.kind is not None else "undecided",
        placed(judgement.rule, book, places),
        tuple(placed(one, book, places) for one in judgement.by),
        judgement.differs,
        judgement.is_fewest,
        judgement.needed_for,
        "" if judgement.packet is None else str(judgement.packet),
        judgement.undecided,
    )


def placed(key: Key, book: Rulebook, places: Mapping[Key, Span]) -> PlacedRule:
    """A rule, or a chain's policy, as it is reported."""
    fact = book.facts.get(key)
    if fact is None:
        return PlacedRule(f"{key[0]} {key[1]} policy", "")
    at = places.get(key, fact.line.at)
    return PlacedRule(fact.line.place, fact.line.text, at if at.line else NOWHERE)


def thing_rule(thing: Thing) -> PlacedRule:
    """An object as it is reported."""
    return PlacedRule(f"{thing.table} {thing.kind} {thing.name}", "")


def _without_rules(book: Rulebook) -> set[tuple[str, str]]:
    """Chains that no base chain reaches, and that have no rule of which it could be said."""
    return set(book.idle) - {key[:2] for key in book.facts}
