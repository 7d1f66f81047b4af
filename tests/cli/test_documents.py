"""`firewright read` of documents of ports: what is shown, written, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import run

DOCUMENT = "# Shop\n\n| Source | Destination | Port |\n|---|---|---|\n| any | web | TCP/443 |\n| any | web | TPC/80 |\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the document."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.md").write_text(DOCUMENT, encoding="utf-8")
    return tmp_path


def test_a_document_is_counted_and_shown() -> None:
    """Rows in are counted in the first line; the summary leaves out what is understood; reading ends with 0."""
    whole, summary = run("read", "shop.md"), run("read", "shop.md", "--summary")
    assert (whole.exit_code, summary.exit_code) == (0, 0)
    assert whole.stdout.startswith("shop.md: 2 rows = 1 understood + 0 bounded + 1 refused\n")
    assert "require any -> web tcp/443" in whole.stdout and "require any -> web" not in summary.stdout
    assert "refused, unknown-protocol: 'tpc' is no protocol; did it mean TCP?" in summary.stdout


def test_a_document_is_json_and_markdown() -> None:
    """Programs and pages get the same rows."""
    tree = json.loads(run("read", "shop.md", "--format", "json").stdout)
    assert tree["counts"] == {"understood": 1, "bounded": 0, "refused": 1}
    assert [row["at"]["line"] for row in tree["rows"]] == [5, 6]
    assert "| 6 | any \\| web \\| TPC/80 |" in run("read", "shop.md", "--format", "markdown").stdout


def test_a_document_becomes_a_policy_that_check_takes(folder: Path) -> None:
    """The written policy has no errors once its questions are answered."""
    assert run("read", "shop.md", "--as", "policy", "-o", "shop.yaml").exit_code == 0
    assert run("check", "shop.yaml", "--set", "web=198.51.100.0/28").exit_code == 0
    assert run("check", "shop.yaml").exit_code == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("none.csv", None),
        ("bad.csv", 'a,"b\n'),
        ("apples.md", "# Apples\n"),
        ("order.csv", "Source,Destination,Service,Action\nany,web,tcp/1,allow\nany,web,any,deny\n"),
    ],
)
def test_what_gives_no_policy_ends_with_2_and_writes_nothing(folder: Path, name: str, text: str | None) -> None:
    """A missing or broken file, one without ports, a table whose order decides: an error, and no file."""
    if text is not None:
        (folder / name).write_text(text, encoding="utf-8")
    assert run("read", name, "--as", "policy", "-o", "out.yaml").exit_code == 2
    assert not (folder / "out.yaml").exists()
