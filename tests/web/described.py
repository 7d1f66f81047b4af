"""Answers held against the API's own description, strictly: no key that is not described, none that is described and missing."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from jsonschema import Draft202012Validator

from firewright.model.account import Grant, Role
from firewright.store import accounts, tokens
from firewright.store.accounts import Account
from firewright.store.database import Store
from firewright.web.api.reference import description
from firewright.web.app import application, store_of
from firewright.web.settings import Settings
from tests.web.conftest import BASE, with_policies

PREFIX = "/api/v1"
OPEN = {"ProblemBody"}
"""Shapes that may have more keys than they say."""


class Described:
    """The description, made strict: whoever answers a key that it does not know is found."""

    def __init__(self) -> None:
        self.tree = description()
        strict = copy.deepcopy(self.tree)
        for name, schema in strict["components"]["schemas"].items():
            if "properties" in schema and name not in OPEN:
                schema["additionalProperties"] = False
                schema["required"] = sorted(schema["properties"])
        self._strict = strict["components"]

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """The operation that an address is of; a path without places in it is meant before one with."""
        bare = path.split("?")[0]
        for template, methods in sorted(self.tree["paths"].items(), key=lambda one: "{" in one[0]):
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), bare) and method.lower() in methods:
                found: dict[str, Any] = methods[method.lower()]
                return found
        raise AssertionError(f"{method} {path} is not described")

    def hold(self, answer: Any, method: str, path: str) -> None:
        """The answer is one of those that are described for it: status, media type, and every key. Raises AssertionError."""
        described = self.operation(method, path)["responses"]
        said = (method, path, answer.status_code, answer.text[:300])
        assert str(answer.status_code) in described, said
        contents = described[str(answer.status_code)].get("content", {})
        media = answer.headers.get("content-type", "").partition(";")[0]
        if answer.status_code in (204, 304):
            assert not answer.content and "content-type" not in answer.headers, said
            return
        assert media in contents, (*said, media)
        if media.endswith("json") and contents[media].get("schema"):
            self.fits(answer.json(), contents[media]["schema"])

    def fits(self, value: object, schema: dict[str, Any]) -> None:
        """The value is of the schema, strictly."""
        Draft202012Validator({"components": self._strict, **schema}).validate(value)


def token(store: Store, name: str, *grants: Grant) -> dict[str, str]:
    """Headers with a token of an account with these grants, of every role for everything where there are none."""
    now, held = datetime.now(UTC), grants or tuple(Grant(role) for role in Role)
    with store.writing() as c:
        accounts.add(c, Account(name, name.title(), grants=held))
        secret, _ = tokens.make(c, name, "test", held, now, now + timedelta(hours=1))
    return {"Authorization": f"Bearer {secret}"}


@cache
def described() -> Described:
    """The description, made once."""
    return Described()


@contextmanager
def standing(place: Path) -> Iterator[FastAPI]:
    """An application in an empty folder, for tests that need not each have their own."""
    before = Path.cwd()
    (place / "state").mkdir()
    folder = with_policies(place / "policies")
    os.chdir(folder)
    app = application(Settings(folder, "", place / "state", BASE))
    try:
        yield app
    finally:
        store_of(app).close()
        os.chdir(before)
