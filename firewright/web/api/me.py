"""Who you are to the API, and what you may."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from firewright.web.access import LoggedIn
from firewright.web.api._answers import Answer, IfNoneMatch, etag_of, reading, sent
from firewright.web.api._grants import GrantTold, grant_tree
from firewright.web.api._route import router
from firewright.web.api._wishes import Told

ROUTER = router("me")


class MeBody(Told):
    """An account, and what it may by what it sent."""

    account: str
    name: str
    groups: list[str]
    grants: list[GrantTold]


@ROUTER.get("/me", response_model=MeBody, responses=reading(), summary="Who you are")
def me(request: Request, actor: LoggedIn, if_none_match: IfNoneMatch = None) -> Response:
    """Your account and the grants that your token or session has."""
    grants = [grant_tree(grant) for grant in actor.grants]
    tree = {"account": actor.account, "name": actor.name, "groups": list(actor.groups), "grants": grants}
    return sent(Answer(tree, 200, {"ETag": etag_of(tree)}), if_none_match)
