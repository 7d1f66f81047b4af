"""`nft -a list ruleset` -> the words of each rule, by its table, chain and handle."""

from __future__ import annotations

import re
from collections.abc import Mapping

from firewright.diagnostic import harmless

_TABLE = re.compile(r'^table (\S+) "?([^\s"]+)"? \{')
_CHAIN = re.compile(r'^\s+chain "?([^\s"]+)"? \{')
_HANDLE = re.compile(r"\s+# handle (\d+)$")
_LONGEST = 2000


def texts(listing: str) -> Mapping[tuple[str, str, str, int], str]:
    """Each rule's own words, harmless, by family, table, chain and handle; a rule over several lines is put on one."""
    found: dict[tuple[str, str, str, int], str] = {}
    table, chain = ("", ""), ""
    lines: list[str] = []
    for line in listing.splitlines():
        if line.startswith("table ") and (opened := _TABLE.match(line)):
            table, chain = (opened[1], opened[2]), ""
        elif "chain " in line and (opened := _CHAIN.match(line)):
            chain, lines = opened[1], []
        elif line == "\t}" or line == "}":
            chain = ""
        elif chain:
            handle = _HANDLE.search(line) if "# handle " in line else None
            if handle is None:
                # What a chain says of itself (its hook, its comment) ends here; a rule's line that is broken goes on.
                lines = [] if line.lstrip().startswith(("type ", "comment ")) and not lines else [*lines, line.strip()]
                continue
            lines.append(line[: handle.start()].strip())
            text = " ".join(lines)
            is_fit = len(text) <= _LONGEST and text.isprintable()
            found[*table, chain, int(handle[1])] = text if is_fit else harmless(text, _LONGEST)
            lines = []
    return found


def dormant(listing: str) -> frozenset[tuple[str, str]]:
    """Family and name of the tables that are switched off: the JSON of nft 1.0 does not say which flag a table has."""
    found = set()
    table = ("", "")
    for line in listing.splitlines():
        if line.startswith("table ") and (opened := _TABLE.match(line)):
            table = (opened[1], opened[2])
        elif line.startswith("\tflags ") and "dormant" in line[len("\tflags ") :].replace(",", " ").split():
            found.add(table)
    return frozenset(found)
