"""Audit mode of a firewall: its ruleset that lets everything pass for a time, proved, and what it says would have been refused."""

from __future__ import annotations

from collections import Counter
from datetime import date
from heapq import nlargest

from firewright.analysis.validate import Mismatch, Pause, Proof
from firewright.diagnostic import Report
from firewright.document import collection_paused
from firewright.live.listing import NotAListing, tables_in
from firewright.live.nft import list_back
from firewright.model.policy import Firewall, Policy
from firewright.readers.nftables import parse
from firewright.readers.nftables.domains import SECOND, TIME
from firewright.readers.nftables.parsing import unreadable
from firewright.readers.nftables.recorded import Counted, left_in
from firewright.readers.nftables.tree import Decide, Key, Match
from firewright.reports import Compiled, CutLine, WouldCut
from firewright.source import NOWHERE
from firewright.syntax.nftables import LATEST_INSTANT, TABLE, render
from firewright.syntax.nftables.audited import PREFIX, UNREMEMBERED, audited
from firewright.workflows.compile import TARGET, compile_firewall, prove
from firewright.workflows.recorded import Judge, NotRecorded
from firewright.workflows.selection import Saying, silent
from firewright.writers import Artifact
from firewright.writers.nftables import lower, rule_comment

MOST_JUDGED = 20_000
"""Flows that are judged by the policy, those with most packets."""


def audited_text(
    policy: Policy,
    firewall: Firewall,
    day: date,
    since: int,
    until: int | None,
    report: Report,
    saying: Saying = silent,
) -> Compiled | None:
    """A firewall's ruleset in audit mode from one instant until another (epoch seconds), or without an end if `until` is None.

    It is proved: in that time every packet passes our table, at any other it does what the policy says from the day on. None
    after saying in the report why there is none: a time that is none is `audit-window`.
    """
    try:
        pause = Pause(since, until)
    except ValueError as error:
        report.error("audit-window", f"{firewall.name}: there is {error}", firewall.at, "it ends after it begins")
        return None
    if max(since, until or 0) > LATEST_INSTANT:
        message = f"{firewall.name}: nftables cannot say an instant after the year 2553"
        report.error("audit-window", message, firewall.at, "let it end earlier")
        return None

    def emit(policy: Policy, firewall: Firewall, day: date, report: Report) -> Artifact:
        with collection_paused():
            text = render(audited(lower(policy, firewall, day, report), since, until))
        return Artifact(TARGET, policy.name, firewall.name, text)

    return compile_firewall(policy, firewall, day, report, emit, saying, pause)


def prove_audited(
    policy: Policy, firewall: Firewall, day: date, text: str, since: int, until: int | None
) -> Mismatch | Proof:
    """Whether a text lets every packet pass from one instant until another, and else does what the policy says from the day on.

    Raises what `prove` raises, and ValueError for a time that is none.
    """
    return prove(policy, firewall, day, text, Pause(since, until))


def would_cut(listed: str, policy: Policy, firewall: Firewall, day: date, path: str = "the running table") -> WouldCut:
    """What a table in audit mode let pass and the policy would have refused on a day, by which of its lines.

    `listed` is `nft -jp list table inet firewright`, or the same in words, made under TZ=UTC. Each recorded flow is judged by the
    policy itself, not by what the ruleset says of it. Raises UnreadableListing, and NftError for words that nft does not take back.
    O(recorded flows x rules).
    """
    json = listed if listed.lstrip().startswith("{") else _in_json(listed, path)
    left = left_in(json, path, TABLE, PREFIX)
    gates = [one for one in left.rules if one.target.startswith(PREFIX) and not one.chain.startswith(PREFIX)]
    if not gates:
        return WouldCut(policy.name, policy.path, firewall.name, day, is_audited=False)
    since, until = _window(json, path)
    judged = nlargest(MOST_JUDGED, left.elements, key=lambda one: one.packets)
    judge = Judge(policy, firewall, day)
    try:
        flows = [judge.flow(one) for one in judged]
    except NotRecorded as error:
        raise unreadable(path, str(error)) from None
    flows.sort(key=lambda one: (-one.packets, one.flow, one.way, one.state))
    held = Counter(one.set for one in left.elements)
    return WouldCut(
        policy.name,
        policy.path,
        firewall.name,
        day,
        True,
        since,
        until,
        tuple(flows),
        _lines(gates, policy),
        sum(one.packets for one in left.rules if one.chain.startswith(PREFIX) and one.comment == UNREMEMBERED),
        tuple(sorted(name for name, size in left.sizes.items() if size and held[name] >= size)),
        len(left.elements) - len(judged),
    )


def _in_json(text: str, path: str) -> str:
    """The JSON of a listing in words: loaded into a namespace of its own, with its counters and elements, and listed again."""
    try:
        ours = [table.text for table in tables_in(text) if table.title == TABLE]
    except NotAListing as error:
        raise unreadable(path, f"this is no listing of nft: {error}") from None
    return list_back("\n".join(ours)).json if ours else '{"nftables": []}'


def _window(json: str, path: str) -> tuple[int | None, int | None]:
    """From when until when the table lets everything pass, as its rules say."""
    since = until = None
    for table in parse(json, path).tables:
        for rule in (rule for chain in table.chains.values() for rule in chain.rules):
            targets = [one.verdict.target for one in rule.statements if isinstance(one, Decide)]
            if table.title != TABLE or not any(target.startswith(PREFIX) for target in targets):
                continue
            for one in rule.statements:
                if isinstance(one, Match) and one.left == Key("meta", "meta time"):
                    instant = TIME.number(one.right)
                    if instant is not None and one.operator == ">=":
                        since = instant // SECOND
                    elif instant is not None and one.operator == "<":
                        until = instant // SECOND
    return since, until


def _lines(gates: list[Counted], policy: Policy) -> tuple[CutLine, ...]:
    """What the rules of each comment counted, of both families and all hooks together."""
    places = {rule_comment(rule): rule.at for rule in policy.rules}
    packets: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for one in gates:
        packets[one.comment] += one.packets
        amounts[one.comment] += one.bytes
    return tuple(
        CutLine(said, number, amounts[said], places.get(said, NOWHERE))
        for said, number in sorted(packets.items(), key=lambda pair: (-pair[1], pair[0]))
        if number
    )
