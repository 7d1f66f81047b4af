"""Chains without a name (`jump { … }`), which nft's JSON has only as words: the listing in words, with a name for each."""

from __future__ import annotations

import re

_OPENED = re.compile(r"^(\t\t(?:.* )?(?:jump|goto)) \{$")
_CLOSED = "\t\t}"
_NAMES = "anonymous-"


def has_anonymous(json_text: str) -> bool:
    """Whether a listing in JSON has chains without a name."""
    return re.search(r'"(?:jump|goto) \{\\n', json_text) is not None


def with_named_chains(listing: str) -> str:
    """`nft -a list ruleset` with each chain that has no name written as one that has, in front of the chain that calls it.

    Loaded and listed again it is the same ruleset, of which the JSON says everything. nft nests such chains one deep. O(n).
    """
    free = _NAMES if _NAMES not in listing else f"{_NAMES}chain-"
    while free in listing:
        free += "x"
    out: list[str] = []
    chain: list[str] = []
    inside: list[str] | None = None
    found = 0
    for line in listing.split("\n"):
        if line.startswith("\tchain "):
            chain = [line]
        elif not chain:
            out.append(line)
        elif inside is not None and line.startswith(_CLOSED):
            out += (f"\tchain {free}{found} {{", *inside, "\t}", "")
            chain[-1] += line.removeprefix(_CLOSED)
            inside = None
        elif inside is not None:
            inside.append(line)
        elif opened := _OPENED.match(line):
            found += 1
            inside = []
            chain.append(f"{opened[1]} {free}{found}")
        elif line == "\t}":
            out += (*chain, line)
            chain = []
        else:
            chain.append(line)
    return "\n".join((*out, *chain))
