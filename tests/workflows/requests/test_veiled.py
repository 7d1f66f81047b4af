"""Refusals without the names that they would suggest."""

from __future__ import annotations

import pytest

from firewright.diagnostic import Diagnostic, Severity
from firewright.source import Span
from firewright.workflows.requests.refused import Refused
from firewright.workflows.requests.telling import veiled

SAID = Diagnostic("unknown-rule", Severity.ERROR, "no rule is called 'x'", Span("exceptions/x.yaml", 3, 4))


@pytest.mark.parametrize(
    "refused",
    [
        Refused("bad-request", "no rule is called 'no-brav'", "did you mean no-bravo?", 422, [SAID]),
        Refused("bad-request", "there is no service 'bravo-ap'", "did you mean bravo-app?", 422),
        Refused("unknown-zone", "to: 'x' is no zone", "there are: bravo, internet", 422, fields={"destinations": "x"}),
    ],
    ids=str,
)
def test_what_a_refusal_suggests_is_left_out(refused: Refused) -> None:
    """The sentence, the status and the field stay; names that are suggested and lines that are quoted go."""
    found = veiled(refused)
    assert (found.name, found.message, found.status, found.fields) == (
        refused.name, refused.message, refused.status, refused.fields,
    )  # fmt: skip
    assert "bravo" not in found.help and found.help and not found.diagnostics


def test_what_names_nothing_stays() -> None:
    """A way out that names nothing of the policy is told as it is."""
    refused = Refused("bad-request", "port 99999 does not exist", "ports run from 0 to 65535", 422)
    assert veiled(refused) is refused
