"""Which host a command is about: what is named, what cannot be one, and what a host says of itself when nobody can be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright.cli._host import BadHost, host_of
from firewright.live.host import Local, Ssh
from tests.cli.running import run

COMMANDS = ("status", "drift", "generations", "metrics")


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIREWRIGHT_STATE", "FIREWRIGHT_RUN", "FIREWRIGHT_ROOT"):
        monkeypatch.delenv(name, raising=False)


def test_no_name_is_this_machine() -> None:
    """Without a name it is this machine, and what is about logging in is then an error."""
    assert host_of(None) == Local()
    for words in ({"identity": "/x"}, {"port": 22}, {"user": "root"}):
        with pytest.raises(BadHost, match="none is named"):
            host_of(None, **words)


def test_a_name_is_what_ssh_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, file of settings, key, port and user are handed to ssh as they are; so are other places for the state."""
    file = tmp_path / "config"
    file.write_text("")
    monkeypatch.setenv("FIREWRIGHT_STATE", "/srv/state")
    found = host_of("root@fw1", str(file), str(file), 2222, "me")
    assert found == Ssh("root@fw1", str(file), str(file), 2222, "me", {"FIREWRIGHT_STATE": "/srv/state"})


@pytest.mark.parametrize(
    "name", ["policy.yaml", "policies/web.yml", "./web", "rules.nft", "RULES.JSON", "/etc/nftables.conf"]
)
def test_a_file_is_no_host(name: str) -> None:
    """What looks like a policy or a ruleset is refused with the way to name one."""
    done = run("status", name)
    assert done.exit_code == 2
    assert "is a file, not a host" in done.stderr and f"-p {name}" in done.stderr


@pytest.mark.parametrize("name", ["", "a b", "-oProxyCommand=x", "$(id)", "a\nb", "\x1b[31m", "x" * 300])
def test_what_ssh_could_misread_is_refused(name: str) -> None:
    """Nothing that could be an option, a command or a terminal's sequence reaches ssh or the terminal."""
    done = run("status", "--", name)
    assert done.exit_code == 2 and not done.stdout and "\x1b" not in done.stderr


def test_files_that_are_named_are_there() -> None:
    """A key or a configuration that is not there is an error before anything is asked."""
    done = run("status", "fw1", "--identity", "/nonexistent/key")
    assert done.exit_code == 2 and "there is no file /nonexistent/key" in done.stderr


@pytest.mark.parametrize("value", ["relative", "/a b", "/$(id)", "/a'b"])
def test_a_place_for_the_state_is_a_path(value: str) -> None:
    """What is no plain path is refused, whatever variable it is in."""
    for name in ("FIREWRIGHT_STATE", "FIREWRIGHT_RUN", "FIREWRIGHT_ROOT"):
        done = run("status", environment={name: value})
        assert done.exit_code == 2 and name in done.stderr and not done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_host_that_nobody_knows_is_an_error(command: str) -> None:
    """Each command says which host it was and why, and ends with 2."""
    done = run(command, "nobody.invalid")
    assert done.exit_code == 2 and "nobody.invalid" in done.stderr
    assert "error[" in done.stderr
