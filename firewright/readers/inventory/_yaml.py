"""How a YAML inventory of Ansible is told from one of ours: by its shape, before anything in it is judged."""

from __future__ import annotations

from functools import lru_cache

from firewright import document
from firewright.diagnostic import Report
from firewright.document import Mapping, Node
from firewright.source import Source

SUFFIXES = (".yaml", ".yml", ".json")
OF_GROUP = ("hosts", "children", "vars")
"""The keys of a group in Ansible's YAML."""


@lru_cache(maxsize=1)
def shape_of(source: Source) -> bool | None:
    """Whether a YAML text looks like Ansible's; None where it is no YAML that is read. Parsed once for all formats that ask."""
    tree = document.parse(source, Report())
    return None if tree is None else looks_like_ansible(tree.root)


def looks_like_ansible(root: Node | None) -> bool:
    """Whether a tree has groups at its top, and not the hosts and groups of our own inventory."""
    if not isinstance(root, Mapping) or any(key.text in ("hosts", "groups") for key, _ in root.entries):
        return False
    return any(
        key.text in ("all", "ungrouped")
        or (isinstance(value, Mapping) and any(inner.text in OF_GROUP for inner, _ in value.entries))
        for key, value in root.entries
    )
