"""Every command there is: its help, its manual page, its completion. A new file is held to this the moment it exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from firewright.cli._manual import page, pages
from firewright.cli.main import COMMANDS, firewright
from firewright.registry import Registry
from tests.cli.running import run

NAMES = firewright.list_commands(click.Context(firewright))


@pytest.mark.parametrize("name", NAMES)
def test_a_command_explains_itself(name: str) -> None:
    """A command has a short line, a help text, an example or its exit codes, and a sentence for every option."""
    command = COMMANDS.load(name)
    assert command.name == name
    assert command.short_help and command.short_help.endswith(".") and len(command.short_help) < 70
    assert command.help and len(command.help) > 40
    assert command.epilog
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert (parameter.help and parameter.help[0].isupper()) or "." in str(parameter.help), parameter.name
    done = run(name, "--help")
    assert done.exit_code == 0
    assert "--debug" in done.stdout


@pytest.mark.parametrize("name", ["", *NAMES])
def test_a_manual_page_is_well_formed(name: str, tmp_path: Path) -> None:
    """A page has the sections that man(7) wants, no line that roff would take for an unknown request, and every option."""
    text = page(firewright, name)
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"):
        assert f".SH {section}\n" in text
    requests = {line.split()[0] for line in text.split("\n") if line.startswith((".", "'"))}
    assert requests <= {".TH", ".SH", ".PP", ".TP"}
    assert text == page(firewright, name), "the same commands give the same bytes"
    command = COMMANDS.load(name) if name else firewright
    for parameter in command.params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            assert option.replace("-", "\\-") in text
    if shutil.which("groff"):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-wall"], input=text.encode(), capture_output=True, check=True
        )
        assert done.stderr == b""


def test_the_pages_are_written_for_every_command(tmp_path: Path) -> None:
    """`man -o DIR` writes a page for the program and one for each command."""
    done = run("man", "-o", str(tmp_path / "man1"))
    assert done.exit_code == 0
    assert {path.name for path in (tmp_path / "man1").iterdir()} == {
        "firewright.1",
        *(f"firewright-{name}.1" for name in NAMES),
    }
    assert set(pages(firewright)) == {path.name for path in (tmp_path / "man1").iterdir()}
    assert run("man", "nosuch").exit_code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_that_shell(shell: str, tmp_path: Path) -> None:
    """The script names the program's own variable, and the shell can read it, where it is installed."""
    done = run("completion", shell)
    assert done.exit_code == 0
    assert f"_FIREWRIGHT_COMPLETE={shell}_complete" in done.stdout
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(done.stdout)
        assert subprocess.run([shell, "-n", str(script)], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(("words", "expected"), [("firewright ", "check"), ("firewright check --for", "--format"),
                                                ("firewright check --format sa", "sarif"),
                                                ("firewright init --profile wor", "workstation")])  # fmt: skip
def test_words_are_completed(words: str, expected: str) -> None:
    """Commands, options, formats and profiles are completed as they are typed."""
    count = len(words.split()) - (not words.endswith(" "))
    done = run(environment={"_FIREWRIGHT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)})
    assert expected in re.split(r"[,\n]", done.stdout)


def test_the_help_names_every_format() -> None:
    """What the help says of formats is what there is."""
    said = " ".join(run("check", "--help").stdout.split())
    *first, last = Registry[object]("firewright.reports", "REPORT").names()
    listed = re.search(r"--format FORMAT ([a-z, ]+)\.", said)
    assert listed
    assert sorted(re.split(r", | or ", listed[1])) == [*first, last]


def test_without_a_command_there_is_help() -> None:
    """The bare program shows its commands, and does not pretend that something was checked."""
    done = run()
    assert done.exit_code == 2
    assert "Commands:" in done.output


def test_a_misspelt_command_has_a_nearest_one() -> None:
    """A misspelt command, option and format each say what was most likely meant."""
    assert "did you mean explain?" in run("explan", "445").stderr
    assert "--format" in run("check", "--formt", "json").stderr
    assert "did you mean sarif?" in run("check", "--format", "sarf").stderr
