"""Ask rulesets a question: one, or several firewalls in series, whatever format each is in; or this machine's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from firewright.analysis.passage import MachineNamer, passage_words, world
from firewright.analysis.question import BadQuestion, Question, Side, parse_question
from firewright.analysis.route import Part, Replies, Route, Undone, with_own
from firewright.analysis.running import Running
from firewright.analysis.station import Judgement, Station
from firewright.analysis.wire import by_any
from firewright.diagnostic import Report, harmless
from firewright.model.address import LOOPBACK, UNICAST, AddressSet, BadPrefix
from firewright.model.packet import FAMILIES
from firewright.model.policy import Policy
from firewright.reports._route import Judged, Returned, RouteAnswers, RoutePart
from firewright.source import Source
from firewright.space.budget import purse
from firewright.space.ruleset import Hook, Line
from firewright.workflows.live import see
from firewright.workflows.read import ruleset_in
from firewright.workflows.selection import Saying, Wanted, select, silent, text_of
from firewright.workflows.subject import families_of

MOST = 4_000_000
"""The budget of a question where none is given."""
_MOST_SHOWN = 3
MOST_FIREWALLS = 16
"""Firewalls on one way."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A firewall of the way as it was named: its name, empty where it has none, and its ruleset's file or piped text."""

    name: str
    given: str | Source


def ask_rulesets(
    text: str,
    firewalls: Sequence[Asked],
    own: str,
    wanted: Wanted,
    report: Report,
    saying: Saying = silent,
    budget: int = MOST,
) -> RouteAnswers | None:
    """What firewalls in series do with the packets of a question, or None after saying in the report why nobody knows.

    They are in the order in which the question's packets meet them. `own` are addresses, with commas, of the machine at
    the end of the way itself. Where policies are wanted, one is, and its zones are the question's words.
    """
    stations = list(_stations(firewalls, wanted, report, saying))
    vocabulary = _vocabulary(wanted, stations, report, saying)
    addresses = _addresses(own, report)
    if report.has_errors() or vocabulary is None or addresses is None:
        return None
    try:
        asked = parse_question(text, vocabulary)
    except BadQuestion as error:
        report.error("bad-question", str(error), help=error.help)
        return None
    questions = [with_own(one, addresses) for one in asked]
    namer = MachineNamer(
        vocabulary, addresses if own else UNICAST, [(one.words, one.addresses) for one in _named(questions)]
    )
    return answers_of(Route(tuple(stations)), questions, namer, report, saying, budget)


def ask_live(text: str, report: Report, saying: Saying = silent, budget: int = MOST) -> RouteAnswers | None:
    """What this machine's rulesets do with the packets of a question, or None after saying in the report why nobody knows."""
    seen = see(report, saying)
    if seen.running is None or report.has_errors():
        return None
    vocabulary = world(seen.machine.name)
    try:
        questions = parse_question(text, vocabulary)
    except BadQuestion as error:
        report.error("bad-question", str(error), help=error.help)
        return None
    own = seen.machine.own_addresses
    route = Route((Station(f"this machine ({seen.machine.name})", seen.running),))
    namer = MachineNamer(vocabulary, own - LOOPBACK)
    return answers_of(route, [_of_machine(one, own) for one in questions], namer, report, saying, budget)


def _of_machine(question: Question, own: AddressSet) -> Question:
    """The question with the addresses that the machine really has, where it is about the machine itself."""
    is_inner = question.source.is_local and question.destination.is_local
    mine = own if is_inner else own - LOOPBACK
    source, destination = (
        replace(side, addresses=mine) if side.is_local else side for side in (question.source, question.destination)
    )
    return replace(question, source=source, destination=destination)


def answers_of(
    route: Route,
    questions: Sequence[Question],
    namer: MachineNamer,
    report: Report,
    saying: Saying = silent,
    budget: int = MOST,
) -> RouteAnswers | None:
    """The exact answers of a way to some questions, or None after saying in the report why there is none.

    The second of two questions is the first turned round: its packets meet the firewalls in the other order. What the budget,
    in units of about one box looked at, does not suffice for is `undecided` in the answer.
    """
    answers = []
    undecided: list[str] = []
    with purse(budget):
        for number, question in enumerate(questions):
            saying(f"asking {question}")
            here, undone = Route(route.stations[::-1]) if number else route, Undone()
            parts = here.parts(question, namer, undone)
            answers.append((str(question), tuple(map(_part, parts))))
            undecided += _undecided(question, undone, namer, budget)
    if not undecided and not any(parts for _, parts in answers):
        known = "" if len(route.families) > 1 else " that every ruleset speaks of"
        way_out = f"both ends need addresses of one family{known}, and the service must exist in it"
        report.error("bad-question", "no packet is asked about", help=way_out)
        return None
    names = tuple((one.name, "" if (path := _path_of(one)) == one.name else path) for one in route.stations)
    return RouteAnswers(names, tuple(answers), tuple(_notes(route, questions)), tuple(undecided))


def _undecided(question: Question, undone: Undone, namer: MachineNamer, budget: int) -> Iterator[str]:
    """What the budget did not suffice for, in sentences."""
    if undone.boxes:
        words = passage_words(map(by_any, undone.boxes), namer)
        rest = f"; and {len(words) - _MOST_SHOWN} more" if len(words) > _MOST_SHOWN else ""
        shown = "; ".join(map(str, words[:_MOST_SHOWN]))
        yield harmless(f"{question}: what becomes of {shown}{rest}: the budget of {budget} was spent", 400)
    if undone.replies:
        parts = "1 open part" if undone.replies == 1 else f"{undone.replies} open parts"
        yield f"{harmless(str(question), 100)}: whether the replies of {parts} pass: the budget of {budget} was spent"


def _path_of(station: Station) -> str:
    return station.running.rulesets[0].path if station.running.rulesets else ""


def _stations(firewalls: Sequence[Asked], wanted: Wanted, report: Report, saying: Saying) -> Iterator[Station]:
    """The firewalls that were named, each read; what cannot be read is in the report."""
    if len(firewalls) > MOST_FIREWALLS:
        report.error("too-many", f"more than {MOST_FIREWALLS} firewalls on one way", help="ask about a part of it")
        return
    seen: set[str] = set()
    for one in firewalls:
        source = one.given if isinstance(one.given, Source) else text_of(wanted.folder, one.given, report)
        ruleset = None if source is None else ruleset_in(source, report, saying)
        if source is None or ruleset is None:
            continue
        name = one.name or source.path
        if name in seen:
            report.error("name-twice", f"two firewalls are called {harmless(name, 60)!r}", help="write -r NAME=FILE")
        seen.add(name)
        yield Station(name, Running((ruleset,)), families_of(ruleset))


def _vocabulary(wanted: Wanted, stations: Sequence[Station], report: Report, saying: Saying) -> Policy | None:
    """The policy whose zones a question can use: the one that is wanted, else one with the built-in zones."""
    if not wanted.policies:
        return world(" and ".join(one.name for one in stations))
    found = select(wanted, report, saying)
    if found is not None and len(found) != 1:
        report.error("no-policy", f"{len(found)} policies are named", help="name the one whose zones the question uses")
    return found[0] if found else None


def _addresses(own: str, report: Report) -> AddressSet | None:
    found = AddressSet()
    for word in filter(None, (part.strip() for part in own.split(","))):
        try:
            found |= AddressSet.of(word)
        except BadPrefix as error:
            report.error("bad-question", harmless(str(error)), help=error.help)
            return None
    return found


def _named(questions: Sequence[Question]) -> Iterator[Side]:
    """The ends of questions that are told in the question's own words."""
    for question in questions:
        for side in (question.source, question.destination):
            if not side.is_local and "," not in side.words:
                yield side


def _part(part: Part) -> RoutePart:
    stop = part.stop
    return RoutePart(
        tuple(map(str, part.words)),
        part.is_open,
        part.is_certain,
        stop.verdict if stop else "accept",
        stop.firewall if stop else "",
        tuple(map(_judged, part.judgements)),
        tuple(map(_returned, part.replies)),
        str(part.witness),
        tuple((one.firewall, one.words, one.line.place, one.line.text) for one in part.rewrites),
    )


def _returned(replies: Replies) -> Returned:
    return Returned(
        tuple(map(str, replies.words)),
        tuple(map(_judged, replies.judgements)),
        replies.is_stateful,
        replies.is_untracked,
        str(replies.witness),
    )


def _judged(one: Judgement) -> Judged:
    line = one.line
    if line is None:
        return Judged(one.firewall, one.verdict, one.is_certain, "", "", depends=tuple(map(_condition, one.unknown)))
    depends = tuple(map(_condition, one.unknown))
    return Judged(one.firewall, one.verdict, one.is_certain, line.place, line.text, line.at, depends)


def _condition(line: Line) -> str:
    return f"{line.place}: {', '.join(line.unknown) or line.refused or line.text}"


def _notes(route: Route, questions: Sequence[Question]) -> Iterator[str]:
    for family in FAMILIES:
        if silent := [one.name for one in route.stations if family not in one.families]:
            yield f"IPv{family} is not answered: {', '.join(silent)} {'says' if len(silent) == 1 else 'say'} nothing of it"
    for station in route.stations:
        running = station.running
        if count := len(running.translations):
            change = "1 rule changes" if count == 1 else f"{count} rules change"
            beyond = "rules behind them see other packets than were asked about"
            if station.running.rewriting:
                beyond = "destinations of what comes in are followed, sources and what the machine itself sends are not"
            yield f"{station.name}: {change} addresses or ports (NAT): {beyond}"
        hooks = {hook for ruleset in running.rulesets for hook in ruleset.hooks}
        is_through = not any(side.is_local for one in questions for side in (one.source, one.destination))
        if len(route.stations) == 1 and is_through and Hook.FORWARD not in hooks and Hook.INPUT in hooks:
            yield f"{station.name} has no chain for what passes through it: what is for the machine itself is '-> local', or --own"
