"""Tasks in copies of this process: what they find, what they raise, and where none is made."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from firewright.live.parallel import each
from firewright.space.budget import Undecided, budget, current

needs_two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine has one core")


class _Told(Exception):
    """An error that cannot be made again from its text alone."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


def _raising(error: Exception) -> Callable[[], int]:
    def task() -> int:
        raise error

    return task


def _copies_left() -> bool:
    """Whether this process has a child that nobody waited for."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


@needs_two_cores
def test_a_second_task_is_done_in_a_copy_that_knows_everything() -> None:
    """Each task finds what it finds in order, the second in another process, under the budget of this one."""
    with budget(nodes=7):
        here, there = each([lambda: (os.getpid(), current().nodes), lambda: (os.getpid(), current().nodes)])
    assert here == (os.getpid(), 7)
    assert there[0] != os.getpid() and there[1] == 7
    assert not _copies_left()


@pytest.mark.parametrize("place", [0, 1])
def test_what_a_task_raises_comes_through(place: int) -> None:
    """An error of either task is raised here with its type and text, and no copy is left."""
    tasks: list[Callable[[], int]] = [lambda: 1, lambda: 2]
    tasks[place] = _raising(Undecided("too much"))
    with pytest.raises(Undecided, match="too much"):
        each(tasks)
    assert not _copies_left()


def test_the_first_error_is_the_one_raised() -> None:
    """Where both fail the first task's error is raised, whichever process is faster."""
    with pytest.raises(ValueError, match="first"):
        each([_raising(ValueError("first")), _raising(Undecided("second"))])


def test_what_cannot_be_sent_is_done_here() -> None:
    """A value or an error that no copy can send is found in this process after all."""
    tasks: list[Callable[[], Callable[[], int]]] = [lambda: lambda: 1, lambda: lambda: 2]
    assert [one() for one in each(tasks)] == [1, 2]
    with pytest.raises(_Told) as told:
        each([lambda: 1, _raising(_Told(5, "of its own"))])
    assert told.value.number == 5


@needs_two_cores
def test_a_copy_that_is_stopped_is_made_good() -> None:
    """A copy that ends without a word, as one does that the kernel stops, is no answer: its task is done here."""
    here = os.getpid()

    def dies() -> int:
        if os.getpid() != here:
            os._exit(0)
        return 2

    assert each([lambda: 1, dies]) == [1, 2]
    assert not _copies_left()


def test_beside_other_threads_nothing_is_copied() -> None:
    """While another thread runs, every task is done in this process."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert each([os.getpid, os.getpid]) == [os.getpid()] * 2
    finally:
        done.set()
        other.join()
