"""A ruleset without what decides nothing: the smaller text, proved to do the same with every packet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from firewright.analysis.rulebook import Key, Rulebook, Thing, marked
from firewright.analysis.rulewise import Kind, Rulewise
from firewright.analysis.same import first_otherwise
from firewright.diagnostic import Report, harmless
from firewright.reports._tidy import Gone, Tidied
from firewright.source import Source
from firewright.space.budget import Undecided
from firewright.workflows.anomalies import can_be_judged, placed, thing_rule
from firewright.workflows.rulebooks.specimen import CannotEdit, Specimen, specimen_in
from firewright.workflows.selection import Saying, silent

_WHY = {
    Kind.UNREACHABLE: "no base chain comes to its chain",
    Kind.BEHIND_FINAL: "an earlier rule lets no packet come so far",
    Kind.IMPOSSIBLE: "no packet that comes to its chain matches it",
    Kind.SHADOWED: "earlier rules take all of its packets",
}
_REDUNDANT = "without it each of its packets is decided the same"


def tidy(given: Source | str, report: Report, saying: Saying = silent) -> Tidied | None:
    """The smaller ruleset and its text, or None after saying in the report why there is none.

    Left out are rules to which no packet comes, whatever they do; rules without which every packet is decided the same and
    meets the same effects; then chains that nothing calls and objects that nothing names. The text is read again, and its
    meaning compared with the old one: in what they decide of every packet of both families in every state, and in which
    packets come to each effect.
    """
    specimen = specimen_in(given, report, saying)
    if specimen is None or not can_be_judged(specimen, report):
        return None
    try:
        return _tidied(specimen, report, saying)
    except Undecided as error:
        report.error("undecided", f"not proved: {harmless(str(error))}", help="tidy the part that matters by hand")
    except CannotEdit as error:
        report.error("cannot-tidy", f"{harmless(specimen.source.path)}: {harmless(str(error))}")
    return None


def _tidied(specimen: Specimen, report: Report, saying: Saying) -> Tidied:
    book = specimen.book
    saying("judging each rule")
    why: dict[Key, str] = {}
    stays: dict[Key, str] = {}
    is_open = True
    while is_open:
        stays = _judged(specimen, why)
        is_open = _calls_of_nothing(book, why)
    chains = _uncalled(book, why)
    gone = frozenset(why)
    saying("proving that it does the same")
    _prove(book, specimen.without(gone), gone)
    things = (*chains, *specimen.unused(gone))
    saying("reading the smaller text")
    after, note = specimen.edited(gone, things) if gone or things else (specimen.source.text, "")
    return Tidied(
        specimen.source.path,
        specimen.source.text,
        after,
        len(book.facts),
        (
            *(Gone(placed(key, book, specimen.places), why[key]) for key in book.facts if key in why),
            *(
                Gone(thing_rule(one), "nothing calls it" if one.kind == "chain" else "no rule names it")
                for one in things
            ),
        ),
        tuple(Gone(placed(key, book, specimen.places), said) for key, said in stays.items() if key not in why),
        report.sources,
        note,
    )


def _judged(specimen: Specimen, why: dict[Key, str]) -> dict[Key, str]:
    """Let go, after those that are gone, of rules to which no packet comes, then of those without which nothing changes.

    What decides nothing and cannot go is given back. A call that is gone takes with it what it calls: so what is redundant is
    asked of the ruleset as it is without the dead.
    """
    stays: dict[Key, str] = {}
    rulewise = Rulewise(specimen.without(why) if why else specimen.book)
    dead = dict(_dead(rulewise, why, stays))
    why.update(dead)
    _redundant(Rulewise(specimen.without(why)) if dead else rulewise, why, stays)
    return stays


def _dead(rulewise: Rulewise, why: Collection[Key], stays: dict[Key, str]) -> Iterator[tuple[Key, str]]:
    """The rules to which no packet comes, each with the reason."""
    for key in rulewise.book.facts:
        if key in why:
            continue
        try:
            kind = rulewise.deadness(key)
        except Undecided as error:
            stays[key] = f"it was not decided: {error}"
            continue
        if kind is not None:
            yield key, _WHY[kind]


def _redundant(rulewise: Rulewise, why: dict[Key, str], stays: dict[Key, str]) -> None:
    """Let go of rules without which nothing changes, from the last on, again and again until there is none.

    What decides nothing and cannot go is put among what stays.
    """
    judged = [key for key in rulewise.book.facts if key[:2] in rulewise.book.judged]
    candidates = [key for key in judged if key not in why and key not in stays]
    is_open = True
    while is_open:
        is_open = bool([key for key in reversed(candidates) if _goes(rulewise, key, why, stays)])
        candidates = [key for key in candidates if key not in why and key not in stays]
    for key in candidates:
        if said := rulewise.staying(key):
            stays[key] = said


def _goes(rulewise: Rulewise, key: Key, why: dict[Key, str], stays: dict[Key, str]) -> bool:
    """Let a rule go if it can; whether it could."""
    try:
        is_gone = rulewise.removable(key)
    except Undecided as error:
        stays[key] = f"it was not decided: {error}"
        return False
    if is_gone:
        rulewise.let_go(key)
        why[key] = _REDUNDANT
    return is_gone


def _calls_of_nothing(book: Rulebook, why: dict[Key, str]) -> bool:
    """Let go of calls of chains in which nothing is left, as long as there are some; whether there were any."""
    before = len(why)
    while True:
        filled = {key[:2] for key in book.facts if key not in why}
        found = [
            key
            for key, fact in book.facts.items()
            if key not in why
            and key[:2] in book.judged
            and fact.is_only_call
            and not fact.effects
            and not any((key[0], called) in filled for called in fact.calls)
        ]
        if not found:
            return len(why) > before
        why.update(dict.fromkeys(found, "nothing is left in the chain that it calls"))


def _uncalled(book: Rulebook, why: dict[Key, str]) -> tuple[Thing, ...]:
    """The chains that nothing calls any more; what is left in them goes with them."""
    chains: dict[tuple[str, str], None] = dict.fromkeys((*(key[:2] for key in book.facts), *sorted(book.callable)))
    left = {place for place in chains if place in book.callable}
    while True:
        called = {
            (key[0], name)
            for key, fact in book.facts.items()
            if key not in why and (key[:2] not in book.callable or key[:2] in left)
            for name in fact.calls
        }
        lost = {place for place in left if place not in called}
        if not lost:
            break
        left -= lost
        why.update(
            dict.fromkeys((key for key in book.facts if key[:2] in lost and key not in why), _WHY[Kind.UNREACHABLE])
        )
    return tuple(Thing("chain", *place) for place in chains if place in book.callable and place not in left)


def _prove(before: Rulebook, after: Rulebook, gone: Collection[Key]) -> None:
    """Make sure that a rulebook does the same without some rules. AssertionError if not: each was found to be needless before."""
    news = dict(after.programs)
    for title, program in before.programs:
        old = marked(title, program, before.facts)
        new = marked(title, news[title], after.facts) if title in news else None
        if (found := first_otherwise(old, new, gone)) is not None:
            raise AssertionError(f"{title}: the smaller ruleset does something else with {found}")
