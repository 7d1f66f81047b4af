"""A policy without what decides nothing: the smaller text, with its comments, proved to mean the same from a day on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date

from firewright.analysis.needless import Needless, Needs, Reason
from firewright.analysis.unchanged import first_unlike
from firewright.diagnostic import Report, harmless
from firewright.model.moment import ended, iso
from firewright.model.policy import Policy
from firewright.readers.policy_yaml.assertions import SUFFIX
from firewright.readers.policy_yaml.removal import CannotRemove, Definition, without
from firewright.reports._tidy import Gone, Tidied
from firewright.source import Source, UnreadableSource, read
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.workflows.policy_anomalies import Places, one_policy, source_of, unused
from firewright.workflows.selection import Saying, Wanted, select, silent
from firewright.workflows.unfilled import say_unfilled

_WHY = {
    Reason.SHADOWED: "{} all of its packets",
    Reason.REDUNDANT: "{} the same with all of its packets",
}
_MOST_ROUNDS = 50
_MOST_PREFIXES = 4


@dataclass(slots=True)
class _Findings:
    """What goes and what stays, with the reasons."""

    gone: list[Gone] = field(default_factory=list)
    stays: list[Gone] = field(default_factory=list)


def tidy_policy(wanted: Wanted, report: Report, saying: Saying = silent) -> Tidied | None:
    """The smaller policy and its text, or None after saying in the report why there is none.

    Left out are rules that decide nothing whatever the day from the wanted one on and whatever its options, then definitions
    that nothing uses. Only the file itself is edited, not those that it uses. The text is read again and proved to mean the same
    at every firewall, on every day from the wanted one on, for every packet of both families: what is required, allowed, and
    on request, as what is enforced.
    """
    policy = one_policy(wanted, report, saying)
    if policy is None:
        return None
    day = wanted.day_of(policy)
    try:
        return _tidied(policy, day, wanted, report, saying)
    except Unfilled as error:
        say_unfilled(error, policy, report)
    except Undecided as error:
        report.error("undecided", f"not proved: {harmless(str(error))}", help="tidy the part that matters by hand")
    except CannotRemove as error:
        report.error("cannot-tidy", f"{harmless(policy.path)}: {harmless(str(error))}")
    return None


def _tidied(policy: Policy, day: date, wanted: Wanted, report: Report, saying: Saying) -> Tidied | None:
    source = source_of(policy, report)
    found, places = _Findings(), Places(policy, report)
    saying("judging each rule")
    needless = _needless(policy, day, found, places)
    text = without(source.text, [policy.rules[one.rule].at for one in needless], ())
    smaller = _read(policy, text, wanted)
    if smaller is None:
        raise CannotRemove("without these rules it is no policy")
    text, smaller = _without_unused(text, smaller, wanted, found, places, saying)
    saying("proving that it means the same")
    unlike = first_unlike(policy, smaller, day) if found.gone else None
    if unlike is not None:
        report.error("cannot-tidy", f"{harmless(policy.path)}: the smaller policy means something else: {unlike}")
        return None
    scope = f"for every packet of IPv4 and IPv6, from {iso(day)} on"
    return Tidied(
        policy.path, source.text, text, len(policy.rules), tuple(found.gone), tuple(found.stays), report.sources,
        scope=scope, is_policy=True,
    )  # fmt: skip


def _needless(policy: Policy, day: date, found: _Findings, places: Places) -> list[Needless]:
    """The rules that go: ended ones, those that one other takes, then those that several do; of equals the last."""
    needs = Needs(policy)
    left = set(range(len(policy.rules)))
    going: dict[int, Needless] = {}
    undecided: set[int] = set()
    for number in [one for one in left if needs.ended(one, day)]:
        going[number] = Needless(number, Reason.ENDED)
    for is_single in (True, False):
        for number in sorted(left - going.keys() - undecided, reverse=True):
            try:
                one = needs.judged(number, left - going.keys(), singly=is_single)
            except Undecided as error:
                undecided.add(number)
                found.stays.append(Gone(places.of(number), f"it was not decided: {error}"))
                continue
            if one is None:
                continue
            if why := _why_it_stays(policy, needs, number):
                undecided.add(number)
                found.stays.append(Gone(places.of(number), f"{_why(policy, one)}, but {why}"))
            else:
                going[number] = one
    found.gone += [
        Gone(places.of(number), _why(policy, going[number])) for number in sorted(going) if _own(policy, number)
    ]
    return [going[number] for number in sorted(going) if _own(policy, number)]


def _own(policy: Policy, number: int) -> bool:
    return policy.rules[number].at.path == policy.path


def _why_it_stays(policy: Policy, needs: Needs, number: int) -> str:
    if not _own(policy, number):
        return f"it stands in {harmless(policy.rules[number].at.path)}"
    return needs.why_kept(number)


def _why(policy: Policy, one: Needless) -> str:
    rule = policy.rules[one.rule]
    if one.reason is Reason.ENDED:
        return f"it ended {ended(rule.until)}" if rule.until is not None else "it ended"
    if not one.by:
        return "every firewall answers so by default"
    who = ", ".join(f"rule {number + 1}" for number in one.by)
    verb = {Reason.SHADOWED: "takes", Reason.REDUNDANT: "does"}[one.reason]
    together = f"{who} together {verb[:-1] if verb == 'takes' else 'do'}" if len(one.by) > 1 else f"{who} {verb}"
    return _WHY[one.reason].format(together)


def _read(policy: Policy, text: str, wanted: Wanted) -> Policy | None:
    """The policy of a changed text, with all that belongs to it; None where it is none."""
    found = select(replace(wanted, policies=(Source(policy.path, text),)), Report())
    return found[0] if found is not None and len(found) == 1 else None


def _without_unused(
    text: str, policy: Policy, wanted: Wanted, found: _Findings, places: Places, saying: Saying
) -> tuple[str, Policy]:
    """A text without the definitions that nothing uses, as far as it means the same without them."""
    tried: set[Definition] = set()
    for _ in range(_MOST_ROUNDS):
        now = [one for one, _ in unused(policy, wanted) if one not in tried]
        if not now:
            break
        saying("looking at what nothing uses")
        tried.update(now)
        for one in now:
            why = _named_by_tests(one, policy, wanted)
            smaller = text if why else without(text, (), (one,))
            after = policy if why else _read(policy, smaller, wanted)
            why = why or ("the text does not do without it" if after is None else _what_moves(policy, after))
            if why or after is None:
                found.stays.append(Gone(places.definition(one), f"nothing uses it, but {why}"))
            else:
                text, policy = smaller, after
                found.gone.append(Gone(places.definition(one), "nothing uses it"))
    return text, policy


def _what_moves(before: Policy, after: Policy) -> str:
    """Which zone holds other addresses after a definition is gone: the internet holds what no zone does; empty if none."""
    for zone in after.zones.values():
        more = zone.addresses - before.zones[zone.name].addresses
        if more or before.zones[zone.name].addresses - zone.addresses:
            prefixes = list(more.prefixes())
            shown = ", ".join(prefixes[:_MOST_PREFIXES]) + (" and more" if len(prefixes) > _MOST_PREFIXES else "")
            return f"without it {zone.name} would hold {shown}"
    return ""


def _named_by_tests(one: Definition, policy: Policy, wanted: Wanted) -> str:
    """Which file of tests beside the policy has the name of a definition in it; empty if none has."""
    if policy.path == "-":
        return ""
    word = re.compile(rf"(?<![\w-]){re.escape(one.name)}(?![\w-])")
    for path in sorted((wanted.folder / policy.path).parent.glob(f"*{SUFFIX}")):
        try:
            if word.search(read(path).text):
                return f"{harmless(path.name, 100)} names it"
        except UnreadableSource:
            return f"{harmless(path.name, 100)} cannot be read"
    return ""
