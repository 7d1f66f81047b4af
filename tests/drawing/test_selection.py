"""Nothing that a policy permits is missing from its status picture without being said."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import decide
from firewright.analysis.status import Standing, Statuses, zones_of
from firewright.drawing import selection
from firewright.drawing.outline import Bullets, Heading, Paragraph
from firewright.drawing.pictures import PICTURES, Chosen
from firewright.drawing.roster import roster
from firewright.drawing.scene import Scene
from firewright.drawing.selection import Selection, select
from firewright.model.decision import Outcome
from firewright.model.packet import FAMILIES, Packet
from firewright.model.policy import Policy, Zone
from tests.drawing.build import DAY, perimeter, policy
from tests.drawing.test_files import bundled
from tests.drawing.test_scene import laws, many
from tests.drawing.test_status import ZONES, ends, without_interfaces
from tests.policies import _KINDS as KINDS
from tests.policies import policies

OPEN = (Outcome.ALLOWED, Outcome.REQUIRED)


def drawn(one: Policy, chosen: Chosen = ()) -> Scene:
    """The status picture."""
    return PICTURES.load("status")(one, chosen, DAY)


def said(scene: Scene) -> set[tuple[str, str]]:
    """The ways between zones of which a picture says something, read from its words."""
    found = set()
    for block in scene.outline.blocks:
        if isinstance(block, Heading) and block.level == 2:
            if pair := re.fullmatch("(.+) and (.+)", block.words):
                found |= {(pair[1], pair[2]), (pair[2], pair[1])}
            elif inside := re.fullmatch("Within (.+)", block.words):
                found.add((inside[1], inside[1]))
    for line in lines(scene):
        if way := re.fullmatch("Not shown: (.+?) to (.+)", line):
            found |= {(way[1], re.sub(r" \(.*", "", other)) for other in way[2].split("), ")}
    return found


def lines(scene: Scene) -> list[str]:
    """What is said of other zones than those in full."""
    bullets = [item for block in scene.outline.blocks if isinstance(block, Bullets) for item in block.items]
    return [item for item in bullets if re.match("Not shown|What|Closed|No firewall", item)]


@settings(deadline=None, max_examples=80)
@given(policies(), st.lists(st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True), max_size=2))
def test_what_is_permitted_is_in_the_picture(one: Policy, groups: list[list[Zone]]) -> None:
    """Law: each packet that a rule permits lies between zones that are drawn, or that the picture says it leaves out."""
    one = without_interfaces(one)
    (wall,) = one.firewalls.values()
    told = said(drawn(one, tuple(map(tuple, groups))))
    zones = [zone for zone in zones_of(one) if zone.name not in ("multicast", "broadcast")]
    for source, destination, family in product(zones, zones, FAMILIES):
        names = ["" if zone.is_local else "eth0" for zone in (source, destination)]
        for here, there, service in product(ends(source, family), ends(destination, family), KINDS):
            packet = Packet(
                family, here, there, *service, 49152 if service[0] in (6, 17) else 0,
                in_interface=names[0], out_interface=names[1],
            )  # fmt: skip
            if decide(one, wall, packet, DAY).outcome in OPEN:
                assert any(
                    zone_has(one.zones[first], source, family, here) and zone_has(one.zones[second], destination, family, there)
                    for first, second in told
                ), (source.name, destination.name, service)  # fmt: skip


def zone_has(told: Zone, zone: Zone, family: int, address: int) -> bool:
    """Whether a zone that is told of has the address: the machine's own only under its own name."""
    if zone.is_local or told.is_local:
        return zone.is_local and told.is_local
    return told.addresses.has(family, address)


@settings(deadline=None, max_examples=60)
@given(policies())
def test_folded_pairs_have_nothing_open(one: Policy) -> None:
    """Law: a pair in one line has nothing permitted, on request or denied; a pair in full has bands with something."""
    found = select(one, (), DAY)
    statuses = Statuses(one, DAY)
    for _, words in found.folded:
        for name in words.split(": ", 1)[1].split(", "):
            here, there = (name.removeprefix("within "),) * 2 if " – " not in name else name.split(" – ")
            for way in ((here, there), (there, here)):
                standings = statuses.direction(*(one.zones[end] for end in way)).standings
                assert set(standings) <= {Standing.CLOSED, Standing.UNENFORCED}
                assert len(standings) <= 1
    assert all(
        any(roster(way, one).bands for way in shown.directions) for shown in found.shown if shown.directions[0].shares
    )


def edge() -> Policy:
    """A tenant's edge with an office that its firewall's legs do not name."""
    named = {"tenant": ["198.51.100.16/28"], "office": ["203.0.113.64/29"]}
    rules = [("internet", "tenant", "require", "https"), ("office", "tenant", "require", "ssh")]
    return policy(named, rules, {"edge": ("internet tenant", "")})


def test_a_pair_that_a_rule_names_is_drawn() -> None:
    """The office that only a rule names has its pair, and what is required there is in it."""
    scene = drawn(edge())
    laws(scene)
    titles = [block.words for block in scene.outline.blocks if isinstance(block, Heading) and block.level == 2]
    assert titles == ["internet and tenant", "office and tenant", "Words"]
    assert any("SSH" in text.words for text in scene.texts)
    assert not any("Not shown" in line for line in lines(scene))


def test_what_is_not_asked_for_and_permitted_is_said() -> None:
    """A picture of chosen zones ends with what is permitted between others, and how to draw it."""
    one = edge()
    scene = drawn(one, ((one.zones["internet"], one.zones["tenant"]),))
    laws(scene)
    assert lines(scene) == [
        "Not shown: office to tenant (1 permitted)",
        "What is not shown is drawn with --between office,tenant",
    ]


def test_what_everybody_may_is_said_of_zones_nobody_names() -> None:
    """A rule from `any` permits zones that no rule names, another authority's too; each is said."""
    named = {"tenant": ["198.51.100.16/28"], "lab": ["203.0.113.0/28"]}
    one = policy(named, [("any", "tenant", "allow", "https")], {"edge": ("internet tenant", "")}, behind=perimeter())
    found = lines(drawn(one))
    assert "Not shown: lab to tenant (1 permitted)" in found
    assert "Not shown: tenants to tenant (1 permitted)" in found


def test_the_bundled_edge_shows_its_office() -> None:
    """The bundled tenant's edge is drawn with its office."""
    assert {("office", "tenant-a"), ("tenant-a", "office")} <= said(drawn(bundled("tenant-edge")))


def test_a_small_office_fits_a_page() -> None:
    """Pairs without anything open take one line for all of them, and bands in which there is nothing none."""
    names = ("staff", "guests", "printers", "servers", "cameras")
    named = {name: [f"192.168.{number}.0/24"] for number, name in enumerate(names)}
    rules = [("staff", "printers", "allow", "ipp"), ("staff", "internet", "allow", "https")]
    scene = drawn(policy(named, rules, {"office": (" ".join(("internet", *names)), "")}))
    laws(scene)
    closed = [line for line in lines(scene) if line.startswith("Closed both ways: ")]
    assert len(closed) == 1 and closed[0].count(" – ") == 13
    assert "guests – printers" in closed[0]
    assert scene.height < 1600
    assert [block.words for block in scene.outline.blocks if isinstance(block, Paragraph)].count("Nothing.") == 0
    assert any("Nothing is on request or denied" in text.words for text in scene.texts)


def test_pairs_that_nobody_looked_at_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bounds a picture says that it has not looked."""
    one = many(6)
    chosen = ((one.zones["internet"], one.zones["zone-1-with-a-name"]),)
    monkeypatch.setattr(selection, "MOST_LOOKED", 2)
    assert "Not shown, not looked at: 3 more ways between zones; choose them with --between" in left_out(one, chosen)
    monkeypatch.setattr(selection, "MOST_ZONES", 3)
    assert left_out(one, chosen)[0].startswith(
        "Not shown, not looked at: what is permitted between other pairs of 7 zones"
    )


def left_out(one: Policy, chosen: Chosen) -> tuple[str, ...]:
    """What the selection leaves out."""
    found: Selection = select(one, chosen, DAY)
    return found.left_out
