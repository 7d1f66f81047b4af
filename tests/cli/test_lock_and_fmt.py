"""What the catalog's names stand for is accepted once; what is formatted stays formatted and keeps its comments."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import run

POLICY = "policy: edge\n\nrules:\n    - {to: local, from: any,   allow: [https, dns]}   # the site\n"
HEAD = "# What the catalog's names stand for in edge, as somebody accepted it.\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in a folder of its own, with one policy."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edge.yaml").write_text(POLICY)


def test_a_lock_is_written_and_then_holds(tmp_path: Path) -> None:
    """Locking twice changes nothing; `check` no longer mentions it; the file is sorted and has no time in it."""
    assert "not locked" in run("check").stdout
    assert run("lock").exit_code == 0
    text = (tmp_path / "edge.yaml.lock").read_text()
    assert [line for line in text.split("\n") if line and not line.startswith("#")] == [
        'dns: "tcp/53, udp/53"',
        'https: "tcp/443"',
    ]
    assert run("lock").stdout == ""
    assert (tmp_path / "edge.yaml.lock").read_text() == text
    assert "not locked" not in run("check").stdout
    assert run("lock", "--check").exit_code == 0


def test_a_name_that_means_something_else_fails_until_it_is_locked_again(tmp_path: Path) -> None:
    """An upgrade of the catalog opens nothing by itself: the changed name is an error with both meanings."""
    (tmp_path / "edge.yaml.lock").write_text(HEAD + 'dns: "udp/53"\nhttps: "tcp/443"\n')
    done = run("check")
    assert done.exit_code == 1
    assert "error[catalog-lock]: dns was udp/53 when it was accepted, and is tcp/53, udp/53 now" in done.stdout
    assert run("lock", "--check").exit_code == 1
    assert "dns" in run("lock").stdout
    assert run("check").exit_code == 0


def test_a_name_that_is_not_locked_is_a_finding(tmp_path: Path) -> None:
    """A name that came to the policy after the lock was written is a warning."""
    (tmp_path / "edge.yaml.lock").write_text(HEAD + 'https: "tcp/443"\n')
    done = run("check")
    assert done.exit_code == 1
    assert "dns (tcp/53, udp/53) is not in the lock file" in done.stdout


def test_what_is_no_lock_file_is_not_replaced(tmp_path: Path) -> None:
    """A file of somebody else's stays unless forced, and then as a copy; a symbolic link stays whatever is asked."""
    lock = tmp_path / "edge.yaml.lock"
    for text in ("mine\n", 'https: "tcp/443"\n', HEAD + "https: [\n"):
        lock.write_text(text)
        refused = run("lock")
        assert refused.exit_code == 2
        assert "no lock file of this program" in refused.stderr
        assert lock.read_text() == text
    assert run("lock", "--check").exit_code == 1
    assert run("lock", "--force").exit_code == 0
    assert lock.read_text().startswith(HEAD)
    assert (tmp_path / "edge.yaml.lock.bak").read_text() == HEAD + "https: [\n"
    lock.unlink()
    (tmp_path / "target").write_text("mine\n")
    lock.symlink_to("target")
    assert run("lock", "--force").exit_code == 2
    assert (tmp_path / "target").read_text() == "mine\n"


def test_two_policies_of_one_stem_have_a_lock_file_each(tmp_path: Path) -> None:
    """edge.yaml and edge.yml do not share one."""
    (tmp_path / "edge.yml").write_text("rules: [{from: local, to: any, allow: smb}]\n")
    assert run("lock").exit_code == 0
    assert "smb" in (tmp_path / "edge.yml.lock").read_text()
    assert "smb" not in (tmp_path / "edge.yaml.lock").read_text()
    assert run("lock", "--check").exit_code == 0


def test_formatting_is_said_then_done_then_nothing(tmp_path: Path) -> None:
    """--check names the file, --diff shows the change, both write nothing; fmt writes it, keeps the comment, and is done."""
    checked, shown = run("fmt", "--check"), run("fmt", "--diff")
    assert (checked.exit_code, shown.exit_code) == (1, 1)
    assert checked.stdout == "edge.yaml\n"
    assert "-    - {to: local" in shown.stdout
    assert (tmp_path / "edge.yaml").read_text() == POLICY
    assert run("fmt").exit_code == 0
    text = (tmp_path / "edge.yaml").read_text()
    assert text != POLICY
    assert "# the site" in text
    assert run("fmt", "--check").exit_code == 0
    assert run("fmt", "--diff").stdout == ""


def test_standard_input_is_formatted_to_standard_output(tmp_path: Path) -> None:
    """`fmt -` is a filter."""
    done = run("fmt", "-", stdin=POLICY)
    assert done.exit_code == 0
    assert run("fmt", "-", stdin=done.stdout).stdout == done.stdout
    assert (tmp_path / "edge.yaml").read_text() == POLICY


def test_a_schema_is_printed_for_policies_and_tests() -> None:
    """Both schemas are JSON."""
    import json

    assert json.loads(run("schema").stdout)["$schema"]
    assert json.loads(run("schema", "tests").stdout)["$schema"]
