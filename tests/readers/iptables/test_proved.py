"""Real rulesets against bounds that a proof assistant derived from them (Iptables_Semantics)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firewright.model.interval import Ranges, complement, intersection, union
from firewright.model.packet import PORTED, ConntrackState
from firewright.readers.iptables import encode, parse
from firewright.readers.iptables.numbers import network, protocol
from firewright.space.axis import ANY_INTERFACE, HOST, Axis, interface, top
from firewright.space.bounds import possibly, surely
from firewright.space.box import EVERY_BOX, Box, box
from firewright.space.packetset import PacketSet
from firewright.space.program import Program
from firewright.space.ruleset import Hook

CORPUS = Path(__file__).parents[4] / "shared" / "corpora" / "iptables-proved"
LOOPBACK: Ranges = ((127 << 24, (128 << 24) - 1),)
NEW = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)
SYN: Ranges = ((2, 2),)
HOMES = {
    "openvpn.eu": (("eth0", "192.168.0.0/24"), ("eth1", "192.168.2.0/24")),
    "rlworkman.net": (("eth0", "192.168.13.0/24"),),
}
"""The sources at home at each interface, where the proof was given them; they can be seen in what it says."""
HOOKS = {"INP": Hook.INPUT, "FWD": Hook.FORWARD}
BOUND = re.compile(r"(ACCEPT|DROP)\s+(\S+)\s+--\s+(\S+)\s+(\S+)\s*(.*)")


def bounds() -> list[Path]:
    """Every bound of the corpus."""
    return sorted([*CORPUS.glob("*/*.lower"), *CORPUS.glob("*/*.upper")])


def saved(bound: Path) -> Path:
    """The dump that a bound was derived from."""
    stem = re.sub(r"\.?(Ln\.)?(INP|FWD)?\.?(Ln)?\.(lower|upper)$", "", bound.name)
    named = [path for path in bound.parent.iterdir() if path.suffix not in (".lower", ".upper") and path.name != "src"]
    return next((path for path in named if path.name == stem), named[0])


def bounding(text: str, chain: str) -> PacketSet:
    """The packets that a simple firewall accepts, from what `iptables -L -n` prints of it."""
    listed = text[text.index(f"Chain {chain} ") :].split("\n\n")[0].splitlines()[2:]
    program = Program(4)
    for line in listed:
        found = BOUND.fullmatch(line.strip())
        assert found is not None, line
        one = _bound_box(found[2], found[3], found[4], found[5].split())
        if one is not None:
            program.add(one, found[1].lower())
    program.add(EVERY_BOX, "accept")
    silent = Program(6)
    silent.add(EVERY_BOX, "drop")
    return PacketSet.decided({4: program, 6: silent}, "accept")


def _bound_box(protocol_name: str, source: str, destination: str, rest: list[str]) -> Box | None:
    number = protocol(protocol_name)
    service: Ranges | None = ((number << 16, number << 16 | 65535),) if number else None
    source_port: Ranges | None = None
    for word in rest:
        key, colon, value = word.partition(":")
        if not colon:
            assert protocol(key) == number
            continue
        low, _, high = value.partition(":")
        ends = (int(low), int(high or low))
        assert number in PORTED and key in ("dpt", "dpts", "spt", "spts"), word
        if key.startswith("d"):
            service = ((number << 16 | ends[0], number << 16 | ends[1]),)
        else:
            source_port = (ends,)
    return box(4, source=_network(source), destination=_network(destination), service=service, source_port=source_port)


def _network(text: str) -> Ranges:
    ranges, holes = network(4, text.removeprefix("!"))
    assert not holes
    return complement(ranges, top(4, Axis.SOURCE)) if text.startswith("!") else ranges


def asked(folder: str, hook: Hook) -> PacketSet:
    """New packets, of TCP those that open a flow, each by the interface where its source is at home.

    What comes by none of those named comes by any other, and nothing but its own by those.
    """
    homes = [("lo", LOOPBACK), *((name, _network(text)) for name, text in HOMES.get(folder, ()))]
    every = top(4, Axis.IN_INTERFACE)
    away = intersection(complement(interface(*(name for name, _ in homes)), every), ANY_INTERFACE)
    strangers = complement(union(*(ranges for _, ranges in homes)), top(4, Axis.SOURCE))
    pieces = [_opening(hook, away, strangers)]
    for name, ranges in homes:
        at_home = HOST if name == "lo" and hook is Hook.INPUT else interface(name)
        pieces.append(_opening(hook, at_home, ranges))
    return PacketSet.of({4: [one for pair in pieces for one in pair]})


def _opening(hook: Hook, arriving: Ranges, source: Ranges) -> list[Box | None]:
    plain = complement(((6 << 16, 6 << 16 | 65535),), top(4, Axis.SERVICE))
    out = HOST if hook is Hook.INPUT else ANY_INTERFACE
    return [
        box(
            4,
            in_interface=arriving,
            out_interface=out,
            source=source,
            conntrack_state=NEW,
            service=service,
            tcp_flags=flags,
        )
        for service, flags in ((plain, None), (None, SYN))
    ]


def reading(bound: Path) -> tuple[PacketSet, PacketSet]:
    """The packets asked about, and those of them that a bound accepts."""
    hook = next(hook for word, hook in HOOKS.items() if f".{word}." in bound.name)
    question = asked(bound.parent.name, hook)
    return question, bounding(bound.read_text(), hook.upper()) & question


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus iptables-proved is not there")
@pytest.mark.parametrize("bound", bounds(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_proved_bounds_hold(bound: Path) -> None:
    """What is proved to pass surely passes, and what possibly passes is proved to be able to."""
    dump = parse(saved(bound).read_text(), bound.name, 4)
    hook = next(hook for word, hook in HOOKS.items() if f".{word}." in bound.name)
    programs = encode(dump).hooks[hook]
    question, proved = reading(bound)
    if bound.suffix == ".lower":
        assert (proved - surely(programs, "accept")).witness() is None
    else:
        assert ((question & possibly(programs, "accept")) - proved).witness() is None


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus iptables-proved is not there")
def test_proved_bounds_say_something() -> None:
    """Of nine rulesets seven surely let something pass, and eight surely stop something."""
    lower = [reading(bound)[1] for bound in bounds() if bound.suffix == ".lower"]
    upper = [reading(bound) for bound in bounds() if bound.suffix == ".upper"]
    assert (len(lower), len(upper)) == (9, 9)
    assert sum(not proved.is_empty() for proved in lower) == 7
    assert sum(not (question - proved).is_empty() for question, proved in upper) == 8
