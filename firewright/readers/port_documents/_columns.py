"""What the columns of a table are about, by the words of their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from firewright.readers.port_documents._page import Cell, Grid, Row
from firewright.readers.port_documents._wording import folded, vocabulary


class Role(Enum):
    """What a column holds."""

    SOURCE = "source"
    DESTINATION = "destination"
    PEER = "peer"
    USED_BY = "used by"
    SUBJECT = "subject"
    FLOW = "flow"
    PORT = "port"
    TCP = "tcp ports"
    UDP = "udp ports"
    INBOUND = "inbound ports"
    OUTBOUND = "outbound ports"
    SOURCE_PORT = "source port"
    PROTOCOL = "protocol"
    SERVICE = "service"
    DIRECTION = "direction"
    ACTION = "action"
    ENABLED = "enabled"
    CONDITION = "condition"
    TEXT = "text"
    OTHER = "other"


PORTS = (Role.PORT, Role.TCP, Role.UDP, Role.INBOUND, Role.OUTBOUND)
"""Columns that hold ports."""
_ENDS = (Role.SOURCE, Role.DESTINATION, Role.PEER, Role.USED_BY, Role.FLOW)
HEAD_SEARCH = 12
"""Rows in which the head of a table is looked for where the document does not mark it."""

_SOURCE = vocabulary(
    "source sources src from origin initiator originator client clients caller sender requester initiating"
)
_DESTINATION = vocabulary(
    "destination destinations dest dst to target targets server servers listener receiver recipient responder"
)
_TEXT = vocabulary("""order no number id seq sequence priority index line description
    descriptions purpose purposes usage function functions notes note comment comments remarks remark reason use uses
    details detail explanation info information justification meaning why""")
_SUBJECT = vocabulary(
    "component components agent agents node nodes host hosts machine machines system systems role product module device"
)
_SERVICE = vocabulary("service services application applications app type name rule feature")
_CONDITION = vocabulary("""condition conditions when if only schedule time user users group groups interface interfaces vlan applies
    scenario profile""")
_SPLIT = re.compile(r"[^a-z0-9/]+")


@lru_cache(maxsize=4096)
def role_of(heading: str) -> Role:
    """What a column of this heading holds; OTHER where its words say nothing. O(length)."""
    plain = re.sub(r"\((?:e?s|es)\)", "s", folded(heading)).replace("\n", " ")
    words = [word for word in _SPLIT.split(plain.replace("/", " / ")) if word]
    known = set(words) - {"/"}
    if not known:
        return Role.OTHER
    if known & {"action", "policy", "verdict", "permission", "permit", "decision"} or plain in (
        "allow/deny",
        "access",
        "allow",
    ):
        return Role.ACTION
    if known & {"direction", "flow", "in/out"} or plain in (
        "rule type",
        "in / out",
        "in/out",
        "traffic direction",
        "way",
    ):
        return Role.FLOW if known & {"flow"} and "direction" not in known else Role.DIRECTION
    if known <= {"enabled", "active", "is", "rule", "disabled", "status", "state"} and plain != "rule":
        return Role.ENABLED if "disabled" not in known else Role.OTHER
    if {"used", "by"} <= known or {"accessed", "by"} <= known or {"needed", "by"} <= known:
        return Role.USED_BY
    if known & {"port", "ports", "portrange"}:
        return _port_role(known)
    if (
        known & {"protocol", "protocols", "proto", "transport", "l4", "tcp/udp"}
        or known == {"tcp", "udp"}
        or plain == "layer 4"
    ):
        return Role.PROTOCOL
    if known & _TEXT:
        return Role.TEXT
    if known <= {"tcp"} or known <= {"udp"}:
        return Role.TCP if "tcp" in known else Role.UDP
    is_source, is_destination = bool(known & _SOURCE), bool(known & _DESTINATION)
    if (is_source and is_destination) or known & {"peer", "remote"}:
        return Role.PEER
    if is_source or is_destination:
        return Role.SOURCE if is_source else Role.DESTINATION
    if known & {"inbound", "incoming", "ingress"}:
        return Role.INBOUND
    if known & {"outbound", "outgoing", "egress"}:
        return Role.OUTBOUND
    if known & _CONDITION:
        return Role.CONDITION
    if known & _SUBJECT:
        return Role.SUBJECT
    return Role.SERVICE if known & _SERVICE else Role.OTHER


def _port_role(known: set[str]) -> Role:
    if known & {"description", "purpose", "type", "name", "usage"}:
        return Role.TEXT
    if known & _SOURCE and not known & _DESTINATION:
        return Role.SOURCE_PORT
    if known & {"inbound", "incoming", "ingress"}:
        return Role.INBOUND
    if known & {"outbound", "outgoing", "egress"}:
        return Role.OUTBOUND
    if ("tcp" in known) != ("udp" in known):
        return Role.TCP if "tcp" in known else Role.UDP
    return Role.PORT


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what. `unread` are headings of columns that are not understood, `trouble` why none can be read."""

    roles: tuple[Role, ...]
    headings: tuple[str, ...]
    trouble: str = ""
    places: dict[Role, tuple[int, ...]] = field(default_factory=dict)

    def has(self, *roles: Role) -> bool:
        """Whether there is a column of one of these roles."""
        return any(role in self.places for role in roles)

    def cells(self, row: Row, role: Role) -> Iterator[Cell]:
        """The cells of a row in the columns of a role; those that the row does not have are left out."""
        for column in self.places.get(role, ()):
            if column < len(row.cells):
                yield row.cells[column]

    def text(self, row: Row, role: Role) -> str:
        """The text of a role's cells, a line each; empty where the row has none."""
        return "\n".join(cell.text for cell in self.cells(row, role) if cell.text)

    @property
    def unread(self) -> tuple[str, ...]:
        """The headings that say nothing known."""
        return tuple(text for text, role in zip(self.headings, self.roles, strict=True) if role is Role.OTHER and text)


def columns_of(heads: Sequence[Row]) -> Columns:
    """The columns under some head rows; the texts of several rows belong together."""
    width = max((len(row.cells) for row in heads), default=0)
    headings = []
    for column in range(width):
        texts = dict.fromkeys(row.cells[column].text for row in heads if column < len(row.cells))
        headings.append(" ".join(text for text in texts if text))
    roles = [role_of(text) for text in headings]
    places: dict[Role, tuple[int, ...]] = {}
    for column, role in enumerate(roles):
        places[role] = (*places.get(role, ()), column)
    trouble = ""
    if not any(role in places for role in (*PORTS, Role.SERVICE, Role.PROTOCOL)):
        trouble = "no column of the table is about ports"
    for role in (*PORTS, Role.PROTOCOL, Role.DIRECTION, Role.ACTION, Role.SOURCE_PORT):
        if len(places.get(role, ())) > 1:
            trouble = f"several columns are about the {role.value}"
    return Columns(tuple(roles), tuple(headings), trouble, places)


def head_of(grid: Grid) -> tuple[int, Columns] | None:
    """How many rows the head of a grid takes, and its columns; None where no row is a head."""
    if any(cell.text for row in grid.rows[: grid.heads] for cell in row.cells):
        return grid.heads, columns_of(_without_titles(grid.rows[: grid.heads]))
    is_first = True
    for number, row in enumerate(grid.rows[:HEAD_SEARCH]):
        # below a row of several cells only what is surely a head is one: a row of data that is like one would be lost
        if is_head(row) if is_first else is_further_head(row):
            return number + 1, columns_of((row,))
        is_first = is_first and sum(bool(cell.text) for cell in row.cells) < 2
    return None


def _without_titles(heads: tuple[Row, ...]) -> tuple[Row, ...]:
    """Head rows without one that is a single merged cell over the whole width: that is a title."""
    kept = tuple(row for row in heads if len({cell.text for cell in row.cells}) > 1 or len(row.cells) == 1)
    return kept or heads


def is_head(row: Row) -> bool:
    """Whether a row reads as headings: two that are known or more, most of its cells, and one about ports or services."""
    texts = [cell.text for cell in row.cells if cell.text]
    if any(character.isdigit() for text in texts for character in text):
        return False
    known = [role for text in texts if len(text) <= 40 and (role := role_of(text)) is not Role.OTHER]
    is_about = any(role in (*PORTS, Role.SERVICE, Role.PROTOCOL) for role in known)
    return len(known) >= 2 and is_about and len(known) * 2 > len(texts)


def is_further_head(row: Row) -> bool:
    """Whether a row inside a table is a head again: each of its cells a known heading, none of them like another.

    A row that is only like a head is one of data: taken for a head it would be lost.
    """
    roles = [role_of(cell.text) for cell in row.cells if cell.text]
    return is_head(row) and len(roles) > 2 and Role.OTHER not in roles and len({*roles}) == len(roles)
