"""Firewalls: their legs, interfaces, answers and timeouts; and the machine itself, which is the firewall `local`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from firewright.diagnostic import Note, harmless
from firewright.document import Scalar
from firewright.model.policy import Action, Firewall, Zone, ZoneKind
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.readers.policy_yaml.names import Names
from firewright.readers.policy_yaml.stated import Stated
from firewright.readers.policy_yaml.zones import Atlas
from firewright.source import Located

HOST = "local"
"""The name of the firewall that is the machine itself."""
_NO_LEG = (ZoneKind.ANY, ZoneKind.LOCAL, ZoneKind.MULTICAST, ZoneKind.BROADCAST)


def resolve_firewalls(names: Names[Stated], atlas: Atlas, complaints: Complaints) -> dict[str, Firewall]:
    """The firewalls of a policy; the machine itself where none is written."""
    firewalls = {}
    for name, definition in names.defined.items():
        if definition.value is not None:
            firewalls[name] = _firewall(definition.name, definition.value, atlas, complaints)
    return firewalls if names.defined else {HOST: Firewall(HOST)}


def _firewall(name: Scalar, stated: Stated, atlas: Atlas, complaints: Complaints) -> Firewall:
    between = _legs(stated, "between", atlas, complaints)
    within = _legs(stated, "within", atlas, complaints)
    placed = [key for key in ("between", "within") if key in stated.keys]
    if name.text == HOST and placed:
        message = f"the firewall {HOST} is the machine itself, and stands {placed[0]} no zones"
        complaints.error(
            "unfit-leg", message, stated.keys[placed[0]].at, "take this out, or give the firewall another name"
        )
    elif name.text != HOST and not placed:
        way_out = f"write between: [internet, …], or call it {HOST} if it is the machine itself"
        complaints.error("no-legs", f"nobody says what the firewall {name.text} stands between", name.at, way_out)
    legs = {zone.name: zone for zone in (*between, *within)}
    default, opens = stated.word("default"), stated.word("opens")
    return Firewall(
        name.text,
        between,
        within,
        _interfaces(name, stated, legs, atlas, complaints),
        Action(default.text) if default else Action.DROP,
        opens.text if opens else "allowed",
        {
            key.text: cast("Located[int]", value).value
            for key, value in stated.table("timeouts")
            if value is not None
        },
        name.at,
    )  # fmt: skip


def _legs(stated: Stated, key: str, atlas: Atlas, complaints: Complaints) -> tuple[Zone, ...]:
    legs: dict[str, Zone] = {}
    for word in stated.words(key):
        zone = atlas.find(word, complaints)
        if zone is None:
            continue
        if zone.kind in _NO_LEG:
            way_out = (
                "write internet for what no zone holds" if zone.kind is ZoneKind.ANY else "name zones of addresses"
            )
            complaints.error("unfit-leg", f"{zone.name} lies on no leg of a firewall", word.at, way_out)
        else:
            legs[zone.name] = zone
    words = stated.words(key)
    if key == "between" and len(words) > 1 and len({word.text for word in words}) == 1:
        complaints.error("too-few", "between needs two different zones", stated.keys[key].at, "name the zone beyond it")
    return tuple(legs.values())


def _interfaces(
    name: Scalar, stated: Stated, legs: Mapping[str, Zone], atlas: Atlas, complaints: Complaints
) -> dict[str, tuple[str, ...]]:
    interfaces: dict[str, tuple[str, ...]] = {}
    for key, value in stated.table("interfaces"):
        zone = atlas.find(key, complaints)
        if zone is None or value is None:
            continue
        is_leg = zone.name in legs if name.text != HOST else zone.kind in (ZoneKind.NAMED, ZoneKind.INTERNET)
        if not is_leg:
            way_out = f"its zones are {', '.join(legs)}" if legs else "name zones of addresses"
            message = f"{quoted(key)} is on no leg of the firewall {harmless(name.text, 60)}"
            complaints.error("unfit-leg", message, key.at, way_out, [Note("the firewall is here", name.at)])
            continue
        interfaces[zone.name] = tuple(word.text for word in value)
    return interfaces
