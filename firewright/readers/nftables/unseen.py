"""What is in a listing that its programs do not say: a proof of the programs is a proof of the listing only without it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from firewright.diagnostic import harmless
from firewright.model.conntrack_helper import HELPERS
from firewright.model.protocol import PORTED_NAMES
from firewright.readers.nftables.keys import sets_of
from firewright.readers.nftables.tree import (
    Decide,
    Effect,
    Fill,
    Gate,
    Key,
    ListedRule,
    ListedTable,
    Listing,
    Match,
    Number,
    VerdictMap,
)
from firewright.space.ruleset import Hook

_HELPER, _TIMEOUT = "ct helper ", "ct timeout "
_BESIDE = ("log", _TIMEOUT, _HELPER)
"""Effects that change no packet and open nothing, but for helpers, which are looked at more closely."""


def unseen(listing: Listing, records: Collection[str] = ()) -> Iterator[str]:
    """Each thing that changes what becomes of packets without being in the programs of the listing, in words. O(rules).

    `records` are the names of sets that packets may fill, for no rule may ask what is in them: that is looked at.

    Chains of NAT, at devices or of bridges; switched-off tables; sets whose elements go or come by themselves; statements that
    write to packets, hand them over or keep them from connection tracking; helpers that read other flows than their own.
    """
    for table in listing.tables:
        if table.is_dormant:
            yield f"table {harmless(table.title)} is switched off"
        for chain in table.chains.values():
            is_judged = table.family in ("inet", "ip", "ip6") and chain.kind == "filter" and chain.hook in tuple(Hook)
            if chain.hook and not is_judged:
                yield f"chain {harmless(chain.name)} of {harmless(table.title)} is not one that is judged"
            for place, rule in enumerate(chain.rules, 1):
                for what in _in_rule(table, rule, records):
                    yield f"{harmless(table.title)} {harmless(chain.name)} rule {place}: {what}"
        for one in table.sets.values():
            if (one.is_fading or one.is_filled) and (one.is_map or one.name not in records):
                yield f"the elements of {harmless(one.name)} do not stay as they are"


def _in_rule(table: ListedTable, rule: ListedRule, records: Collection[str]) -> Iterator[str]:
    if rule.refused:
        yield rule.refused
    for part in rule.statements:
        if isinstance(part, Fill) and part.set in records and not part.gate:
            continue
        if asked := sets_of(part) & set(records):
            yield f"what is in {harmless(min(asked))} does not stay as it is"
        if isinstance(part, Effect):
            is_beside = part.text == "counter" or (f"{part.text} ".startswith(_BESIDE) and not part.looks)
            if part.changes or not is_beside:
                yield f"{harmless(part.text)} is not judged"
            elif part.text.startswith(_HELPER) and not _is_own_port(table, rule, part.text.removeprefix(_HELPER)):
                yield f"{harmless(part.text)} reads flows that are not the helper's"
        elif not isinstance(part, Match | Decide | VerdictMap | Gate):
            yield f"{harmless(part.text)} is not judged"


def _is_own_port(table: ListedTable, rule: ListedRule, name: str) -> bool:
    """Whether a rule gives a helper only flows to the helper's own port."""
    helper = HELPERS.get(table.helpers.get(name, ""))
    if helper is None:
        return False
    keys = {f"{word} dport" for word, number in PORTED_NAMES.items() if number == helper.protocol}
    return any(
        isinstance(part, Match)
        and part.operator == "=="
        and isinstance(part.left, Key)
        and part.left.text in keys
        and part.right == Number(helper.port)
        for part in rule.statements
    )
