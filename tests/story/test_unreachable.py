"""Hosts that cannot be reached, or do not let one in: each is told apart, ends with exit code 2, and stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story.machines import Machines, needs_machines, until


def _fails(machines: Machines, *words: str, config: Path | None = None) -> str:
    """What an apply says that ends with exit code 2 and has nothing on standard output."""
    environment = {"FIREWRIGHT_SSH_CONFIG": str(config)} if config else {}
    done = machines.firewright("apply", *words, "-p", "web.yaml", environment=environment)
    assert (done.code, done.out) == (2, ""), done.said
    return done.err


def test_an_unknown_host_is_told(untouched: Machines) -> None:
    """A name that nobody knows is no host that is down."""
    assert _fails(untouched, "nowhere.invalid").startswith("error[unknown-host]: nowhere.invalid: nobody knows a host")


def test_a_host_that_does_not_listen_is_told(untouched: Machines) -> None:
    """Where nothing answers at the port of ssh, that is said, with what ssh says."""
    said = _fails(untouched, "web1", "--port", "2222")
    assert said.startswith("error[host-unreachable]: web1: no connection (")
    assert "port 2222: Connection refused" in said


@pytest.mark.parametrize("known", ["known-wrong", "known-none"])
def test_a_host_with_another_key_is_not_talked_to(untouched: Machines, known: str) -> None:
    """A host key that is not the known one, or of which nobody knows any, stops everything, and what to do is said."""
    (untouched.host.folder / "known-none").write_text("")
    said = _fails(untouched, "web1", config=untouched.host.configured("web1", "10.20.0.1", known=known))
    assert said.startswith("error[wrong-host-key]: web1: ")
    assert "= help: make sure that it is the host you mean" in said


@pytest.mark.parametrize("login", [{"key": "other"}, {"user": "nobody-here"}])
def test_a_refused_login_is_told(untouched: Machines, login: dict[str, str]) -> None:
    """A key that the host does not know, or a user, is a login that it refuses."""
    said = _fails(untouched, "web1", config=untouched.host.configured("web1", "10.20.0.1", **login))
    assert said.startswith("error[login-refused]: web1: it refuses the login (")


def test_a_user_whom_sudo_does_not_let_be_root_changes_nothing(machines: Machines) -> None:
    """Without sudo, without a right, and with a right that asks for a password nothing is done; with NOPASSWD all of it is."""
    needs_machines("sudo")
    host = machines.host
    before = host.listed()
    config = host.configured("web1", "10.20.0.1", user="operator")
    assert _fails(machines, "web1", config=config).startswith(
        "error[no-sudo]: web1: sudo does not let this user be root"
    )
    host.sh("echo 'operator ALL=(root) /usr/bin/sh' >/etc/sudoers.d/operator; chmod 440 /etc/sudoers.d/operator")
    said = _fails(machines, "web1", config=config)
    assert said.startswith("error[no-sudo]: web1: sudo does not let this user be root without a password (")
    assert "a password is required" in said
    assert (host.listed(), host.state.exists()) == (before, False)

    host.sh("echo 'operator ALL=(root) NOPASSWD: /usr/bin/sh' >/etc/sudoers.d/operator")
    environment = {"FIREWRIGHT_SSH_CONFIG": str(config)}
    done = machines.firewright("apply", "web1", "-p", "web.yaml", "--confirm", environment=environment)
    assert done.code == 0, done.said
    assert "proved open: new ssh connections like this one (10.20.0.2 to 10.20.0.1 port 22" in done.out

    host.equip(without=["sudo"])
    said = _fails(machines, "web1", config=config)
    assert said.startswith("error[no-sudo]: ")
    assert "sudo: not found" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--", "-oProxyCommand=touch here"),
        ("web1\nweb2",),
        ("web1 touch here",),
        ("",),
        ("web1", "--user", "-oProxyCommand=touch here"),
        ("web1", "--user", "root\nroot"),
        ("--user", "root"),
        ("web.yaml",),
        ("web1", "--identity", "no-such-key"),
    ],
    ids=["an option", "two lines", "two words", "nothing", "an option as user", "lines as user", "nowhere", "a policy", "no key"],
)  # fmt: skip
def test_what_is_no_host_is_refused_before_anything_runs(untouched: Machines, words: tuple[str, ...]) -> None:
    """A host, or a user, that looks like an option or holds a line's end reaches no program, and what to write is said."""
    said = _fails(untouched, *words)
    assert said.startswith("error: "), said
    assert "\n  = help: " in said
    assert len(said.splitlines()) == 2
    assert not (untouched.host.folder / "here").exists()


@pytest.mark.parametrize("words", [("-o", "nowhere/plan"), ("-o", "."), ("--format", "sarif")])
def test_what_could_not_be_told_is_not_done(untouched: Machines, words: tuple[str, ...]) -> None:
    """An apply whose result could not be written, or not in that format, is not begun."""
    _fails(untouched, "web1", *words)


def test_a_connection_that_breaks_off_loads_nothing(machines: Machines) -> None:
    """Where the connection ends in the middle of what is sent, nothing of it is done; what the host says it had is told."""
    host = machines.host
    before = host.listed()
    proxy = Path(__file__).with_name("talking.py")
    for limit in (20_000, 52_000, 80_000):
        config = host.folder / f"config-cut-{limit}"
        words = f"python3 {proxy} pass 10.20.0.1 22 {limit}"
        config.write_text(f"Host web1\n  ProxyCommand {words}\n{host.config.read_text()}")
        said = _fails(machines, "web1", config=config)
        assert said.startswith(("error[host-unreachable]: web1: ", "error[host-cut-off]: web1: ")), said
        assert host.listed() == before
        assert until(lambda: {path.name for path in host.state.rglob("*")} <= {"generations"}), (
            "nothing is left lying about"
        )
    assert machines.firewright("apply", "web1", "-p", "web.yaml", "--confirm").code == 0
