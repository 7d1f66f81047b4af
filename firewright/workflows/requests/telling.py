"""What a wish would mean, as far as whoever asks may be told: no address, line or reason that is of others alone."""

from __future__ import annotations

import re
from dataclasses import replace

from firewright.model.account import Actor
from firewright.model.policy import Policy, Rule
from firewright.model.request import Wish
from firewright.reports import CheckedRequest, RequestFinding
from firewright.source import Span
from firewright.workflows.requests.knowledge import Knowledge
from firewright.workflows.requests.refused import UNKNOWN_ZONE, Refused

WITHHELD = "its line names other zones, and is shown to whoever may see them"
"""In place of a reason that is not told."""
_BESIDE = re.compile(r", together with requests? .*")
"""How a reason ends that names requests with which a wish is added up, which may be others'."""
_NAMING = re.compile(r"did you mean|there are:")
"""How ways out begin that name what there is."""


def told_to(actor: Actor, policy: Policy, checked: CheckedRequest) -> CheckedRequest:
    """What somebody may know of an answer about a policy: all of it, if they see the policy as a whole.

    Else of the ends that are not theirs, nor of the internet, neither an example nor a prefix, nor how many addresses there are;
    and of lines that name zones which are strange to them, the place alone. O(rules).
    """
    known = Knowledge(actor, policy)
    if known.is_whole:
        return checked
    is_plain_from, is_plain_to = (
        all(map(known.is_plain, zones)) for zones in (checked.source_zones, checked.destination_zones)
    )
    is_open = is_plain_from and is_plain_to
    every = [known if one is policy else Knowledge(actor, one) for one in policy.authorities()]
    rules = {at: (one, rule) for one in every for rule in one.policy.rules for at in _places(rule)}
    nobodys = {firewall.at for one in policy.authorities() for firewall in one.firewalls.values()}
    hidden: list[str] = []

    def told(finding: RequestFinding) -> RequestFinding:
        found = rules.get(finding.at)
        is_shown = finding.at in nobodys if found is None else found[0].rule(found[1])
        if not is_shown:
            hidden.append(finding.because)
        return replace(
            finding,
            flows=finding.flows if is_open else (_asked(checked.wish),),
            witness=finding.witness if is_open else "",
            line=finding.line if is_shown else str(found[1].verb) if found else "",
            because=finding.because if is_shown else WITHHELD,
            rule=finding.rule if is_shown else "",
        )

    opening = checked.opening
    if not is_open:  # the size of a zone, and of what of it is open already, is its owner's to know
        opening = replace(
            opening,
            flows=(_asked(checked.wish),) if opening.flows else (),
            sources=opening.sources if is_plain_from else None,
            destinations=opening.destinations if is_plain_to else None,
        )
    words = (*checked.wish.sources, *checked.wish.destinations)
    named = (one for one in checked.deciders[1:] if (zone := one.split(": ")[0]) in words or known.is_plain(zone))
    return replace(
        checked,
        permitted=tuple(map(told, checked.permitted)),
        denied=tuple(map(told, checked.denied)),
        undecided=tuple(map(told, checked.undecided)),
        elsewhere=tuple(map(told, checked.elsewhere)),
        alternative="; ".join(part for part in _parts(checked.alternative, hidden) if part),
        opening=opening,
        why_severe=tuple(dict.fromkeys(_BESIDE.sub("", one) for one in checked.why_severe)),
        deciders=(*checked.deciders[:1], *named),
        able=None,
        stuck=(),
        source_zones=_named(known, checked.source_zones, checked.wish.sources),
        destination_zones=_named(known, checked.destination_zones, checked.wish.destinations),
    )


def _places(rule: Rule) -> tuple[Span, ...]:
    """Where a decision can say that a rule stands: at its verb, or at the service that decides."""
    return (rule.at, *(term.at for term in rule.terms))


def veiled(refused: Refused) -> Refused:
    """Why a wish is refused, for somebody who does not see the policy whole: without names that are suggested, and lines quoted."""
    if refused.name == UNKNOWN_ZONE:
        way_out = "name a zone that you see, or addresses"
    elif refused.diagnostics or _NAMING.search(refused.help):
        way_out = "use a name of your own lines, or of the catalog"
    else:
        return refused
    return Refused(refused.name, refused.message, way_out, refused.status, fields=refused.fields)


def may_not(wish: Wish) -> Refused:
    """That somebody may ask for nothing between these ends, in their own words: not in which zones their addresses lie."""
    message = f"you may not ask for flows between {', '.join(wish.sources)} and {', '.join(wish.destinations)}"
    return Refused("may-not", message, f"ask for the role requester on {wish.policy}, or on one of the zones", 403)


def _named(known: Knowledge, zones: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    """Zones by name, but for those that nobody named and that are not theirs: of these the addresses as they were asked for."""
    return zones if all(known.is_plain(zone) or zone in words for zone in zones) else words


def _asked(wish: Wish) -> str:
    """The flows in the words of whoever asks."""
    return f"{', '.join(wish.sources)} -> {', '.join(wish.destinations)} {', '.join(wish.services)}"


def _parts(text: str, hidden: list[str]) -> list[str]:
    for one in filter(None, hidden):
        text = text.replace(one, "")
    return [part.strip() for part in text.split("; ")]
