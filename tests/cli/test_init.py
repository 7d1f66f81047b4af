"""Beginnings: every profile can be written, checked and tested; answers arrive; nothing is written over."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest

from firewright.workflows.init import profile_names
from tests.cli.running import CALM, TRACEBACK, run

SITE = ("init", "--profile", "product-platform", "site")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def test_without_a_profile_there_is_a_list() -> None:
    """Each profile is a line with its name and what it is."""
    lines = run("init").stdout.split("\n")
    for name in profile_names():
        assert any(line.startswith(f"{name} ") and len(line) > len(name) + 10 for line in lines)


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_is_written_and_is_sound(name: str, tmp_path: Path) -> None:
    """What `init` writes passes its own tests and `fmt --check`; `check` finds no error but questions that are still open."""
    assert run("init", "--profile", name, "new").exit_code == 0
    assert run("test", "new").exit_code == 0
    checked = run("check", "new", "--format", "github")
    assert checked.exit_code == (1 if name == "product-platform" else 0), checked.output
    errors = [line for line in checked.stdout.split("\n") if line.startswith(("::error", "::warning"))]
    assert all("title=unfilled" in line for line in errors)
    assert run("fmt", "--check", "new").exit_code == 0


def test_answers_arrive_in_a_file_of_the_site(tmp_path: Path) -> None:
    """What --set answers stands in the site's file, the vendor's is as it was, and the open questions are told by `check`."""
    done = run(*SITE, "--set", "core=10.0.1.0/24, fd00:1::/64", "--set", "external-dns=yes")
    assert done.exit_code == 0, done.output
    site = (tmp_path / "site" / "site.yaml").read_text()
    assert 'core: [10.0.1.0/24, "fd00:1::/64"]' in site
    assert "external-dns: yes" in site
    assert "uses: [product-platform.yaml]" in site
    checked = run("check", "site")
    assert checked.exit_code == 1
    for zone in ("load-balancer", "apama", "agents", "agent-clients", "management"):
        assert f"{zone} is not filled in" in checked.stdout
        assert f"  {zone}: " in done.stdout
    assert "core is not filled in" not in checked.stdout


def test_a_site_that_answers_everything_passes() -> None:
    """With every question answered nothing is left to say but notes, and the answers decide."""
    answers = {"load-balancer": "203.0.113.10", "core": "10.0.1.0/24", "apama": "10.0.2.0/24", "agents": "10.0.3.0/24",
               "agent-clients": "10.9.0.0/16", "management": "10.0.250.0/28", "sms": "yes"}  # fmt: skip
    done = run(*SITE, *(word for name, text in answers.items() for word in ("--set", f"{name}={text}")))
    assert done.exit_code == 0, done.output
    assert "Not answered yet" not in done.stdout
    assert run("check", "site").exit_code == 0
    assert "requires" in run("ask", "core -> internet tcp/2775", "site").stdout


@pytest.mark.parametrize(
    "pair", ["core=300.1.1.1", "core=nowhere", "sms=maybe", "nosuch=1", "core", "core=", "core=\"\n  evil: x", "core=10.0.0.0/8}"]
)  # fmt: skip
def test_a_wrong_answer_writes_nothing(pair: str, tmp_path: Path) -> None:
    """An answer that is none is said with a way out, and no file is there, not even a folder."""
    done = run(*SITE, "--set", pair)
    assert done.exit_code == 2, done.output
    assert "error" in done.stderr
    assert TRACEBACK not in done.output
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_unless_forced(tmp_path: Path) -> None:
    """One file in the way keeps all others from being written; --force replaces."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "site.yaml").write_text("mine")
    done = run(*SITE)
    assert done.exit_code == 2
    assert "there already" in done.stderr
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["site.yaml"]
    assert (tmp_path / "site" / "site.yaml").read_text() == "mine"
    forced = run(*SITE, "--force")
    assert forced.exit_code == 0
    assert (tmp_path / "site" / "site.yaml").read_text() != "mine"
    assert (tmp_path / "site" / "site.yaml.bak").read_text() == "mine"
    assert "kept the old site/site.yaml as site/site.yaml.bak" in forced.stderr


def test_answers_of_a_site_outlive_force(tmp_path: Path) -> None:
    """--force brings the vendor's file back and keeps what differed; the site's answers stay, and new ones are refused."""
    assert run(*SITE, "--set", "core=10.0.1.0/24").exit_code == 0
    site, vendor = tmp_path / "site" / "site.yaml", tmp_path / "site" / "product-platform.yaml"
    answered, original = site.read_text(), vendor.read_text()
    vendor.write_text("edited\n")
    refused = run(*SITE, "--force", "--set", "core=10.9.9.0/24")
    assert refused.exit_code == 2
    assert "has answers already" in refused.stderr
    assert (site.read_text(), vendor.read_text()) == (answered, "edited\n")
    done = run(*SITE, "--force")
    assert done.exit_code == 0, done.output
    assert "kept site/site.yaml (your answers)" in done.stderr
    assert site.read_text() == answered
    assert vendor.read_text() == original
    assert (tmp_path / "site" / "product-platform.yaml.bak").read_text() == "edited\n"
    vendor.write_text("edited again\n")
    assert run(*SITE, "--force").exit_code == 0
    kept = {path.read_text() for path in (tmp_path / "site").glob("*.bak*")}
    assert kept == {"edited\n", "edited again\n"}


def test_answers_without_a_profile_are_no_list() -> None:
    """--set says something of a profile, so one must be named."""
    done = run("init", "--set", "core=10.0.1.0/24")
    assert done.exit_code == 2
    assert "--set needs --profile" in done.stderr


def test_a_strange_folder_is_shown_harmlessly(tmp_path: Path) -> None:
    """A name with an escape in it reaches no terminal as one."""
    done = run("init", "--profile", "workstation", "a\x1b[31mb")
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert "a\\u001b[31mb" in done.output


def test_options_of_a_profile_without_questions_are_set_in_place(tmp_path: Path) -> None:
    """An option's value is the only thing that changes; what is no option is refused."""
    assert run("init", "--profile", "workstation", "a").exit_code == 0
    assert run("init", "--profile", "workstation", "b", "--set", "web-server=yes").exit_code == 0
    before, after = ((tmp_path / name / "workstation.yaml").read_text().split("\n") for name in ("a", "b"))
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("  web-server: no", "  web-server: yes")]
    assert run("init", "--profile", "workstation", "c", "--set", "webserver=yes").exit_code == 2
    assert not (tmp_path / "c").exists()


def test_a_person_at_a_terminal_is_asked(tmp_path: Path) -> None:
    """Every question is put; a wrong answer is put again, an empty one stays open."""
    answers = ["", "300.1.1.1", "10.0.1.0/24", "", "", "", "", "y", "", ""]
    said = _at_a_terminal([*SITE], answers)
    assert "load-balancer: " in said
    assert "at most 255" in said
    assert TRACEBACK not in said
    site = (tmp_path / "site" / "site.yaml").read_text()
    assert "  core: 10.0.1.0/24" in site
    assert "# load-balancer: ..." in site
    assert "  external-dns: yes" in site
    assert "  sms: no" in site


def _at_a_terminal(words: list[str], answers: list[str]) -> str:
    """Run the program at a terminal of its own, typing one line after the other; what it says."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(
            sys.executable, [sys.executable, "-m", "firewright.cli.main", *words], {**CALM, "PATH": os.environ["PATH"]}
        )
    os.write(terminal, "".join(f"{answer}\n" for answer in answers).encode())
    said = b""
    try:
        while chunk := os.read(terminal, 4096):
            said += chunk
    except OSError:
        pass  # the terminal is closed when the program ends
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, said.decode()
    return said.decode()
