"""Ansible's inventory in YAML: groups with hosts, children and vars (docs.ansible.com, "How to build your inventory")."""

from __future__ import annotations

from pathlib import PurePath

from firewright import document
from firewright.document import Mapping, Node, Scalar
from firewright.readers.inventory._ansible import ALL, loosen, say_others, take_variable
from firewright.readers.inventory._assembly import Draft, Group, Said, assemble, say
from firewright.readers.inventory._inventory import Format, Inventory
from firewright.readers.inventory._names import expanded, without_port
from firewright.readers.inventory._yaml import OF_GROUP, SUFFIXES, shape_of
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.source import Source, Span


def _fits(source: Source) -> bool:
    return PurePath(source.path).suffix in SUFFIXES and bool(shape_of(source))


def _read(source: Source, complaints: Complaints) -> Inventory | None:
    tree = document.parse(source, complaints.report)
    if tree is None:
        complaints.errors += 1
        return None
    if not isinstance(tree.root, Mapping):
        complaints.error("bad-inventory", "no groups", Span(source.path, 1, 1), "write all: {hosts: {web1: {}}}")
        return None
    reading = _Reading(Draft(source.path), complaints)
    for name, value in tree.root.entries:
        reading.group(name, value)
    say_others(reading.others, source.path, complaints)
    loosen(reading.draft)
    return assemble(reading.draft, complaints)


class _Reading:
    """Reads the tree of one inventory into a draft."""

    def __init__(self, draft: Draft, complaints: Complaints) -> None:
        self.draft, self.complaints = draft, complaints
        self.others: set[str] = set()

    def group(self, name: Scalar, node: Node) -> None:
        """Read a group, and the groups in it, wherever it stands again."""
        is_all = name.text == ALL
        group = Group(ALL, name.at) if is_all else self.draft.group(name.text, name.at)
        for key, value in self.entries(node, f"the group {quoted(name)}"):
            if key.text == "hosts":
                for host, said in self.entries(value, "hosts"):
                    self.host(group, host, said)
            elif key.text == "children":
                for child, below in self.entries(value, "children"):
                    self.group(child, below)
                    if not is_all:
                        group.children[child.text] = child.at
            elif key.text == "vars":
                self.variables(value, self.draft.said if is_all else group.said)
            else:
                way_out = self.complaints.did_you_mean(
                    key.text, OF_GROUP, f"the keys of a group are {', '.join(OF_GROUP)}"
                )
                self.complaints.error("unknown-key", f"a group has no {quoted(key)}", key.at, way_out)

    def host(self, group: Group, pattern: Scalar, node: Node) -> None:
        bare, port = without_port(pattern)
        for name in expanded(bare, self.complaints):
            said = self.draft.host(name, pattern.at, self.complaints)
            group.hosts[name] = pattern.at
            if port:
                say(said, "port", (pattern._replace(text=port),), self.complaints)
            self.variables(node, said)

    def variables(self, node: Node, said: Said) -> None:
        for name, value in self.entries(node, "variables"):
            take_variable(name, value, said, self.complaints, self.others)

    def entries(self, node: Node, what: str) -> tuple[tuple[Scalar, Node], ...]:
        """The entries of a mapping, none of what is empty; complains of everything else."""
        if isinstance(node, Mapping):
            return node.entries
        if not (isinstance(node, Scalar) and node.is_plain and node.text in ("", "null", "~")):
            message = f"keys and values are wanted here, for {what}"
            self.complaints.error("bad-inventory", message, node.at, "write a colon behind each name: web1:")
        return ()


INVENTORY = Format("Ansible's YAML", _fits, _read, ("group_vars", "host_vars"))
