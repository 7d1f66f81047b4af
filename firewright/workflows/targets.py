"""What somebody outside may try to reach on a machine: its listeners, and what it publishes for others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from firewright.analysis.running import Running, openings
from firewright.diagnostic import harmless
from firewright.live.machine import Machine
from firewright.live.sockets import Listener
from firewright.model.address import LOOPBACK, UNICAST, AddressSet
from firewright.model.essential import LINK_LOCAL
from firewright.model.interval import Ranges, difference
from firewright.model.packet import ConntrackState, Family
from firewright.model.service_words import words as service_words
from firewright.space.axis import HOST, interface
from firewright.space.box import Box, box
from firewright.space.ruleset import Hook
from firewright.workflows.published import Published

NEW: Ranges = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)
"""Packets that connection tracking takes for the first of a flow."""


@dataclass(frozen=True, slots=True)
class Target:
    """What somebody may reach: its packets in each family, and how it is called.

    A family without a box is one in which only the machine itself reaches it. `running` is what judges its packets where that
    is not the whole machine; without `is_certain` nothing more is known than that they may pass. `outer` are the services that
    callers name where the machine publishes it for another; `is_inner` is whether it does so for itself.
    """

    service: str
    programs: tuple[str, ...]
    address: str
    boxes: Mapping[Family, Box | None]
    services: Ranges
    running: Running | None = None
    is_certain: bool = True
    outer: Ranges = ()
    is_inner: bool = False


def listeners(machine: Machine) -> Iterator[Target]:
    """What listens, one for each port, address and program, in the families that it serves."""
    groups: dict[tuple[object, ...], dict[Family, Listener]] = {}
    for one in machine.listening.listeners:
        key = (one.protocol, one.port, _words(one), one.interface, one.programs, one.is_private)
        groups.setdefault(key, {})[one.family] = one
    for by_family in groups.values():
        first = next(iter(by_family.values()))
        low = first.protocol << 16 | first.port
        services: Ranges = ((first.protocol << 16, low | 0xFFFF),) if first.is_raw else ((low, low),)
        words = _words(first)
        yield Target(
            service=service_words(services, first.family),
            programs=tuple(harmless(str(program), 60) for program in first.programs),
            address=f"{words} on {first.interface}" if first.interface else words,
            boxes={family: _to_listener(one, machine, services) for family, one in by_family.items()},
            services=services,
        )


def _words(one: Listener) -> str:
    if one.is_private:
        return "loopback"
    if not one.address:
        return "any address"
    here = ((one.address, one.address),)
    return (AddressSet(v4=here) if one.family == 4 else AddressSet(v6=here)).prefixes()[0]


def _to_listener(one: Listener, machine: Machine, services: Ranges) -> Box | None:
    """The packets with which somebody outside begins a flow to a listener; None where nobody outside can address it."""
    numbers = (one.address,) if one.address else machine.own(one.family)
    if one.is_private or not numbers:
        return None
    wide = tuple(number for number in numbers if not LINK_LOCAL.has(one.family, number))
    return box(
        one.family,
        in_interface=interface(one.interface) if one.interface else machine.outside,
        out_interface=HOST,
        source=(UNICAST if wide else LINK_LOCAL).ranges(one.family),
        destination=tuple((number, number) for number in sorted(wide or numbers)),
        conntrack_state=NEW,
        service=services,
    )


def published_targets(found: tuple[Published, ...], machine: Machine, running: Running) -> Iterator[Target]:
    """What destination NAT publishes, as it is judged: by the forward chains with its address changed.

    Before that the packets pass the prerouting chains with the machine's own address: where those may stop some, it is
    no more than possible that one arrives.
    """
    before, behind, inside = (
        running.at(*hooks) for hooks in ((Hook.PREROUTING,), (Hook.FORWARD, Hook.POSTROUTING), (Hook.INPUT,))
    )
    for one in found:
        is_inner = machine.own_addresses.has(one.family, one.address) or LOOPBACK.has(one.family, one.address)
        yield Target(
            service=one.service,
            programs=(),
            address=one.words,
            boxes={one.family: _changed(one, machine, is_inner)},
            services=one.services,
            running=inside if is_inner else behind,
            is_certain=any(_passes(before, machine, one, number) for number in machine.own(one.family)),
            outer=one.outer,
            is_inner=is_inner,
        )


def _passes(before: Running, machine: Machine, one: Published, number: int) -> bool:
    """Whether every packet to a published port at one of the machine's addresses surely passes what is before destination NAT."""
    outer = _sent(machine.outside, machine.outside, one.family, ((number, number),), one.outer)
    return outer is not None and all(
        (~before.surely).is_empty({one.family: part}) for part in openings(one.family, outer)
    )


def _changed(one: Published, machine: Machine, is_inner: bool) -> Box | None:
    """The packets of a published port as they are after destination NAT; None where the machine hands none of them on."""
    there: Ranges = ((one.address, one.address),)
    if is_inner:
        is_routed = machine.routes_loopback or not LOOPBACK.has(one.family, one.address)
        return _sent(machine.outside, HOST, one.family, there, one.services) if is_routed else None
    if one.family not in machine.forwards:
        return None
    name = machine.interface_to(one.family, one.address)
    to = interface(name) if name else machine.outside
    return _sent(
        difference(machine.outside, interface(name)) if name else machine.outside, to, one.family, there, one.services
    )


def _sent(came: Ranges, went: Ranges, family: Family, destination: Ranges, services: Ranges) -> Box | None:
    """Packets with which somebody outside begins a flow to these addresses."""
    return box(
        family,
        in_interface=came,
        out_interface=went,
        source=UNICAST.ranges(family),
        destination=destination,
        conntrack_state=NEW,
        service=services,
    )
