"""Return to a generation that a host has kept: loaded like an apply, proved to be what it was, and confirmed or taken back."""

from __future__ import annotations

import time
from collections.abc import Callable

from firewright.analysis.management import parse_connection, stays_open
from firewright.diagnostic import Report, harmless
from firewright.live.apart import apart
from firewright.live.host import Host, HostError, checksum, program
from firewright.live.nft import NftError
from firewright.live.session import user
from firewright.reports import Step
from firewright.space.budget import Undecided
from firewright.workflows.generations import moved
from firewright.workflows.meaning import Unjudged, first_difference, meaning_of, programs_of
from firewright.workflows.plan import Surveyed, at_interfaces, is_strange, survey
from firewright.workflows.selection import Saying, silent

_FILES = ("ruleset.nft", "minimal.nft", "ends", "meta")


Permit = Callable[[str, str, tuple[str, ...]], str]
"""What is asked before a generation is loaded, with its ruleset, its facts and what it opens that is closed now, in lines: it leaves
where that may not be, or says why it may."""


def return_to(
    number: int,
    host: Host,
    report: Report,
    saying: Saying = silent,
    wait: int = 120,
    is_forced: bool = False,
    permit: Permit = lambda ruleset, facts, opens: "",
) -> Step | None:
    """What became of a host that was to return to a generation; or None after saying in the report why nothing was done.

    It is a new generation with the old one's text. Refused where it would cut off the ssh connection that it comes over. `permit`
    is asked before anything is loaded; why it let a generation pass that it would not is kept beside the new one.
    """
    surveyed = survey(host, report, saying)
    if surveyed is None:
        return None
    try:
        saying(f"fetching generation {number} from {host.name}")
        texts = {name: host.call("generation", str(number), name).text("file") for name in _FILES}
        if checksum(texts["ruleset.nft"].encode()) != host.call("generation", str(number), "sum").line("file"):
            message = (
                f"{harmless(host.name)}: the file of generation {number} is not what was stored, so it is not loaded"
            )
            report.error("generation-changed", message, help="apply the policy again")
            return None
        although = permit(texts["ruleset.nft"], texts["meta"], _opens(texts["ruleset.nft"], surveyed))
        is_others = is_strange(surveyed.state)
        if is_others and not is_forced:
            said = "somebody else made a table inet firewright there: --force replaces it"
            return Step(host.name, "refused", None, (said,))
        if (said := _locks_out(texts["ruleset.nft"], surveyed)) and not is_forced:
            return Step(host.name, "refused", None, (said, "--force loads it; the watchdog brings back what runs now"))
        texts["meta"] = _facts(texts["meta"], number, although)
        saying(f"loading it on {host.name}")
        words = (surveyed.state.sum, str(wait), "-", "anew" if is_others else "kept")
        sent = {**texts, "ruleset.nft": apart(texts["ruleset.nft"]), "host.sh": program()}
        reply = host.call("apply", *words, texts=sent, seconds=300)
        made = int(reply.line("generation"))
        difference = first_difference(texts["ruleset.nft"], reply.text("table"), surveyed.state.time)
        if difference is not None:
            host.call("rollback", str(made), "what runs is not what was kept")
            return Step(host.name, "rolled back", made, (f"what runs is not what was kept: {difference}",))
    except HostError as error:
        report.error(error.name, error.message, help=error.help)
        return None
    except (NftError, Undecided, Unjudged) as error:
        report.error("not-proved", f"nobody can prove what generation {number} means: {harmless(str(error))}")
        return None
    return Step(
        host.name,
        "applied",
        made,
        (
            f"proved: what runs means what generation {number} did",
            f"taken back in {wait} s unless it is confirmed over a new connection: firewright confirm"
            + ("" if host.is_local else f" {harmless(host.name)}"),
        ),
        wait,
    )


def _opens(text: str, surveyed: Surveyed) -> tuple[str, ...]:
    """What a ruleset opens that is closed now, in lines; that nobody can tell stops nobody who has to go back."""
    state = surveyed.state
    if not state.has_table:
        return ()
    try:
        found = tuple(moved(meaning_of(state.table), meaning_of(text), state.time))
    except (NftError, Undecided, Unjudged) as error:
        return (f"nobody can tell what: {harmless(str(error))}",)
    return tuple(flow for one in found if one.kind == "opens" for flow in one.flows)


def _locks_out(text: str, surveyed: Surveyed) -> str:
    """Why a ruleset would cut off the connection that this comes over, in a sentence; empty where it is proved that it does not."""
    words = surveyed.state.connection
    if not words and not surveyed.is_local:
        return "the host does not say over which connection this comes (SSH_CONNECTION)"
    if not words:
        return ""
    connection = parse_connection(words)
    if connection is None:
        return f"nobody can tell what {harmless(words, 80)!r} says of the ssh connection"
    found = stays_open(programs_of(text, surveyed.state.time), at_interfaces(connection, surveyed))
    return "" if found is None else f"it would cut off the connection that it is loaded over: {found}"


def _facts(kept: str, number: int, although: str) -> str:
    """What was kept of the old generation, with when and by whom it was returned to, although what."""
    lines = [line for line in kept.splitlines() if line.partition("=")[0] not in ("made", "by", "returned", "although")]
    if not any(line.startswith("written=") for line in lines):
        # a return makes no text: what was approved after it was written is not in it
        lines += [f"written={line.partition('=')[2]}" for line in kept.splitlines() if line.startswith("made=")]
    lines += [f"made={int(time.time())}", f"by={user()}", f"returned={number}"]
    lines += [f"although={harmless(although, 400)}"] if although else []
    return "\n".join(lines) + "\n"
