"""What a probe has to show until a request counts as verified."""

from __future__ import annotations

import pytest

from firewright.analysis.observed import Observation, Sight, Sightings, State
from firewright.model.packet import TCP
from firewright.model.request import Request
from firewright.model.request import State as Stand
from firewright.reports import Probed
from firewright.workflows.requests.refused import Refused
from firewright.workflows.requests.verifying import asked_by, not_open, services_of
from tests.workflows.requests.world import World, wish

HKP = ((TCP << 16 | 11371, TCP << 16 | 11371),)


def _request(world: World, state: Stand = Stand.IMPLEMENTED, **changed: object) -> Request:
    return Request(7, state, "ann", wish(**changed), "", "", "low", world.now, world.now)


def _seen(state: State | None, address: str = "203.0.113.9", source: str = "198.51.100.7", why: str = "") -> Probed:
    sights = () if state is None else (Sight(HKP, Observation(state)),)
    return Probed((Sightings(address, 6 if ":" in address else 4, address, source, sights, True, why),))


@pytest.mark.parametrize(
    ("seen", "words"),
    [(_seen(State.OPEN), ""), (_seen(State.OPEN, "2001:db8:99::1", "2001:db8:10::1"), ""), (_seen(State.CLOSED), "is closed"),
     (_seen(State.HIDDEN), "is hidden"), (_seen(None), "nothing was seen"), (_seen(None, why="no route"), "no route"),
     (Probed(()), "nothing was probed"), (_seen(State.OPEN, "192.0.2.1"), "none of its destinations"),
     (_seen(State.OPEN, source="192.0.2.1"), "none of its sources"), (_seen(State.OPEN, source=""), "none of its sources")],
)  # fmt: skip
def test_only_an_answer_from_there_to_here_is_open(world: World, seen: Probed, words: str) -> None:
    """An answer of one of the destinations to one of the sources is open; silence, another place, or nothing at all is not."""
    told = not_open(seen, asked_by(world.estate, _request(world)))
    assert (not told) == (not words) and words in "; ".join(told)


def test_one_of_two_is_not_enough(world: World) -> None:
    """Each address that was probed has to answer."""
    both = Probed((*_seen(State.OPEN).sightings, *_seen(State.CLOSED, "203.0.113.10").sightings))
    assert len(not_open(both, asked_by(world.estate, _request(world)))) == 1


def test_services_are_the_policys(world: World) -> None:
    """A service is what the policy means by its name, and all of it is probed."""
    question = asked_by(world.estate, _request(world, services=("portal", "udp/500-501")))
    assert services_of(question) == ((TCP << 16 | 8443, TCP << 16 | 8443), (17 << 16 | 500, 17 << 16 | 501))


@pytest.mark.parametrize("state", [one for one in Stand if one not in (Stand.IMPLEMENTED, Stand.VERIFIED)])
def test_what_does_not_run_is_not_verified(world: World, state: Stand) -> None:
    """Nothing is probed for a request that is not said to run."""
    with pytest.raises(Refused, match="nothing of it runs"):
        asked_by(world.estate, _request(world, state))
