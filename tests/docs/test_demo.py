"""The first command of the README and the README itself show the same."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import copy

from tests.cli.running import CALM
from tests.docs.blocks import ROOT, blocks, commands


def shown_in_the_readme() -> list[list[str]]:
    """The commands of the README's first folder."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    bodies = [block.body for block in blocks(text) if block.word == "console" and block.place == 1]
    return [shlex.split(command) for body in bodies for command in commands(body)]


def test_the_demonstration_runs_what_the_readme_shows() -> None:
    """`scripts/demo` runs the commands of the README's first part, in their order, and may do so again."""
    script = (ROOT / "scripts" / "demo").read_text(encoding="utf-8")
    run = [shlex.split(line)[1:] for line in script.split("\n") if line.startswith("show ")]
    assert [[word for word in words if word != "--force"] for words in run] == shown_in_the_readme()
    assert "--force" in run[0]


def test_the_readme_names_scripts_that_are_there() -> None:
    """The two commands of the README exist and can be run."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = [block.body.strip() for block in blocks(text) if block.word == "sh"]
    assert named == ["scripts/demo", ". .venv/bin/activate", "scripts/test"]
    assert all((ROOT / name).stat().st_mode & 0o111 for name in named if name.startswith("scripts/"))


def test_the_demonstration_runs_and_runs_again(tmp_path: Path) -> None:
    """Without the installation, which needs a network, the script ends well twice and names files that are there."""
    (tmp_path / "scripts").mkdir()
    copy(ROOT / "scripts" / "demo", tmp_path / "scripts" / "demo")
    _program(tmp_path / "scripts" / "setup", "exit 0")
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    _program(tmp_path / "venv" / "bin" / "firewright", f'exec {sys.executable} -m firewright.cli.main "$@"')
    environment = {**os.environ, **CALM, "FIREWRIGHT_VENV": "venv", "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        done = subprocess.run(
            ["bash", "scripts/demo"], cwd=tmp_path, env=environment, capture_output=True, timeout=120, check=True
        )
        text = done.stdout.decode()
        files = [Path(line.strip()) for line in text.partition("Look at:")[2].split("\n") if line.startswith("  /")]
        assert len(files) == 6
        assert all(path.stat().st_size for path in files)
        assert "edge-a     closes  tcp/3389" in text
        assert "\ndrew ports.svg, ports.png, ports.md, zones.svg\n" in text


def test_the_demonstration_asked_for_help_installs_nothing(tmp_path: Path) -> None:
    """`scripts/demo --help` says what it would do, in a folder where it could do nothing; another word is refused."""
    script = str(ROOT / "scripts" / "demo")
    (tmp_path / "scripts").mkdir()
    copy(script, tmp_path / "scripts" / "demo")
    for word, code in (("--help", 0), ("-h", 0), ("perimeter", 2)):
        done = subprocess.run(
            ["bash", "scripts/demo", word], cwd=tmp_path, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == code
        assert done.stdout.startswith(b"usage: scripts/demo")
    assert [path.name for path in tmp_path.rglob("*")] == ["scripts", "demo"]


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def test_scripts_are_well_formed() -> None:
    """Every script is one that bash can read."""
    for path in (*sorted((ROOT / "scripts").iterdir()), *sorted((ROOT / ".ci").iterdir())):
        done = subprocess.run(["bash", "-n", str(path)], capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
