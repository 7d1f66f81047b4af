"""The first page: what is open to the internet now, what changed, what ends soon, what is in error."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from firewright.analysis.ask import Part
from firewright.diagnostic import Diagnostic, harmless
from firewright.model.account import Actor, Role
from firewright.web.access import Viewer
from firewright.web.estate import SETTLED, estate_of, memo
from firewright.web.export import csv_of
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.routes._seen import policies_seen, shown, turned
from firewright.web.routes.audit_report import rows_of
from firewright.web.running import store_of
from firewright.web.views import changes as changed
from firewright.web.views import findings as finding
from firewright.web.views import history
from firewright.web.views import overview as view
from firewright.web.views.listing import holding, leaf_of
from firewright.web.views.sight import Sight
from firewright.web.views.standing import Ungoverned, ungoverned
from firewright.workflows.requests.estate import Estate

ROUTER = APIRouter(dependencies=SETTLED)
NAV = Nav(10, "Overview", "/")
_SHOWN_FINDINGS = 8
_SHOWN_CHANGES = 8
_SHOWN_FAULTS = 5
_HEAD = ("policy", "services", "from", "to", "IPv4 addresses", "IPv6 addresses", "whole internet", "place", "because")


@dataclass(frozen=True, slots=True)
class Row:
    """One opening with the policy that it is of."""

    policy: str
    opening: view.Opening


@dataclass(frozen=True, slots=True)
class Past:
    """What changed since a former state, where one is known."""

    since: history.Former | None
    formers: tuple[history.Former, ...]
    changes: tuple[changed.PolicyChange, ...]


@ROUTER.get("/")
def overview(
    request: Request,
    actor: Viewer,
    q: Annotated[str, Query(max_length=200)] = "",
    policy: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[str, Query(max_length=100)] = "",
    page_: Annotated[int, Query(ge=1, le=100_000, alias="page")] = 1,
    format: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Everything that somebody has to know first; it stands whatever is wrong with single policies."""
    estate = estate_of(request)
    found = opened(request, actor)
    rows = [Row(one.policy, opening) for one in found for opening in one.openings]
    kept = holding((row for row in rows if policy in ("", row.policy)), q, _text)
    if format == "csv":
        return csv_of("open-to-the-internet", _HEAD, _cells(kept))
    leaf = leaf_of(kept, page_, len(rows))
    before, after = turned(leaf, "/", q=q, policy=policy, since=since)
    findings = found_by(request, actor)
    return page(
        request, "overview.html", title="Overview", found=found, leaf=leaf, before=before, after=after, q=q, policy=policy,
        unasked=tuple(one for one in found if one.unasked), broken=_broken(estate, actor), gone=_gone(request, actor),
        ends=endings_of(estate, actor), past=past_of(request, actor, since), findings=findings,
        shown=findings[:_SHOWN_FINDINGS], most=_SHOWN_CHANGES,
        sees_all=actor.is_everywhere(Role.VIEWER), enforced=sum(row.opening.is_enforced for row in rows),
        errors=sum(one.severity == "error" for one in findings), warnings=sum(one.severity == "warning" for one in findings),
    )  # fmt: skip


def _gone(request: Request, actor: Actor) -> tuple[Ungoverned, ...]:
    """The policies of which nobody decides any more."""
    estate = estate_of(request)
    if estate.rules.is_required:
        return ()
    with store_of(request).reading() as c:
        return ungoverned(c, estate, actor)


def opened(request: Request, actor: Actor) -> tuple[view.Open, ...]:
    """What is open to the internet, policy by policy, as far as somebody sees it."""
    found = []
    for policy in policies_seen(estate_of(request), actor):
        parts = memo(request, *dear(policy.name), ahead=True)
        sight = Sight(actor, policy)
        found.append(shown(request, ("open", policy.name, sight.key), partial(_open, estate_of(request), sight, parts)))
    return tuple(found)


def dear(name: str) -> tuple[Hashable, Callable[[Estate], tuple[Part, ...] | str]]:
    """What takes long to reckon here of a policy, under its key."""
    return ("reached", name), partial(_reached, name)


def _reached(name: str, estate: Estate) -> tuple[Part, ...] | str:
    return view.reached(estate.policies[name], estate.day_of)


def _open(estate: Estate, sight: Sight, parts: tuple[Part, ...] | str) -> view.Open:
    return view.open_to_internet(sight.policy, estate.day_of, sight, estate.report.sources, parts)


def endings_of(estate: Estate, actor: Actor) -> tuple[view.Ending, ...]:
    """What ends soon in the policies that somebody sees, the next first."""
    policies = policies_seen(estate, actor)
    found = (one for policy in policies for one in view.endings(policy, estate.day_of(policy), Sight(actor, policy)))
    return tuple(sorted(found, key=lambda one: (one.until, one.place)))


def found_by(request: Request, actor: Actor) -> tuple[finding.Found, ...]:
    """The findings that somebody may see, errors first."""
    return rows_of(request, actor)


def past_of(request: Request, actor: Actor, since: str = "") -> Past:
    """What changed since a former state, the last one if none is named. How things are is kept where that is new."""
    estate = estate_of(request)
    with store_of(request).reading() as c:
        is_known = history.is_remembered(c, estate)
        formers = history.formers(c, estate)
    if not is_known and estate.is_whole:
        with store_of(request).writing() as c:
            history.remember(c, estate, request.state.now)
    former = next((one for one in formers if one.digest == since), formers[0] if formers else None)
    if former is None:
        return Past(None, (), ())
    found = memo(
        request,
        ("changed", former.digest),
        lambda estate: changed.compared(changed.policies_of(former.body), estate),
    )
    key = ("changes", former.digest, None if actor.is_everywhere(Role.VIEWER) else tuple(sorted(actor.grants)))
    return Past(former, formers, shown(request, key, lambda: tuple(changed.changes(found, estate, actor))))


def _broken(estate: Estate, actor: Actor) -> tuple[str, ...]:
    """The policies that cannot be read, by their files, and by which place, for those who see everything; else that there are some."""
    if not estate.broken:
        return ()
    if not actor.is_everywhere(Role.VIEWER):
        return ("A policy of this folder cannot be read",)
    places: dict[Diagnostic, list[str]] = {}
    for path in estate.broken:
        places.setdefault(estate.why[path], []).append(path)
    return tuple(_fault(why, paths) for why, paths in places.items())


def _fault(why: Diagnostic, paths: Sequence[str]) -> str:
    """What is wrong with which file, and which policies cannot be read therefore."""
    said, place = harmless(why.message, 300), f" at {harmless(str(why.at))}" if why.at.path else ""
    named = ", ".join(map(harmless, paths[:_SHOWN_FAULTS]))
    more = f" and {len(paths) - _SHOWN_FAULTS} more" if len(paths) > _SHOWN_FAULTS else ""
    return f"{named}{more} cannot be read: {said}{place}"


def _text(row: Row) -> str:
    one = row.opening
    return " ".join((row.policy, *one.services, *one.sources, *one.destinations, one.place, one.because))


def _cells(rows: tuple[Row, ...]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        one = row.opening
        yield (
            row.policy, ", ".join(one.services), ", ".join(one.sources), ", ".join(one.destinations),
            str(one.piece.destinations[0]), str(one.piece.destinations[1]), "yes" if one.is_worldwide else "no",
            one.place, one.because,
        )  # fmt: skip
