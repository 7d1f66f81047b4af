"""What exceptions let in on a host: the packets that their rules counted since they were loaded."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from firewright.diagnostic import Report
from firewright.live.host import Host
from firewright.workflows.selection import Saying, silent
from firewright.workflows.status import status


def name_in_comments(path: str) -> str:
    """What the comments of a ruleset call the file of an exception: its folder `exceptions` and its name."""
    return "/".join(PurePath(path).parts[-2:])


def hits_on(host: Host, report: Report, saying: Saying = silent) -> dict[str, int] | None:
    """Packets by the file of the rule that counted them, as comments name it, or None after saying in the report why nobody knows."""
    found = status(host, report, saying)
    if found is None:
        return None
    hits: Counter[str] = Counter()
    for one in found.counters:
        if one.file and not one.is_let_pass:
            hits[one.file] += one.packets
    return dict(hits)
