"""Compare two subjects of any kind: rulesets of any format, policies at one firewall, documents of ports."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from firewright.analysis.contrast import MOST, Change, Contrast, Scope, Side, contrast
from firewright.analysis.subject import Kind, Subject, said_only
from firewright.diagnostic import Report, harmless
from firewright.model.packet import FAMILIES, Family
from firewright.reports._contrast import Contrasted, Decider, Differs
from firewright.source import Source
from firewright.workflows.documents import document_in, document_subject
from firewright.workflows.selection import Saying, Wanted, silent
from firewright.workflows.subject import kind_of, subject_in

_WHAT = {Scope.NEW: "every packet that begins a flow", Scope.ALL: "every packet in every state"}
_SPOKEN = " of which the document can speak,"
_MOST_ALIKE, _MOST_SHOWN = 3, 3


def are_policies(pair: Collection[str | Source], wanted: Wanted, report: Report) -> bool:
    """Whether both are policies, which say more than a ruleset can: what is required, on request, and for how long."""
    return all(kind_of(one, wanted, report) is Kind.POLICY for one in pair)


def compare_subjects(
    before: str | Source,
    after: str | Source,
    wanted: Wanted,
    report: Report,
    *,
    scope: Scope = Scope.NEW,
    families: Collection[Family] = FAMILIES,
    by_rule: bool = False,
    firewall: str = "",
    budget: int = MOST,
    saying: Saying = silent,
) -> Contrasted | None:
    """Every difference between two files of any kind, or None after saying in the report why there is no answer.

    What the budget did not suffice for is `undecided` in it.
    """
    pair = _both(before, after, wanted, report, saying, firewall)
    if report.has_errors() or pair[0] is None or pair[1] is None:
        return None
    for one in pair:
        if one is not None and scope is Scope.ALL and not one.has_states:
            way_out = "name one by --firewall" if one.kind is Kind.POLICY else "compare new flows"
            said = "several firewalls" if one.kind is Kind.POLICY else "no firewall"
            report.error("no-states", f"{harmless(one.name)} has {said}, so it says nothing of states", help=way_out)
    if report.has_errors():
        return None
    saying(f"comparing {pair[0].name} with {pair[1].name}")
    return contrasted(contrast(pair[0], pair[1], scope, families, by_rule=by_rule, budget=budget, telling=saying))


def _both(
    before: str | Source, after: str | Source, wanted: Wanted, report: Report, saying: Saying, firewall: str
) -> list[Subject | None]:
    """Both subjects. Where one is a document its ends are filled in by the options, and by the zones that the other has."""
    given = (before, after)
    written = [kind_of(one, wanted, report) is Kind.DOCUMENT for one in given]
    if sum(written) != 1:
        found = [subject_in(one, wanted, report, saying, firewall) for one in given]
        return [said_only(one) if one is not None and one.kind is Kind.DOCUMENT else one for one in found]
    place = written.index(True)
    read = document_in(given[place], report, saying, wanted.folder)
    if read is None:
        return [None, None]
    asked = {zone.name for zone in read.questions}
    rest = {name: value for name, value in wanted.options.items() if name not in asked}
    other = subject_in(given[1 - place], replace(wanted, options=rest), report, saying, firewall)
    if other is None:
        return [None, None]
    zones = {zone.name: ", ".join(zone.addresses.prefixes()) for zone in other.vocabulary.named_zones if zone.is_filled}
    known = {name: zones[name] for name in asked & zones.keys()} if other.kind is Kind.POLICY else {}
    answers = {name: value for name, value in wanted.options.items() if name in asked}
    found_document = document_subject(given[place], replace(wanted, options={**known, **answers}), report, saying)
    mine = None if found_document is None else said_only(found_document)
    return [mine, other] if place == 0 else [other, mine]


def contrasted(found: Contrast) -> Contrasted:
    """A comparison in words."""
    unread = tuple(one for subject in (found.before, found.after) for one in _unread(subject))
    return Contrasted(
        _name(found.before),
        _name(found.after),
        (found.before.kind.value, found.after.kind.value),
        _WHAT[found.scope] + (_SPOKEN if Kind.DOCUMENT in (found.before.kind, found.after.kind) else ""),
        found.families,
        tuple(map(_differs, found.changes)),
        found.is_equivalent and not unread,
        (*_uncompared(found), *unread),
        tuple(_notes(found)),
        tuple(undecided_words(found)),
    )


def _name(subject: Subject) -> str:
    return "standard input" if subject.path == "-" else subject.path or subject.name


def _differs(change: Change) -> Differs:
    before, after = _decider(change.before), _decider(change.after)
    return Differs(change.sort.value, change.is_certain, change.lines, str(change.example), before, after, change.pairs)


def _decider(side: Side) -> Decider:
    place = side.place
    unknown = tuple(f"{line.place}: {', '.join(line.unknown) or line.refused or line.text}" for line in side.unknown)
    return Decider(side.word, place.firewall, place.words, place.at, unknown)


def _uncompared(found: Contrast) -> Iterator[str]:
    for family, name in found.uncompared:
        other = f", --family {10 - family} compares the rest alone" if found.families else ""
        yield f"IPv{family}: {name} says nothing of it{other}"


def undecided_words(found: Contrast) -> Iterator[str]:
    """What the budget did not suffice for, in sentences."""
    if found.untold:
        many = found.untold > 1
        which = (
            f"{found.untold} parts of the question differ and are" if many else "1 part of the question differs and is"
        )
        yield f"{which} told by an example alone: the budget of {found.budget} was spent"
    if found.unasked:
        words = found.unasked_words
        shown = "; ".join(map(str, words[:_MOST_SHOWN]))
        rest = f"; and {len(words) - _MOST_SHOWN} more" if len(words) > _MOST_SHOWN else ""
        yield f"whether these differ: {shown}{rest}: the budget of {found.budget} was spent"


def _unread(subject: Subject) -> Iterator[str]:
    """The rows of a document that are no part of what it is taken to say."""
    if subject.kind is Kind.DOCUMENT:
        for line in subject.bounded:
            yield f"{line.at}: {line.text}: {line.refused or ', '.join(line.unknown)}"


def _notes(found: Contrast) -> Iterator[str]:
    if found.alike:
        many = len(found.alike) > 1
        which = f"{len(found.alike)} conditions" if many else "1 condition"
        yield f"{which} that both have by the same rule {'are' if many else 'is'} read alike: {', '.join(found.alike[:_MOST_ALIKE])}"
    for subject in (found.before, found.after):
        yield from _of_translations(subject)


def _of_translations(subject: Subject) -> Iterator[str]:
    if subject.translations:
        count = len(subject.translations)
        change = "1 rule changes" if count == 1 else f"{count} rules change"
        yield f"{subject.name}: {change} addresses or ports (NAT); compared is what becomes of packets as its rules see them"
