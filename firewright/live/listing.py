"""`nft list ruleset` of another machine as its tables: what may be loaded here, and what only iptables can say.

The text comes from elsewhere and is given to nft again, so it holds nothing but tables: no file to include, no variable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from firewright.live._batches import statements
from firewright.live.machine import XTABLES
from firewright.model.packet import Family

_QUOTED_OR_COMMENT = re.compile(r'"[^"]*"|#[^\n]*')
_TABLE = re.compile(r'table (?P<family>inet|ip6?|arp|bridge|netdev) (?P<name>"[^"]*"|[^\s{}"]+) \{')
_FORBIDDEN = re.compile(r"(?:^|[;{}\n])\s*(include|define|redefine|undefine)\b|\$\w")
_EXPRESSION_OF_IPTABLES = re.compile(r"\bxt (?:match|target|watcher)\b")
_COMMENT_OF_IPTABLES = re.compile(r"# xt_\w")
"""How an nft that was built without iptables' library lists an expression of it: behind a comment sign, as if it were nothing."""
_WARNED = re.compile(r"table (?P<family>ip6?) (?P<name>\S+) is managed by iptables-nft")
"""What nft (since 1.0.6) says of a table that iptables made, beside the listing."""


_FLAGS = re.compile(r"(?m)^\tflags ([\w, ]+)$")
"""What a table says of itself; lines of what is in it are further in."""


class NotAListing(ValueError):
    """A text that nft never lists."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was listed. Without `is_readable` its text does not say all that it does: expressions of iptables are in it."""

    family: str
    name: str
    text: str
    is_of_iptables: bool
    is_readable: bool

    @property
    def title(self) -> str:
        """Its family and name, as nft writes them."""
        return f"{self.family} {self.name}"

    @property
    def ip_family(self) -> Family:
        """The IP version of a table that is of one: those of iptables are."""
        return 6 if self.family == "ip6" else 4


def tables_in(text: str, said: str = "") -> tuple[Table, ...]:
    """The tables of a listing, in its order; `said` is what nft wrote beside it. Raises NotAListing. O(n)."""
    bare = _QUOTED_OR_COMMENT.sub(_without_comment, text)
    if found := _FORBIDDEN.search(_QUOTED_OR_COMMENT.sub("", bare)):
        raise NotAListing(f"{found[0].strip()!r} stands in it, which nft never lists")
    warned = {(one["family"], one["name"]) for one in _WARNED.finditer(f"{said}\n{text}")}
    tables = []
    for statement in statements(bare):
        head = _TABLE.match(statement)
        if head is None:
            raise NotAListing(f"{statement[:40]!r} stands in it, which is no table")
        family, name = head["family"], head["name"].strip('"')
        words = _QUOTED_OR_COMMENT.sub('""', statement)
        is_readable = not _EXPRESSION_OF_IPTABLES.search(words)
        is_of_iptables = family in ("ip", "ip6") and name in XTABLES and (not is_readable or (family, name) in warned)
        tables.append(Table(family, name, _FLAGS.sub(_without_owner, statement, 1), is_of_iptables, is_readable))
    return tuple(tables)


def _without_owner(found: re.Match[str]) -> str:
    """A table that belongs to a process would go with the one that loads it here, and whatever it stops would not be seen."""
    kept = [flag.strip() for flag in found[1].split(",") if flag.strip() not in ("owner", "persist")]
    return f"\tflags {','.join(kept)}" if kept else ""


def _without_comment(found: re.Match[str]) -> str:
    if found[0].startswith('"'):
        return found[0]
    return " xt match unsaid" if _COMMENT_OF_IPTABLES.match(found[0]) else ""
