"""Whatever is sent to the API, in its form or not, is answered as its description says, and never with a fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, settings

from firewright.web.app import store_of
from tests.web.described import described, standing, token

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, negative_data_rejection,
]  # fmt: skip
SCHEMA = schemathesis.openapi.from_dict(described().tree)
EXAMPLES = 5
"""Of each operation; the seed is the same each time, so that what is found can be found again."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, dict[str, str]]]:
    """One application for all, with a token of somebody who may everything."""
    with standing(tmp_path_factory.mktemp("schemathesis")) as app:
        yield app, token(store_of(app), "program-all")


@SCHEMA.parametrize()  # type: ignore[untyped-decorator]
@settings(
    max_examples=EXAMPLES, deadline=timedelta(seconds=30), derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_whatever_is_sent_is_answered_as_described(case: Any, served: tuple[FastAPI, dict[str, str]]) -> None:
    """No 5xx; status, media type and body are those that are described; what is not in its form is refused."""
    headers = {"Host": "testserver", **served[1]}
    if case.path.endswith("/tokens/{number}"):  # the token that asks must not end itself
        headers = {"Host": "testserver", "Authorization": "Bearer none"}
    case.call_and_validate(app=served[0], headers=headers, checks=CHECKS)
