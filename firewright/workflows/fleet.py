"""Which policy and firewall each host of an inventory gets, compiled and proved once for all hosts that get the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from os.path import normpath
from pathlib import Path

from firewright.diagnostic import Note, Report, harmless, nearest
from firewright.live.host import Host, HostError, Local, Ssh
from firewright.model.policy import Firewall, Policy
from firewright.readers.inventory import Inventory, InventoryHost, read_inventory
from firewright.source import NOWHERE, Span
from firewright.workflows.folder import real
from firewright.workflows.prepare import Prepared, prepare
from firewright.workflows.selection import Saying, Wanted, select_firewalls, silent, sources_of, text_of

Pair = tuple[str, str]
"""The file of a policy, and the name of one of its firewalls."""


@dataclass(frozen=True, slots=True)
class Reaching:
    """How every host is reached, as far as the inventory does not say it: ssh's configuration, a key, a user.

    `folders` are other places for what hosts know of their generations, by variable.
    """

    config: str = ""
    identity: str = ""
    user: str = ""
    folders: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """What a host gets: how it is reached, and its policy and firewall, proved and ready."""

    host: Host
    prepared: Prepared

    @property
    def pair(self) -> Pair:
        """What was compiled for it."""
        return self.prepared.policy.path, self.prepared.firewall.name


@dataclass(frozen=True, slots=True)
class Fleet:
    """What each host gets, by its name, and the digests (SHA-256) of all that it comes from, by what they are of."""

    given: Mapping[str, Given]
    digests: Mapping[str, str]

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies that its hosts get, as they were read."""
        return tuple({id(one.prepared): one.prepared.policy for one in self.given.values()}.values())


def inventory_of(folder: Path, path: str, report: Report, format: str = "") -> Inventory | None:
    """The inventory of a file; or None after saying in the report what is wrong with it, or lies beside it and is not read."""
    source = text_of(folder, path, report)
    inventory = None if source is None else read_inventory(source, report, format)
    for name in inventory.beside if inventory is not None else ():
        if (folder / path).parent.joinpath(name).exists():
            way_out = (
                "put out one file with all of it: ansible-inventory -i INVENTORY --list --yaml --output fleet.yaml"
            )
            message = f"Ansible reads {name} beside this inventory too, and it is not read here"
            report.error("unread-beside", message, Span(path, 1, 1), way_out)
    return None if report.has_errors() else inventory


def fleet_of(
    inventory: Inventory,
    names: Iterable[str],
    wanted: Wanted,
    report: Report,
    saying: Saying = silent,
    reaching: Reaching = Reaching(),
    days: Mapping[Pair, date] | None = None,
) -> Fleet | None:
    """What the hosts of these names get; or None after saying in the report why one of them gets nothing.

    `wanted` are the policies of hosts that name none. `days` are those from which on rulesets of an earlier run hold. Each
    policy and firewall is compiled and proved once, however many hosts get it.
    """
    these = frozenset(names)
    chosen = [host for host in inventory.hosts if host.name in these]
    hosts = {host.name: _host(host, inventory, reaching, report) for host in chosen}
    assigned = _assigned(chosen, inventory, wanted, report, saying)
    if assigned is None or report.has_errors():
        return None
    ready = _prepared(assigned.values(), wanted, report, saying, days or {})
    if ready is None:
        return None
    given = {
        name: Given(reached, ready[policy.path, firewall.name])
        for name, (policy, firewall) in assigned.items()
        if (reached := hosts[name]) is not None
    }
    return Fleet(given, _digests(inventory, given.values(), report))


def _assigned(
    chosen: list[InventoryHost], inventory: Inventory, wanted: Wanted, report: Report, saying: Saying
) -> dict[str, tuple[Policy, Firewall]] | None:
    """The policy and firewall of each host, by its name; None, or not all of them, after saying what is wrong."""
    paths = {host.name: _path_of(host, inventory, wanted, report) for host in chosen if host.policy}
    is_shared = len(paths) < len(chosen)
    shared = (
        frozenset(real(wanted.folder / one.path) for one in sources_of(wanted, report)) if is_shared else frozenset()
    )
    if report.has_errors():
        return None
    files = (*dict.fromkeys(paths.values()), *(wanted.policies or ("",) if is_shared else ()))
    pairs = select_firewalls(replace(wanted, policies=files, labels={}), report, (), saying)
    if pairs is None:
        return None
    by_place: dict[Path, list[tuple[Policy, Firewall]]] = {}
    for pair in pairs:
        by_place.setdefault(real(wanted.folder / pair[0].path), []).append(pair)
    for_all = [pair for place, some in by_place.items() if place in shared for pair in some]
    places = {path: real(wanted.folder / path) for path in set(paths.values())}
    found: dict[str, tuple[Policy, Firewall]] = {}
    for host in chosen:
        candidates = by_place.get(places[paths[host.name]], []) if host.name in paths else for_all
        if (one := _chosen(host, candidates, wanted, report)) is not None:
            found[host.name] = one
    return found


def _path_of(host: InventoryHost, inventory: Inventory, wanted: Wanted, report: Report) -> str:
    """The path of the policy that a host names, as people would type it here."""
    path = normpath(Path(inventory.path).parent / host.policy)
    if not (wanted.folder / path).is_file():
        report.error(
            "unreadable",
            f"there is no policy {harmless(path, 200)}",
            host.policy_at,
            "write its path relative to the inventory",
        )
    return path


def _host(host: InventoryHost, inventory: Inventory, reaching: Reaching, report: Report) -> Host | None:
    """The host as it is reached; a relative path of a key is one beside the inventory."""
    if host.is_local:
        return Local(reaching.folders)
    identity = host.identity or reaching.identity
    if host.identity and not host.identity.startswith(("/", "~")):
        identity = normpath(Path(inventory.path).parent / host.identity)
    try:
        return Ssh(host.destination, reaching.config, identity, host.port, host.user or reaching.user, reaching.folders)
    except HostError as error:
        report.error(error.name, error.message, host.at, error.help)
        return None


def _chosen(
    host: InventoryHost, candidates: list[tuple[Policy, Firewall]], wanted: Wanted, report: Report
) -> tuple[Policy, Firewall] | None:
    """The one policy and firewall for a host; None after saying what is missing, or what makes it more than one."""
    shown = harmless(host.name, 60)
    if not host.policy:
        labels = [*wanted.labels.items(), *host.labels.items()]
        candidates = [pair for pair in candidates if _has(pair[0], labels)]
        if len({policy.path for policy, _ in candidates}) != 1:
            files = dict.fromkeys(policy.path for policy, _ in candidates)
            which = f"may get {' or '.join(list(files)[:5])}" if files else "gets no policy"
            way_out = "write policy: and a file, or labels that one policy has, at the host or its group"
            report.error("which-policy", f"{shown} {harmless(which)}", host.at, way_out)
            return None
    elif not candidates:
        message = f"{harmless(host.policy, 60)} is a part of another policy here, and none by itself"
        report.error("which-policy", message, host.policy_at, "name the policy that uses it")
        return None
    known = {firewall.name: (policy, firewall) for policy, firewall in candidates}
    if host.firewall and host.firewall not in known:
        near = nearest(host.firewall, known)
        way_out = f"did you mean {near}?" if near else f"there are: {', '.join(known)}"
        message = f"{candidates[0][0].path} has no firewall {harmless(host.firewall, 60)!r}"
        report.error("unknown-firewall", message, host.firewall_at, way_out)
        return None
    if not host.firewall and len(known) > 1:
        notes = [Note(f"firewall {name}", firewall.at) for name, (_, firewall) in known.items()]
        message = f"{shown} may be any of {len(known)} firewalls of {candidates[0][0].path}"
        report.error("which-firewall", message, _place(host), "write firewall: and its name", notes)
        return None
    return known[host.firewall] if host.firewall else next(iter(known.values()))


def _place(host: InventoryHost) -> Span:
    return host.policy_at if host.policy_at != NOWHERE else host.at


def _has(policy: Policy, labels: Iterable[tuple[str, tuple[str, ...]]]) -> bool:
    return all(set(values) & set(policy.labels.get(key, ())) for key, values in labels)


def answers_of(policy: Policy, wanted: Wanted) -> dict[str, str]:
    """The answers from outside that a policy has a question for."""
    known = {*policy.options, *policy.zones}
    return {name: text for name, text in wanted.options.items() if name in known}


def _prepared(
    assigned: Iterable[tuple[Policy, Firewall]],
    wanted: Wanted,
    report: Report,
    saying: Saying,
    days: Mapping[Pair, date],
) -> dict[Pair, Prepared] | None:
    """Each distinct policy and firewall, ready for its hosts; None after saying why one cannot be had."""
    found: dict[Pair, Prepared] = {}
    for policy, firewall in assigned:
        pair = policy.path, firewall.name
        if pair in found:
            continue
        day = days.get(pair) or wanted.day
        mine = replace(wanted, policies=(policy.path,), labels={}, options=answers_of(policy, wanted), day=day)
        ready = prepare(mine, report, (firewall.name,), saying)
        if ready is None:
            return None
        found[pair] = ready
    return found


def _digests(inventory: Inventory, given: Iterable[Given], report: Report) -> dict[str, str]:
    """What a run is about, in digests: the inventory, each file of a policy, each ruleset."""
    texts = {f"the inventory {inventory.path}": report.sources[inventory.path].text}
    for one in given:
        path, firewall = one.pair
        texts[f"the ruleset of {firewall} of {path}"] = one.prepared.compiled.text
        for authority in one.prepared.policy.authorities():
            for file in authority.paths:
                if file in report.sources:
                    texts[f"the policy file {file}"] = report.sources[file].text
    return {name: sha256(text.encode()).hexdigest() for name, text in texts.items()}
