"""Whether what was approved was seen to be open: every service of every address that was probed, by an answer of its own."""

from __future__ import annotations

from firewright.analysis.observed import State
from firewright.model.service_words import words
from firewright.reports import Probed


def not_open(seen: Probed) -> tuple[str, ...]:
    """What of the probed services did not answer, by address, in words; nothing if all did. Nothing seen is not open."""
    found = []
    for one in seen.sightings:
        if one.why:
            found.append(f"{one.address}: {one.why}")
        for state in State:
            services = one.services(state)
            if state is not State.OPEN and services:
                found.append(f"{one.address} {words(services)} is {state.value}")
        if not one.sights and not one.why:
            found.append(f"{one.address}: nothing was seen")
    return tuple(found) if seen.sightings else ("nothing was probed",)
