"""The files that pages need, in memory: addresses have a hash of what they hold, so browsers may keep them for ever."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from firewright.web.access import Anybody
from firewright.web.problem import Problem

ROUTER = APIRouter(include_in_schema=False)
_KINDS = MappingProxyType({".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"})
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def _files() -> MappingProxyType[str, tuple[bytes, str, str]]:
    """What each file holds, its kind, and the hash in its address."""
    found = {}
    for file in files("firewright.web").joinpath("static").iterdir():
        kind = _KINDS.get(file.name[file.name.rfind(".") :])
        if kind is not None:
            data = file.read_bytes()
            found[file.name] = (data, kind, sha256(data).hexdigest()[:16])
    return MappingProxyType(found)


def address(name: str) -> str:
    """Where browsers get a file. Raises KeyError for one that is not there."""
    return f"/static/{name}?v={_files()[name][2]}"


@ROUTER.get("/static/{name}")
def static(name: str, _actor: Anybody, v: Annotated[str, Query()] = "") -> Response:
    """A file by its name; one that is asked for by its hash is kept by browsers for ever."""
    if name not in _files():
        raise Problem(404, "not-found", "there is no such file")
    data, kind, hashed = _files()[name]
    return Response(data, media_type=kind, headers={"Cache-Control": _FOR_EVER if v == hashed else "no-cache"})
