"""How many public addresses reach each service, however many rules it takes to let them: a sweep over the services of flows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from firewright.catalog.special_purpose import globally_reachable
from firewright.model.interval import Ranges, canonical, intersection, size, union
from firewright.model.packet import Family
from firewright.space.flow import Flow
from firewright.workflows.exposure import WIDE


def reaching(flows: Iterable[Flow], family: Family) -> Iterator[tuple[Ranges, int]]:
    """The services that at least WIDE public addresses reach, each once, with how many do; those that as many do together.

    `0.0.0.0/1` and `128.0.0.0/1` in two rules are the internet, whatever other ports the rules have. O(services × flows) in
    the worst case; flows that have too few addresses all together are not looked at.
    """
    public = globally_reachable().ranges(family)
    found = [(flow.service, intersection(flow.source, public)) for flow in flows]
    if sum(size(sources) for _, sources in found) < WIDE[family]:
        return
    edges = sorted({edge for services, _ in found for low, high in services for edge in (low, high + 1)})
    starts: dict[int, list[Ranges]] = {}
    ends: dict[int, list[Ranges]] = {}
    for services, sources in found:
        for low, high in services:
            starts.setdefault(low, []).append(sources)
            ends.setdefault(high + 1, []).append(sources)
    active: list[Ranges] = []
    counted: dict[int, list[tuple[int, int]]] = {}
    for edge, following in pairwise(edges):
        for gone in ends.get(edge, ()):
            active.remove(gone)
        active += starts.get(edge, ())
        count = size(union(*active)) if active else 0
        if count >= WIDE[family]:
            counted.setdefault(count, []).append((edge, following - 1))
    for count, pieces in sorted(counted.items(), reverse=True):
        yield canonical(pieces), count
