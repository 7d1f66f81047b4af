"""Any ruleset that a file holds, as it is understood: nftables text, nft's own JSON, or what iptables-save prints."""

from __future__ import annotations

import re

from firewright.analysis.passage import MachineNamer, world
from firewright.analysis.running import Running, openings
from firewright.diagnostic import Report, Severity
from firewright.live import nft
from firewright.model.address import UNICAST
from firewright.model.packet import FAMILIES, Family
from firewright.reports import Findings, Passage, Reading, ReadRule
from firewright.source import Source, UnreadableSource, read
from firewright.space.axis import ANY_INTERFACE, HOST
from firewright.space.box import Box, box
from firewright.space.ruleset import Hook, Line, Ruleset
from firewright.workflows.live import listed, saved
from firewright.workflows.loaded import loaded
from firewright.workflows.passing import passage
from firewright.workflows.selection import Saying, silent
from firewright.workflows.targets import NEW

_SAVED = re.compile(r"^\*(?:filter|nat|mangle|raw|security)\s*$", re.MULTILINE)
"""A line that begins a table in what iptables-save prints, and nothing in nftables."""
_TITLES = {
    Hook.PREROUTING: "before routing",
    Hook.INPUT: "let in",
    Hook.FORWARD: "let through",
    Hook.OUTPUT: "let out",
    Hook.POSTROUTING: "after routing",
}
_WAYS = {
    Hook.PREROUTING: (ANY_INTERFACE, None),
    Hook.INPUT: (ANY_INTERFACE, HOST),
    Hook.FORWARD: (ANY_INTERFACE, ANY_INTERFACE),
    Hook.OUTPUT: (HOST, ANY_INTERFACE),
    Hook.POSTROUTING: (None, ANY_INTERFACE),
}
"""By which interfaces the packets of a hook come and go, None where by any and from the host itself."""


def ruleset_in(given: Source | str, report: Report, saying: Saying = silent) -> Ruleset | None:
    """The ruleset in a text or a file, or None after saying in the report why there is none.

    nftables text is loaded into a network namespace of its own and listed back: what counts is what the kernel keeps of it.
    This machine's ruleset is not touched.
    """
    try:
        source = read(given) if isinstance(given, str) else given
    except UnreadableSource as error:
        report.error("unreadable", str(error))
        return None
    report.know(source)
    if source.text.lstrip().startswith("{"):
        return listed(nft.Listing(source.text, ""), source.path, report)
    if _SAVED.search(source.text):
        return saved(source.text, source.path, report)
    saying("loading it into a namespace of its own")
    listing = loaded(source, report)
    if listing is None:
        return None
    saying("reading what it became")
    return listed(listing, source.path, report)


def read_ruleset(given: Source | str, report: Report, has_rules: bool, saying: Saying = silent) -> Reading | None:
    """A ruleset as it is understood, or None after saying in the report why there is none."""
    ruleset = ruleset_in(given, report, saying)
    if ruleset is None:
        return None
    saying("asking what passes")
    rules = tuple(_rule(line) for line in ruleset.lines if line.number or line.refused)
    return Reading(
        ruleset.path,
        rules,
        tuple(_passages(ruleset)),
        tuple(f"{line.place}: {line.text}" for line in ruleset.translations),
        Findings(tuple(report.sorted()), report.sources),
        has_rules,
    )


LIMITS = ("chains-not-followed",)
"""Warnings of a reader that met a limit: an endless jump, chains too deep, too much work."""


def is_whole(reading: Reading) -> bool:
    """Whether every line was read as its own program would read it, and no limit was met: what is not is shown, and why."""
    found = reading.findings.diagnostics
    return not any(one.severity is Severity.ERROR or one.name in LIMITS for one in found)


def _rule(line: Line) -> ReadRule:
    state = "refused" if line.refused else "bounded" if line.unknown else "understood"
    why = line.refused or ", ".join(line.unknown)
    return ReadRule(line.table, line.chain, line.number, line.text, line.comment, state, why, line.at)


_GUARDING = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)
"""Where a machine is expected to have chains: without one, everything passes there, and that is said."""


def _passages(ruleset: Ruleset) -> list[Passage]:
    """What each hook lets begin, in the order of a packet's way; one that guards and has no chain lets everything."""
    namer = MachineNamer(world(ruleset.path), UNICAST)
    alone = Running((ruleset,))
    return [
        passage(f"{hook.value}, {_TITLES[hook]}", alone.at(hook), _new(hook), namer)
        if hook in ruleset.hooks
        else Passage(f"{hook.value}, {_TITLES[hook]}", (f"everything: no chain hooks {hook.value}",))
        for hook in Hook
        if hook in ruleset.hooks or hook in _GUARDING
    ]


def _new(hook: Hook) -> dict[Family, tuple[Box, ...]]:
    """The packets of a hook with which a flow begins."""
    came, went = _WAYS[hook]
    found = {}
    for family in FAMILIES:
        sources = UNICAST.ranges(family) if came else None
        whole = box(family, in_interface=came, out_interface=went, source=sources, conntrack_state=NEW)
        found[family] = () if whole is None else tuple(openings(family, whole))
    return found


def running_in(given: Source | str, report: Report, saying: Saying = silent) -> Running | None:
    """The ruleset in a text or a file, alone, as what runs on a machine."""
    ruleset = ruleset_in(given, report, saying)
    return None if ruleset is None else Running((ruleset,))
