"""The part of nftables that a compiled policy needs, as a tree of frozen values, and its text."""

from firewright.syntax.nftables.clock import shifted
from firewright.syntax.nftables.field import Field, Kind
from firewright.syntax.nftables.statement import (
    LATEST_INSTANT,
    Compare,
    Counter,
    Flags,
    Log,
    Masked,
    Match,
    Member,
    Named,
    Opening,
    Resetting,
    SetHelper,
    SetTimeout,
    Statement,
    Verdict,
    VerdictMap,
    Word,
)
from firewright.syntax.nftables.table import AddressGroup, Chain, HelperObject, Hook, Rule, Table, TimeoutObject
from firewright.syntax.nftables.text import ABOUT, render
from firewright.syntax.nftables.words import comment, name

__all__ = [
    "ABOUT",
    "LATEST_INSTANT",
    "AddressGroup",
    "Chain",
    "Compare",
    "Counter",
    "Field",
    "Flags",
    "HelperObject",
    "Hook",
    "Kind",
    "Log",
    "Masked",
    "Match",
    "Member",
    "Named",
    "Opening",
    "Resetting",
    "Rule",
    "SetHelper",
    "SetTimeout",
    "Statement",
    "Table",
    "TimeoutObject",
    "Verdict",
    "VerdictMap",
    "Word",
    "comment",
    "name",
    "render",
    "shifted",
]
