"""Two rulesets or policies compared by upload: read in a process with limits, and nothing of them is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import Response

from firewright.source import Source, UnreadableSource, decode
from firewright.web.access import Viewer
from firewright.web.nav import Nav
from firewright.web.page import page
from firewright.web.problem import Problem
from firewright.web.routes._seen import attachment
from firewright.web.views import comparing as view
from firewright.workflows.compare_apart import Compared, compare_apart

ROUTER = APIRouter()
NAV = Nav(80, "Compare", "/compare")
LARGEST = 4 * 2**20
"""Bytes of one upload."""
KEPT = 200_000
"""Characters of a text that stands in the form again."""
BODY = 12 * 2**20
"""Bytes of a form with two of them, or of a result that is saved."""
_AT_ONCE = BoundedSemaphore(2)
"""So many comparisons run at once in one process of the server; others are told to come back.

They wait for another process, each in one of the few threads that make pages: nobody waits in another of these for his turn.
"""
_SAVED = {"markdown": ("text/markdown", "md"), "json": ("application/json", "json")}


@dataclass(frozen=True, slots=True)
class Filled:
    """What was written into the form, to stand there again beside the answer, or beside what is wrong."""

    before: str = ""
    after: str = ""
    kind: str = ""
    dropped: tuple[str, ...] = ()

    @classmethod
    def bounded(cls, before: str, after: str, kind: str) -> Filled:
        """The form again, without texts that are longer than KEPT: `dropped` are the sides of these."""
        dropped = tuple(side for side, text in (("before", before), ("after", after)) if len(text) > KEPT)
        return cls("" if "before" in dropped else before, "" if "after" in dropped else after, kind, dropped)


@ROUTER.get("/compare")
def form(request: Request, actor: Viewer) -> Response:
    """The form."""
    return _page(request)


@ROUTER.post("/compare", max_body_size=BODY)
def compare(
    request: Request,
    actor: Viewer,
    before: Annotated[UploadFile | None, File()] = None,
    after: Annotated[UploadFile | None, File()] = None,
    before_text: Annotated[str, Form(max_length=LARGEST)] = "",
    after_text: Annotated[str, Form(max_length=LARGEST)] = "",
    kind: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """The comparison of two uploads, or of two texts that were put into the form."""
    filled = Filled.bounded(before_text, after_text, kind)
    try:
        first = _source(before, before_text, kind, "before")
        second = _source(after, after_text, kind, "after")
    except Problem as problem:
        return _page(request, status=problem.status, problem=problem, filled=filled)
    found = compared(first, second, request.state.now)
    tree = "" if found.tree is None else json.dumps(found.tree, indent=2, ensure_ascii=False)
    status = 200 if found.tree is not None else 422
    return _page(request, view.result(found), found.markdown, tree, status, filled=filled)


def compared(before: Source, after: Source, now: datetime) -> Compared:
    """Two texts compared in a process with limits. Raises Problem: 503 where too many are being compared."""
    if not _AT_ONCE.acquire(blocking=False):
        raise Problem(503, "busy", "others are comparing at the moment", "send it again in half a minute")
    try:
        return compare_apart(before, after, now)
    finally:
        _AT_ONCE.release()


@ROUTER.post("/compare/save", max_body_size=BODY)
def save(
    request: Request,
    actor: Viewer,
    text: Annotated[str, Form(max_length=BODY)],
    format: Annotated[str, Form(max_length=20)] = "markdown",
) -> Response:
    """The result that stands on somebody's page as a file: it comes back from there, since nothing of it is kept here."""
    if format not in _SAVED:
        raise Problem(404, "no-such-format", "a comparison is not to be had as that", f"there are: {', '.join(_SAVED)}")
    media, ending = _SAVED[format]
    return Response(
        text.replace("\r\n", "\n"), media_type=f"{media}; charset=utf-8", headers=attachment(f"comparison.{ending}")
    )


def _page(
    request: Request, result: view.Result | None = None, markdown: str = "", tree: str = "", status: int = 200,
    problem: Problem | None = None, filled: Filled = Filled(),
) -> Response:  # fmt: skip
    return page(
        request, "compare.html", title="Compare", status=status, result=result, markdown=markdown, tree=tree,
        largest=LARGEST // 2**20, most=view.MOST, problem=problem, filled=filled,
    )  # fmt: skip


_ENDINGS = {"policy": ".yaml", "rules": ".txt", "": ""}


def _source(file: UploadFile | None, text: str, kind: str, side: str) -> Source:
    """One side of the form: a file, else what was written. Raises Problem: 413, 422."""
    if file is not None and file.filename:
        raw = file.file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise Problem(413, "too-large", f"{side} is longer than {LARGEST // 2**20} MiB", "compare parts of it")
        try:
            return decode(file.filename[:200], raw)
        except UnreadableSource:
            raise Problem(422, "unreadable", f"{side} is no text in UTF-8", "save it as plain text in UTF-8") from None
    if not text.strip():
        raise Problem(422, "missing", f"there is nothing {side}", "choose a file, or put a text into the field")
    return Source(f"{side}{_ENDINGS.get(kind, '')}", text.replace("\r\n", "\n"))
