"""What a managed host knows of its generations: which is confirmed, what waits, what was done; as its program says it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from firewright.diagnostic import harmless
from firewright.live.host import Reply

_NOTHING = "4294967295-0"
"""What cksum says of nothing: the host has no table of ours."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A ruleset that was applied: `state` is "applied", "confirmed", or "rolled back: why"; `facts` are what was said of it.

    `made` is when it was applied, in seconds since 1970 by the clock of whoever applied it, 0 where that is not known.
    """

    number: int
    state: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def policy(self) -> str:
        """The name of its policy."""
        return self.facts.get("policy", "")

    @property
    def made(self) -> int:
        """See the class."""
        return _number(self.facts.get("made", ""))


@dataclass(frozen=True, slots=True)
class Pending:
    """A load that waits to be confirmed: its generation, the seconds until it is taken back, and whether its watchdog lives."""

    number: int
    left: int
    is_watched: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the host's journal: when, what was done, of which generation (0: of none), by whom, in words."""

    time: int
    verb: str
    number: int
    who: str
    words: str


@dataclass(frozen=True, slots=True)
class HostState:
    """A host as its program describes it.

    `time` is its clock, in seconds since 1970, `uptime` seconds since it started; `connection` is SSH_CONNECTION's words;
    `client_by` is the interface of the route to its client, empty where the host cannot tell, `is_tunnelled` whether that is
    a tunnel, or nothing but the machine itself;
    `is_tracking` says that it tracks connections already, `has_late_flows` that since its start it began to when some were open.
    `confirmed` and `pending` are None where there is none; `boot` says what the last boot loaded, `boot_way` is the file
    that has it loaded, `has_timer` whether one waits for the ends of permissions. `sum` is the checksum of the listed table,
    `table` its text, empty where there is none. `is_journal_whole` is false where lines were changed or taken out. `home` is the
    folder in which the host keeps all that.
    """

    name: str
    time: int
    uptime: int
    connection: str
    is_root: bool
    is_tracking: bool
    confirmed: int | None
    pending: Pending | None
    generations: tuple[Generation, ...]
    journal: tuple[Entry, ...]
    is_journal_whole: bool
    boot: str
    boot_way: str
    has_timer: bool
    sum: str
    table: str
    has_late_flows: bool = False
    client_by: str = ""
    is_tunnelled: bool = False
    home: str = ""

    @property
    def has_table(self) -> bool:
        """Whether a table of our name is loaded."""
        return bool(self.table.strip())

    @property
    def running(self) -> int | None:
        """The generation that should be loaded: the one that waits, else the confirmed one."""
        return self.pending.number if self.pending else self.confirmed

    def generation(self, number: int | None) -> Generation | None:
        """A generation by its number, None where the host has it no more."""
        return next((one for one in self.generations if one.number == number), None)

    def loaded_at(self, number: int) -> int:
        """When a generation was last loaded: applied, or at boot, in seconds since 1970 by the host's clock; 0 if unknown."""
        times = [one.time for one in self.journal if one.number == number and one.verb in ("applied", "booted")]
        return max(times, default=0)


def state_of(reply: Reply) -> HostState:
    """What the host's program said; what it did not say is empty."""
    facts = reply.pairs("host")
    pending = reply.pairs("pending")
    lines = reply.text("journal").splitlines()
    return HostState(
        name=harmless(facts.get("name", ""), 64),
        time=_number(facts.get("time", "")),
        uptime=_number(facts.get("uptime", "")),
        connection=facts.get("connection", ""),
        is_root=facts.get("root") == "yes",
        is_tracking=_number(facts.get("tracked", "")) > 0,
        confirmed=_number(reply.line("confirmed")) or None,
        pending=Pending(
            _number(pending["number"]), _seconds(pending.get("left", "")), pending.get("watchdog") == "alive"
        )
        if pending.get("number")
        else None,
        generations=tuple(sorted(_generations(reply.text("generations")), key=lambda one: one.number)),
        journal=tuple(entry for line in lines if (entry := _entry(line))),
        is_journal_whole=is_chained(lines),
        boot=harmless(reply.line("boot"), 400),
        boot_way=harmless(reply.line("boot-way"), 200),
        has_timer=reply.line("ends") == "alive",
        sum=reply.line("sum") or _NOTHING,
        table=reply.text("table"),
        has_late_flows=facts.get("late") == "yes",
        home=harmless(facts.get("state", ""), 200),
        client_by=_device(facts.get("route", "")),
        is_tunnelled=_is_tunnel(facts.get("link", "")),
    )


def is_chained(lines: list[str]) -> bool:
    """Whether each line of a journal begins with the SHA-256 of the line before it (`-` where the host cannot reckon it)."""
    for before, line in pairwise(lines):
        said = line.partition(" ")[0]
        if said not in ("-", hashlib.sha256(f"{before}\n".encode()).hexdigest()):
            return False
    return True


def _generations(text: str) -> list[Generation]:
    found: list[dict[str, str]] = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if name == "generation":
            found.append({})
        if found and equals:
            found[-1][name] = harmless(value, 400)
    return [Generation(_number(one.pop("generation")), one.pop("state", ""), one) for one in found]


def _entry(line: str) -> Entry | None:
    words = line.split(" ", 5)
    if len(words) < 6:
        return None
    return Entry(
        _number(words[1]), harmless(words[2], 40), _number(words[3]), harmless(words[4], 80), harmless(words[5])
    )


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text.strip()) else 0


def _device(route: str) -> str:
    """The interface of a route as `ip route get` tells it."""
    found = re.search(r" dev ([^\s\"/]{1,15})(?: |$)", route)
    return found[1] if found else ""


def _is_tunnel(link: str) -> bool:
    """Whether an interface as `ip link` tells it is no wire: WireGuard, OpenVPN and tun are `none`, others `ppp`, `gre`, `ipip`."""
    found = re.search(r" link/([a-z0-9_]+)", link)
    return found is not None and found[1] not in ("ether", "infiniband", "ieee802.11")


def _seconds(text: str) -> int:
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else 0
