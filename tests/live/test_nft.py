"""What nft says of a text in a namespace of its own, and of this machine; each way in which that fails says a way out."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firewright.live import nft
from firewright.live._batches import batches
from tests.live.scene import ROOT, needs, play

TEXT = """table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    tcp dport 22 accept comment "ssh"
    ip6 saddr 2001:db8::/32 udp dport 53 accept
  }
}
"""


VARIED = """flush ruleset
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.0.0.0/8 masquerade
  }
}
table inet filter {
  comment "of; ours {"
  ct helper ftp {
    type "ftp" protocol tcp
  }
  counter seen {
  }
  set open {
    type inet_proto . inet_service
    flags interval
    elements = { tcp . 22, tcp . 80-90, # comment }
                 udp . 53 }
  }
  map ways {
    type ipv4_addr : verdict
    elements = { 10.0.0.1 : jump inner, 10.0.0.2 : drop }
  }
  chain inner { tcp dport { 1, 2 } accept; counter name "seen"
    drop
  }
  chain input {
    type filter hook input priority filter; policy drop;
    meta l4proto . th dport @open accept comment "x; } y"
    ip saddr vmap @ways
    ip6 saddr { 2001:db8::/32,
                fd00::/8 } tcp \\
      dport 22 accept
    goto inner
  }
}
table inet asleep {
  flags dormant
  chain c {
    type filter hook input priority filter; policy drop;
  }
}
"""
"""A text with much of what nftables has, over several lines and with what looks like the end of something."""
HANDLE = re.compile(r" # handle [0-9]+")
ELEMENTS = re.compile(r"elements = \{([^}]*)\}")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """The version of nft is asked anew by each test, since some put another nft on PATH."""
    needs()
    nft.version.cache_clear()
    yield
    nft.version.cache_clear()


def test_a_text_is_listed_back_with_all_its_rules_in_json_and_in_text() -> None:
    """Both listings of a text have its table, chain and rules, in both families, and nothing else."""
    listing = nft.list_back(TEXT)
    rules = [one["rule"] for one in json.loads(listing.json)["nftables"] if "rule" in one]
    assert [one.get("comment") for one in rules] == ["ssh", None]
    assert 'tcp dport 22 accept comment "ssh" # handle' in listing.text
    assert "ip6 saddr 2001:db8::/32 udp dport 53 accept # handle" in listing.text


def test_listing_back_never_touches_the_ruleset_of_this_machine() -> None:
    """Loading a text elsewhere, with a flush in it, leaves what runs here as it was."""
    done = play(
        ["read", "-"], nft=TEXT, setup=[["true"]], given="flush ruleset\n" + TEXT.replace("filter {", "other {", 1)
    )
    assert done[0].code == 0, done[0].err
    assert "inet other" in done[0].out
    assert "inet filter input" not in done[0].out


def test_interfaces_that_rules_name_by_index_are_there() -> None:
    """A text that names interfaces by index, in rules and as devices of chains, is read on a machine that has none of them."""
    text = """table netdev t {
  chain c {
    type filter hook ingress devices = { eth7, eth8 } priority 0; policy accept;
  }
}
table inet t {
  chain c {
    type filter hook input priority 0; policy accept;
    iif { lan0, lan1 } oif != wan0 drop
  }
}
"""
    listed = nft.list_back(text).text
    assert all(name in listed for name in ("eth7", "eth8", "lan0", "lan1", "wan0"))


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("table inet t {\n chain c {\n  tcp dport foo accept\n }\n}\n", 3, 13, "resolve service"),
        ("table inet t {\n chain c {\n  jump nowhere\n }\n}\n", 3, 8, "No such file"),
        ("table inet t {\n", 2, 1, "unexpected end of file"),
        ("tabel inet t\n", 1, 7, "syntax error"),
    ],
)
def test_a_wrong_text_is_blamed_at_its_place_in_the_words_of_nft(text: str, line: int, column: int, words: str) -> None:
    """A text that nft refuses is an error at nft's own line and column of the file, with its words."""
    with pytest.raises(nft.BadRuleset, match=words) as caught:
        nft.list_back(text, "my.nft")
    assert (caught.value.at.path, caught.value.at.line, caught.value.at.column) == ("my.nft", line, column)


def test_what_is_included_is_looked_for_beside_the_file(tmp_path: Path) -> None:
    """A relative include is read from the folder that is given."""
    (tmp_path / "more.nft").write_text(TEXT)
    assert 'comment "ssh"' in nft.list_back('include "./more.nft"\n', folder=tmp_path).text


LONG = 2_500


def long_text() -> str:
    """More rules and elements than a user namespace may send at once."""
    rules = (f"    tcp dport {1 + n} ip saddr 10.0.{n // 256}.{n % 256} counter accept" for n in range(LONG))
    elements = ", ".join(f"10.1.{n // 256}.{n % 256}" for n in range(LONG))
    head = "table inet big {\n  set s {\n    type ipv4_addr # a set } of many\n    elements = { "
    chain = "  chain input {\n    type filter hook input priority filter; policy drop;\n"
    end = '\n    ip saddr @s jump last\n  }\n  chain last {\n    drop comment "a; } b, # c"\n  }\n}\n'
    return "".join((head, elements, " }\n  }\n", chain, "\n".join(rules), end))


def test_a_long_text_is_read_without_rights_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ruleset longer than a user namespace may send at once is loaded in parts, and listed whole and in order."""
    whole = nft.list_back(long_text())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    parts = nft.list_back(long_text())
    listed = [one["rule"] for one in json.loads(parts.json)["nftables"] if "rule" in one]
    assert [one["expr"][0]["match"]["right"] for one in listed[:LONG]] == list(range(1, LONG + 1))
    assert listed[-1]["comment"] == "a; } b, # c"
    assert HANDLE.sub("", parts.text) == HANDLE.sub("", whole.text)


def test_a_long_text_that_cannot_be_cut_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables reach over a whole text, so a long one with them says which setting or right it takes."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(nft.OutputTooLarge, match="at once") as caught:
        nft.list_back("define lan = 10.0.0.0/8\n" + long_text())
    assert "net.core.wmem_max" in caught.value.help


@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_a_text_in_parts_means_the_same(size: int) -> None:
    """However finely a text with maps, objects, verdicts and comments is cut, its parts list as it does whole."""
    parts = batches(VARIED, size)
    assert parts
    assert size > 1_000 or len(parts) > 8
    assert _shape(nft.list_back("".join(parts)).text) == _shape(nft.list_back(VARIED).text)


def _shape(listing: str) -> tuple[str, list[list[str]]]:
    """A listing without handles, and apart from it the elements of each set, of which the kernel keeps no order."""
    plain = HANDLE.sub("", listing)
    elements = [sorted(" ".join(one.split()).split(", ")) for one in ELEMENTS.findall(plain)]
    return ELEMENTS.sub("", plain), elements


def _on_path(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "nft"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_an_old_nft_is_named_with_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An nft below the oldest that is relied on is refused, with its version, what it lacks and where to get another."""
    _on_path(tmp_path, "echo 'nftables v0.9.3 (Topsy)'", monkeypatch)
    with pytest.raises(nft.NftTooOld, match=r"0\.9\.3.*ranges inside concatenations") as caught:
        nft.list_back(TEXT)
    assert "1.0.2" in caught.value.help


@pytest.mark.parametrize("script", ["echo hello", "exit 1", "echo; kill $$"])
def test_an_nft_that_is_none_is_said_so(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program called nft that tells no version is not used."""
    _on_path(tmp_path, script, monkeypatch)
    with pytest.raises(nft.NftMissing):
        nft.version()


def test_without_nft_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no nft is installed the error says which package has it."""
    monkeypatch.setattr("firewright.live._child.SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(nft.NftMissing) as caught:
        nft.list_back(TEXT)
    assert "apt-get install nftables" in caught.value.help


def test_an_nft_that_hangs_is_ended_with_all_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing that does not end in time is an error, and nothing of it is left running."""
    _on_path(
        tmp_path,
        f'test "$1" = --version && echo "nftables v1.0.6" && exit; echo $$ >> {tmp_path}/pids; sleep 600',
        monkeypatch,
    )
    monkeypatch.setattr(nft, "SECONDS", 1.0)
    with pytest.raises(nft.TooSlow):
        nft.list_running()
    for pid in (tmp_path / "pids").read_text().split():
        assert _ends(Path("/proc", pid, "stat"))


def _ends(state: Path) -> bool:
    """Whether a process that was killed is gone within five seconds."""
    for _ in range(50):
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] in "ZX":
            return True
        time.sleep(0.1)
    return False


def test_children_get_no_environment_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """nft runs with PATH, the C locale and UTC only, whatever this process has."""
    monkeypatch.setenv("SECRET", "1")
    _on_path(
        tmp_path,
        'test "$1" = --version && echo "nftables v1.0.6" && exit; env | cut -d= -f1 | sort > '
        + f"{tmp_path}/env; exit 1",
        monkeypatch,
    )
    with pytest.raises(nft.NftError):
        nft.list_running()
    assert {*(tmp_path / "env").read_text().split()} <= {"PATH", "LC_ALL", "TZ", "PWD", "_", "SHLVL", "OLDPWD"}


def test_times_are_listed_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time that a text gives in seconds is listed as the same moment whatever the time zone of this process."""
    monkeypatch.setenv("TZ", "America/New_York")
    text = "table inet t {\n chain c {\n meta time < 1800000000 accept\n }\n}\n"
    assert "2027-01-15 08:00:00" in nft.list_back(text).text


def test_where_namespaces_are_forbidden_the_setting_is_named() -> None:
    """Who may make no namespace is told which setting forbids it and that root may."""
    code = (
        "from firewright.live import nft\n"
        "try:\n    nft.list_back('table inet t {\\n}\\n')\n"
        "except nft.NftError as error:\n    print(type(error).__name__, error.message, error.help, sep='|')\n"
    )
    forbid = 'cd /proc/sys/user && echo 0 > max_user_namespaces && echo 0 > max_net_namespaces && cd "$1" && shift && exec "$@"'
    words = ["unshare", "-Ur", "sh", "-c", forbid, "sh", str(ROOT), sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    name, message, help_ = done.stdout.strip().split("|")
    assert name == "NoNamespaces"
    assert "user.max_user_namespaces is 0" in message
    assert "run as root" in help_


def test_without_rights_the_running_ruleset_is_not_taken_for_empty() -> None:
    """Who may not read the running ruleset gets an error that says what it takes."""
    if os.geteuid():
        with pytest.raises(nft.NotPermitted):
            nft.list_running()
        return
    code = "from firewright.live import nft\ntry:\n    nft.list_running()\nexcept nft.NotPermitted as error:\n    print(error.help)\n"
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable, "-c", code],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert "CAP_NET_ADMIN" in done.stdout, done.stderr
