"""What the lines of a policy counted on a host, since when, and between two looks; from the comments that their rules carry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from firewright.diagnostic import harmless
from firewright.live.state import HostState
from firewright.reports._status import Counted, Window

_COUNTING = re.compile(r"\bcounter packets (\d{1,20}) bytes (\d{1,20})([^\n]*?) comment \"([^\"\n]*)\"")
_OF_POLICY = re.compile(r"(.*) \(([^()]*):(\d{1,9})\)")
_LET_PASS = re.compile(r" goto audit__\w+")
_ENDING = re.compile(r"meta time < (\d{1,18})[^\n]*? (?:(?:goto|jump) (\w+)|comment \"([^\"\n]*)\")")
_CHAIN = re.compile(r"^\tchain (\S+) \{\n(.*?)^\t\}", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r' comment "([^"\n]*)"')


class BadEarlier(ValueError):
    """A text that is no status that was written earlier."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier look said that the counters are compared with."""

    host: str
    hostname: str
    time: int
    uptime: int
    generation: int | None
    loaded: int
    counters: Mapping[tuple[str, str, int, bool], Counted]


def counted(table: str, stored: str = "") -> tuple[Counted, ...]:
    """The counters of a listed table by what their comments say, the lines of the policy first, in its order; O(text).

    What only the text of the generation has (`stored`), and not the table that is loaded, counted nothing.
    """
    found: dict[tuple[str, str, int, bool], Counted] = {}
    for text, is_running in ((table, True), (_with_counters(stored), False)):
        for packets, size, verdict, comment in _COUNTING.findall(text):
            one = _one(comment, is_let_pass=bool(_LET_PASS.search(verdict)))
            kept = found.setdefault(one.key, one)
            if is_running:
                found[one.key] = replace(kept, packets=kept.packets + int(packets), bytes=kept.bytes + int(size))
    return tuple(sorted(found.values(), key=_place))


def _place(one: Counted) -> tuple[bool, str, int, str, bool]:
    return not one.is_of_policy, one.file, one.line, one.rule, one.is_let_pass


def _with_counters(text: str) -> str:
    """A text that was written, in which counters have no numbers, as one that is listed."""
    return re.sub(r"\bcounter(?! packets)\b", "counter packets 0 bytes 0", text)


def _one(comment: str, *, is_let_pass: bool) -> Counted:
    placed = _OF_POLICY.fullmatch(comment)
    rule, file, line = placed.groups() if placed else (comment, "", "0")
    return Counted(harmless(rule), harmless(file), int(line), 0, 0, is_let_pass)


def endings(text: str, now: int) -> tuple[tuple[int, str], ...]:
    """The ends of permissions in a generation's text that are still to come, with the line of the policy that ends."""
    chains = {name: _COMMENT.findall(body) for name, body in _CHAIN.findall(text)}
    found = set()
    for instant, chain, comment in _ENDING.findall(text):
        words = comment or next(iter(chains.get(chain, ())), chain)
        if int(instant) > now and not chain.startswith("audit__"):
            found.add((int(instant), harmless(words)))
    return tuple(sorted(found))


def window_of(state: HostState) -> Window:
    """When the counters of what runs began: they begin anew with each load, and a boot is one."""
    number = state.running
    since = state.loaded_at(number) if number is not None else 0
    if not since:
        return Window(0, "the host's journal does not say when it was loaded" if number is not None else "")
    if since > state.time:
        return Window(0, "the host's clock was set back since it was loaded")
    verb = next((one.verb for one in reversed(state.journal) if one.number == number and one.time == since), "")
    back = (one for one in state.journal if one.verb == "rolled-back" and one.time >= since)
    others = [one.number for one in back if "nothing had been loaded" not in one.words]
    # What is brought back by a rollback has its counters again.
    between = f", and generation {others[-1]} ran for a time since" if others else ""
    return Window(since, ("loaded at boot" if verb == "booted" else "loaded then") + between)


def since_earlier(
    earlier: Earlier, now: Earlier, window: Window, counters: Iterable[Counted]
) -> tuple[Window, tuple[Counted, ...]]:
    """What was counted since an earlier look; where counting began anew in between, since then, and `why` says so."""
    listed = tuple(counters)
    why = _anew(earlier, now, listed)
    if why:
        return Window(window.since, f"shorter than asked for: {why}"), listed
    fewer = tuple(
        replace(one, packets=one.packets - before.packets, bytes=one.bytes - before.bytes)
        if (before := earlier.counters.get(one.key)) is not None
        else one
        for one in listed
    )
    return Window(earlier.time, "the earlier look"), fewer


def _anew(earlier: Earlier, now: Earlier, counters: tuple[Counted, ...]) -> str:
    """Why counters do not go on from an earlier look, in words; empty where they do."""
    if earlier.generation != now.generation:
        return f"generation {now.generation} was loaded in between, and it was {earlier.generation or 'none'} before"
    if now.uptime < earlier.uptime or now.uptime + 60 < now.time - earlier.time:
        return "the host was started anew in between"
    if earlier.loaded != now.loaded:
        return "the same generation was loaded again in between"
    if now.time < earlier.time:
        return "the host's clock was set back in between"
    for one in counters:
        before = earlier.counters.get(one.key)
        if before is not None and (one.packets < before.packets or one.bytes < before.bytes):
            return f"a counter went back, of {one.rule}"
    return ""


def earlier_in(text: str) -> Earlier:
    """What `status --format json` wrote before. Raises BadEarlier."""
    try:
        tree = json.loads(text)
        if tree["kind"] != "status":
            raise BadEarlier(f"it is a {harmless(str(tree['kind']), 40)}, not a status")
        counters = {
            one.key: one
            for row in tree["counters"]
            for one in (
                Counted(
                    str(row["rule"]),
                    str(row["file"] or ""),
                    int(row["line"] or 0),
                    int(row["packets"]),
                    int(row["bytes"]),
                    bool(row["let_pass"]),
                ),
            )
        }
        generation = tree["generation"]
        return Earlier(
            str(tree["host"]),
            str(tree["hostname"]),
            int(tree["time"]),
            int(tree["uptime"]),
            None if generation is None else int(generation),
            int(tree["loaded"]),
            counters,
        )
    except BadEarlier:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadEarlier(f"it is not what `firewright status --format json` writes ({type(error).__name__})") from None
