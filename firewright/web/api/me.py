"""Who you are to the API, and what you may."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from fastapi import Request
from fastapi.responses import Response

from firewright.web.access import LoggedIn
from firewright.web.api._answers import Answer, IfNoneMatch, etag_of, reading, sent
from firewright.web.api._grants import GrantTold, grant_tree
from firewright.web.api._route import router
from firewright.web.api._wishes import Told
from firewright.web.login import links_of
from firewright.web.running import store_of

ROUTER = router("me")


class LinkTold(Told):
    """A link by which a password was set."""

    maker: str
    at: datetime
    was_reset: bool
    """Whether there was a password before."""


class MeBody(Told):
    """An account, and what it may by what it sent."""

    account: str
    name: str
    groups: list[str]
    grants: list[GrantTold]
    let_in_by: str
    """Who made the link by which your password was last set, or set it; what you approve of theirs does not count."""
    links: list[LinkTold]
    """The links by which your password was set, the newest first."""


@ROUTER.get("/me", response_model=MeBody, responses=reading(), summary="Who you are")
def me(request: Request, actor: LoggedIn, if_none_match: IfNoneMatch = None) -> Response:
    """Your account and the grants that your token or session has."""
    grants = [grant_tree(grant) for grant in actor.grants]
    with store_of(request).reading() as c:
        links = [{**asdict(one), "at": one.at.isoformat()} for one in links_of(c, actor.account)]
    tree = {
        "account": actor.account, "name": actor.name, "groups": list(actor.groups), "grants": grants, "let_in_by": actor.let_in_by,
        "links": links,
    }  # fmt: skip
    return sent(Answer(tree, 200, {"ETag": etag_of(tree)}), if_none_match)
