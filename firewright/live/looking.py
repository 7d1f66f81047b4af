"""A managed host as it stands, from what `managed/look.sh` printed there; no word of it is believed to be more than text.

What cannot be read is in `Tables.unseen`, never left out: a ruleset that the nft here does not understand is not an empty one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from firewright.diagnostic import harmless
from firewright.live import _routing
from firewright.live._xtables import saved_tables
from firewright.live.host import Host
from firewright.live.listing import NotAListing, Table, tables_in
from firewright.live.machine import Machine, Saved, Tables, look
from firewright.live.nft import BadRuleset, Listing, NftError, list_back
from firewright.live.sockets import Listening
from firewright.model.packet import FAMILIES

Sections = Mapping[str, str]
"""What `look.sh` printed, by the names of its sections."""
_LAST = "looked"
LOOK_SECONDS = 180.0
"""The time limit of a look: to list 100,000 rules takes half a minute."""
_ROOT = "run it as root there, or let the user run `sudo -n`"
"""What helps where nothing may be seen."""
_BY_HAND = "look at the table by hand there: nft list ruleset"


@dataclass(frozen=True, slots=True)
class Connection:
    """The two ends of the SSH connection that somebody works over, as sshd on the host sees them."""

    client: str
    client_port: int
    server: str
    server_port: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a host says of itself beside its network: `seconds` is its clock (since 1970), None where it told none.

    `uptime` is in seconds, `nft` the version, empty where there is none; `first` is the program with process number 1,
    `programs` those of the ones that an apply makes use of that are there; `ssh` is None where the connection is not by SSH.
    """

    hostname: str
    kernel: str
    first: str
    seconds: int | None
    uptime: float
    nft: tuple[int, ...]
    is_root: bool
    has_sudo: bool
    programs: frozenset[str]
    ssh: Connection | None


def look_at(host: Host) -> Machine:
    """A host as it stands now; this machine is looked at without the detour. Raises HostError where there is no answer."""
    return look() if host.is_local else machine_of(host.call("look", seconds=LOOK_SECONDS).sections)


def is_complete(sections: Sections) -> bool:
    """Whether the answer was not cut off on its way."""
    return _LAST in sections


def facts_of(sections: Sections) -> Facts:
    """What the host says of itself; what it does not say is empty."""
    seconds = _word(sections, "time")
    version = re.search(r"\bv(\d{1,6}(?:\.\d{1,6}){1,3})", sections.get("version", ""))
    uptime = re.match(r"\d{1,12}(?:\.\d{1,9})?", _word(sections, "uptime"))
    return Facts(
        hostname=harmless(_word(sections, "hostname"), 64),
        kernel=harmless(_word(sections, "kernel"), 64),
        first=harmless(_word(sections, "first"), 64),
        seconds=int(seconds) if re.fullmatch(r"\d{1,12}", seconds) else None,
        uptime=float(uptime[0]) if uptime else 0.0,
        nft=tuple(map(int, version[1].split("."))) if version else (),
        is_root=_word(sections, "user") == "0",
        has_sudo=_word(sections, "sudo") == "yes",
        programs=frozenset(harmless(word, 64) for word in sections.get("programs", "").split()),
        ssh=_connection(sections.get("ssh", "").split()),
    )


def _word(sections: Sections, name: str) -> str:
    """The first line of a section."""
    return sections.get(name, "").partition("\n")[0].strip()


def _connection(words: list[str]) -> Connection | None:
    """What sshd puts into SSH_CONNECTION: address and port of the client, then of the server."""
    if len(words) != 4 or not all(re.fullmatch(r"\d{1,5}", word) for word in words[1::2]):
        return None
    try:
        client, server = (str(ip_address(word.partition("%")[0])) for word in words[::2])
    except ValueError:
        return None
    return Connection(client, int(words[1]), server, int(words[3]))


def machine_of(sections: Sections) -> Machine:
    """The machine that the sections tell of. Never raises for what is missing: `tables.unseen` says it.

    What listens there is not looked at. Time as one `nft -f` of the host's ruleset here, in a namespace of its own.
    """
    addresses = tuple(sorted(_routing.addresses(sections)))
    return Machine(
        name=harmless(_word(sections, "hostname"), 64),
        addresses=addresses,
        interfaces=_routing.interfaces(sections),
        outward=_routing.outward(sections),
        forwards=tuple(family for family in FAMILIES if _routing.interfaces_with(sections, f"forwarding{family}")),
        routes_loopback=_routing.interfaces_with(sections, "route_localnet"),
        listening=Listening((), ("what listens on a host that is managed from elsewhere is not looked at",)),
        tables=tables_of(sections),
    )


def tables_of(sections: Sections) -> Tables:
    """Every table on the host's hooks: nft's as listed here again after a load in a namespace, those of iptables in its words.

    `listing` is None where nothing is known of nft's tables; a table that cannot be read is named in `unseen`.
    """
    unseen: list[str] = []
    if not is_complete(sections):
        return Tables(None, (), ("the answer of the host was cut off",), "look again")
    saved = list(saved_tables(sections, "legacy", None, unseen))
    if _word(sections, "nft.code") != "0":
        said = _word(sections, "nft.said") or "nft says nothing"
        unseen.append(f"the ruleset of nf_tables: {harmless(said, 200)}")
        return Tables(None, tuple(saved), tuple(unseen), _ROOT)
    try:
        found = tables_in(sections.get("nft", ""), sections.get("nft.said", ""))
    except NotAListing as error:
        unseen.append(f"the ruleset of nf_tables: {harmless(str(error))}")
        return Tables(None, tuple(saved), tuple(unseen))
    kept = []
    for table in found:
        if table.is_of_iptables and (own := _in_words_of_iptables(table, sections, unseen)):
            saved.append(own)
        elif table.is_readable:
            kept.append(table)
        elif not table.is_of_iptables:
            unseen.append(f"table {harmless(table.title)}: it holds words of iptables, which only that can say")
    listing, way_out = _listed(kept, unseen)
    return Tables(listing, tuple(saved), tuple(unseen), way_out)


def _in_words_of_iptables(table: Table, sections: Sections, unseen: list[str]) -> Saved | None:
    """A table of iptables as its own program says it; None where it does not, which is unseen where nft cannot say it either."""
    inner: list[str] = []
    for one in saved_tables(sections, "nft", (table.ip_family, table.name), inner):
        return one
    if not table.is_readable:
        unseen += inner
    return None


def _listed(tables: list[Table], unseen: list[str]) -> tuple[Listing | None, str]:
    """The tables as the nft here lists them; those that it does not take are unseen, one by one. The second is a way out."""
    taken, way_out = tables, ""
    try:
        listing = _loaded(taken)
    except BadRuleset:
        taken, way_out = [table for table in tables if _is_taken(table, unseen)], _BY_HAND
        try:
            listing = _loaded(taken)
        except NftError as error:
            unseen.append(f"the ruleset of nf_tables: {error.message}")
            return None, error.help
    except NftError as error:
        unseen.append(f"the ruleset of nf_tables: {error.message}")
        return None, error.help
    there = {
        (one["table"]["family"], one["table"]["name"]) for one in json.loads(listing.json)["nftables"] if "table" in one
    }
    for table in taken:
        if (table.family, table.name) not in there:
            unseen.append(f"table {harmless(table.title)}: it does not stay where it is loaded")
            way_out = _BY_HAND
    return listing, way_out


def _loaded(tables: list[Table]) -> Listing:
    return list_back("\n".join(table.text for table in tables), "the ruleset of the host")


def _is_taken(table: Table, unseen: list[str]) -> bool:
    """Whether the nft here understands a table by itself."""
    try:
        list_back(table.text, table.title)
    except NftError as error:
        unseen.append(f"table {harmless(table.title)}: the nft here does not take it: {error.message}")
        return False
    return True
