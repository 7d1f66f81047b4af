"""A folder made a git repository with one commit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which

_SECONDS = 30
_OWN = ("-c", "user.name=Firewright", "-c", "user.email=example@firewright.invalid", "-c", "commit.gpgSign=false")


def begin_repository(folder: Path, message: str) -> bool:
    """Commit everything in a folder as the first commit of a new repository; False where git is missing or refuses."""
    git = which("git")
    if git is None:
        return False
    steps = (("init", "--quiet"), ("add", "."), (*_OWN, "commit", "--quiet", "--no-verify", "-m", message))
    try:
        return not any(
            subprocess.run((git, *words), cwd=folder, capture_output=True, timeout=_SECONDS, check=False).returncode  # noqa: S603
            for words in steps
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
