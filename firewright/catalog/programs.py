"""Programs that commonly listen, with the services that they commonly serve; and ports well known from back doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from firewright.catalog.table import DATA, Table
from firewright.model.interval import Ranges, intersection
from firewright.model.protocol import PORTED_NAMES

KERNEL = "-"
"""The name in the table under which stands what the kernel serves without a program."""


@dataclass(frozen=True, slots=True)
class BackDoor:
    """Ports, on the service axis, by which something is well known, and who says so."""

    services: Ranges
    title: str
    source: str


@lru_cache(maxsize=1)
def programs() -> Mapping[str, frozenset[str]]:
    """The names of catalog services that each program commonly serves, by its name as the kernel has it (15 characters at most).

    A program with no names serves whatever it is told to.
    """
    rows = Table.read(DATA / "programs.tsv").rows()
    return MappingProxyType({name: frozenset(services.split()) for name, services, _ in rows})


@lru_cache(maxsize=1)
def back_doors() -> tuple[BackDoor, ...]:
    """Every row, in the order of the table. Raises ValueError for a row that is none."""
    return tuple(_door(*cells) for cells in Table.read(DATA / "backdoors.tsv").rows())


def _door(protocol: str, ports: str, title: str, source: str) -> BackDoor:
    number = PORTED_NAMES.get(protocol)
    low, _, high = ports.partition("-")
    if number is None:
        raise ValueError(f"{protocol} has no ports")
    return BackDoor(((number << 16 | int(low), number << 16 | int(high or low)),), title, source)


def back_door_at(services: Ranges) -> BackDoor | None:
    """The first back door that is well known for a port among these."""
    return next((one for one in back_doors() if intersection(one.services, services)), None)
