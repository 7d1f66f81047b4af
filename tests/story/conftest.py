"""The machines of a story, new for every test, with the policies where the program is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.story.machines import Machines, needs_machines
from tests.story.policies import ALL


@contextmanager
def _made() -> Iterator[Machines]:
    needs_machines()
    with Machines() as made:
        for name, text in ALL.items():
            made.policy(f"{name}.yaml", text)
        made.host.talk("serve", "80", "9000")
        yield made


@pytest.fixture
def machines() -> Iterator[Machines]:
    """An admin, a third machine, the managed host that serves 80 and 9000, and the container behind it; nothing was applied yet."""
    with _made() as made:
        yield made


@pytest.fixture(scope="module")
def untouched() -> Iterator[Machines]:
    """The same, shared by tests that change nothing: when all of them are over, the host is as it was, to the last file."""
    with _made() as made:
        before = made.host.listed()
        yield made
        assert made.host.listed() == before
        assert not made.host.state.exists()
