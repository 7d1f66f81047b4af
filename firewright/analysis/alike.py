"""Conditions that no header tells (limits, hand-overs, what was not understood), in two rulesets at once: which are the same.

A condition whose words say the same wherever they stand needs nothing. One that is its rule's own, a rate limit say, is the same
in both only where both have the very rule, in the same words: then it is read alike. Any other is read apart, for the worse.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from firewright.model.packet import Family
from firewright.space.program import Program
from firewright.space.ruleset import Line

_PLACE = re.compile(r"[^\s(]+ \S+ \S+ rule \d+")
"""How conditions name the rule whose own they are (`Line.place`)."""
_OWN = re.compile(r" decides (?:accept|drop|reject)$")
"""How conditions end that stand for a line which is no rule."""
Programs = Mapping[Family, Program]


def read_together(
    before: Programs, after: Programs, lines_before: Iterable[Line], lines_after: Iterable[Line]
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """New names for conditions of the second programs, those of the first where they are the same; and those read alike.

    Where two have a rule in the same words several times, they are matched in their order. O(steps + rules).
    """
    theirs = _conditions(before)
    known = {key: text for text, key in _keys(theirs, lines_before).items()}
    names: dict[str, str] = {}
    alike: list[str] = []
    mine = _conditions(after)
    keys = _keys(mine, lines_after)
    for text in mine:
        if text in keys and keys[text] in known:
            names[text] = known[keys[text]]
            alike.append(names[text])
        elif text in theirs and (text in keys or _OWN.search(text)):
            names[text] = f"{text} of the second"
    return {text: name for text, name in names.items() if text != name}, tuple(sorted(alike))


def renamed(programs: Programs, names: Mapping[str, str]) -> Programs:
    """Programs with other names for some conditions. O(steps)."""
    return {family: _renamed(program, names) for family, program in programs.items()} if names else programs


def rule_named(condition: str) -> str:
    """The place of the rule that a condition is the own of, empty where it says the same wherever it stands."""
    found = _PLACE.search(condition)
    return found[0] if found else ""


def _conditions(programs: Programs) -> dict[str, None]:
    """Each condition of some programs once, in order."""
    return dict.fromkeys(text for program in programs.values() for literals in program.literals for text, _ in literals)


def _keys(conditions: Iterable[str], lines: Iterable[Line]) -> dict[str, tuple[str, str, int]]:
    """For each condition that is a rule's own: what it says, the rule's words, and which of the rules with those words it is."""
    numbers: Counter[str] = Counter()
    rules: dict[str, tuple[str, int]] = {}
    for line in lines:
        numbers[line.text] += 1
        rules[line.place] = (line.text, numbers[line.text])
    found = {}
    for text in conditions:
        place = _PLACE.search(text)
        if place is not None and place[0] in rules:
            found[text] = (text.replace(place[0], ""), *rules[place[0]])
    return found


def _renamed(program: Program, names: Mapping[str, str]) -> Program:
    out = Program(program.family)
    for step, verdict in enumerate(program.verdict):
        literals = tuple(sorted((names.get(text, text), wanted) for text, wanted in program.literals[step]))
        out.add(program.box[step], verdict if isinstance(verdict, str) else None, program.origin[step], literals)
        if isinstance(verdict, int):
            out.skip(step, verdict)
    return out.seal()
