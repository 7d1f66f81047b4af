"""Tests know nothing of the machine's own Firewright: no database, no token, no state of whoever runs them."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

_OWN = frozenset(f"FIREWRIGHT_{name}" for name in ("UPDATE", "SHOTS", "STRICT", "WALKS", "VENV"))
"""The variables that tests are told something by."""
_HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Every program that a test starts finds an empty state folder, unless the test names one."""
    for name in [name for name in os.environ if name.startswith("FIREWRIGHT_") and name not in _OWN]:
        del os.environ[name]
    config.stash[_HOME] = os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="firewright-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """What was left there is removed."""
    shutil.rmtree(config.stash[_HOME], ignore_errors=True)
