"""Names that only one generation of a ruleset has, so that it can be loaded beside the one that runs before any packet meets it."""

from __future__ import annotations

import re

PLACE = ".GENERATION"
"""What the program of a managed host puts the generation's number in the place of."""
_DECLARED = re.compile(r"^\t(?:chain|set|map) (?P<name>[\w.]+) \{\n(?!\t\ttype [^\n]* hook )", re.MULTILINE)
_NAMED = re.compile(r'"[^"\n]*"|\b(?P<word>chain|set|map|goto|jump) (?P<name>[\w.]+)|@(?P<set>[\w.]+)')
_EVERY = re.compile(r"^\t(?:chain|set|map) ([\w.]+) \{", re.MULTILINE)
_NUMBER = re.compile(r"\.(?:\d+|GENERATION)$")


def apart(text: str) -> str:
    """A ruleset of the writer for nftables, or of a generation, in which all but the chains on hooks have the place of a number.

    What is in quotes stays. Time linear in the text.
    """
    declared = frozenset(found["name"] for found in _DECLARED.finditer(text))

    def renamed(found: re.Match[str]) -> str:
        name = found["name"] or found["set"]
        if name is None or name not in declared:
            return found[0]
        before = f"{found['word']} " if found["word"] else "@"
        return f"{before}{_NUMBER.sub('', name)}{PLACE}"

    return _NAMED.sub(renamed, text)


def plain(text: str) -> str:
    """The same ruleset without the numbers in its names; as it is where two names would become one. Time linear in the text."""
    names = set(_EVERY.findall(text))
    if len({_NUMBER.sub("", name) for name in names}) < len(names):
        return text
    return apart(text).replace(PLACE, "")
