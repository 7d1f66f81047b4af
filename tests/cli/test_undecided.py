"""Too much work is no answer: every gate fails and says so, and nobody is told that something was proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright.space.budget import budget
from tests.cli.running import profile, run


@pytest.mark.parametrize(
    "words",
    [
        ("check", "provider-perimeter.yaml"),
        ("compare", "provider-perimeter.yaml", "tenant-edge.yaml"),
        ("ask", "internet -> tenants", "provider-perimeter.yaml"),
    ],
)
def test_a_gate_that_was_not_decided_does_not_pass(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no budget at all each gate ends in 1, and says that it was not decided."""
    monkeypatch.chdir(profile("provider-perimeter", tmp_path / "perimeter"))
    with budget(nodes=0, cells=0, diagram=0):
        done = run(*words)
    assert done.exit_code == 1, done.output
    assert "undecided" in done.output
    assert "passed" not in done.output
    assert "proved for every packet" not in done.output
