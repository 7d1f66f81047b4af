"""What a managed host makes of what others left: dead processes, stale locks, many generations."""

from __future__ import annotations

import os

import pytest

from tests.kernel.managed import Managed, until
from tests.kernel.policies import made


def test_a_confirmation_names_what_it_confirmed(host: Managed) -> None:
    """Beyond nine generations, too, the number that is answered is the one that is confirmed."""
    (host.state / "generations").mkdir(parents=True)
    for number in range(1, 12):
        (host.state / "generations" / str(number)).mkdir()
    number = host.apply(made(1).text)
    assert number == 12
    assert host.host.call("confirm", "any", "-").line("generation") == "12"
    assert host.stored("confirmed") == "12"


@pytest.mark.parametrize("left", ["pending.new", "confirmed.new", "taken", "incoming.999999"])
def test_what_a_killed_apply_left_is_in_nobodys_way(left: str, host: Managed) -> None:
    """A folder or file that a dead process had begun hinders no apply."""
    host.keep(made(1).text)
    if left == "confirmed.new":
        (host.state / left).write_text("77\n")
    else:
        (host.state / left).mkdir()
        (host.state / left / "number").write_text("77\n")
    number = host.keep(made(2).text)
    assert host.stored("confirmed") == str(number) == "2"


def test_a_lock_whose_number_another_process_has_by_now_locks_nobody_out(host: Managed) -> None:
    """The number of a dead holder may be given anew: a process that began after the lock was taken does not hold it."""
    host.keep(made(1).text)
    # This process lives, and never held the lock, as whatever has the number of one that was killed.
    lock = host.run / "lock"
    lock.write_text(f"{os.getpid()} apply\n")
    os.utime(lock, (1, 1))
    assert host.keep(made(2).text) == 2


def test_a_watchdog_that_was_killed_is_noticed(host: Managed) -> None:
    """When the watchdog of a load dies, whatever is done next takes the load back first, and nobody can confirm it."""
    host.keep(made(1).text)
    before = host.rules()
    host.apply(made(2).text)
    os.kill(int(host.stored("pending/watch").split()[0]), 9)
    assert until(lambda: not host.space.processes())
    number = host.keep(made(1).text)
    assert host.rules() == before
    assert host.stored(f"generations/{number - 1}/state").startswith("rolled back")
