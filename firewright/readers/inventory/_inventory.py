"""What an inventory says once it is read, and which format reads a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from firewright.diagnostic import Report, harmless
from firewright.document import collection_paused
from firewright.readers.policy_yaml.complaint import Complaints, TooManyErrors
from firewright.registry import Registry
from firewright.source import NOWHERE, Source, Span

HOST_LIMIT = 20_000
"""Hosts of one inventory."""


@dataclass(frozen=True, slots=True)
class InventoryHost:
    """One machine: what ssh is given for it, and which policy and firewall it is to have, as far as the file says.

    `port` is 0, and a text empty, where nothing is said. `policy` is a path relative to the inventory's folder. `groups` are
    all that it is in, those around its own too.
    """

    name: str
    destination: str
    port: int = 0
    user: str = ""
    identity: str = ""
    is_local: bool = False
    policy: str = ""
    firewall: str = ""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    at: Span = field(compare=False, default=NOWHERE)
    policy_at: Span = field(compare=False, default=NOWHERE)
    firewall_at: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts of a fleet in the order of the text, its groups with all their hosts, and how many are changed at a time.

    `batch` is a number or a share of the hosts (`20%`), `canary` a number or a host's name; empty where nothing is said. `beside`
    are the names of files and folders beside it that the format's own program reads too.
    """

    path: str
    hosts: tuple[InventoryHost, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    batch: str = ""
    canary: str = ""
    beside: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """The names of its hosts."""
        return tuple(host.name for host in self.hosts)


@dataclass(frozen=True, slots=True)
class Format:
    """A format of inventories: what it is, whether a text looks like it, and how it is read.

    `read` adds what is wrong to the complaints and gives what could be read, or None. `has_beside` are the names of files and
    folders beside an inventory that its own program would read too.
    """

    says: str
    fits: Callable[[Source], bool]
    read: Callable[[Source, Complaints], Inventory | None]
    has_beside: tuple[str, ...] = ()


INVENTORIES: Registry[Format] = Registry("firewright.readers.inventory", "INVENTORY")


def read_inventory(source: Source, report: Report, format: str = "") -> Inventory | None:
    """The inventory in a text, or None after saying in the report what is wrong. O(size of the text and of its ranges).

    Without the name of a `format`, it is the one that the text looks like.
    """
    report.know(source)
    complaints = Complaints(report)
    name = format or _format_of(source, complaints)
    if not name:
        return None
    try:
        chosen = INVENTORIES.load(name)
        with collection_paused():
            inventory = chosen.read(source, complaints)
    except LookupError as error:
        report.error("unknown-inventory", harmless(str(error)), help=f"the formats are {_known()}")
        return None
    except TooManyErrors:
        return None
    if inventory is None or complaints.errors:
        return None
    if not inventory.hosts:
        report.error("no-hosts", "the inventory has no hosts", Span(source.path, 1, 1), "name one under hosts")
        return None
    return replace(inventory, beside=chosen.has_beside)


def _known() -> str:
    return ", ".join(INVENTORIES.names())


def _format_of(source: Source, complaints: Complaints) -> str:
    fitting = [name for name, one in INVENTORIES.all() if one.fits(source)]
    if len(fitting) == 1:
        return fitting[0]
    suffix = PurePath(source.path).suffix
    what = f"may be {' or '.join(fitting)}" if fitting else f"is of no known format ({suffix or 'no suffix'})"
    way_out = f"say which by --inventory-format; the formats are {_known()}"
    complaints.error("unknown-inventory", f"the inventory {what}", Span(source.path, 1, 1), way_out)
    return ""
