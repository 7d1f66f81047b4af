"""Whether what was approved was seen to be open: every service of every address that was probed, by an answer of its own."""

from __future__ import annotations

from collections.abc import Iterator

from firewright.analysis.observed import Sightings, State
from firewright.analysis.question import Question, Side
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges, union
from firewright.model.packet import FAMILIES
from firewright.model.request import Request
from firewright.model.service_words import words
from firewright.model.transport import service_ranges
from firewright.reports import Probed
from firewright.workflows.requests.checking import question_of
from firewright.workflows.requests.estate import Estate
from firewright.workflows.requests.refused import Refused


def asked_by(estate: Estate, request: Request) -> Question:
    """The flows of a request. Raises Refused (409) where its policy cannot be read, or where it is not said to run yet."""
    policy = estate.policies.get(request.wish.policy)
    if policy is None:
        raise Refused("gone", f"there is no policy {request.wish.policy}", "firewright check", 409)
    if request.state not in ("implemented", "verified"):
        message = f"request {request.number} is {request.state}: nothing of it runs"
        raise Refused("wrong-state", message, "apply and confirm its policy first", 409)
    return question_of(policy, request.wish)


def services_of(question: Question) -> Ranges:
    """The services that are to answer. Raises Refused where those are all that there are."""
    if question.term.is_any:
        raise Refused("not-probeable", "nobody can try every service", "firewright requests says how it stands", 422)
    found = (services for family in FAMILIES for services in service_ranges(question.term.transports, family).values())
    return union(*found)


def not_open(seen: Probed, question: Question) -> tuple[str, ...]:
    """Why what was seen does not show that it is open, by address, in words; nothing if it does. Nothing seen is not open.

    Each address that was probed is one of the request's destinations, was probed from one of its sources, and answered for every
    service.
    """
    found = tuple(said for one in seen.sightings for said in _not_open(one, question))
    return found if seen.sightings else ("nothing was probed",)


def _not_open(one: Sightings, question: Question) -> Iterator[str]:
    if one.why:
        yield f"{one.address}: {one.why}"
        return
    if not _is_of(question.destination, one.address):
        yield f"{one.address} is none of its destinations"
    if not _is_of(question.source, one.source):
        yield f"{one.source or 'this machine'} is none of its sources"
    for state in State:
        services = one.services(state)
        if state is not State.OPEN and services:
            yield f"{one.address} {words(services)} is {state.value}"
    if not one.sights:
        yield f"{one.address}: nothing was seen"


def _is_of(side: Side, address: str) -> bool:
    """Whether an address is of one end; which addresses a machine itself has, no policy says."""
    return side.is_local or (bool(address) and AddressSet.of(address.partition("%")[0]) <= side.addresses)
