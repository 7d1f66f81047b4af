"""The firewalls of others on a machine, as text, as Markdown and as a tree: each table, its hooks, what it stops and opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from firewright.diagnostic import harmless
from firewright.reports._findings_text import several
from firewright.reports._markup import plain
from firewright.reports._paint import Paint
from firewright.reports._result import Look

if TYPE_CHECKING:
    from firewright.analysis.neighbours import Base, Cut, Neighbour, Opening

UNCUT = 10_000
MOST_FLOWS = 4
"""So many flows of one rule are shown where not everything is wanted."""
_WHAT = {
    "flows": "",
    "established": "packets of flows that the policy opens: ",
    "essentials": "essentials: ",
    "loopback": "what the machine says to itself: ",
}


def neighbours_text(neighbours: Sequence[Neighbour], look: Look) -> list[str]:
    """A line for each table and its hooks, below it what it does to the policy; no line where there are no neighbours."""
    paint = Paint(look.is_coloured)
    lines = [line for one in neighbours for line in _text(one, look, paint)]
    return [paint("title", "other firewalls on this machine, which a packet must pass too:"), *lines] if lines else []


def _text(one: Neighbour, look: Look, paint: Paint) -> Iterator[str]:
    yield f"  {paint('bold', _safe(one.title))}: {_safe(about_words(one))}"
    for cut in one.cuts:
        style = "closed" if cut.is_usual else "asked"
        yield from _block(paint(style, stops_words(cut)), cut.flows, look)
        yield from _rule(cut, look, paint)
    for opening in one.openings:
        said = f"{paint('error' if opening.flows else 'faint', opens_words(opening))}"
        yield from _block(said, opening.flows, look)
        if opening.flows:
            yield from _rule(opening, look, paint)
    if one.forwards:
        yield f"    decides which {families_words(one.forwards)} packets this machine passes on"
    yield from (
        f"    {paint('asked', 'publishes in a way that is not followed')}: {_safe(line)}" for line in one.unfollowed
    )
    yield from (f"    {paint('asked', 'not judged')}: {_safe(why)}" for why in one.unjudged)


def _block(head: str, flows: Sequence[str], look: Look) -> Iterator[str]:
    most = len(flows) if look.is_verbose else MOST_FLOWS
    yield f"    {head}" + (f" {_safe(flows[0])}" if flows else "")
    yield from (f"      and {_safe(flow)}" for flow in flows[1:most])
    if len(flows) > most:
        yield f"      and {several(len(flows) - most, 'flow')} more; -v shows all"


def _rule(one: Cut | Opening, look: Look, paint: Paint) -> Iterator[str]:
    yield f"      {paint('place', _safe(one.place))}  {_safe(one.rule)}".rstrip()
    if look.has_witness and one.witness:
        yield f"      example: {_safe(one.witness)}"


def about_words(one: Neighbour) -> str:
    """How many rules, where they are hooked, which program lists them."""
    if one.is_dormant:
        return f"{several(one.rules, 'rule')}, dormant: it judges nothing"
    hooks = ", ".join(base_words(base) for base in one.bases) or "no hook"
    bounded = f" ({one.bounded} only known in bounds)" if one.bounded else ""
    program = "" if one.program == "nft" else f", by {one.program}"
    return f"{several(one.rules, 'rule')}{bounded}{program}; {hooks}"


def base_words(base: Base) -> str:
    """`forward 0 drop`: the hook, the priority, and the policy where it drops; the kind where it is no filter."""
    kind = "" if base.kind == "filter" else f"{base.kind} "
    return f"{kind}{base.hook} {base.priority}{' drop' if base.policy == 'drop' else ''}"


def stops_words(cut: Cut) -> str:
    """Whether a table usually stops something, and of what kind that is; the flows say under which conditions."""
    return f"{'stops' if cut.is_usual else 'may stop'} {_WHAT[cut.what]}".rstrip()


def opens_words(one: Opening) -> str:
    """What is published, and whether past the policy."""
    where = f"{one.service} of {one.host or 'any address'}, goes on to {one.target}"
    if not one.flows:
        return f"publishes {_safe(where)}; the policy opens that port to as many"
    return f"{'opens' if one.is_certain else 'may open'} past the policy ({_safe(where)}):"


def families_words(families: Sequence[int]) -> str:
    """`IPv4 and IPv6`."""
    return " and ".join(f"IPv{family}" for family in families)


def _safe(text: str) -> str:
    return harmless(text, UNCUT)


def neighbours_markdown(neighbours: Sequence[Neighbour], look: Look) -> list[str]:
    """A list with an entry for each table, and one below it for each thing that it stops or opens."""
    lines = []
    for one in neighbours:
        lines.append(f"- {plain(one.title)}: {plain(about_words(one))}")
        lines += [
            f"  - {plain(' '.join((stops_words(cut), '; '.join(cut.flows))))} ({plain(cut.place)})" for cut in one.cuts
        ]
        lines += [
            f"  - {plain(' '.join((opens_words(opening), '; '.join(opening.flows))))} ({plain(opening.place)})"
            for opening in one.openings
        ]
    return lines


def neighbours_tree(neighbours: Sequence[Neighbour]) -> list[dict[str, Any]]:
    """The same as mappings and lists."""
    return [
        {
            "table": one.table,
            "program": one.program,
            "makers": list(one.makers),
            "dormant": one.is_dormant,
            "rules": one.rules,
            "bounded": one.bounded,
            "hooks": [
                {
                    "chain": base.chain,
                    "type": base.kind,
                    "hook": base.hook,
                    "priority": base.priority,
                    "policy": base.policy,
                }
                for base in one.bases
            ],
            "closes": [
                {
                    "what": cut.what,
                    "flows": list(cut.flows),
                    "witness": cut.witness,
                    "verdict": cut.verdict,
                    "place": cut.place,
                    "rule": cut.rule,
                    "certain": cut.is_certain,
                    "usual": cut.is_usual,
                }
                for cut in one.cuts
            ],
            "publishes": [
                {
                    "service": opening.service,
                    "host": opening.host,
                    "target": opening.target,
                    "past_policy": list(opening.flows),
                    "witness": opening.witness,
                    "place": opening.place,
                    "rule": opening.rule,
                    "certain": opening.is_certain,
                }
                for opening in one.openings
            ],
            "decides_forwarding": list(one.forwards),
            "translations": list(one.translations),
            "not_followed": list(one.unfollowed),
            "not_judged": list(one.unjudged),
        }
        for one in neighbours
    ]
