"""What the API says of itself is whole, has examples that fit, and is what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from firewright.model.account import Role
from firewright.store.database import Store
from tests.web.conftest import Client
from tests.web.described import PREFIX, described, token

TREE = described().tree
BOUNDED = ("^(|mine|waiting)$", "^[0-9a-f]{64}$")
"""Patterns that say how long a text is."""
ROLES = {"account", *map(str, Role)}


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in TREE["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


@pytest.mark.parametrize(
    ("method", "path", "operation"), [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in _operations()]
)
def test_each_operation_says_who_may_and_gives_examples_that_fit(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    """A role, a sentence, a subject that is known, problems with examples; what is sent and answered has one that fits its schema."""
    assert operation["x-role"] in ROLES and operation["security"] == [{"token": []}]
    assert operation["summary"][0].isupper() and operation["description"].endswith(".")
    assert operation["tags"][0] in {one["name"] for one in TREE["tags"]}
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    contents = [(media, each) for body in bodies for media, each in body.get("content", {}).items()]
    assert all(one.get("description") for one in operation["responses"].values())
    assert {"400", "401", "403", "422", "503"} <= operation["responses"].keys()
    for media, content in contents:
        if media.endswith("json") and content.get("schema"):
            given = content.get("examples") or [content["example"]]
            for one in given:
                described().fits(one, content["schema"])
    if method != "get":
        names = {one["name"] for one in operation.get("parameters", [])}
        assert "Idempotency-Key" in names or method in ("delete",) or path.endswith(("/check", "/compare", "/state"))


def test_every_parameter_is_bounded() -> None:
    """No text, list or number of a request is without an upper bound, in addresses, headers and bodies."""
    loose: list[tuple[str, ...]] = []
    for method, path, operation in _operations():
        for one in operation.get("parameters", []):
            loose += [(method, path, one["name"], what) for what in _unbounded(one["schema"])]
    for name, schema in TREE["components"]["schemas"].items():
        if name in _sent():
            loose += [(name, key, what) for key, one in schema["properties"].items() for what in _unbounded(one)]
    assert not loose


def _sent() -> set[str]:
    """The schemas of what is sent."""
    found = set()
    for _, _, operation in _operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            found.add(content["schema"].get("$ref", "").rpartition("/")[2])
    return found


def _unbounded(schema: dict[str, Any]) -> Iterator[str]:
    kind = schema.get("type")
    if kind == "string" and not {"enum", "const", "maxLength"} & schema.keys() and schema.get("pattern") not in BOUNDED:
        yield "text"
    if kind == "integer" and not {"maximum", "exclusiveMaximum"} & schema.keys():
        yield "number"
    if kind == "array":
        if "maxItems" not in schema:
            yield "list"
        yield from _unbounded(schema["items"])
    for one in schema.get("anyOf", []):
        yield from _unbounded(one)


def test_the_description_is_public_and_the_page_shows_all_of_it(client: Client) -> None:
    """Both are there without a login; the page names each operation and has nothing that its own policy would stop."""
    answer = client.get(f"{PREFIX}/openapi.json")
    assert answer.status_code == 200 and answer.json()["openapi"].startswith("3.1")
    assert answer.json()["paths"].keys() == TREE["paths"].keys()
    tag = answer.headers["ETag"]
    assert client.get(f"{PREFIX}/openapi.json", headers={"If-None-Match": tag}).status_code == 304
    index = client.get(PREFIX).json()
    assert (index["openapi"], index["reference"]) == (f"{PREFIX}/openapi.json", "/api/docs")
    shown = client.get("/api/docs")
    assert shown.status_code == 200 and shown.headers["Content-Type"].startswith("text/html")
    for method, path, operation in _operations():
        assert f"{method.upper()} {path}" in shown.text and f'id="{operation["operationId"]}"' in shown.text
    for foreign in ("<script>", "style=", "onclick", "https://cdn", "//unpkg", "http-equiv"):
        assert foreign not in shown.text


READS = (
    "/me", "/policies", "/policies/{p}", "/policies/{p}/zones", "/policies/{p}/zones?q=tenant&limit=1", "/policies/{p}/rules",
    "/policies/{p}/matrix", "/policies/{p}/matrix?service=ssh", "/policies/{p}/flows/internet/tenant-a",
    "/policies/{p}/flows/tenant-a/internet?limit=1", "/policies/{p}/status.svg", "/policies/{p}/status.md",
    "/policies/{p}/status.txt", "/policies/{p}/status.html", "/policies/{p}/paths", "/policies/{p}/paths.svg", "/exposure",
    "/exposure?worldwide=true", "/endings", "/changes", "/ports", "/ports?q=ssh", "/ports/22", "/ports/postgresql",
    "/ask?from=internet&to=tenant-a&services=ssh", "/ask?from=tenant-a&to=internet", "/requests", "/exceptions", "/audit",
    "/audit?severity=error", "/audit.sarif", "/audit.junit", "/audit.markdown", "/audit.json", "/hosts", "/log", "/log/head",
    "/log/heads", "/log/verify", "/webhooks", "/tokens", "/accounts", "/accounts/program-all",
)  # fmt: skip
TAGGED = tuple(
    one for one in READS if "304" in described().operation("get", PREFIX + one.replace("{p}", "x"))["responses"]
)


@pytest.fixture
def everything(store: Store) -> dict[str, str]:
    """Headers with a token of somebody who may everything."""
    return token(store, "program-all")


def test_each_read_answers_as_it_is_described(client: Client, everything: dict[str, str]) -> None:
    """Status, media type and every key, of policies that are in use; and no key that is not described."""
    for one in READS:
        path = PREFIX + one.replace("{p}", "tenant-a-edge")
        answer = client.get(path, headers=everything)
        assert answer.status_code == 200, (path, answer.text)
        described().hold(answer, "get", path)


def test_what_is_known_already_is_not_sent_again(client: Client, everything: dict[str, str], folder: Any) -> None:
    """An ETag that was got is answered by 304 without a body; another one, and the same after a file changed, by all of it."""
    assert len(TAGGED) > 20
    tags = {}
    for one in TAGGED:
        path = PREFIX + one.replace("{p}", "tenant-a-edge")
        tags[path] = client.get(path, headers=everything).headers["ETag"]
        for known in (tags[path], f'"other", {tags[path]}', f"W/{tags[path]}", "*"):
            again = client.get(path, headers={**everything, "If-None-Match": known})
            assert again.status_code == 304 and again.headers["ETag"] == tags[path], path
            described().hold(again, "get", path)
        assert client.get(path, headers={**everything, "If-None-Match": '"other"'}).status_code == 200
    file = next(folder.glob("*.yaml"))
    file.write_text(file.read_text() + "\n# another day\n")
    changed = [path for path, tag in tags.items() if client.get(path, headers=everything).headers["ETag"] != tag]
    assert set(tags) - set(changed) <= {f"{PREFIX}/me", f"{PREFIX}/accounts/program-all"}


def test_a_tag_is_of_whoever_asks(client: Client, token_of: Callable[..., dict[str, str]]) -> None:
    """What one may see has another tag than what another may see, so that no cache between them serves both the same."""
    path = f"{PREFIX}/policies/tenant-a-edge/matrix"
    whole = client.get(path, headers=token_of("viewer"))
    part = client.get(path, headers=token_of("viewer", "tenant-a-edge/tenant-a"))
    assert whole.headers["ETag"] != part.headers["ETag"]
    assert whole.headers["Vary"] == "Authorization, Cookie" and "private" in whole.headers["Cache-Control"]
