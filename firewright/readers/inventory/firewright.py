"""Firewright's own inventory: YAML of hosts and groups, with what each host is given and how it is reached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from firewright import document
from firewright.diagnostic import nearest
from firewright.document import Mapping, Node, Scalar, Sequence
from firewright.readers.inventory._assembly import LABEL, Draft, Group, Said, assemble, say
from firewright.readers.inventory._inventory import Format, Inventory
from firewright.readers.inventory._names import expanded, is_name
from firewright.readers.inventory._yaml import SUFFIXES, shape_of
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.source import Source, Span

COMMON = ("policy", "firewall", "user", "port", "identity", "labels")
"""What may be said of a host, of a group and of everybody."""
OF_ALL = (*COMMON, "hosts", "groups", "batch", "canary")
OF_GROUP = (*COMMON, "hosts", "groups")
OF_HOST = (*COMMON, "ssh", "local", "groups")
_AS_SSH = {"host": "ssh", "address": "ssh", "hostname": "ssh", "key": "identity", "labels": "labels"}
"""What people write for a key of ours."""


def _fits(source: Source) -> bool:
    return PurePath(source.path).suffix in SUFFIXES and not shape_of(source)


def _read(source: Source, complaints: Complaints) -> Inventory | None:
    tree = document.parse(source, complaints.report)
    if tree is None:
        complaints.errors += 1
        return None
    if not isinstance(tree.root, Mapping):
        at = tree.root.at if tree.root is not None else Span(source.path, 1, 1)
        complaints.error(
            "bad-inventory", "an inventory is keys and values", at, "write hosts: {web1: {policy: web.yaml}}"
        )
        return None
    reading = _Reading(Draft(source.path), complaints)
    reading.everybody(tree.root)
    return assemble(reading.draft, complaints)


class _Reading:
    """Reads the tree of one inventory into a draft."""

    def __init__(self, draft: Draft, complaints: Complaints) -> None:
        self.draft, self.complaints = draft, complaints

    def everybody(self, root: Mapping) -> None:
        draft = self.draft
        known = self.known(root, OF_ALL, "an inventory")
        self.settings(known, draft.said)
        if (hosts := known.pop("hosts", None)) is not None:
            self.hosts(*hosts)
        if (groups := known.pop("groups", None)) is not None:
            self.each(groups[1], "groups", "write groups: {web: {hosts: [web1]}}", self.group)
        for key, check in (("batch", is_batch), ("canary", is_canary)):
            if key in known and (value := self.scalar(*known[key])) is not None:
                if not check(value.text):
                    way_out = (
                        "write batch: 10 or batch: 20%" if key == "batch" else "write the name of a host, or a number"
                    )
                    self.wrong(f"{quoted(value)} is no {key}", value.at, way_out)
                setattr(draft, key, value.text)
        self.canary(known.get("canary"))

    def canary(self, stated: tuple[Scalar, Node] | None) -> None:
        """A canary that is named is one of the hosts."""
        name = self.draft.canary
        if stated is not None and name and not name.isdecimal() and name not in self.draft.hosts:
            way_out = self.complaints.did_you_mean(name, self.draft.hosts, "name one of the hosts, or how many")
            self.complaints.error("unknown-host", f"there is no host {name!r}", stated[1].at, way_out)

    def known(self, mapping: Mapping, keys: tuple[str, ...], of: str) -> dict[str, tuple[Scalar, Node]]:
        """The keys of a mapping, after complaining of those that nobody knows."""
        found: dict[str, tuple[Scalar, Node]] = {}
        for key, value in mapping.entries:
            if key.text in keys:
                found[key.text] = (key, value)
                continue
            known = _AS_SSH.get(nearest(key.text, _AS_SSH), "")
            near = f"did you mean {known}?" if known in keys else self.complaints.did_you_mean(key.text, keys)
            all_keys = f"the keys of {of} are {', '.join(keys)}"
            self.complaints.error("unknown-key", f"{of} has no {quoted(key)}", key.at, near or all_keys)
        return found

    def settings(self, known: dict[str, tuple[Scalar, Node]], said: Said) -> None:
        """Take what may be said of everybody, and of hosts what only they have."""
        for key in ("ssh", "local", *COMMON):
            if key not in known:
                continue
            name, node = known.pop(key)
            if key == "labels":
                self.labels(node, said)
            elif (value := self.scalar(name, node)) is not None:
                say(said, key, (value,), self.complaints)

    def labels(self, node: Node, said: Said) -> None:
        def one(key: Scalar, value: Node) -> None:
            if values := self.words(value, "write labels: {region: eu, role: [web, shop]}"):
                say(said, LABEL + key.text, values, self.complaints)

        self.each(node, "labels", "write labels: {region: eu}", one)

    def hosts(self, key: Scalar, node: Node) -> None:
        """Hosts as a list of names, or as a mapping of what each is."""
        if isinstance(node, Sequence):
            for name in self.words(node, "write hosts: [web1, web2]"):
                self.host(name, Scalar("", *name[1:]))
        else:
            self.each(node, "hosts", "write hosts: {web1: {policy: web.yaml}}", self.host)

    def host(self, name: Scalar, node: Node) -> None:
        for one in expanded(name, self.complaints):
            if one in self.draft.hosts:
                self.complaints.error("host-twice", f"the host {quoted(one)} stands twice", name.at, "keep one")
                continue
            said = self.draft.host(one, name.at, self.complaints)
            if _is_empty(node):
                continue
            if not isinstance(node, Mapping):
                self.wrong("a host is written as keys and values", node.at, "write web1: {ssh: web1.example}")
                return
            known = self.known(node, OF_HOST, "a host") if not said else {}
            groups = known.pop("groups", None)
            if groups is not None:
                for group in self.words(groups[1], "write groups: [web]"):
                    self.draft.group(group.text, group.at).hosts[one] = group.at
            self.settings(known, said)

    def group(self, name: Scalar, node: Node) -> None:
        if not is_name(name.text):
            self.wrong(f"{quoted(name)} is no name of a group", name.at, "use letters, digits, dots and hyphens")
        group = self.draft.group(name.text, name.at)
        if _is_empty(node):
            return
        if not isinstance(node, Mapping):
            self.wrong("a group is written as keys and values", node.at, "write web: {hosts: [web1, web2]}")
            return
        known = self.known(node, OF_GROUP, "a group")
        self.settings(known, group.said)
        self.members(group, known)

    def members(self, group: Group, known: dict[str, tuple[Scalar, Node]]) -> None:
        if "hosts" in known:
            for pattern in self.words(known["hosts"][1], "write hosts: [web1, web2]"):
                group.hosts |= dict.fromkeys(expanded(pattern, self.complaints), pattern.at)
        if "groups" in known:
            group.children |= {one.text: one.at for one in self.words(known["groups"][1], "write groups: [web]")}

    def each(self, node: Node, what: str, way_out: str, take: Callable[[Scalar, Node], None]) -> None:
        """Hand on every entry of a mapping; complain where it is none."""
        if not isinstance(node, Mapping):
            self.wrong(f"{what} are keys and values", node.at, way_out)
            return
        for key, value in node.entries:
            take(key, value)

    def words(self, node: Node, way_out: str) -> tuple[Scalar, ...]:
        """A word or a list of words; none after complaining where it is something else."""
        items = node.items if isinstance(node, Sequence) else (node,)
        found = tuple(one for one in items if isinstance(one, Scalar) and one.text)
        if len(found) < len(items) or not items:
            self.wrong("a list of words is wanted here", node.at, way_out)
            return ()
        return found

    def scalar(self, key: Scalar, node: Node) -> Scalar | None:
        """One word; None after complaining where it is something else."""
        if isinstance(node, Scalar):
            return node
        self.wrong(f"{key.text} has one value", node.at, f"write {key.text}: and one word")
        return None

    def wrong(self, message: str, at: Span, way_out: str) -> None:
        self.complaints.error("bad-inventory", message, at, way_out)


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and not node.text and node.is_plain


def is_batch(text: str) -> bool:
    """Whether a text is a number of hosts above 0, or a share of them from 1% to 100%."""
    number = text.removesuffix("%")
    is_number = number.isascii() and number.isdecimal() and len(number) < 7
    return is_number and 0 < int(number) <= (100 if text.endswith("%") else 999_999)


def is_canary(text: str) -> bool:
    """Whether a text is a number of hosts, or may be the name of one."""
    return (text.isascii() and text.isdecimal() and len(text) < 7) or is_name(text)


INVENTORY = Format("Firewright's own YAML", _fits, _read)
