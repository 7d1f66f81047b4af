"""What is behind interfaces, in the words of a command: addresses, the internet, or a question."""

from __future__ import annotations

import re
from collections.abc import Sequence

from firewright.analysis.homes import BadHomes, Home, Homes, named_interfaces, stand_ins
from firewright.analysis.subject import Subject
from firewright.diagnostic import Report, harmless
from firewright.model.address import AddressSet, merge
from firewright.space.axis import interface

ASK = "ask"
"""The word that makes a question of every interface that rules name."""
_OUTWARD = "internet"
_QUESTION = "?"


def homes_in(words: Sequence[str], subject: Subject, report: Report) -> Homes | None:
    """Interfaces with what is behind them: `eth1=10.0.0.0/8,fd00::/8`, `eth0=internet`, `eth2=?`, or `ask`; None after an error.

    `internet` is what is behind no other; a question gets addresses that no rule tells apart from others, to stand in for the answer.
    """
    known: dict[str, AddressSet] = {}
    outward: list[str] = []
    asked: list[str] = []
    for word in words:
        name, _, said = (part.strip() for part in word.partition("="))
        try:
            if word == ASK:
                continue
            if said == _OUTWARD:
                outward.append(name)
            elif said == _QUESTION:
                asked.append(name)
            else:
                parts = [part for part in re.split(r"[,\s]+", said) if part]
                known[name] = merge((known.get(name, AddressSet()), *(AddressSet.of(part) for part in parts)))
            interface(name)
        except ValueError as error:
            why = f"--interfaces {harmless(word, 100)!r} says nothing: {harmless(str(error), 200)}"
            report.error("bad-setting", why, help="write eth1=10.0.0.0/8,2001:db8::/32, eth0=internet, eth2=? or ask")
            return None
    programs = tuple(subject.programs.values())
    if ASK in words:
        asked += [name for name in named_interfaces(programs) if name not in (*known, *outward, *asked)]
    try:
        standing = stand_ins(programs, len(asked), subject.families) if asked else ()
        homes = [Home(name, addresses) for name, addresses in known.items()]
        homes += [Home(name, one, is_asked=True) for name, one in zip(asked, standing, strict=True)]
        return Homes.of(homes, outward)
    except BadHomes as error:
        report.error(
            "bad-setting",
            f"--interfaces: {harmless(str(error), 200)}",
            help="name each interface once, by what is behind it",
        )
        return None
