"""Policies over the API: which there are, their zones and rules, the matrix of zones, and everything from one to another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import Response

from firewright.diagnostic import harmless
from firewright.model.account import Role
from firewright.model.interval import size
from firewright.model.moment import iso
from firewright.model.policy import Firewall, Rule, Zone, ZoneKind
from firewright.reports._findings_text import place
from firewright.web.access import Viewer
from firewright.web.api._answers import (
    After,
    Answer,
    IfNoneMatch,
    Limit,
    PolicyName,
    Tree,
    Words,
    page_of,
    reading,
    reckoned,
)
from firewright.web.api._route import PREFIX, router
from firewright.web.api._shapes import (
    MatrixBody,
    PairBody,
    PieceTold,
    PoliciesBody,
    PolicyBody,
    PublishedTold,
    RulesBody,
    ZonesBody,
    trees,
)
from firewright.web.estate import SETTLED, estate_of
from firewright.web.routes._seen import part, policies_seen, sight_of
from firewright.web.routes.zones import matrix_of, pair_of
from firewright.web.views import pictures
from firewright.web.views.listing import holding
from firewright.web.views.matrix import Matrix
from firewright.web.views.passing import line_at, until_words
from firewright.web.views.sight import Sight

ROUTER = router("policies")
ROUTER.dependencies += SETTLED
ZoneName = Annotated[str, Path(min_length=1, max_length=200, description="A zone's name.", examples=["internet"])]


@ROUTER.get("/policies", response_model=PoliciesBody, responses=reading(), summary="The policies")
def listed(request: Request, actor: Viewer, if_none_match: IfNoneMatch = None) -> Response:
    """Those of which you see something, with what is published of each."""
    estate = estate_of(request)

    def make() -> Answer:
        found = trees(PublishedTold, map(pictures.published, policies_seen(estate, actor)))
        broken = list(map(harmless, estate.broken)) if actor.is_everywhere(Role.VIEWER) else []
        return Answer({"policies": found, "broken": broken, "estate": estate.digest})

    return reckoned(request, actor, if_none_match, make)


@ROUTER.get("/policies/{policy}", response_model=PolicyBody, responses=reading(404), summary="One policy")
def one(request: Request, actor: Viewer, policy: PolicyName, if_none_match: IfNoneMatch = None) -> Response:
    """What it says of itself, and its firewalls."""
    sight = sight_of(request, actor, policy)
    found, day = sight.policy, estate_of(request).day_of(sight.policy)
    here = f"{PREFIX}/policies/{part(policy)}"

    def make() -> Answer:
        return Answer(
            {
                **PublishedTold.tree(pictures.published(found)),
                "path": harmless(found.path) if sight.is_whole else "",
                "timezone": found.timezone,
                "day": iso(day),
                "is_whole": sight.is_whole,
                "behind": found.behind.name if found.behind is not None and sight.is_whole else "",
                "firewalls": list(_firewalls(sight)),
                "services": list(map(harmless, sight.services())),
                "bans": list(map(harmless, sight.bans())),
                "pictures": [f"{here}/status.svg", f"{here}/paths.svg"],
            }
        )

    return reckoned(request, actor, if_none_match, make)


def _firewalls(sight: Sight) -> Iterator[Tree]:
    for firewall in sight.policy.firewalls.values():
        legs = _seen(sight, firewall.between), _seen(sight, firewall.within)
        if sight.is_whole or any(name in sight.own for names in legs for name in names):
            yield _firewall(firewall, *legs)


def _seen(sight: Sight, zones: tuple[Zone, ...]) -> list[str]:
    """The names that may be told of a firewall's legs."""
    return [one.name for one in zones if sight.is_whole or one.name in sight.own or one.kind is not ZoneKind.NAMED]


def _firewall(firewall: Firewall, between: list[str], within: list[str]) -> Tree:
    return {
        "name": firewall.name,
        "between": between,
        "within": within,
        "is_host": firewall.is_host,
        "otherwise": firewall.default.value,
        "opens": firewall.opens,
    }


@ROUTER.get("/policies/{policy}/zones", response_model=ZonesBody, responses=reading(404), summary="Its zones")
def zones(
    request: Request, actor: Viewer, policy: PolicyName, q: Words = "", after: After = 0, limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:  # fmt: skip
    """Those that are yours to see; of those that the language defines, addresses only where you see the whole policy."""
    sight = sight_of(request, actor, policy)

    def make() -> Answer:
        every = (
            zone for zone in sight.policy.zones.values() if sight.is_whole or zone.name in sight.own or _is_open(zone)
        )
        kept = holding(every, q, lambda zone: zone.name)
        return page_of(request, "zones", kept, after, limit, lambda zone: _zone(sight, zone))

    return reckoned(request, actor, if_none_match, make)


def _is_open(zone: Zone) -> bool:
    """Whether everybody knows it: the language defines it."""
    return zone.kind is not ZoneKind.NAMED


def _zone(sight: Sight, zone: Zone) -> Tree:
    is_told = zone.is_filled and not zone.is_local and (sight.is_whole or not _is_open(zone))
    addresses = sight.addresses_of(zone)
    return {
        "name": zone.name,
        "kind": zone.kind.value,
        "prefixes": list(addresses.prefixes()) if is_told else None,
        "addresses": {"ipv4": size(addresses.v4), "ipv6": size(addresses.v6)} if is_told else None,
        "members": list(zone.members) if sight.is_whole else [],
        "question": harmless(zone.question),
    }


@ROUTER.get("/policies/{policy}/rules", response_model=RulesBody, responses=reading(404), summary="Its rules")
def rules(
    request: Request, actor: Viewer, policy: PolicyName, q: Words = "", after: After = 0, limit: Limit = 100,
    if_none_match: IfNoneMatch = None,
) -> Response:  # fmt: skip
    """Those whose lines you may see: every zone that they name is yours, holds yours, or is defined by the language."""
    sight = sight_of(request, actor, policy)

    def make() -> Answer:
        mine = (rule for rule in sight.policy.rules if sight.is_whole or (sight.concerns(rule) and sight.rule(rule)))
        kept = holding(mine, q, _text)
        return page_of(request, "rules", kept, after, limit, lambda rule: _rule(request, rule))

    return reckoned(request, actor, if_none_match, make)


def _text(rule: Rule) -> str:
    zones = (zone.name for ends in rule.ends for zone in (*ends.sources, *ends.destinations))
    return " ".join((rule.label, rule.verb, rule.because, rule.owner, rule.ticket, *zones))


def _rule(request: Request, rule: Rule) -> Tree:
    return {
        "name": harmless(rule.name),
        "verb": rule.verb.value,
        "ends": [
            {"from": [zone.name for zone in ends.sources], "to": [zone.name for zone in ends.destinations]}
            for ends in rule.ends
        ],
        "services": [harmless(term.word) for term in rule.terms],
        "because": harmless(rule.because, 2000),
        "owner": harmless(rule.owner),
        "ticket": harmless(rule.ticket),
        "until": until_words(rule.until),
        "overrides": [harmless(name.value) for name in rule.overrides],
        "is_on": rule.is_on,
        "log": rule.log,
        "place": place(rule.at),
        "line": line_at(rule.at.path, rule.at.line, estate_of(request).report.sources),
    }


@ROUTER.get(
    "/policies/{policy}/matrix", response_model=MatrixBody, responses=reading(404), summary="From each zone to each"
)
def matrix(
    request: Request,
    actor: Viewer,
    policy: PolicyName,
    service: Annotated[str, Query(max_length=200, description="Only these services.", examples=["ssh"])] = "",
    zone: Annotated[str, Query(max_length=200, description="Only zones with these words.", examples=["tenant"])] = "",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What is open from each zone to each other, of all services or of some; at most 128 zones at once."""
    sight = sight_of(request, actor, policy)
    return reckoned(request, actor, if_none_match, lambda: Answer(_matrix(matrix_of(request, sight, service, zone))))


def _matrix(found: Matrix) -> Tree:
    rows = [
        {
            "zone": name,
            "cells": [{"zone": to, "code": cell.code, "words": cell.words, "heat": cell.heat} for to, cell in cells],
        }
        for name, cells in found.named_rows()
    ]
    return {
        "policy": found.policy,
        "service": found.service,
        "zones": list(found.zones),
        "rows": rows,
        "total": found.total,
    }


@ROUTER.get(
    "/policies/{policy}/flows/{source}/{destination}",
    response_model=PairBody,
    responses=reading(404),
    summary="Everything from one zone to another",
)
def flows(
    request: Request, actor: Viewer, policy: PolicyName, source: ZoneName, destination: ZoneName,
    outcome: Annotated[str, Query(max_length=30, description="Only this outcome.", examples=["allowed"])] = "",
    after: After = 0, limit: Limit = 100, if_none_match: IfNoneMatch = None,
) -> Response:  # fmt: skip
    """Each set of flows that the same lines decide, with those lines and one packet of it."""
    sight = sight_of(request, actor, policy)

    def make() -> Answer:
        found = pair_of(request, sight, source, destination)
        kept = tuple(piece for piece in found.pieces if outcome in ("", piece.outcome))
        said = {"policy": found.policy, "from": found.source, "to": found.destination, "question": found.question}
        return page_of(request, "pieces", kept, after, limit, PieceTold.tree, **said)

    return reckoned(request, actor, if_none_match, make)
