"""What a probe saw, in every format: whole, short where it can be, and harmless whatever a host or a policy is called."""

from __future__ import annotations

import json
import re

import pytest

from firewright.analysis.observed import Agreement, Answered, Judgement, Observation, Sight, Sightings, State
from firewright.model.interval import Ranges
from firewright.model.packet import TCP, UDP
from firewright.reports import Look, Probed
from firewright.reports.json import REPORT as JSON
from firewright.reports.markdown import REPORT as MARKDOWN
from firewright.reports.text import REPORT as TEXT
from firewright.source import Source, Span
from tests.reports.subjects import NASTY
from tests.reports.test_contract import UNSEEN

OPEN = Observation(State.OPEN, Answered.REPLY)
RESET = Observation(State.CLOSED, Answered.RESET)
HIDDEN = Observation(State.HIDDEN)
LOST = Observation(State.UNDETERMINED, why=NASTY)
SCATTERED: Ranges = tuple((TCP << 16 | port, TCP << 16 | port) for port in range(1000, 1100, 2))


def sightings(*sights: Sight, name: str = "host", is_alive: bool = True) -> Sightings:
    """What was seen of one address."""
    return Sightings(name, 4, "192.0.2.2", "192.0.2.1", sights, is_alive)


def tcp(low: int, high: int = 0) -> Ranges:
    """A range of TCP ports."""
    return ((TCP << 16 | low, TCP << 16 | (high or low)),)


def judged(
    agreement: Agreement, policy: str = "server", why: str = "it is open, and the policy says drop"
) -> Judgement:
    """A judgement of the second line of a policy."""
    return Judgement(
        policy, "host", 4, "192.0.2.2", tcp(22), OPEN, agreement, why, "denied", "local", NASTY, Span("p.yaml", 2, 3)
    )


HOSTILE = Probed(
    (
        sightings(
            Sight(tcp(22), OPEN), Sight(SCATTERED, HIDDEN), Sight(((UDP << 16 | 9, UDP << 16 | 9),), LOST), name=NASTY
        ),
        Sightings(NASTY, 6, "2001:db8::2", "", (), False, NASTY),
    ),
    (judged(Agreement.CONTRADICTED, NASTY, NASTY), judged(Agreement.UNDETERMINED, NASTY, NASTY)),
    (NASTY,),
    is_interrupted=True,
    is_raw=False,
    sources={"p.yaml": Source("p.yaml", f"rules:\n{NASTY}\n")},
)


@pytest.mark.parametrize("look", [Look(), Look(is_verbose=True), Look(is_coloured=True), Look(width=40, is_cut=True)])
def test_nothing_in_a_report_means_anything_to_a_terminal(look: Look) -> None:
    """Whatever a name holds, each format shows it as harmless text, and the colours are the only control characters."""
    for report in (TEXT, JSON, MARKDOWN):
        text = re.sub("\x1b\\[[0-9;]*m", "", report[Probed](HOSTILE, look))
        assert text.endswith("\n") and not UNSEEN.search(text)
        assert NASTY not in text


def test_scattered_ports_are_counted_and_named_where_all_is_wanted() -> None:
    """Many ranges of hidden ports are one number in the text, and every port under --verbose and in JSON."""
    seen = Probed((sightings(Sight(tcp(22), OPEN), Sight(SCATTERED, HIDDEN)),))
    assert "  hidden        50 ports of tcp/1000-1098\n" in TEXT[Probed](seen, Look())
    assert "tcp/1000, tcp/1002, " in TEXT[Probed](seen, Look(is_verbose=True))
    (address,) = json.loads(JSON[Probed](seen, Look()))["addresses"]
    assert address["seen"][1]["services"].count("tcp/") == 50


def test_a_host_that_says_nothing_is_not_called_hidden_alone() -> None:
    """Where nothing answers, the text says that nobody may be there."""
    seen = Probed((sightings(Sight(tcp(1, 99), HIDDEN), is_alive=False),))
    assert "it hides everything, or is not there" in TEXT[Probed](seen, Look())
    assert "it hides everything, or is not there" in MARKDOWN[Probed](seen, Look())
    assert not seen.passed


def test_a_contradiction_is_shown_with_its_line() -> None:
    """Each format names the service, the verdict, the reason and the place of the line that decides."""
    source = Source("p.yaml", "rules:\n  - {from: near, to: local, deny: ssh}\n")
    wrong = Probed(
        (sightings(Sight(tcp(22), OPEN)),), (judged(Agreement.CONTRADICTED),), ("server",), sources={"p.yaml": source}
    )
    text = TEXT[Probed](wrong, Look())
    assert "contradicted: tcp/22 of 192.0.2.2: it is open, and the policy says drop\n" in text
    assert " --> p.yaml:2:3  - {from: near, to: local, deny: ssh}\n" in text
    assert "does not agree: server, 1 service: 0 confirmed, 1 contradicted, 0 undetermined\n" in text
    row = "| contradicted | `tcp/22` | `192.0.2.2` | it is open, and the policy says drop | `p.yaml:2:3` |"
    assert row in MARKDOWN[Probed](wrong, Look())
    (one,) = json.loads(JSON[Probed](wrong, Look()))["judged"]
    assert (one["agreement"], one["at"]["line"]) == ("contradicted", 2)


def test_addresses_that_say_nothing_are_one_line() -> None:
    """Of a prefix that holds few machines the others are counted and said as prefixes, and each is shown where all is wanted."""
    empty = tuple(
        Sightings("192.0.2.0/28", 4, f"192.0.2.{number}", "192.0.2.1", (Sight(tcp(22), HIDDEN),), False)
        for number in range(8, 16)
    )
    seen = Probed((*empty, sightings(Sight(tcp(22), OPEN))))
    text = TEXT[Probed](seen, Look())
    assert "8 addresses\n  undetermined  nothing answered, or nothing could be sent: 192.0.2.8/29\n" in text
    assert "192.0.2.9" not in text and "192.0.2.2" in text
    assert "192.0.2.9" in TEXT[Probed](seen, Look(is_verbose=True))


@pytest.mark.parametrize(
    ("probed", "passes"),
    [
        (Probed((sightings(Sight(tcp(22), OPEN)),)), True),
        (Probed((sightings(Sight(tcp(22), LOST)),)), False),
        (Probed((sightings(Sight(tcp(22), HIDDEN)),)), True),
        (Probed((sightings(Sight(tcp(22), RESET)),), is_interrupted=True), False),
        (Probed((sightings(),)), False),
        (Probed((sightings(Sight(tcp(22), OPEN)),), (judged(Agreement.CONFIRMED),), ("server",)), True),
        (Probed((sightings(Sight(tcp(22), OPEN)),), (judged(Agreement.UNDETERMINED),), ("server",)), False),
        (Probed((sightings(Sight(tcp(22), OPEN)),), (), ("server",)), False),
        (
            Probed(
                (sightings(Sight(tcp(22), OPEN)),),
                (judged(Agreement.CONFIRMED), judged(Agreement.CONTRADICTED)),
                ("server",),
            ),
            False,
        ),
        (
            Probed(
                (sightings(Sight(tcp(22), OPEN)),),
                (judged(Agreement.CONFIRMED), judged(Agreement.UNDETERMINED, "other")),
                ("server", "other"),
            ),
            False,
        ),
    ],
)
def test_what_passes(probed: Probed, passes: bool) -> None:
    """A probe passes if something was found out, and where policies are named something confirms each and nothing contradicts."""
    assert probed.passed is passes
    assert json.loads(JSON[Probed](probed, Look()))["passed"] is passes
