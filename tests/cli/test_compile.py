"""`firewright compile`: what is written is whole, proved and where it was asked for; else nothing is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.running import run

pytestmark = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)
SHOP = """
policy: shop
zones: {web: [192.0.2.0/28, "2001:db8::/64"], office: 198.51.100.0/24}
firewalls:
  edge: {between: [internet, web]}
  inner: {between: [office, web]}
rules:
  - {from: any, to: web, require: https, because: the shop}
  - {from: office, to: local, require: ssh, because: administration}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a folder with the shop's policy."""
    monkeypatch.chdir(tmp_path)
    Path("shop.yaml").write_text(SHOP, encoding="utf-8")


def test_a_file_is_written_whole_and_said_to_be_proved() -> None:
    """One firewall goes into the named file or to standard output, the same bytes each time; the proof is said beside it."""
    done = run("compile", "shop.yaml", "--firewall", "edge", "-o", "edge.nft")
    text = Path("edge.nft").read_text(encoding="utf-8")
    assert done.exit_code == 0
    assert "proved: edge does what shop says" in done.stderr
    assert text.startswith("table inet firewright\ndelete table inet firewright\n")
    assert run("compile", "shop.yaml", "--firewall", "edge").stdout == text


def test_several_firewalls_go_into_a_folder() -> None:
    """Without a folder or a name nothing is written, and both are said; with a folder each has its file."""
    refused = run("compile", "shop.yaml", "-o", "one.nft")
    assert refused.exit_code == 2
    assert "edge, inner" in refused.stderr
    assert not Path("one.nft").exists()
    assert run("compile", "shop.yaml", "-o", "rulesets/").exit_code == 0
    assert sorted(path.name for path in Path("rulesets").iterdir()) == ["shop-edge.nft", "shop-inner.nft"]


def test_an_unknown_firewall_is_refused_with_the_nearest_name() -> None:
    """A misspelt name writes nothing."""
    done = run("compile", "shop.yaml", "--firewall", "egde", "-o", "edge.nft")
    assert done.exit_code == 2
    assert "did you mean edge?" in done.stderr
    assert not Path("edge.nft").exists()


def test_what_check_calls_an_error_is_not_compiled() -> None:
    """A requirement that a ban stops is said with its packet, and no ruleset that breaks it is written."""
    Path("shop.yaml").write_text(f"{SHOP}  - {{from: any, to: web, deny: https}}\n", encoding="utf-8")
    done = run("compile", "shop.yaml", "--firewall", "edge", "-o", "edge.nft")
    assert done.exit_code == 2
    assert "error[require-denied]" in done.stderr
    assert not Path("edge.nft").exists()


def test_open_questions_are_not_compiled() -> None:
    """A zone that nobody filled in is an error that names it; notes do not drown it."""
    Path("shop.yaml").write_text(SHOP.replace("office: 198.51.100.0/24", "office: {fill-in: where}"), encoding="utf-8")
    done = run("compile", "shop.yaml", "--firewall", "inner", "-o", "inner.nft")
    assert done.exit_code == 2
    assert "error[unfilled]" in done.stderr
    assert "note[" not in done.stderr
    assert not Path("inner.nft").exists()


def test_json_has_every_ruleset_with_its_proof() -> None:
    """As JSON, all firewalls of all policies come at once."""
    found = json.loads(run("compile", "shop.yaml", "--format", "json", "--at", "2026-11-21").stdout)
    assert found["kind"] == "compilation"
    assert [(one["firewall"], one["from"], one["proved"]["stretches"]) for one in found["firewalls"]] == [
        ("edge", "2026-11-21", 1),
        ("inner", "2026-11-21", 1),
    ]
