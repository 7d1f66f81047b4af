"""A quick start, by what is imported, not by a clock: heavy modules stay away until they are needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import CALM

HEAVY = (
    "rich", "rich_click", "yaml", "ruamel", "oxidd", "PIL", "pydantic", "asyncio", "unittest",
    "firewright.space", "firewright.analysis", "firewright.audits", "firewright.drawing", "firewright.workflows",
    "firewright.readers", "firewright.catalog", "firewright.model", "firewright.reports",
)  # fmt: skip
"""What no help text needs."""
HEAVY_FOR_EXPLAIN = (
    "rich", "rich_click", "ruamel", "oxidd", "PIL", "asyncio", "tempfile", "importlib.metadata", "firewright.space",
    "firewright.audits", "firewright.drawing", "firewright.readers", "firewright.analysis",
)  # fmt: skip
"""What is not needed to explain a port where there is no policy."""
_SHOW = """
import sys
from firewright.cli.main import firewright
try:
    firewright.main({words!r})
except SystemExit as left:
    assert left.code == 0, left.code
print("\\n".join(sys.modules), file=sys.stderr)
"""


def imported(folder: Path, *words: str) -> set[str]:
    """The modules that a run imports."""
    done = subprocess.run(
        [sys.executable, "-c", _SHOW.format(words=list(words))],
        cwd=folder, capture_output=True, text=True, env=CALM, timeout=60, check=True,
    )  # fmt: skip
    return set(done.stderr.split("\n"))


@pytest.mark.parametrize(
    "words", [("--help",), ("--version",), ("check", "--help"), ("ask", "--help"), ("draw", "--help")]
)
def test_help_imports_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    """Help and version need click and little else."""
    assert not imported(tmp_path, *words) & set(HEAVY)


def test_an_explanation_without_policies_imports_no_engine(tmp_path: Path) -> None:
    """What is only looked up in the catalog needs neither the engine nor the reader of policies."""
    assert not imported(tmp_path, "explain", "445") & set(HEAVY_FOR_EXPLAIN)


def test_a_single_command_imports_no_other(tmp_path: Path) -> None:
    """A command is imported when it is asked for, and its neighbours are not."""
    modules = imported(tmp_path, "schema", "--help")
    assert "firewright.cli.schema" in modules
    assert not modules & {"firewright.cli.ask", "firewright.cli.draw", "firewright.cli.init"}
