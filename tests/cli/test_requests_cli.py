"""Requests on the command line: who is asked for, what is refused before anything is done, and a log that nobody tampers with unseen."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile

import pytest
from click.testing import Result

from firewright.model.account import Grant, Role
from firewright.store import accounts, tokens
from firewright.store.accounts import Account
from firewright.store.database import Store, open_store, sqlite_url
from firewright.store.tables import APPROVALS as APPROVALS_
from firewright.store.tables import OPENINGS, REQUESTS, REVISIONS, WORDS, ZONES
from tests.cli.running import run, spawn
from tests.store.tampering import Intruder
from tests.workflows.requests.world import APPROVALS, PEOPLE, POLICY

SOON = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
ASK = ("tenants -> internet tcp/11371", "--until", SOON, "--because", "keys are fetched")
REAL = POLICY.replace("198.51.100.0", "10.7.0.0").replace("192.0.2.0", "10.8.0.0").replace("2001:db8:", "fd00:")
REAL += "  - {from: office, to: local, require: ssh, because: managed over it}\n"
"""The policy with addresses that can be applied, and a way in."""


class Place:
    """A folder of policies that is the current one, a state, and people with tokens."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.folder, self.state = folder, state
        self.database = state / "firewright.db"
        self.tokens: dict[str, str] = {}
        (folder / "edge.yaml").write_text(REAL, encoding="utf-8")
        (folder / "approvals.yaml").write_text(APPROVALS, encoding="utf-8")
        with self.store() as store:
            store.migrate()
            now = datetime.now(UTC)
            with store.writing() as c:
                for name, grants in PEOPLE.items():
                    accounts.add(c, Account(name, name.title(), grants=grants))
                    self.tokens[name], _ = tokens.make(c, name, "t", grants, now, now + timedelta(hours=1))

    def store(self) -> closing[Store]:
        """The database, to be closed."""
        return closing(open_store(sqlite_url(self.database)))

    def run(self, who: str, *words: str, **more: str) -> Result:
        """Run the program as somebody; nobody known where no name is given."""
        token = {"FIREWRIGHT_TOKEN": self.tokens[who]} if who else {}
        return run(*words, environment={"FIREWRIGHT_STATE_HOME": str(self.state), **token, **more})

    def tree(self, who: str, *words: str) -> dict[str, object]:
        """What it shows as JSON."""
        done = self.run(who, *words, "--format", "json")
        assert done.exit_code == 0, done.output
        found: dict[str, object] = json.loads(done.stdout)
        return found

    def approved(self) -> None:
        """Ann asks, bob approves."""
        asked = self.run("ann", "request", *ASK)
        assert asked.exit_code == 0, asked.output
        digest = str(self.tree("bob", "requests", "1")["digest"])
        assert self.run("bob", "approve", "1", "--digest", digest[:12]).exit_code == 0


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where commands are called."""
    folder, state = tmp_path / "policies", tmp_path / "state"
    folder.mkdir()
    state.mkdir(mode=0o700)
    monkeypatch.chdir(folder)
    return Place(folder, state)


def test_only_who_is_known_and_active_may_do_anything(place: Place) -> None:
    """A token that ended, is made up, or is of an account that was disabled opens nothing; nor does a user without account."""
    assert place.run("ann", "request", *ASK).exit_code == 0
    with place.store() as store, store.writing() as c:
        found = accounts.find(c, "ann")
        assert found is not None and accounts.put(c, replace(found, is_active=False))
    for who, more in (("ann", {}), ("", {"FIREWRIGHT_TOKEN": "fw_made-up"}), ("", {})):
        done = place.run(who, "requests", **more)
        assert done.exit_code == 2 and "unknown-account" in done.output and "keys" not in done.output


def test_a_token_is_less_than_its_account(place: Place) -> None:
    """What a token was not made for it does not open, though its holder may."""
    now = datetime.now(UTC)
    with place.store() as store, store.writing() as c:
        narrow, _ = tokens.make(c, "cas", "t", (Grant(Role.VIEWER),), now, now + timedelta(hours=1))
    assert place.run("ann", "request", *ASK).exit_code == 0
    digest = str(place.tree("cas", "requests", "1")["digest"])
    done = place.run("", "approve", "1", "--digest", digest, FIREWRIGHT_TOKEN=narrow)
    assert done.exit_code == 2 and place.tree("ann", "requests", "1")["state"] == "submitted"


@pytest.mark.parametrize("number", [2**31, 2**63, 10**40])
def test_a_number_that_no_request_has_is_told(place: Place, number: int) -> None:
    """However large it is, there is no such request: for whoever looks, decides, edits or withdraws, and it is no fault of ours."""
    for words in (("requests", str(number)), ("approve", str(number), "--digest", "0" * 64), ("withdraw", str(number)),
                  ("request", *ASK, "--edit", str(number))):  # fmt: skip
        done = place.run("eve", *words)
        assert done.exit_code == 2 and "there is no request" in done.output, done.output


def test_a_host_that_is_not_there_is_told_by_the_hits(place: Place) -> None:
    """Counting what exceptions let in on a host that ssh does not know is refused in a sentence, and is no fault of ours."""
    done = place.run("vera", "exceptions", "--hits", "no-such-host.invalid")
    assert done.exit_code == 2 and "internal error" not in done.output and "no-such-host" in done.output, done.output


def test_all_mistakes_of_a_wish_are_told_at_once(place: Place) -> None:
    """What is missing and what is wrong is told by the names that the options have."""
    done = place.run("ann", "request", "tenants -> internet tcp/11371", "--until", "2020-01-01")
    assert done.exit_code == 2 and "because: " in done.output and "until: " in done.output, done.output


def test_checking_needs_nobody(place: Place) -> None:
    """What it would mean is said without an account and keeps nothing; denied ends with 1, so that it can be a check in CI."""
    done = place.run("", "request", "--check", ASK[0])
    assert done.exit_code == 0 and "11371" in done.stdout
    assert place.run("", "request", "--check", "internet -> tenants smb").exit_code == 1
    assert place.run("", "request", "--check", "tenants -> internet tcp/1688").exit_code == 0
    assert place.tree("vera", "requests")["requests"] == []


def test_nothing_is_approved_unseen(place: Place) -> None:
    """Without a terminal a digest is needed, it is long enough to mean one text, and it is of what is there now."""
    assert place.run("ann", "request", *ASK).exit_code == 0
    digest = str(place.tree("bob", "requests", "1")["digest"])
    for words in ((), ("--digest", digest[:11]), ("--digest", "0" * 64), ("--digest", "")):
        assert place.run("bob", "approve", "1", *words).exit_code == 2
    assert place.run("ann", "request", *ASK, "--ticket", "T-2", "--edit", "1").exit_code == 0
    assert place.run("bob", "approve", "1", "--digest", digest).exit_code == 2
    assert place.tree("ann", "requests", "1")["state"] == "submitted"
    assert not Path("exceptions").exists()


def test_a_plan_is_refused_for_what_nobody_approved(place: Place) -> None:
    """Plans stop with 5 and the file before any host is asked, for a file of nobody's request and for one that was changed."""
    place.approved()
    path = Path("exceptions/request-1.yaml")
    assert path.is_file() and place.run("vera", "exceptions", "--check").exit_code == 0
    path.write_text(path.read_text().replace("tcp/11371", "[tcp/11371, ssh]"))
    done = place.run("otto", "plan", "-p", "edge.yaml")
    assert done.exit_code == 5 and "it is not what request 1 says" in done.output and "request-1.yaml" in done.output
    assert place.run("vera", "exceptions", "--check").exit_code == 5
    Path("exceptions/own.yaml").write_text(path.read_text().replace("request-1", "own"))
    path.unlink()
    assert place.run("otto", "exceptions", "--settle").exit_code == 0 and path.is_file()
    done = place.run("otto", "plan", "-p", "edge.yaml")
    assert done.exit_code == 5 and "own" in done.output


def test_a_zone_that_grew_stops_a_plan_until_it_is_decided_again(place: Place) -> None:
    """Plans and `exceptions --check` end with 5, a packet and the way out, which makes it a request to be decided again."""
    place.approved()
    policy = Path("edge.yaml")
    policy.write_text(policy.read_text().replace("[10.7.0.0/24,", "[10.7.0.0/24, 10.9.0.0/24,"))
    for words in (("plan", "-p", "edge.yaml"), ("exceptions", "--check")):
        done = place.run("otto", *words)
        assert done.exit_code == 5 and "it opens more" in done.output and "10.9.0." in done.output, done.output
        assert "exceptions --again 1" in done.output
    assert place.run("otto", "exceptions", "--again", "1").exit_code == 2, "a reason is asked for"
    done = place.run("otto", "exceptions", "--again", "1", "--because", "it grew")
    assert (
        done.exit_code == 0
        and "is to be decided again" in done.output
        and not Path("exceptions/request-1.yaml").exists()
    )
    digest = str(place.tree("bob", "requests", "1")["digest"])
    assert place.run("bob", "approve", "1", "--digest", digest).exit_code == 0
    assert place.run("vera", "exceptions", "--check").exit_code == 0


def test_a_plan_from_elsewhere_is_no_way_around(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Called from another folder the rules of approval beside the policy count all the same."""
    place.approved()
    (place.folder / "exceptions/request-1.yaml").rename(place.folder / "exceptions/own.yaml")
    monkeypatch.chdir(tmp_path)
    done = place.run("otto", "plan", "-p", "policies/edge.yaml")
    assert done.exit_code == 5, done.output


def test_what_does_not_run_is_not_probed(place: Place) -> None:
    """No packet is sent for a request that nobody applied, from whom it is hidden, or to hosts that it is not about."""
    place.approved()
    done = place.run("otto", "verify", "1", "127.0.0.1")
    assert done.exit_code == 2 and "nothing of it runs" in done.output
    assert place.run("otto", "verify", "2", "127.0.0.1").exit_code == 2
    with place.store() as store, store.writing() as c:
        from firewright.store import requests

        found = requests.find(c, 1)
        assert found is not None
        assert requests.put(
            c, replace(found, state=type(found.state)("implemented"), version=found.version + 1), found.version
        )
    done = place.run("otto", "verify", "1", "127.0.0.1", "--connect")
    assert done.exit_code == 1 and "none of its destinations" in done.output + done.stderr
    assert place.tree("ann", "requests", "1")["state"] == "implemented"


def test_without_the_library_of_the_database_it_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed every command says how to install it, and plans of policies with exceptions stop."""
    place.approved()
    for name in [one for one in sys.modules if one.startswith(("firewright.store", "firewright.workflows.requests"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    for words in (("requests",), ("log",), ("exceptions",), ("plan", "-p", "edge.yaml")):
        done = place.run("otto", *words)
        assert done.exit_code in (2, 5) and 'pip install "firewright[web]"' in done.output, (words, done.output)


@pytest.fixture
def logged(place: Place, tmp_path: Path) -> Iterator[tuple[Place, Path, Path]]:
    """A log with some rows, a head of it that was kept elsewhere, and the key that it was signed with."""
    place.approved()
    for nth in range(4):
        assert place.run("ann", "request", f"tenants -> internet udp/{9000 + nth}", *ASK[1:]).exit_code == 0
    heads, key = tmp_path / "kept-heads", tmp_path / "kept-key"
    assert place.run("vera", "log", "head", "--to", str(heads)).exit_code == 0
    key.write_text(place.run("vera", "log", "key").stdout)
    yield place, heads, key


def _edit(intruder: Intruder) -> None:
    intruder.change(2, who="cas")


def _delete(intruder: Intruder) -> None:
    intruder.remove(3, 3)


def _delete_and_close_up(intruder: Intruder) -> None:
    intruder.remove(3, 3, renumbered=True)


def _reorder(intruder: Intruder) -> None:
    intruder.swap(2, 3)


def _cut(intruder: Intruder) -> None:
    intruder.remove(5, 10**6)


def _cut_all(intruder: Intruder) -> None:
    intruder.remove(1, 10**6)


@pytest.mark.parametrize("tamper", [_edit, _delete, _delete_and_close_up, _reorder, _cut, _cut_all])
def test_tampering_is_found(logged: tuple[Place, Path, Path], tamper: Callable[[Intruder], None]) -> None:
    """A row that was changed, left out or moved, and a tail that was cut, end with 1 and say where, with the heads that were kept."""
    place, heads, key = logged
    kept = ("--heads", str(heads), "--key", str(key))
    intact = place.run("vera", "log", "verify", *kept)
    assert intact.exit_code == 0, intact.output
    with place.store() as store:
        tamper(Intruder(store))
    for path in place.state.glob("log.*"):
        path.unlink()  # whoever owns the machine owns what is kept on it
    done = place.run("vera", "log", "verify", *kept, "--format", "json")
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)
    assert not told["is_intact"] and told["tampering"] and told["message"], told


def _without_heads(place: Place, tmp_path: Path) -> Path:
    """The database as it is, in a folder of a state in which no head was signed."""
    state = tmp_path / "headless"
    state.mkdir(mode=0o700)
    with sqlite3.connect(place.database) as source, sqlite3.connect(state / place.database.name) as target:
        source.backup(target)
    return state


def test_a_log_that_was_made_anew_is_found(logged: tuple[Place, Path, Path], tmp_path: Path) -> None:
    """A fork, whose every row is rightly chained, contradicts the head that was kept; without one nobody could tell, and it says so."""
    place, heads, key = logged
    older = tmp_path / "older.db"
    with place.store() as store:
        intruder = Intruder(store)
        intruder.remove(6, 10**6)
        cut = place.run("vera", "log", "verify", FIREWRIGHT_STATE_HOME=str(_without_heads(place, tmp_path)))
        assert cut.exit_code == 1 and "request 4 was changed outside of the log: no row tells of it" in cut.output
        for table in (ZONES, REVISIONS, APPROVALS_, OPENINGS, WORDS, REQUESTS):
            intruder.run(f"DELETE FROM {table.name} WHERE number > 3")
    copyfile(place.database, older)
    assert place.run("ann", "request", "tenants -> internet udp/9999", *ASK[1:]).exit_code == 0
    assert place.run("ann", "request", "tenants -> internet udp/9998", *ASK[1:]).exit_code == 0
    done = place.run("vera", "log", "verify", "--heads", str(heads), "--key", str(key))
    assert done.exit_code == 1, done.output
    for path in place.state.glob("log.*"):
        path.unlink()
    alone = place.run("vera", "log", "verify")
    assert alone.exit_code == 0 and "head" in alone.output, alone.output


def test_a_head_of_another_key_proves_nothing(logged: tuple[Place, Path, Path], tmp_path: Path) -> None:
    """Heads that somebody signed with a key of their own are not taken for ours, nor is a file that holds none."""
    place, heads, _ = logged
    for path in place.state.glob("log.key"):
        path.unlink()
    assert place.run("vera", "log", "verify", "--heads", str(heads)).exit_code != 0
    (tmp_path / "nonsense").write_text("nonsense\n")
    assert place.run("vera", "log", "verify", "--heads", str(tmp_path / "nonsense")).exit_code != 0


def test_two_processes_ask_at_once(place: Place) -> None:
    """Processes that ask at the same time get numbers of their own, and the log is one chain."""
    from concurrent.futures import ThreadPoolExecutor

    def ask(nth: int) -> int:
        given = {"FIREWRIGHT_STATE_HOME": str(place.state), "FIREWRIGHT_TOKEN": place.tokens["ann"]}
        words = ("request", f"tenants -> internet udp/{9000 + nth}", *ASK[1:])
        return spawn(*words, folder=place.folder, environment=given).returncode

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, range(3))) == [0, 0, 0]
    assert [one["number"] for one in place.tree("ann", "requests")["requests"]] == [3, 2, 1]  # type: ignore[attr-defined]
    assert place.run("vera", "log", "verify").exit_code == 0
