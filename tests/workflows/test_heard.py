"""A kept listing judged by a ruleset: who reaches what listens on a machine that is not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright.reports import Exposure
from tests.cli.running import run

RULES = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp --dport 80 -j ACCEPT
-A INPUT -d 192.0.2.1 -p tcp --dport 5432 -j ACCEPT
COMMIT
"""
LISTING = """\
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      7/sshd
tcp        0      0 192.0.2.1:5432          0.0.0.0:*               LISTEN      8/postgres
tcp        0      0 192.0.2.2:5432          0.0.0.0:*               LISTEN      9/postgres
tcp6       0      0 :::80                   :::*                    LISTEN      10/httpd
tcp        0      0 127.0.0.1:3306          0.0.0.0:*               LISTEN      11/mysqld
udp        0      0 0.0.0.0:53              0.0.0.0:*                           12/named
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a dump of iptables and a listing."""
    (tmp_path / "rules.v4").write_text(RULES)
    (tmp_path / "listing.txt").write_text(LISTING)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _exposures(folder: Path) -> dict[tuple[str, tuple[str, ...], tuple[int, ...]], Exposure]:
    from firewright.diagnostic import Report
    from firewright.workflows.heard import audit_heard
    from firewright.workflows.read import running_in

    report = Report()
    running = running_in("rules.v4", report)
    assert running is not None
    audit = audit_heard(running, "rules.v4", "listing.txt", report)
    assert audit is not None
    assert audit.is_whole
    return {(one.service, one.programs, one.families): one for one in audit.exposures}


def test_each_listener_is_judged_by_the_ruleset(folder: Path) -> None:
    """Who reaches a listener depends on its own address, its family, and how certain the listing is of that."""
    found = _exposures(folder)
    states = {(service, programs, families): one.state for (service, programs, families), one in found.items()}
    assert states["tcp/22", ("sshd (7)",), (4,)] == "reachable"
    assert states["tcp/5432", ("postgres (8)",), (4,)] == "reachable"
    assert states["tcp/5432", ("postgres (9)",), (4,)] == "hidden"
    assert states["tcp/80", ("httpd (10)",), (4,)] == "possibly"
    assert states["tcp/3306", ("mysqld (11)",), (4,)] == "own"
    assert states["udp/53", ("named (12)",), (4,)] == "hidden"
    assert found["tcp/80", ("httpd (10)",), (4,)].possible == ("10.0.0.0/8",)


def test_what_is_exposed_is_complained_of_with_its_program(folder: Path) -> None:
    """A database that the internet reaches is an error that names the program, and the command ends with 1."""
    done = run("audit", "rules.v4", "--listening", "listing.txt")
    assert done.exit_code == 1
    assert "tcp/5432 (postgres (8)) is reachable from the internet" in done.stdout
    assert "rules.v4, with what listing.txt lists" in done.stdout


def test_a_line_that_is_not_understood_makes_an_audit_incomplete(folder: Path) -> None:
    """A refused line may listen to anybody: it is an error with its place, and the command ends with 2."""
    (folder / "listing.txt").write_text(
        LISTING + "tcp        0      0 0.0.0.0:hppt            0.0.0.0:*               LISTEN\n"
    )
    done = run("audit", "rules.v4", "--listening", "listing.txt")
    assert done.exit_code == 2
    assert "not seen: 1 line of listing.txt is not understood" in done.stdout
    done = run("read", "listing.txt", "--summary")
    assert done.exit_code == 2
    assert "7 sockets of netstat = 5 understood + 1 bounded + 0 not listening + 1 refused" in done.stdout


def test_what_is_no_listing_is_refused(folder: Path) -> None:
    """A ruleset for a listing, and a listing without a ruleset, end with 2 and a way out."""
    for words in (
        ("audit", "rules.v4", "--listening", "rules.v4"),
        ("audit", "--listening", "listing.txt"),
        ("audit", "rules.v4", "--listening", "none"),
    ):
        done = run(*words)
        assert done.exit_code == 2
        assert done.stderr


@pytest.mark.parametrize("format_", ["text", "json", "markdown"])
def test_a_listing_is_shown_in_every_format(folder: Path, format_: str) -> None:
    """Each format names the sockets, with what is only possible, and counts the lines."""
    done = run("read", "listing.txt", "--format", format_)
    assert done.exit_code == 0
    for words in ("IPv4 tcp/22 at any address", "IPv6 tcp/80 at any address", "IPv4 tcp/5432 at 192.0.2.1", "postgres"):
        assert words in done.stdout
    assert "possibl" in done.stdout
