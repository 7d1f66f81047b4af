"""Compile the firewalls of the selected policies: text that is proved to mean what the policy says, or nothing at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timezone
from functools import lru_cache, partial

from firewright.analysis.validate import Mismatch, Pause, Proof, joined, validate
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless
from firewright.live.nft import NftError, list_back
from firewright.live.parallel import each
from firewright.model.moment import Instant
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Firewall, Policy
from firewright.readers.nftables import Listing, UnreadableListing, encode, parse, unseen
from firewright.readers.nftables.collecting import without_collecting
from firewright.readers.nftables.tree import Decide, Effect
from firewright.reports import Compilation, Compiled
from firewright.source import NOWHERE, Source
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.space.ruleset import Line, Ruleset
from firewright.syntax.nftables import TABLE
from firewright.syntax.nftables.audited import PREFIX
from firewright.workflows.check import sound_firewalls
from firewright.workflows.selection import Saying, Wanted, silent
from firewright.workflows.unfilled import say_unfilled
from firewright.writers import WRITERS, Artifact

TARGET = "nftables"
Emit = Callable[[Policy, Firewall, date, Report], Artifact]


def compile_policies(
    wanted: Wanted, report: Report, names: tuple[str, ...] = (), saying: Saying = silent
) -> Compilation | None:
    """Every wanted firewall of the selected policies, compiled and proved; or None after saying in the report why not.

    One that cannot be compiled or proved stops all of them. `names` are firewalls; none is every one.
    """
    pairs = sound_firewalls(wanted, report, names, saying)
    if pairs is None:
        return None
    compiled = []
    for policy, firewall in pairs:
        saying(f"compiling {firewall.name} of {policy.name}")
        compiled.append(compile_firewall(policy, firewall, wanted.day_of(policy), report, saying=saying))
    done = tuple(one for one in compiled if one is not None)
    return None if report.has_errors() or len(done) < len(compiled) else Compilation(done, report.sources)


def compile_firewall(
    policy: Policy,
    firewall: Firewall,
    day: date,
    report: Report,
    emit: Emit | None = None,
    saying: Saying = silent,
    pause: Pause | None = None,
) -> Compiled | None:
    """A firewall's ruleset from a day on, proved equal to the policy; or None after saying in the report why there is none.

    What another `emit` makes of the policy may have a pause, in which it must let everything pass.
    """
    said = len(report.diagnostics)
    artifact = Artifact(TARGET, policy.name, firewall.name, "")
    try:
        artifact = (emit or WRITERS.load(TARGET).emit)(policy, firewall, day, report)
        if any(one.severity is Severity.ERROR for one in report.diagnostics[said:]):
            return None
        saying(f"proving {firewall.name} of {policy.name}")
        proof = prove(policy, firewall, day, artifact.text, pause)
    except Unfilled as error:
        say_unfilled(error, policy, report)
    except Undecided as error:
        message = f"{firewall.name} is not proved, so it is not written: {harmless(str(error))}"
        report.error("undecided", message, firewall.at, "split the policy, or narrow the rules that overlap most")
    except NftError as error:
        report.error(
            "not-proved", f"nothing can be proved: {error.message}", firewall.at, error.help, _refused(error, artifact)
        )
    except (UnreadableListing, Unproved) as error:
        report.error("miscompiled", f"{firewall.name}: {error}", firewall.at, _OUR_FAULT)
    else:
        if isinstance(proof, Mismatch):
            report.add(_miscompiled(firewall, proof))
        else:
            return Compiled(
                policy.name, firewall.name, artifact.target, artifact.text, day, proof.stretches, proof.steps
            )
    return None


def _refused(error: NftError, artifact: Artifact) -> tuple[Note, ...]:
    """The line of the ruleset that nft or the kernel would not take, which names what they lack."""
    line = Source(artifact.target, artifact.text).line(error.at.line).strip()
    return (Note(f"it is about this line of the ruleset: {harmless(line, 200)}"),) if line else ()


class Unproved(Exception):
    """What the target lists has a form of which nothing is proved."""


def prove(policy: Policy, firewall: Firewall, day: date, text: str, pause: Pause | None = None) -> Mismatch | Proof:
    """Whether nft, loading this text in a namespace of its own, understands what the policy says from a day on.

    With a pause: that, and in the pause that everything passes; packets may then fill the sets of audit mode, which no rule asks.
    Raises Unfilled, Undecided, NftError, UnreadableListing, and Unproved for a chain that does not end by itself, and for whatever
    the programs of the listing do not say.
    """
    if _UNLISTED.search(_QUOTED.sub("", text)):
        raise Unproved("nft does not list again what a rule says of a frame's type")
    listed = list_back(text)
    with without_collecting():
        listing = parse(listed.json, "the listing of the compiled ruleset", listed.text)
        _must_close(listing)
        if what := next(unseen(listing, () if pause is None else _records(listing)), None):
            raise Unproved(what)
        proofs = [partial(_proof, policy, firewall, day, listing, family, pause) for family in FAMILIES]
        return joined(each(proofs) if len(text) > _LONG else [proof() for proof in proofs])


_LONG = 300_000
"""Characters of a text whose families are proved at the same time: about 500 rules, which take 0.2 s each."""


def _records(listing: Listing) -> set[str]:
    """The sets of our own table in which audit mode remembers flows."""
    tables = [table for table in listing.tables if table.title == TABLE]
    return {name for table in tables for name in table.sets if name.startswith(PREFIX)}


def _proof(
    policy: Policy, firewall: Firewall, day: date, listing: Listing, family: Family, pause: Pause | None
) -> Mismatch | Proof:
    """Whether the listing means what the policy says of the packets of a family."""

    @lru_cache(maxsize=2)
    def at(instant: Instant) -> Ruleset:
        ruleset = encode(listing, instant, (family,))
        if ruleset.diagnostics:
            raise Unproved(ruleset.diagnostics[0].message)
        return ruleset

    return validate(policy, firewall, at, day, (family,), pause)


_QUOTED = re.compile(r'"[^"\n]*"')
_UNLISTED = re.compile(r"\b(?:ether|vlan)\s+type\b")
"""`ether type ip ip saddr ...` is listed without its beginning (nft 1.0.6), though it keeps the rule from what has no frame."""


def _must_close(listing: Listing) -> None:
    """Every base chain drops by its policy and by its last rule: while the kernel replaces a ruleset, the policy alone does not."""
    for table in listing.tables:
        for chain in table.chains.values():
            if not chain.hook:
                continue
            if (chain.kind, chain.priority) != ("filter", 0):
                # Before connection tracking (-200) no state matches anything, whatever the sets say of it.
                raise Unproved(f"chain {harmless(chain.name)} is of type {chain.kind} at priority {chain.priority}")
            if chain.policy != "drop":
                raise Unproved(f"the policy of chain {harmless(chain.name)} is {chain.policy}, not drop")
            last = chain.rules[-1].statements if chain.rules else ()
            ends = [one for one in last if isinstance(one, Decide) and one.verdict.word in ("drop", "reject")]
            if not ends or not all(isinstance(one, Decide | Effect) for one in last):
                raise Unproved(f"chain {harmless(chain.name)} has no explicit end")


_OUR_FAULT = "this is a fault of firewright, and nothing was written: please report it with the policy"


def _miscompiled(firewall: Firewall, mismatch: Mismatch) -> Diagnostic:
    """What the policy says of a packet, and what the compiled text would have done with it."""
    wanted = mismatch.wanted
    by = mismatch.by
    place = f"{by.table} {by.chain}: {by.text}" if isinstance(by, Line) else str(by)
    when = datetime.fromtimestamp(mismatch.instant, timezone.utc).isoformat(" ", "seconds")  # noqa: UP017
    packet = mismatch.packet
    ends = f"in by {packet.in_interface or 'the machine itself'}, out by {packet.out_interface or 'the machine itself'}"
    carried = f", with {', '.join(mismatch.carried)}" if mismatch.carried else ""
    return Diagnostic(
        "miscompiled",
        Severity.ERROR,
        f"{firewall.name} would {mismatch.found} what the policy says to {wanted.action} ({wanted.outcome})",
        wanted.at if wanted.at != NOWHERE else firewall.at,
        (Note(f"the ruleset decides it by {harmless(place)}"), Note(f"at {when} UTC, {ends}{carried}")),
        str(packet),
        _OUR_FAULT,
    )
