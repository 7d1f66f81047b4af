"""What a request would mean, at once: already permitted, denied and why, or to be decided; what it opens, for how many, and where."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TypeVar

from firewright.analysis.ask import Answer, Part, Ruling, ask
from firewright.analysis.compare import Change, Comparison, compare
from firewright.analysis.narrowing import narrowed_to
from firewright.analysis.path import internet_of
from firewright.analysis.question import BadQuestion, Question, parse_question, zone_named, zone_names
from firewright.catalog.row import Degree, ServiceRow, Visibility
from firewright.catalog.services import catalog
from firewright.diagnostic import Diagnostic, Report, Severity, harmless, nearest
from firewright.model.address import AddressSet, BadPrefix
from firewright.model.approval_rules import DAY, Weight
from firewright.model.decision import Outcome
from firewright.model.interval import Ranges, difference, intersection, size, union
from firewright.model.moment import ends, instant_of
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Rule, Term, Zone, ZoneKind
from firewright.model.request import Wish
from firewright.model.transport import service_ranges
from firewright.model.transport import words as service_words
from firewright.readers.policy_yaml import adding, load
from firewright.readers.policy_yaml.approvals import FILE
from firewright.readers.policy_yaml.values import BadValue, parse_moment
from firewright.reports import Advice, CheckedRequest, Counts, Opening, RequestFinding, RequestVerdict
from firewright.source import Source
from firewright.space.axis import HOST
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.space.flow import Flow
from firewright.workflows.requests.concerned import concerned
from firewright.workflows.requests.estate import Estate
from firewright.workflows.requests.exception_text import path_of, text_of
from firewright.workflows.requests.opening import bare, files_of, opened_alone
from firewright.workflows.requests.quorum import Matter, deciders
from firewright.workflows.requests.refused import Refused, together

WORLDWIDE: dict[Family, int] = {4: 2**24, 6: 2**96}
"""So many addresses of the internet are nobody's own network: they are decided about like all of it."""
MANY_PORTS = 1024
"""So many ports are a range that nobody can answer for one by one."""
LONGEST = {"because": 2000, "owner": 200, "ticket": 100, "word": 200}
"""Characters of what people write."""
_MOST_WORDS = 50
_PORTED = (6, 17, 132)

T = TypeVar("T")
_MOST_KEPT = 128
_MOST_ADVICE = 12
_KEPT: OrderedDict[tuple[object, ...], CheckedRequest] = OrderedDict()
_KEPT_LOCK = Lock()


def check_wish(estate: Estate, wish: Wish, now: datetime, number: int = 0) -> CheckedRequest:
    """What a wish would mean on the estate as it is, exactly, for both families. Raises Refused for one that means nothing.

    What was reckoned for the same files, day and wish is kept a while, since pages ask before an act and the act asks again.
    """
    faults: dict[str, Refused] = {}
    wish = _cleaned(wish, faults)
    policy = _noted(faults, "policy", _policy_of, estate, wish)
    if policy is not None:
        _noted(faults, "until", _check_end, estate, policy, wish, now)
    if policy is None or faults:
        raise together(faults if policy is None else {**faults, **_faults_of_ends(policy, wish)})
    key = (estate.digest, estate.day_of(policy), wish, number)
    with _KEPT_LOCK:
        found = _KEPT.get(key)
    if found is None:
        found = _check(estate, policy, wish, number)
        with _KEPT_LOCK:
            _KEPT[key] = found
            while len(_KEPT) > _MOST_KEPT:
                _KEPT.popitem(last=False)
    return replace(found, notes=_notes(estate), deciders=_deciders(estate, found))


def _check(estate: Estate, policy: Policy, wish: Wish, number: int) -> CheckedRequest:
    if faults := _faults_of_ends(policy, wish):
        raise together(faults)
    sources, destinations = zones_of(policy, wish)
    _must_meet(policy, wish)
    question = question_of(policy, wish)
    path, text = path_of(number, folder_of(policy)), text_of(wish, number)
    before = _without(estate, policy, path)
    try:
        narrow = narrowed_to(before, question)
        answer = ask(narrow, question, estate.day_of)
        after = with_exception(policy, path, text)
        difference = compare(before, after, estate.day_of(policy))
        alone = opened_alone(bare(before), files_of(after)[path], estate.day_of(policy))
    except Unfilled as error:
        message, way_out = str(error), "fill in the zones first"
        raise Refused("unfilled", f"{policy.name} is not filled in: {message}", way_out, 409) from None
    except Undecided as error:
        message = f"it could not be decided what this would mean: {harmless(str(error))}"
        raise Refused("undecided", message, "ask for less at once", 422) from None
    permitted, denied, undecided, elsewhere = _sorted_out(narrow, answer, wish)
    rows = _rows(question)
    # what another exception opens today is this one's too when the other has ended
    opens = (*alone, *difference.opens)
    own = _opening(policy, opens)
    opening = replace(_opening(policy, difference.opens), is_worldwide=own.is_worldwide, is_outward=own.is_outward)
    severity, why = _severity(wish, own, _opened_rows(rows, opens), _is_wide(question))
    return CheckedRequest(
        wish,
        _verdict(permitted, denied, opening),
        permitted,
        denied,
        undecided,
        elsewhere,
        opening,
        tuple(_advice(row) for row in rows[:_MOST_ADVICE]),
        _alternative(denied, rows),
        severity,
        why,
        _firewalls(difference),
        text,
        path,
        sources,
        destinations,
        beside=_beside(question),
    )


def weight_of(policy: Policy, wish: Wish, opens: Sequence[Change]) -> Weight:
    """How much a wish asks for where this is what it opens. Raises Refused."""
    question = question_of(policy, wish)
    return _severity(wish, _opening(policy, opens), _opened_rows(_rows(question), opens), _is_wide(question))[0]


def weighed(estate: Estate, found: CheckedRequest, opening: Opening, is_wide: bool, beside: str) -> CheckedRequest:
    """A check at the severity that it has where this is what it opens, `beside` what else; never at a lower one. Raises Refused."""
    policy = estate.policies[found.wish.policy]
    question = question_of(policy, found.wish)
    weight, why = _severity(found.wish, opening, _rows(question), is_wide or _is_wide(question))
    order = list(Weight)
    if order.index(weight) <= order.index(found.severity):
        return found
    more = tuple(f"{one}, {beside}" for one in why if one not in found.why_severe)
    found = replace(found, severity=weight, why_severe=(*more, *found.why_severe))
    return replace(found, deciders=_deciders(estate, found))


def _noted(faults: dict[str, Refused], key: str, check: Callable[..., T], *given: object) -> T | None:
    """What a check gives, or None after its refusal was noted: whoever asks is told of all mistakes at once."""
    try:
        return check(*given)
    except Refused as refused:
        faults.setdefault(key, refused)
        return None


def _cleaned(wish: Wish, faults: dict[str, Refused]) -> Wish:
    """The wish with blanks put right; what no file can hold, or nobody wants to read, is noted as a fault."""
    lists = {
        key: _noted(faults, key, _words, key, getattr(wish, key)) or ()
        for key in ("sources", "destinations", "services", "overrides")
    }
    texts = {key: _noted(faults, key, _prose, key, getattr(wish, key)) or "" for key in ("because", "owner", "ticket")}
    return replace(wish, policy=wish.policy.strip(), until=wish.until.strip(), **lists, **texts)  # type: ignore[arg-type]


def _faults_of_ends(policy: Policy, wish: Wish) -> dict[str, Refused]:
    """What is wrong with either end."""
    faults: dict[str, Refused] = {}
    for key, side, words in (("sources", "from", wish.sources), ("destinations", "to", wish.destinations)):
        for word in words:
            _noted(faults, key, _zone, policy, word, side)
    return faults


def _must_meet(policy: Policy, wish: Wish) -> None:
    """Raises Refused where an address has none of its family at the other end: no packet would be of it, whatever is approved."""
    for key, words, others in (
        ("sources", wish.sources, wish.destinations),
        ("destinations", wish.destinations, wish.sources),
    ):
        families = frozenset[Family]().union(*(_families(policy, word) for word in others))
        for word in words:
            if not _families(policy, word) & families:
                message = f"{word} has no address of its family at the other end"
                raise Refused("bad-request", message, "leave it out, or name one there", 422, fields={key: message})


def _families(policy: Policy, word: str) -> frozenset[Family]:
    """The families of which an end has addresses; both for zones that are not made of addresses."""
    zone = policy.zones.get(word)
    addresses = AddressSet.of(word) if zone is None else zone.addresses
    found = frozenset(family for family in FAMILIES if addresses.ranges(family))
    return found if zone is None or zone.kind is ZoneKind.NAMED else frozenset(FAMILIES)


def _prose(key: str, written: str) -> str:
    text = " ".join(written.split())
    if len(text) > LONGEST[key]:
        raise Refused("too-long", f"{key} has {len(text):,} characters", f"at most {LONGEST[key]:,}", 422)
    if not text.isprintable():
        raise Refused("bad-text", f"{key} has control characters", "write plain text", 422)
    if not text and key != "ticket":
        raise Refused("missing", f"{key} is missing", _WHY[key], 422)
    return text


def _words(key: str, written: Sequence[str]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word for one in written for word in one.replace(",", " ").split()))
    if not words and key != "overrides":
        raise Refused("missing", f"{key} are missing", _WHY[key], 422)
    if len(words) > _MOST_WORDS or any(len(word) > LONGEST["word"] or not word.isprintable() for word in words):
        raise Refused("too-long", f"{key} are too many or too long", f"at most {_MOST_WORDS} words", 422)
    return words


_WHY = {
    "because": "say in a sentence what it is for",
    "owner": "say who answers for it",
    "sources": "name a zone or addresses, as in tenants",
    "destinations": "name a zone or addresses, as in internet",
    "services": "name services, as in https or tcp/8443",
}


def _policy_of(estate: Estate, wish: Wish) -> Policy:
    policy = estate.policies.get(wish.policy)
    if policy is None:
        near = nearest(wish.policy, estate.policies)
        known = f"did you mean {near}?" if near else f"there are: {', '.join(estate.policies) or 'none'}"
        raise Refused("unknown-policy", f"there is no policy {harmless(wish.policy, 60)!r}", known, 422)
    return policy


def _check_end(estate: Estate, policy: Policy, wish: Wish, now: datetime) -> None:
    """Raises Refused for no end, one that is past on the policy's clock, and one too far ahead."""
    if not wish.until:
        raise Refused(
            "missing", "an exception has an end", "write until: a day as 2027-03-31, or 2027-03-31T18:00", 422
        )
    try:
        instant = instant_of(ends(parse_moment(wish.until)), policy.timezone)
    except BadValue as bad:
        raise Refused(bad.name, bad.message, bad.help, 422) from None
    if instant <= now.timestamp():
        raise Refused("past", f"{wish.until} is past", "choose a later end", 422)
    # the last day is inclusive, so that it may reach a day further
    if instant > now.timestamp() + estate.rules.longest + DAY:
        days = estate.rules.longest // DAY
        raise Refused("too-long", f"{wish.until} is too far ahead", f"an exception lasts {days} days at most", 422)


def zones_of(policy: Policy, wish: Wish) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The zones that the two ends of a wish are, or that their addresses lie in, by name. Raises Refused."""
    sides = [
        tuple(dict.fromkeys(_zone(policy, word, key) for word in words))
        for key, words in (("from", wish.sources), ("to", wish.destinations))
    ]
    return sides[0], sides[1]


def question_of(policy: Policy, wish: Wish) -> Question:
    """The flows of a wish, in the words of its policy. Raises Refused."""
    text = f"{','.join(wish.sources)} -> {','.join(wish.destinations)} {', '.join(wish.services)}"
    try:
        question = parse_question(text, policy)[0]
    except BadQuestion as bad:
        raise Refused("bad-request", str(bad), bad.help, 422) from None
    if not question.within():
        raise Refused("bad-request", "no packet is asked for: the ends share no address family", "name others", 422)
    return question


def _zone(policy: Policy, word: str, key: str) -> str:
    """The zone that an end is, or that its addresses lie in. Raises Refused where it is in none as a whole."""
    zone = policy.zones.get(word)
    if zone is not None:
        if zone.kind in (ZoneKind.MULTICAST, ZoneKind.BROADCAST):
            raise Refused("bad-request", f"{word} cannot be asked for", "a rule of the policy names it", 422)
        return zone.name
    if zone_named(word, policy) is not None:
        message = f"{word} is a zone of another authority"
        raise Refused("bad-request", message, "write its addresses, or ask that authority", 422)
    try:
        addresses = AddressSet.of(word)
    except BadPrefix as bad:
        near = nearest(word, policy.zones)
        known = f"did you mean {near}?" if near else f"there are: {', '.join(zone_names(policy))}"
        message = f"{key}: {harmless(word, 60)!r} is neither a zone of {policy.name} nor an address"
        raise Refused("unknown-zone", message, known if not any(c in word for c in ".:/") else bad.help, 422) from None
    found = enclosing(policy, addresses)
    if found is None:
        raise _homeless(policy, word, addresses, key)
    return found


def _homeless(policy: Policy, word: str, addresses: AddressSet, key: str) -> Refused:
    """Why addresses can be asked for in no zone as a whole: they lie in several, or nowhere that packets come from."""
    touched = [zone for zone in policy.named_zones if (addresses - zone.addresses) != addresses]
    if touched or (addresses - internet_of(policy)) != addresses:
        return Refused("straddles", f"{key}: {word} lies in several zones", "ask for the part in each zone", 422)
    message = f"{key}: {word} is in no zone of {policy.name}, and not on the internet"
    return Refused("no-zone", message, "ask the authority whose address it is, if packets come from it at all", 422)


def enclosing(policy: Policy, addresses: AddressSet) -> str | None:
    """The smallest zone that holds all of some addresses; `internet` where no zone has any of them; None else."""
    holding = [zone for zone in policy.named_zones if zone.addresses and not (addresses - zone.addresses)]
    if holding:
        return min(holding, key=_extent).name
    return "internet" if not (addresses - internet_of(policy)) else None


def _extent(zone: Zone) -> int:
    return sum(size(zone.addresses.ranges(family)) for family in FAMILIES)


def _without(estate: Estate, policy: Policy, path: str) -> Policy:
    """The policy as it is, less the exception that the request has already made."""
    if path not in policy.paths:
        return policy
    rules = tuple(rule for rule in policy.rules if rule.at.path != path)
    return replace(policy, rules=rules, paths=tuple(one for one in policy.paths if one != path))


def folder_of(policy: Policy) -> str:
    """The folder of a policy's file, as people know it; empty for the current one."""
    folder = str(Path(policy.path).parent)
    return "" if folder == "." else folder


def with_exception(policy: Policy, path: str, text: str) -> Policy:
    """The policy with an exception, in place of the one in the same file.

    Raises Refused with every complaint where the language does not take it.
    """
    exception, report = Source(path, text), Report()
    after = adding.with_exception(policy, exception)
    if after is not None:
        return after
    after = load(policy.path, report, also=(exception,))
    if after is None or report.has_errors():
        said = [one for one in report.sorted() if one.severity == "error"]
        first = said[0] if said else None
        message = first.message if first else "the exception cannot be read"
        raise Refused("bad-request", message, first.help if first else "", 422, said)
    return after


def _sorted_out(policy: Policy, answer: Answer, wish: Wish) -> tuple[tuple[RequestFinding, ...], ...]:
    """The parts that are permitted, denied, and to be decided by this authority, and those that another one stops."""
    permitted: list[RequestFinding] = []
    denied: list[RequestFinding] = []
    undecided: list[RequestFinding] = []
    elsewhere: list[RequestFinding] = []
    for part in answer.parts:
        own = [one for one in part.rulings if one.policy is policy]
        stops = [one for one in own if not one.decision.outcome.is_open]
        others = [one for one in part.rulings if one.policy is not policy and not one.decision.outcome.is_open]
        elsewhere += [_finding(part, one) for one in others]
        if not stops:
            if part.outcome not in (Outcome.LOOPBACK,) and own:
                permitted.append(_finding(part, own[0]))
            continue
        for ruling in stops:
            outcome = ruling.decision.outcome
            if outcome is Outcome.SPOOFED:
                continue
            banned = outcome in (Outcome.DENIED, Outcome.REJECTED) and not _is_overridden(ruling.decision.rule, wish)
            (denied if banned else undecided).append(_finding(part, ruling))
    return tuple(permitted), tuple(denied), tuple(undecided), tuple(elsewhere)


def _is_overridden(rule: Rule | None, wish: Wish) -> bool:
    return rule is not None and bool(rule.name) and rule.name in wish.overrides


def _finding(part: Part, ruling: Ruling) -> RequestFinding:
    rule = ruling.decision.rule
    return RequestFinding(
        tuple(map(str, part.lines)),
        ruling.decision.outcome.value,
        ruling.decision.firewall.name,
        ruling.policy.name,
        ruling.at,
        rule.label if rule else "",
        (rule.because if rule else "") or ruling.decision.reason,
        str(part.witness),
        rule=rule.name if rule else "",
    )


def _opening(policy: Policy, opens: Sequence[Change]) -> Opening:
    sources, destinations = addresses_in(flow for change in opens for flow in change.flows)
    lines = tuple(str(line) for change in opens for line in change.lines)
    worlds = is_worldwide(policy, sources), is_worldwide(policy, destinations)
    return Opening(lines, counted(sources), counted(destinations), *worlds)


def addresses_in(flows: Iterable[Flow]) -> tuple[dict[Family, Ranges], dict[Family, Ranges]]:
    """The addresses that begin some flows, and those that they lead to; the machine itself has whatever it has, and is left out."""
    sources: dict[Family, Ranges] = {}
    destinations: dict[Family, Ranges] = {}
    for flow in flows:
        ends = ((sources, flow.source, flow.in_interface), (destinations, flow.destination, flow.out_interface))
        for found, ranges, interface in ends:
            if interface != HOST:
                found[flow.family] = union(found.get(flow.family, ()), ranges)
    return sources, destinations


def counted(found: Mapping[Family, Ranges]) -> Counts:
    """How many addresses there are of each family."""
    return tuple((family, size(ranges)) for family, ranges in sorted(found.items()))


def is_worldwide(policy: Policy, found: Mapping[Family, Ranges]) -> bool:
    """Whether these are so many addresses of the internet that they are the internet."""
    internet = internet_of(policy)
    return any(
        size(intersection(ranges, internet.ranges(family))) >= WORLDWIDE[family] for family, ranges in found.items()
    )


def _rows(question: Question) -> tuple[ServiceRow, ...]:
    """The rows of the services that are asked for, those that should be seen least first.

    What is asked for by a name of the catalog is that row; of all other ports, those of the policy's own services too, it is every
    row that they meet.
    """
    table = catalog()
    term = question.term
    if term.is_any:
        return ()
    named = [row for name in term.names if (row := table.service(name)) is not None]
    unnamed = {
        family: difference(
            union(*service_ranges(term.transports, family).values()), union(*(row.services(family) for row in named))
        )
        for family in FAMILIES
    }
    return _least_seen_first((*named, *_met(unnamed)))


def _beside(question: Question) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What else is commonly on the ports of services that are asked for by a name: ports in words, with the rows' names.

    They make nothing more severe: who asks by a name means that service. But an approver shall know what a mild name may stand for.
    """
    named = [row for name in question.term.names if (row := catalog().service(name)) is not None]
    own = {family: union(*(row.services(family) for row in named)) for family in FAMILIES}
    found: dict[str, list[str]] = {}
    for row in _least_seen_first(_met(own)):
        if row not in named:
            shared = union(*(intersection(own[family], row.services(family)) for family in FAMILIES))
            found.setdefault(service_words(shared), []).append(row.name)
    return tuple((ports, tuple(names)) for ports, names in found.items())


def _met(services: Mapping[Family, Ranges]) -> list[ServiceRow]:
    """The rows of the catalog that meet some services."""
    return [row for row, own in _every_row() if any(intersection(services[family], own[family]) for family in FAMILIES)]


@cache
def _every_row() -> tuple[tuple[ServiceRow, dict[Family, Ranges]], ...]:
    """The rows of the catalog with their services of each family: an estate with many exceptions asks for them often."""
    rows = (catalog().service(name) for name in catalog().names())
    return tuple((row, {family: row.services(family) for family in FAMILIES}) for row in rows if row is not None)


def _least_seen_first(rows: Iterable[ServiceRow]) -> tuple[ServiceRow, ...]:
    """Each row once, those that should be seen least first."""
    order = list(Visibility)
    return tuple(sorted(dict.fromkeys(rows), key=lambda row: (order.index(row.visibility), row.name)))


def _opened_rows(rows: Sequence[ServiceRow], opens: Sequence[Change]) -> tuple[ServiceRow, ...]:
    """Those of some rows of which something is newly open."""
    opened = {
        family: union(*(flow.service for change in opens for flow in change.flows if flow.family == family))
        for family in FAMILIES
    }
    return tuple(row for row in rows if any(intersection(opened[family], row.services(family)) for family in FAMILIES))


def _severity(wish: Wish, opening: Opening, rows: Sequence[ServiceRow], wide: bool) -> tuple[Weight, tuple[str, ...]]:
    """How much is asked for, and every reason why."""
    high: list[str] = []
    medium: list[str] = []
    if wish.overrides:
        high.append(f"it passes the ban {', '.join(wish.overrides)}")
    if opening.is_worldwide:
        kept = [row for row in rows if row.visibility is not Visibility.INTERNET]
        high += [f"{row.name} is commonly kept from the internet" for row in kept[:3]]
        (high if wide else medium).append(
            "whoever is on the internet can reach it" + (", on many ports" if wide else "")
        )
    elif wide:
        medium.append("it opens many ports")
    if opening.is_outward and not opening.is_worldwide:
        kept = [row for row in rows if row.visibility is not Visibility.INTERNET]
        medium += [f"{row.name} is commonly not let out to the internet" for row in kept[:3]]
    medium += [f"{row.name} should be visible nowhere" for row in rows if row.visibility is Visibility.NOWHERE][:3]
    medium += [f"{row.name} is commonly not encrypted" for row in rows if row.encrypted is Degree.NO][:3]
    weight = Weight.HIGH if high else Weight.MEDIUM if medium else Weight.LOW
    return weight, tuple(dict.fromkeys(high + medium))


def _is_wide(question: Question) -> bool:
    """Whether it asks for so many ports that nobody can answer for each."""
    return question.term.is_any or ports_in(services_of(question.term, 4)) >= MANY_PORTS


def services_of(term: Term, family: Family) -> Ranges:
    """The services of a term that is not `any`, of a family."""
    return union(*service_ranges(term.transports, family).values())


def ports_in(services: Ranges) -> int:
    """How many ports some services are, of protocols that have some."""
    return sum(size(intersection(services, ((protocol << 16, protocol << 16 | 0xFFFF),))) for protocol in _PORTED)


def _advice(row: ServiceRow) -> Advice:
    return Advice(row.name, row.title, row.visibility.value, row.when_open, row.advice, row.instead)


def _alternative(denied: Sequence[RequestFinding], rows: Sequence[ServiceRow]) -> str:
    """What to do instead of what is denied: what the ban itself says, else what the catalog knows."""
    if not denied:
        return ""
    said = [one.because for one in denied if re.search(r"\bvpn\b|\binstead\b|\buse\b", one.because, re.IGNORECASE)]
    known = [row.instead for row in rows if row.instead]
    return "; ".join(dict.fromkeys([*said[:2], *known[:2]]))


def _verdict(permitted: Sequence[RequestFinding], denied: Sequence[RequestFinding], opening: Opening) -> RequestVerdict:
    if denied:
        return "denied"
    if not opening.flows:
        return "permitted"
    return "partly" if permitted else "open"


def _firewalls(difference: Comparison) -> tuple[str, ...]:
    """The firewalls whose rulesets change."""
    changes = (*difference.opens, *difference.closes, *difference.answers, *difference.hides)
    found: dict[str, None] = {}
    for change in changes:
        for old, new in zip(change.before, change.after, strict=False):
            if (old.decision.outcome, old.decision.action) != (new.decision.outcome, new.decision.action):
                found[new.decision.firewall.name] = None
    return tuple(found)


def _deciders(estate: Estate, found: CheckedRequest) -> tuple[str, ...]:
    """Who decides about it, in words; nothing where there is nothing to decide."""
    if not found.is_submittable:
        return ()
    return deciders(estate.rules, matter_of_check(estate, found))


def matter_of_check(estate: Estate, found: CheckedRequest, author: str = "") -> Matter:
    """What is decided about where somebody asks for that."""
    sides = found.source_zones, found.destination_zones
    sides = concerned(estate.policies[found.wish.policy], estate.rules, sides, found.wish)
    return Matter(found.wish.policy, *sides, found.severity, author)


def _notes(estate: Estate) -> tuple[Diagnostic, ...]:
    if estate.is_whole:
        return ()
    message = f"parts of the estate cannot be read: {', '.join(estate.broken) or FILE}"
    return (Diagnostic("broken", Severity.WARNING, message, help="firewright check says what is wrong"),)
