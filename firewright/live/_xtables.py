"""What iptables said of its tables on another machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from firewright.diagnostic import harmless
from firewright.live.machine import XTABLES, Saved
from firewright.model.packet import FAMILIES, Family

_PROGRAMS = {4: "iptables", 6: "ip6tables"}


def saved_tables(
    sections: Mapping[str, str], kind: str, only: tuple[Family, str] | None, unseen: list[str]
) -> Iterator[Saved]:
    """The tables of one kind (`nft`, or `legacy` for x_tables) as saved; `only` names one. What was not said is put into `unseen`."""
    for family in FAMILIES:
        names = _names(sections, family, unseen) if only is None else (only[1],) if only[0] == family else ()
        program = f"{_PROGRAMS[family]}-{kind}-save"
        for name in names:
            section = f"{kind}.{family}.{name}"
            text, code = sections.get(section, ""), sections.get(f"{section}.code", "").strip()
            if code == "0" and text.rstrip().splitlines() and f"*{name}" in text.splitlines():
                yield Saved(program, family, (name,), text)
                continue
            said = harmless(sections.get(f"{section}.said", "").strip(), 120)
            why = f"{program} fails{f': {said}' if said else ''}" if code else f"{program} is not installed there"
            unseen.append(f"table {harmless(name)} of iptables in IPv{family}: {why}")


def _names(sections: Mapping[str, str], family: Family, unseen: list[str]) -> tuple[str, ...]:
    """The tables of x_tables that the kernel says it has."""
    names = sections.get(f"names.{family}", "").split()
    if names == ["hidden"]:
        unseen.append(f"tables of iptables-legacy in IPv{family}: the list of them is for root to read")
        return ()
    return tuple(name for name in names if name in XTABLES)
