"""What is odd in a ruleset: rules that decide nothing, chains that nothing reaches, objects that nothing names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from firewright.analysis.rulebook import Key, Rulebook, Thing
from firewright.analysis.rulewise import DEAD, Judgement, Rulewise
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.reports._anomalies import FINDINGS, Anomalies, Oddity, PlacedRule, sentence
from firewright.source import NOWHERE, Source, Span
from firewright.space.budget import Undecided
from firewright.workflows.rulebooks.specimen import Specimen, specimen_in
from firewright.workflows.selection import Saying, silent

PAIRS = 5_000
"""Overlaps of rules that are looked at."""
WITNESSES = 200
"""Pairs that are shown with a packet."""
_MOST_BY, _LONGEST = 3, 300


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


def odd_rules(given: Source | str, report: Report, saying: Saying = silent) -> Iterator[Diagnostic]:
    """What is odd in a ruleset's rules as notes of an audit, pairs left out; where they cannot be judged, a note that says why."""
    own = Report()
    specimen = specimen_in(given, own, saying)
    if specimen is None or not can_be_judged(specimen, own):
        said = [one.message for one in own.diagnostics if one.severity is Severity.ERROR]
        yield Diagnostic("not-judged", Severity.NOTE, said[0] if said else "rules cannot be judged one by one")
        return
    report.sources.update(own.sources)
    saying("judging each rule")
    book = specimen.book
    oddities = [oddity(one, book, specimen.places) for one in Rulewise(book).judgements()]
    oddities += (Oddity("unreachable", thing_rule(Thing("chain", *place))) for place in sorted(_without_rules(book)))
    oddities += (Oddity("unused", thing_rule(one)) for one in specimen.unused(()))
    found = [_note(one) for one in oddities if not one.stays]
    yield from sorted(found, key=lambda one: FINDINGS.index(one.name) if one.name in FINDINGS else -1)


def _note(one: Oddity) -> Diagnostic:
    """An oddity as a finding: where it is, what is said of it, its words, and the rules that cause it."""
    words = f": {harmless(one.rule.text, _LONGEST)}" if one.rule.text else ""
    notes = [Note(f"by {harmless(f'{rule.place}: {rule.text}', _LONGEST)}", rule.at) for rule in one.by[:_MOST_BY]]
    left = len(one.by) - len(notes)
    notes += [Note(f"and by {left} more")] if left > 0 else []
    if one.kind == "shadowed" and one.differs:
        name = "shadowed-rule"
    elif one.kind in ("shadowed", "redundant"):
        name = "needless-rule"
    elif one.kind == "unused":
        name = "unused-object"
    elif one.kind == "undecided":
        name = "not-judged"
    else:
        name = "unreachable-rule"
    help_ = "firewright tidy proposes the smaller ruleset" if name in FINDINGS else ""
    message = f"{harmless(one.rule.place)}: {sentence(one)}{words}"
    return Diagnostic(name, Severity.NOTE, message, one.rule.at, tuple(notes), one.witness, help_)


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
