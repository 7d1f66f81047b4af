"""Whether there is a firewall at all: the proof that no rule of any table stops a packet from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from firewright.analysis.running import Running, openings
from firewright.analysis.wire import REAL
from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.model.address import EVERYWHERE, LOOPBACK, UNICAST, AddressSet
from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, Family
from firewright.space.axis import HOST
from firewright.space.box import Box, box
from firewright.space.budget import Undecided
from firewright.space.packetset import PacketSet
from firewright.workflows.live import Seen
from firewright.workflows.targets import NEW


def no_firewall(seen: Seen) -> Diagnostic | None:
    """What is to be said before all else of a machine that lets everything in, in one family at least; None where it does not.

    No base chain on the hook and chains that accept everything are the same: no packet from outside is stopped. Where that
    was not decided, that is said. Nothing is said of a machine whose rulesets were not seen: seeing them says so itself.
    """
    if seen.running is None:
        return None
    inward = beginnings(HOST, seen.machine.own_addresses - LOOPBACK)
    found = list(unguarded(seen.running, inward))
    return next((one for one in found if one.name == "no-firewall"), found[0] if found else None)


def beginnings(out: Ranges, addresses: AddressSet = EVERYWHERE) -> dict[Family, tuple[Box, ...]]:
    """Packets with which somebody outside, so never by `lo`, begins a flow to the machine itself, or through it, to some addresses."""
    found = {}
    for family in FAMILIES:
        whole = box(
            family,
            in_interface=REAL,
            out_interface=out,
            source=UNICAST.ranges(family),
            destination=addresses.ranges(family),
            conntrack_state=NEW,
        )
        found[family] = () if whole is None else tuple(openings(family, whole))
    return found


def unguarded(running: Running, inward: Mapping[Family, tuple[Box, ...]]) -> Iterator[Diagnostic]:
    """That nothing stops anything of these packets, in one sentence for the families of which that is proved; or was not decided."""
    found, is_sure = [], True
    for family, boxes in inward.items():
        try:
            if boxes and _is_empty(~running.possibly, family, boxes):
                found.append(family)
                is_sure = is_sure and _is_empty(~running.surely, family, boxes)
        except Undecided as error:
            message = f"whether there is a firewall for IPv{family}: {harmless(str(error))}"
            yield Diagnostic("undecided", Severity.ERROR, message)
    if not found:
        return
    names = " and ".join(f"IPv{family}" for family in found)
    said = "nothing stops" if is_sure else "nothing that is understood stops"
    example = running.possibly.witness({found[0]: inward[found[0]][0]})
    way_out = (
        "firewright init writes a policy that lets in only what you name; firewright compile makes a ruleset of it"
    )
    message = f"no firewall for {names}: {said} a packet from outside, to any port"
    yield Diagnostic("no-firewall", Severity.ERROR, message, witness=str(example), help=way_out)


def _is_empty(packets: PacketSet, family: Family, boxes: Iterable[Box]) -> bool:
    return all(packets.is_empty({family: one}) for one in boxes)
