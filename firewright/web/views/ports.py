"""Port pages: what is found while somebody types, what the catalog says of it, and where it is open here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from firewright.analysis.ask import Part, ask
from firewright.analysis.narrowing import narrowed
from firewright.analysis.path import OWN, When
from firewright.analysis.question import BadQuestion, Question, Side, parse_services
from firewright.catalog.row import Degree, ServiceRow, Visibility
from firewright.catalog.search import QUERY_LIMIT, Finding, find
from firewright.catalog.services import catalog
from firewright.diagnostic import harmless
from firewright.model.address import UNICAST
from firewright.model.decision import Outcome
from firewright.model.policy import Policy, Term
from firewright.source import Source
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.web.views.passing import Piece, pieces
from firewright.web.views.sight import Sight

MOST = 50
"""Rows that are found while somebody types."""
VISIBLE = {
    Visibility.NOWHERE: "nobody should see it from elsewhere",
    Visibility.OWN_NETWORK: "for the own network",
    Visibility.VPN: "over a VPN only",
    Visibility.INTERNET: "for the internet, if you run the service",
}
TONES = {
    Visibility.NOWHERE: "denied",
    Visibility.OWN_NETWORK: "request",
    Visibility.VPN: "request",
    Visibility.INTERNET: "permitted",
}
_ABBREVIATIONS = {"iot": "IoT", "vpn": "VPN"}
"""What themes are called in capitals, by the words of their files."""
_DEGREES = {Degree.NO: "no", Degree.OPTIONAL: "if it is set up so", Degree.YES: "yes"}
_SHOWN = (
    Outcome.REQUIRED, Outcome.ALLOWED, Outcome.REQUESTED, Outcome.DENIED, Outcome.REJECTED, Outcome.UNOPENED,
    Outcome.CLOSED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """A service that was found: its name (which leads to its page), its ports, what it is, how far it should be visible."""

    name: str
    title: str
    ports: str
    visible: str
    tone: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog says of one service."""

    name: str
    title: str
    ports: str
    what: str
    encrypted: str
    authenticated: str
    when_open: str
    visible: str
    tone: str
    advice: str
    incident: str
    instead: str
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class Here:
    """What one policy does with the services, the most open first; `unasked` says why that is not known.

    It is open in `open` parts; `left_off` parts are not among the pieces.
    """

    policy: str
    pieces: tuple[Piece, ...]
    unasked: str = ""
    open: int = 0
    left_off: int = 0


@dataclass(frozen=True, slots=True)
class PortPage:
    """Everything about one word: the services behind it, the registry's entries, what belongs with it, where it is open here.

    `problem` and `help` say why nothing is known of it; `suggestions` lead on.
    """

    word: str
    transports: str
    known: tuple[Known, ...]
    registered: tuple[tuple[str, str, str], ...]
    left_off: int
    others: tuple[tuple[str, str], ...]
    together: tuple[Hit, ...]
    here: tuple[Here, ...]
    problem: str = ""
    help: str = ""
    suggestions: tuple[str, ...] = ()


def search(words: str) -> tuple[Hit, ...]:
    """The services for what somebody typed so far: of a port, a name, a product; the nearest first, each once."""
    text = " ".join(words.split())[:QUERY_LIMIT].casefold()
    if not text:
        return ()
    rows: dict[str, ServiceRow] = {}
    if not text.isalpha() or len(text) > 1:
        found = find(text, catalog())
        rows |= {row.name: row for row in (*found.commonly, *found.together)}
    every = sorted(catalog().rows.values(), key=lambda row: (not row.name.startswith(text), row.name))
    rows |= {row.name: row for row in every if row.name not in rows and _speaks(row, text)}
    return tuple(map(hit, list(rows.values())[:MOST]))


def _speaks(row: ServiceRow, text: str) -> bool:
    said = " ".join((row.name, row.title, *row.aliases, row.theme)).casefold()
    return all(word in said for word in text.split())


@lru_cache(maxsize=1024)
def hit(row: ServiceRow) -> Hit:
    """A row of the catalog in a line."""
    return Hit(row.name, row.title, row.words(), VISIBLE[row.visibility], TONES[row.visibility])


@lru_cache(maxsize=1)
def themes() -> tuple[tuple[str, tuple[Hit, ...]], ...]:
    """The whole catalog by its themes, sorted."""
    found: dict[str, list[Hit]] = {}
    for row in catalog().rows.values():
        found.setdefault(_spelt(row.theme), []).append(hit(row))
    return tuple((theme, tuple(sorted(hits, key=lambda one: one.name))) for theme, hits in sorted(found.items()))


def _spelt(theme: str) -> str:
    """A theme as people write it: `IoT`, `VPN and tunnels`."""
    words = [_ABBREVIATIONS.get(word, word) for word in theme.split("-")]
    return " ".join((words[0][:1].upper() + words[0][1:], *words[1:]))


def known(word: str) -> Finding:
    """What the catalog finds for a word of an address."""
    return find(" ".join(word.split())[:QUERY_LIMIT], catalog())


def port_page(finding: Finding, here: Iterable[Here]) -> PortPage:
    """The page of what was found."""
    protocols = (
        (f"protocol {row.low}", f"{row.name}: {row.title}" if row.name else row.title) for row in finding.protocols
    )
    return PortPage(
        finding.query,
        finding.transports,
        tuple(map(_known, finding.commonly)),
        tuple((one.name, one.words(), one.title) for one in finding.registered),
        finding.left_off,
        tuple(protocols),
        tuple(map(hit, finding.together)),
        tuple(here),
        finding.problem,
        finding.help,
        finding.suggestions,
    )


def _known(row: ServiceRow) -> Known:
    return Known(
        row.name, row.title, row.words(), row.what, _DEGREES[row.encrypted], _DEGREES[row.authenticated],
        row.when_open, VISIBLE[row.visibility], TONES[row.visibility], row.advice, row.incident, row.instead,
        row.source, row.date,
    )  # fmt: skip


def parts_of(policy: Policy, transports: str, when: When) -> tuple[Part, ...] | str:
    """What becomes of some services everywhere at a policy's firewalls, in exact parts; or why that cannot be said."""
    try:
        term = parse_services(transports, policy)
        asked = narrowed(policy, None, None, term)
        return tuple(
            part for question in _questions(policy, term) for part in ask(asked, question, when, is_worded=False).parts
        )
    except Unfilled:
        return "some of its zones are not filled in"
    except (Undecided, BadQuestion) as error:
        return harmless(str(error))


def _questions(policy: Policy, term: Term) -> Iterator[Question]:
    anybody, machine = Side("any", UNICAST), Side("local", OWN, is_local=True)
    if any(firewall.is_host for firewall in policy.firewalls.values()):
        yield Question(anybody, machine, term)
        yield Question(machine, anybody, term)
    if any(not firewall.is_host for one in policy.authorities() for firewall in one.firewalls.values()):
        yield Question(anybody, anybody, term)


def here(found: tuple[Part, ...] | str, sight: Sight, sources: Mapping[str, Source], most: int | None = None) -> Here:
    """What somebody may see of it, `most` parts in full; what no firewall is passed for, and what no rule decides, is left out."""
    name = sight.policy.name
    if isinstance(found, str):
        return Here(name, (), found)
    told = [part for part in found if part.outcome in _SHOWN and any(sight.flows(part.flows))]
    told.sort(key=lambda part: _SHOWN.index(part.outcome))
    shown = tuple(pieces(told[:most], sight, sight.namer(), sources))
    return Here(name, shown, "", sum(part.is_open for part in told), len(told) - len(shown))
