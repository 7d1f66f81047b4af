"""From what a file says of hosts and groups to what holds of each host: a host's own word, then its groups', then everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from firewright.diagnostic import Note, harmless
from firewright.document import Scalar
from firewright.readers.inventory._inventory import HOST_LIMIT, Inventory, InventoryHost
from firewright.readers.inventory._names import is_destination, is_user
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.source import NOWHERE, Span

Said = dict[str, tuple[Scalar, ...]]
"""What a host or a group says, by setting; a label's setting is `label KEY`, and has one value or more."""
LABEL = "label "
YES = ("yes", "true", "on")
NO = ("no", "false", "off")


@dataclass(slots=True)
class Group:
    """A group as it is written: its own hosts, the groups in it, and what it says of all of them."""

    name: str
    at: Span
    hosts: dict[str, Span] = field(default_factory=dict)
    children: dict[str, Span] = field(default_factory=dict)
    said: Said = field(default_factory=dict)


@dataclass(slots=True)
class Draft:
    """An inventory as it is written. `said` is what holds of every host; `hosts` say what is their own, at their place."""

    path: str
    said: Said = field(default_factory=dict)
    hosts: dict[str, tuple[Span, Said]] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    batch: str = ""
    canary: str = ""

    def host(self, name: str, at: Span, complaints: Complaints) -> Said:
        """What is said of a host, which is there from now on. Complains where they become too many."""
        if name not in self.hosts:
            if len(self.hosts) == HOST_LIMIT:
                complaints.error("bad-range", f"more than {HOST_LIMIT:,} hosts", at, "split the inventory")
            self.hosts[name] = (at, {})
        return self.hosts[name][1]

    def group(self, name: str, at: Span) -> Group:
        """A group, which is there from now on."""
        return self.groups.setdefault(name, Group(name, at))


def say(said: Said, setting: str, values: tuple[Scalar, ...], complaints: Complaints) -> None:
    """Remember a setting, if its words are fit for it. One that is said twice with two values is an error with both places."""
    if not all(_is_fit(setting, value, complaints) for value in values):
        return
    before = said.setdefault(setting, values)
    if [one.text for one in before] != [one.text for one in values]:
        notes = [Note("it is said here first", before[0].at)]
        complaints.error("said-twice", f"{setting} is said twice, differently", values[0].at, "keep one", notes)


def _is_fit(setting: str, value: Scalar, complaints: Complaints) -> bool:
    """Whether a word can be what a setting says; else what is wrong is said."""
    text = value.text
    if "{{" in text or "{%" in text:
        way_out = "write the value itself, or what `ansible-inventory --list --yaml` says"
        complaints.error("bad-setting", f"{setting} is a template", value.at, way_out)
        return False
    wrong: tuple[str, str] | None = None
    if not text.strip():
        wrong = f"{setting} says nothing", "take it out, or write its value"
    elif setting == "port" and not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        wrong = f"{quoted(value)} is no port", "ports run from 1 to 65535"
    elif setting == "user" and not is_user(text):
        wrong = f"{quoted(value)} is no name of a user", "write user: admin"
    elif setting == "ssh" and not is_destination(text):
        wrong = f"{quoted(value)} is nothing that ssh can be given", "write a host, or USER@HOST"
    elif setting == "local" and text.lower() not in (*YES, *NO):
        wrong = f"{quoted(value)} is neither yes nor no", "write local: yes for this machine itself"
    elif setting in ("policy", "identity") and not text.isprintable():
        wrong = f"{quoted(value)} is no path", "write the path of a file"
    elif setting == "identity" and text.startswith("-"):
        wrong = f"{quoted(value)} looks like an option", "write ./ before a path that begins with a hyphen"
    if wrong is not None:
        complaints.error("bad-setting", wrong[0], value.at, wrong[1])
    return wrong is None


def assemble(draft: Draft, complaints: Complaints) -> Inventory | None:
    """The inventory that is written; None after complaining of groups that are not there, go in circles, or disagree."""
    _must_be_there(draft, complaints)
    if complaints.errors:
        return None
    above = _above(draft, complaints)
    if above is None:
        return None
    direct: dict[str, list[str]] = {}
    for group in draft.groups.values():
        for name in group.hosts:
            direct.setdefault(name, []).append(group.name)
    hosts = []
    for name, (at, said) in draft.hosts.items():
        around = dict.fromkeys(one for group in direct.get(name, ()) for one in (group, *above[group]))
        hosts.append(_host(name, at, said, tuple(around), above, draft, complaints))
    _must_differ(hosts, complaints)
    members = {group: tuple(one.name for one in hosts if group in one.groups) for group in draft.groups}
    return Inventory(draft.path, tuple(hosts), members, draft.batch, draft.canary)


def _must_be_there(draft: Draft, complaints: Complaints) -> None:
    for group in draft.groups.values():
        for child, at in group.children.items():
            if child not in draft.groups:
                way_out = complaints.did_you_mean(child, draft.groups, "write the group, or take its name out")
                complaints.error("unknown-group", f"there is no group {quoted(child)}", at, way_out)
        for name, at in group.hosts.items():
            if name not in draft.hosts:
                way_out = complaints.did_you_mean(name, draft.hosts, "write it under hosts")
                complaints.error("unknown-host", f"there is no host {quoted(name)}", at, way_out)


def _above(draft: Draft, complaints: Complaints) -> dict[str, tuple[str, ...]] | None:
    """The groups around each group, nearest first; None after complaining of a circle."""
    parents: dict[str, list[str]] = {name: [] for name in draft.groups}
    for group in draft.groups.values():
        for child in group.children:
            parents[child].append(group.name)
    found: dict[str, tuple[str, ...]] = {}
    for name in draft.groups:
        around: dict[str, None] = {}
        todo = list(parents[name])
        while todo:
            one = todo.pop(0)
            if one not in around:
                around[one] = None
                todo += parents[one]
        if name in around:
            at = draft.groups[name].at
            complaints.error("group-cycle", f"the group {quoted(name)} is inside itself", at, "take one of them out")
            return None
        found[name] = tuple(around)
    return found


def _host(
    name: str,
    at: Span,
    own: Said,
    groups: tuple[str, ...],
    above: Mapping[str, tuple[str, ...]],
    draft: Draft,
    complaints: Complaints,
) -> InventoryHost:
    """What holds of a host."""
    said = dict(draft.said)
    for setting in dict.fromkeys(setting for group in groups for setting in draft.groups[group].said):
        if setting not in own:
            said[setting] = _of_groups(name, at, setting, groups, above, draft, complaints)
    said |= own

    def text(setting: str) -> str:
        return said[setting][0].text if setting in said else ""

    def place(setting: str) -> Span:
        return said[setting][0].at if setting in said else NOWHERE

    user, has_user, destination = (text("ssh") or name).rpartition("@")
    if has_user and "user" in own and text("user") != user:
        notes = [Note("and here", place("user"))]
        complaints.error("said-twice", f"{name} has two users", place("ssh"), "name one of them", notes)
    return InventoryHost(
        name,
        destination,
        int(text("port") or 0),
        user or text("user"),
        text("identity"),
        text("local").lower() in YES,
        text("policy"),
        text("firewall"),
        {
            key.removeprefix(LABEL): tuple(one.text for one in values)
            for key, values in said.items()
            if key.startswith(LABEL)
        },
        groups,
        at,
        place("policy"),
        place("firewall"),
    )


def _of_groups(
    name: str,
    at: Span,
    setting: str,
    groups: tuple[str, ...],
    above: Mapping[str, tuple[str, ...]],
    draft: Draft,
    complaints: Complaints,
) -> tuple[Scalar, ...]:
    """What a host's groups say: the inner ones before those around them. Two that do not contain each other must agree."""
    saying = [group for group in groups if setting in draft.groups[group].said]
    inner = [group for group in saying if not any(group in above[other] for other in saying)]
    values = [draft.groups[group].said[setting] for group in inner]
    for group, value in zip(inner[1:], values[1:], strict=True):
        if [one.text for one in value] != [one.text for one in values[0]]:
            notes = [
                Note(f"the group {harmless(one, 60)} says {quoted(said[0])}", said[0].at)
                for one, said in ((inner[0], values[0]), (group, value))
            ]
            message = f"two groups of {quoted(name)} differ about {setting}"
            complaints.error("groups-differ", message, at, f"say {setting} of the host itself", notes)
            break
    return values[0]


def _must_differ(hosts: list[InventoryHost], complaints: Complaints) -> None:
    """Two names of one machine would change it twice at the same time."""
    seen: dict[tuple[object, ...], InventoryHost] = {}
    for host in hosts:
        first = seen.setdefault(_machine(host), host)
        if first is not host:
            notes = [Note(f"{harmless(first.name, 60)} is here", first.at)]
            what = "this machine" if host.is_local else f"{host.destination}{f' port {host.port}' if host.port else ''}"
            message = f"{quoted(host.name)} and {quoted(first.name)} are one machine: {harmless(what, 200)}"
            complaints.error("one-machine-twice", message, host.at, "keep one of them", notes)


def _machine(host: InventoryHost) -> tuple[object, ...]:
    return ("",) if host.is_local else (host.destination.lower(), host.port or 22)
