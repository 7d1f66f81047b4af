"""The services of rules as numbers of sets, each list of terms read once for all hooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from firewright.model.interval import Ranges, canonical
from firewright.model.policy import Term
from firewright.model.transport import EVERY_SELECTOR, EVERY_SERVICE, Transport, service_ranges
from firewright.writers.nftables.clause import EVERY, Sets

Numbers = list[tuple[int, int]]
"""Source ports and services."""


class Services:
    """What lists of terms name in one family: `of_terms` are the source ports and services of each, in the order of the lists."""

    def __init__(self, terms: Iterable[tuple[Term, ...]], sets: Sets) -> None:
        self.sets = sets
        self._plain: dict[int, Ranges | None] = {}
        self.of_terms = [self._numbers(one) for one in terms]

    def _numbers(self, terms: tuple[Term, ...]) -> Numbers:
        return [
            (self.sets.number(ports), EVERY if services == EVERY_SERVICE else self.sets.number(services))
            for ports, services in self._ranges(terms)
        ]

    def _ranges(self, terms: tuple[Term, ...]) -> Iterator[tuple[Ranges | None, Ranges | None]]:
        """Source ports and services of some terms; None is every one."""
        if not terms or any(term.is_any for term in terms):
            yield None, None
            return
        plain = [self._of_term(term) for term in terms]
        ranges = [one for one in plain if one is not None]
        if len(ranges) == len(plain):
            services = ranges[0] if len(ranges) == 1 else canonical(pair for one in ranges for pair in one)
            if services:
                yield None, services
            return
        transports = [transport for term in terms for transport in term.transports]
        for ports, services in service_ranges(transports, self.sets.family).items():
            yield (None if ports == EVERY_SELECTOR else ports), services

    def _of_term(self, term: Term) -> Ranges | None:
        """The services of a term that asks for no source port; None for one that does."""
        key = id(term.transports)
        if key not in self._plain:
            self._plain[key] = _plain(term.transports, self.sets.family)
        return self._plain[key]


def _plain(transports: tuple[Transport, ...], family: int) -> Ranges | None:
    if any(transport.source_ports != EVERY_SELECTOR for transport in transports):
        return None
    return canonical(pair for one in transports if family in one.families for pair in one.services())
