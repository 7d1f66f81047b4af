"""The watchdog: there before the load, on its own, deaf to what ends a session, and in time."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.kernel.managed import Managed, until
from tests.kernel.policies import made


def session_of(number: int) -> int:
    """The session that a process is in."""
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[3])


def test_it_is_armed_before_the_load_and_sits_in_a_session_of_its_own(host: Managed) -> None:
    """The journal has it before the load; whoever kills the session of the apply, or hangs up, does not reach it."""
    host.apply(made(1).text)
    number = int(host.stored("pending/watch").split()[0])
    assert session_of(number) == number
    done = [line.split()[2] for line in host.stored("journal").splitlines()]
    assert done == ["applying", "applied"]
    os.kill(number, signal.SIGHUP)
    os.kill(number, signal.SIGINT)
    assert number in host.space.processes()
    host.host.call("rollback", "any", "a test")
    assert until(lambda: not host.space.processes())


def test_what_nobody_confirms_goes_by_itself(host: Managed) -> None:
    """When the time is over the first ruleset of a host is gone again, with its table, and the state says why."""
    host.space.load("delete table inet firewright\n")
    host.apply(made(1).text, wait=1)
    assert host.listed()
    assert until(lambda: not host.space.processes(), 30)
    assert host.listed() == ""
    assert host.stored("confirmed") == ""
    assert "nobody confirmed it" in host.stored("generations/1/state")


def test_a_host_that_starts_anew_while_something_waits_has_what_was_confirmed(host: Managed) -> None:
    """A reboot ends the watchdog and the ruleset with it: the boot loads the confirmed generation, not the one that waits."""
    host.keep(made(1).text)
    confirmed = host.rules()
    host.apply(made(2).text)
    for number in host.space.processes():
        os.kill(number, signal.SIGKILL)
    host.space.load("flush ruleset\n")
    (host.run / "lock").unlink(missing_ok=True)
    # What a start of the host changes, and no test can.
    (host.state / "pending" / "boot").write_text("another start\n")
    host.host.call("boot")
    assert host.rules() == confirmed
    assert not host.is_pending
    assert "started anew" in host.stored("generations/2/state")


def test_a_generation_that_cannot_be_loaded_at_boot_leaves_management_open(host: Managed) -> None:
    """Where the confirmed text is not what was stored, only the minimal one is loaded, and it is said so."""
    host.keep(made(1).text)
    with (host.state / "generations" / "1" / "ruleset.nft").open("a") as file:
        file.write("table inet firewright { chain input { accept; }; }\n")
    host.space.load("flush ruleset\n")
    host.boot()
    assert "tcp dport 22 accept" in host.listed()
    assert "only management is open" in host.listed()
    assert (host.run / "boot").read_text().startswith("minimal: generation 1")
