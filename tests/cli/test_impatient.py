"""Calls of people in a hurry: one clear error with the command to type, and never a file that nobody wanted to write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from firewright.cli._run import FORMATS
from firewright.cli.main import COMMANDS
from firewright.reports import Answers, Comparison, Explanation, Findings, TestRun
from tests.cli.running import CALM, profile, run


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in a copy of the provider's profile."""
    monkeypatch.chdir(profile("provider-perimeter", tmp_path / "perimeter"))


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("internet", "tenants", "443"), "firewright ask 'internet -> tenants tcp/443'"),
        (("internet", "to", "tenants", "smb"), "firewright ask 'internet -> tenants smb'"),
        (("internet", "->", "tenants", "tcp/443"), "firewright ask 'internet -> tenants tcp/443'"),
        (("internet", "<->", "tenants", "port", "443"), "firewright ask 'internet <-> tenants tcp/443'"),
        (("p.yaml", "a -> b"), "firewright ask 'a -> b' p.yaml"),
        (("p.yaml", "a → b"), "firewright ask 'a -> b' p.yaml"),
        (("p.yaml", "internet", "tenants"), "firewright ask 'internet -> tenants' p.yaml"),
    ],
)
def test_a_question_in_pieces_is_put_together(words: tuple[str, ...], meant: str) -> None:
    """Without quotes, or after the policy: the error has the very command that was meant."""
    done = run("ask", *words)
    assert done.exit_code == 2
    assert meant in done.stderr
    assert len(done.stderr.strip().split("\n")) == 2


def test_a_question_that_the_shell_took_apart_is_put_together(tmp_path: Path) -> None:
    """`internet -> tenants tcp/443` without quotes writes to a file `tenants`; its name is part of what was meant."""
    with Path("tenants").open("wb") as file:
        command = [sys.executable, "-m", "firewright.cli.main", "ask", "internet", "-", "tcp/443"]
        done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, env=CALM, timeout=60, check=False)
    assert done.returncode == 2
    assert b"firewright ask 'internet -> tenants tcp/443'" in done.stderr
    assert b"writes to a file" in done.stderr


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ("internet > tenants smb", "write 'internet -> tenants smb'"),
        ("internet to tenants smb", "write 'internet -> tenants smb'"),
        ("internet => tenants", "write 'internet -> tenants'"),
        ("internet -> tenants port 443", "write tcp/443"),
        ("internet -> tenants 443", "write tcp/443"),
        ("nonsense", "write 'internet -> tenants tcp/443'"),
    ],
)
def test_what_is_nearly_a_question_has_a_hint(question: str, hint: str) -> None:
    """Other words for the arrow and for a port are answered with how they are written."""
    done = run("ask", question)
    assert done.exit_code == 2
    assert hint in done.stderr


def test_a_drawn_arrow_is_an_arrow() -> None:
    """What people paste from a document asks the same."""
    assert run("ask", "internet → tenant-a tcp/3389").stdout == run("ask", "internet -> tenant-a tcp/3389").stdout
    assert run("ask", "internet ↔ tenant-a ssh").stdout == run("ask", "internet <-> tenant-a ssh").stdout
    assert run("explain", "internet → tenant-a ssh").stdout == run("explain", "internet -> tenant-a ssh").stdout


def test_help_is_a_word_too() -> None:
    """`help` shows the commands, `help ask` what `ask --help` shows, and a misspelt one the nearest."""
    assert run("help").stdout == run("--help").stdout
    assert run("help", "ask").stdout == run("ask", "--help").stdout
    assert "did you mean ask?" in run("help", "aks").stderr


def test_completion_without_a_shell_says_what_to_type() -> None:
    """The shells are named in the command to type."""
    done = run("completion")
    assert done.exit_code == 2
    assert "firewright completion bash" in done.stderr


def test_a_picture_is_not_drawn_into_another_format() -> None:
    """A file's ending and --format that contradict each other are refused, and nothing is written."""
    done = run("draw", "provider-perimeter.yaml", "-o", "ports.svg", "--format", "png")
    assert done.exit_code == 2
    assert "ports.svg" in done.stderr
    assert not Path("ports.svg").exists()
    assert run("draw", "provider-perimeter.yaml", "-o", "ports.svg", "--format", "svg").exit_code == 0


def test_what_is_piped_in_is_not_to_be_locked() -> None:
    """Advice about a lock file says that there must be a file first; a strict run says that it was strict."""
    text = "rules:\n  - {from: any, to: local, allow: https, because: the site}\n"
    done = run("check", "-", "--strict", stdin=text)
    assert "save it as a file to lock it" in done.stdout
    assert "lock -" not in done.stdout
    assert done.stderr.startswith("failed (--strict): ")
    assert run("check", "-", stdin=text).stderr.startswith("passed: ")


@pytest.mark.parametrize(
    ("command", "kind"),
    [("ask", Answers), ("explain", Explanation), ("check", Findings), ("compare", Comparison), ("test", TestRun)],
)
def test_help_lists_the_formats_that_a_command_can_show(command: str, kind: type) -> None:
    """--format of each command names those formats that have its result, and no other; so does completion."""
    able = [name for name, renderers in FORMATS.all() if kind in renderers]
    option = next(one for one in COMMANDS.load(command).params if one.name == "format_")
    assert sorted((option.help or "").replace(" or ", ", ").rstrip(".").split(", ")) == able
    items = option.type.shell_complete(click.Context(COMMANDS.load(command)), option, "")
    assert sorted(item.value for item in items) == able
