"""How tests run the program: inside this process, or as a process of its own where exits, streams and pipes matter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import copytree, ignore_patterns

from click.testing import CliRunner, Result

import firewright
from firewright.cli.main import firewright as program

PROFILES = Path(firewright.__file__).parent / "profiles"
TODAY = "2026-11-21"
CALM = {"COLUMNS": "100", "HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent", "NO_COLOR": "1"}
"""An environment in which nothing of the machine's settings shows."""
TRACEBACK = "Traceback (most recent call last)"


def run(*words: str, stdin: str | bytes | None = None, environment: Mapping[str, str] | None = None) -> Result:
    """Run the program in this process, in the current folder."""
    calm: dict[str, str | None] = {name: None for name in os.environ if name.startswith("FIREWRIGHT_")}
    return CliRunner().invoke(program, list(words), input=stdin, env={**calm, **CALM, **(environment or {})})


def spawn(
    *words: str, folder: Path, stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the program as a process of its own."""
    env = {**_calm_environment(), **(environment or {})}
    command = [sys.executable, "-m", "firewright.cli.main", *words]
    return subprocess.run(command, cwd=folder, input=stdin, capture_output=True, env=env, timeout=120, check=False)


def _calm_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIREWRIGHT_")}
    return {**kept, **CALM}


def profile(name: str, into: Path) -> Path:
    """A copy of a bundled profile to work in."""
    return Path(
        copytree(PROFILES / name, into, ignore=ignore_patterns("profile.yaml", "__pycache__"), dirs_exist_ok=True)
    )
