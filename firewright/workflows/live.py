"""What runs on this machine: its rulesets read, whichever program loaded them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import time

from firewright.analysis.running import Running
from firewright.diagnostic import Report, harmless
from firewright.live.host import Host
from firewright.live.looking import LOOK_SECONDS, facts_of, machine_of
from firewright.live.machine import Machine, Saved, Tables, look
from firewright.live.nft import Listing
from firewright.model.packet import Family
from firewright.space.budget import Undecided
from firewright.space.ruleset import Ruleset
from firewright.workflows.selection import Saying, silent

RUNNING = "the running ruleset"
"""What the place of a rule is called that no file holds."""
_BOTH = "legacy-tables"
"""What the reader of iptables says where there are tables of its own machinery beside those it reads."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A machine and its rulesets as one decision; `running` is None where they could not be seen or read.

    `instant` is when they are as they are read, in seconds since 1970 by the machine's own clock.
    """

    machine: Machine
    running: Running | None
    instant: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every table was seen and read."""
        return self.running is not None and not self.machine.tables.unseen


def see(report: Report, saying: Saying = silent) -> Seen:
    """This machine as it stands now. What cannot be seen is an error in the report, never an empty ruleset."""
    saying("looking at this machine")
    return _seen(look(), int(time()), report, saying)


def see_host(host: Host, report: Report, saying: Saying = silent) -> Seen:
    """A managed host as it stands now, its rules as they are by its own clock. Raises HostError where it does not answer."""
    if host.is_local:
        return see(report, saying)
    saying(f"looking at {harmless(host.name)}")
    return see_told(host.call("look", seconds=LOOK_SECONDS).sections, report, saying)


def see_told(sections: Mapping[str, str], report: Report, saying: Saying = silent) -> Seen:
    """A host as what its `look` printed tells of it. What it does not tell is an error in the report, never an empty ruleset."""
    seconds = facts_of(sections).seconds
    return _seen(machine_of(sections), int(time()) if seconds is None else seconds, report, saying)


def _seen(machine: Machine, instant: int, report: Report, saying: Saying) -> Seen:
    if machine.tables.unseen:
        report.error(
            "not-seen", f"not seen: {'; '.join(machine.tables.unseen)}", help=machine.tables.help or "run as root"
        )
    saying("reading its rulesets")
    return Seen(machine, _running(machine.tables, instant, report), instant)


def _running(tables: Tables, instant: int, report: Report) -> Running | None:
    """The rulesets in some tables; None where one of them cannot be read, or nothing tells of any."""
    if tables.listing is None:
        return None
    rulesets: list[Ruleset | None] = [listed(tables.listing, RUNNING, report, instant)]
    by_program: dict[str, list[Saved]] = {}
    for one in tables.saved:
        by_program.setdefault(one.program.removeprefix("ip6").removeprefix("ip"), []).append(one)
    inner = Report()
    rulesets += [
        saved("".join(one.text for one in group), group[0].program, inner, instant=instant)
        for group in by_program.values()
    ]
    for diagnostic in inner.diagnostics:
        if diagnostic.name != _BOTH:  # Both are read here.
            report.add(diagnostic)
    read = tuple(one for one in rulesets if one is not None)
    return Running(read) if len(read) == len(rulesets) else None


def listed(listing: Listing, path: str, report: Report, instant: int | None = None) -> Ruleset | None:
    """What a listing of nft means at an instant, or now; None, and why in the report, where it is no listing."""
    from firewright.readers.nftables import UnreadableListing, encode, parse

    try:
        ruleset = encode(parse(listing.json, path, listing.text), int(time()) if instant is None else instant)
    except UnreadableListing as error:
        report.add(error.diagnostic)
        return None
    except Undecided as error:
        report.error("undecided", f"{path}: {harmless(str(error))}")
        return None
    return said(ruleset, report)


def saved(
    text: str, path: str, report: Report, family: Family | None = None, instant: int | None = None
) -> Ruleset | None:
    """What a text of iptables-save means at an instant, or now; None, and why in the report, where it is too much."""
    from firewright.readers.iptables import encode, parse

    try:
        ruleset = encode(parse(text, path, family), int(time()) if instant is None else instant)
    except Undecided as error:
        report.error("undecided", f"{path}: {harmless(str(error))}")
        return None
    return said(ruleset, report)


def said(ruleset: Ruleset, report: Report) -> Ruleset:
    """The ruleset, after what its reader says of it is in the report."""
    for diagnostic in ruleset.diagnostics:
        report.add(diagnostic)
    return ruleset
