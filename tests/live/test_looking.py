"""A managed host as `look.sh` tells of it: the same machine as seen from inside, by every shell, with and without `ip`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from firewright.diagnostic import Report
from firewright.live.host import Local
from firewright.live.looking import Connection, facts_of, machine_of, tables_of
from firewright.live.machine import Address, look
from firewright.live.nft import NftError, list_back
from firewright.workflows.live import see_host, see_told
from tests.live.scene import ROOT, needs
from tests.live.test_machine import needs_root

SHELLS = {"dash": ["dash"], "busybox": ["busybox", "ash"], "bash": ["bash", "--posix"]}
LOOK = """
import json, re, subprocess, sys
setup, shell, missing, before = json.loads(sys.argv[1])
for words in setup:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
from dataclasses import asdict
from firewright.live.machine import look
script = ". firewright/live/managed/look.sh\\n"
if missing:
    script += "look_has() { case $1 in " + "|".join(missing) + ") return 1 ;; esac; command -v \\"$1\\" >/dev/null 2>&1; }\\n"
done = subprocess.run([*before, *shell], input=script + "TOKEN=w0rd\\nlook\\n", capture_output=True, text=True)
parts = re.split(r"^--- w0rd (\\S+)\\n", done.stdout, flags=re.MULTILINE)
print(json.dumps([dict(zip(parts[1::2], parts[2::2])), done.stderr, asdict(look())]))
"""
LINKS: tuple[list[str], ...] = (
    # No link-local addresses: they come when the kernel has time, which may be between two looks.
    ["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode"],
    ["ip", "link", "set", "lo", "up"],
    ["ip", "link", "add", "up0", "type", "veth", "peer", "name", "down0"],
    ["ip", "link", "set", "up0", "up"],
    ["ip", "link", "set", "down0", "up"],
    ["ip", "address", "add", "192.0.2.10/24", "dev", "up0"],
    ["ip", "address", "add", "198.51.100.7/32", "dev", "down0"],
    ["ip", "address", "add", "2001:db8::10/64", "dev", "up0", "nodad"],
    ["ip", "route", "add", "default", "via", "192.0.2.1"],
    ["ip", "-6", "route", "add", "default", "via", "2001:db8::1"],
    ["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"],
    ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/up0/route_localnet"],
    ["nft", "add table inet own { chain in { type filter hook input priority 0; policy drop; tcp dport 22 counter accept; }; }"],
)  # fmt: skip
"""Two links, addresses, a way out of each family, and a table."""


def told(
    *setup: list[str], shell: str = "dash", missing: tuple[str, ...] = (), before: tuple[str, ...] = ()
) -> tuple[dict[str, str], dict[str, Any]]:
    """What look.sh prints in a fresh network namespace after some commands, and what this program sees there by itself."""
    needs(SHELLS[shell][0])
    words = ["unshare", "-Urn", sys.executable, "-c", LOOK, json.dumps([setup, SHELLS[shell], missing, before])]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    sections, said, seen = json.loads(done.stdout)
    assert not said, said
    return sections, seen


def _seen(machine: dict[str, Any]) -> dict[str, Any]:
    """What both ways of looking can know: no sockets, no numbers that the kernel gives to tables and rules."""
    listing = machine["tables"]["listing"]
    kept = {key: value for key, value in machine.items() if key not in ("listening", "tables")}
    tables = machine["tables"]
    return {
        **kept,
        "nft": listing and _bare(json.loads(listing["json"])["nftables"]),
        "saved": [[one["program"], one["family"], list(one["tables"]), _rules(one["text"])] for one in tables["saved"]],
        "unseen": list(tables["unseen"]),
    }


def _bare(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _bare(value) for key, value in tree.items() if key not in ("handle", "metainfo")}
    return [_bare(one) for one in tree] if isinstance(tree, list) else tree


def _rules(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def _plain(machine: Any) -> dict[str, Any]:
    """A machine as JSON has it."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(machine)))
    return found


@pytest.mark.parametrize("shell", SHELLS)
def test_a_look_from_outside_sees_the_machine_that_is_seen_from_inside(shell: str) -> None:
    """Addresses, interfaces, ways out, forwarding and every table are the same by each shell as by netlink and nft's JSON."""
    needs_root()
    sections, seen = told(*LINKS, shell=shell)
    found = _seen(_plain(machine_of(sections)))
    assert found == _seen(seen)
    assert found["outward"] == ["up0"]
    assert found["forwards"] == [6]
    assert found["routes_loopback"] == ["up0"]
    assert len(found["nft"]) > 3


@pytest.mark.parametrize("shell", SHELLS)
def test_without_ip_the_kernels_own_files_tell_the_same(shell: str) -> None:
    """A host without `ip` is seen by /proc/net; of an address on no network only the interface is unknown."""
    needs_root()
    sections, seen = told(*LINKS, shell=shell, missing=("ip",))
    assert "addresses" not in sections
    found, wanted = _seen(_plain(machine_of(sections))), _seen(seen)
    alone = [one for one in wanted["addresses"] if one["interface"] == "down0" and one["family"] == 4]
    assert [one["length"] for one in alone] == [32]
    lost = {**alone[0], "interface": ""}
    key = json.dumps
    assert sorted(map(key, found.pop("addresses"))) == sorted(
        key(lost if one in alone else one) for one in wanted.pop("addresses")
    )
    assert found == wanted


RECENT = ["-A", "INPUT", "-m", "recent", "--name", "ssh", "--set", "-p", "tcp", "-j", "DROP"]


@pytest.mark.parametrize("program", ["iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy"])
def test_tables_of_iptables_are_told_in_its_own_words(program: str) -> None:
    """What nft lists of such a table without its meaning is not taken for the table: the saved text is, as from inside."""
    needs_root()
    needs(program)
    try:
        sections, seen = told([program, *RECENT], ["nft", "add table inet own"])
    except AssertionError as error:
        if "does not exist" not in str(error) and "No such file" not in str(error):
            raise
        pytest.skip(f"this kernel has no table for {program}")
    found = _seen(_plain(machine_of(sections)))
    assert found == _seen(seen)
    ((saved, *_),) = found["saved"]
    assert saved == f"{program}-save"
    assert found["nft"][1:] == [{"table": {"family": "inet", "name": "own"}}]


def test_a_table_of_iptables_that_nobody_says_is_unseen_and_the_rest_is_seen() -> None:
    """Where iptables' own program is missing its table is named as unseen; it is not read without the part that nft leaves out."""
    needs_root()
    needs("iptables-nft")
    missing = ("iptables-nft-save", "iptables-save")
    sections, _ = told(["iptables-nft", *RECENT], ["nft", "add table inet own"], missing=missing)
    tables = tables_of(sections)
    assert tables.unseen == ("table filter of iptables in IPv4: iptables-nft-save is not installed there",)
    assert tables.listing is not None
    assert [one["table"]["name"] for one in json.loads(tables.listing.json)["nftables"] if "table" in one] == ["own"]


def test_without_rights_nothing_is_seen_and_that_is_said() -> None:
    """A user without rights over the network gets no listing, and why."""
    before = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs", "--reuid", "0")
    needs("setpriv")
    sections, _ = told(["nft", "add table inet own"], before=before)
    tables = tables_of(sections)
    assert tables.listing is None
    assert any("nf_tables" in said and "permitted" in said for said in tables.unseen)
    assert tables.help


@cache
def _whole() -> Mapping[str, str]:
    """What look.sh prints of a machine with one table."""
    return told(*LINKS)[0]


def _with_listing(text: str, **more: str) -> dict[str, str]:
    return {**_whole(), "nft": text, **more}


def test_an_answer_that_is_cut_off_is_no_machine_without_tables() -> None:
    """Without its last section an answer tells of no table, and that is said."""
    cut = {name: text for name, text in _whole().items() if name != "looked"}
    tables = tables_of(cut)
    assert tables.listing is None
    assert tables.unseen == ("the answer of the host was cut off",)
    assert tables_of({}).listing is None


def test_no_table_at_all_is_seen_as_such() -> None:
    """An empty listing by an nft that succeeded is a machine without tables, with nothing unseen."""
    tables = tables_of(_with_listing(""))
    assert tables.unseen == ()
    assert tables.listing is not None
    assert [one for one in json.loads(tables.listing.json)["nftables"] if "table" in one] == []


@pytest.mark.parametrize("code", ["1", "127", "", "0x"])
def test_an_nft_that_failed_has_listed_nothing(code: str) -> None:
    """What a failing nft printed is not read, however whole it looks."""
    tables = tables_of({**_whole(), "nft.code": code})
    assert tables.listing is None
    assert tables.unseen


GOOD = "table inet own {\n\tchain in {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n"


@pytest.mark.parametrize(
    ("strange", "name"),
    [
        ("table inet odd {\n\tchain in {\n\t\ttcp dport 22 teleport to 192.0.2.7\n\t}\n}\n", "inet odd"),
        ('table ip odd {\n\tchain in {\n\t\txt match "quantum" accept\n\t}\n}\n', "ip odd"),
        ("table ip odd {\n\tchain in {\n\t\ttcp dport 22 # xt_recent\n\t\tdrop\n\t}\n}\n", "ip odd"),
    ],
)
def test_a_table_that_is_not_understood_is_unseen_by_name_and_its_neighbours_are_seen(strange: str, name: str) -> None:
    """Words of a newer nft, or of iptables, are never left out: their table is unseen, the others are what they are."""
    needs()
    tables = tables_of(_with_listing(strange + GOOD))
    assert len(tables.unseen) == 1
    assert name in tables.unseen[0]
    assert tables.listing is not None
    assert [one["table"]["name"] for one in json.loads(tables.listing.json)["nftables"] if "table" in one] == ["own"]


@pytest.mark.parametrize(
    "text",
    [
        'include "/etc/hostname"\n',
        'table inet own {\n\tchain in { include "/etc/hostname"\n\t}\n}\n',
        "define x = 22\n" + GOOD,
        "flush ruleset\n",
        "table inet own {\n\tset s {\n\t\ttype inet_service\n\t\telements = { $x }\n\t}\n}\n",
        GOOD + "add rule inet own in accept\n",
    ],
)
def test_what_nft_never_lists_is_not_given_to_nft(text: str) -> None:
    """A listing from elsewhere that names files or variables of this machine, or gives commands, is refused whole."""
    tables = tables_of(_with_listing(text))
    assert tables.listing is None
    assert any("never lists" in said or "no table" in said for said in tables.unseen)


def test_a_comment_that_looks_like_the_end_of_a_table_is_a_comment() -> None:
    """A name or comment between quotes begins no table, ends none, and holds no expression of iptables."""
    needs()
    comment = 'comment "}; } table inet other { # xt_recent xt match include"'
    text = GOOD.replace("policy drop;\n", f"policy drop;\n\t\ttcp dport 22 accept {comment}\n")
    tables = tables_of(_with_listing(text))
    assert tables.unseen == ()
    assert tables.listing is not None
    listed = json.loads(tables.listing.json)["nftables"]
    assert [one["table"]["name"] for one in listed if "table" in one] == ["own"]
    assert len([one for one in listed if "rule" in one]) == 1


def test_a_table_that_belongs_to_a_process_is_seen() -> None:
    """A table with an owner (firewalld has one) does not go with the process that loads it here: it is read as it is there."""
    needs()
    owned = GOOD.replace("inet own {\n", "inet own { # progname firewalld\n\tflags owner,persist,dormant\n")
    tables = tables_of(
        _with_listing(owned + GOOD.replace("own", "owned").replace("{\n\tchain", "{\n\tflags owner\n\tchain"))
    )
    assert tables.unseen == ()
    assert tables.listing is not None
    listed = json.loads(tables.listing.json)["nftables"]
    assert [one["table"]["name"] for one in listed if "table" in one] == ["own", "owned"]
    assert "flags dormant" in tables.listing.text


def test_a_table_that_vanishes_is_unseen() -> None:
    """Whatever way a table may have of not being there after its load, it is not taken for one that never was."""
    needs()
    tables = tables_of(
        _with_listing(GOOD.replace("{\n\tchain", "{\n flags owner\n\tchain") + GOOD.replace("own", "other"))
    )
    assert tables.unseen == ("table inet own: it does not stay where it is loaded",)


def test_a_token_of_somebody_else_begins_no_section() -> None:
    """A host's names cannot forge a section: only the caller's word of that call begins one."""
    needs()
    comment = "--- x nft.code"
    sections, _ = told(["nft", f'add table inet own {{ comment "{comment}"; }}'])
    assert sections["nft.code"].strip() == "0"
    assert comment in sections["nft"]


def test_the_facts_of_a_host_are_read_and_nothing_else() -> None:
    """Clock, rights, programs and the connection are as told; what is told otherwise than it should be is empty."""
    facts = facts_of({**_whole(), "ssh": "2001:db8::7 50000 2001:db8::10 22\n"})
    assert facts.ssh == Connection("2001:db8::7", 50000, "2001:db8::10", 22)
    assert facts.is_root
    assert facts.nft >= (1, 0, 2)
    assert {"nft", "ip"} <= facts.programs
    assert facts.seconds is not None
    assert facts.uptime > 0
    odd = facts_of(
        {"ssh": "a b c d", "time": "soon", "user": "00", "uptime": "inf", "version": "nft 99", "hostname": "\x1b[2J"}
    )
    assert (odd.ssh, odd.seconds, odd.is_root, odd.uptime, odd.nft) == (None, None, False, 0.0, ())
    assert "\x1b" not in odd.hostname


def test_the_program_of_managed_hosts_looks_by_the_same_words() -> None:
    """What is sent to a host answers `look` with sections that tell of this machine's own addresses."""
    sections = Local().call("look", seconds=120).sections
    assert "looked" in sections
    own = {(one.family, one.number) for one in machine_of(sections).addresses}
    assert (4, 0x7F000001) in own or (6, 1) in own or shutil.which("ip") is None


def _routed(**sections: str) -> dict[str, str]:
    return {"looked": "", "nft.code": "0", "nft": "", **sections}


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ("default via 192.0.2.1 dev eth0 proto dhcp metric 100\n", ("eth0",)),
        ("default via 192.0.2.1 dev eth0\ndefault via 198.51.100.1 dev wwan0 table 7\n", ("eth0", "wwan0")),
        ("default \n\tnexthop via 192.0.2.1 dev eth0 weight 1\n\tnexthop via 198.51.100.1 dev eth1 weight 1\n", ()),
        ("unreachable default dev lo table unspec proto kernel metric 4294967295 error -101\n", ()),
        ("", ()),
    ],
)
def test_ways_out_are_the_default_routes_or_unknown(routes: str, said: tuple[str, ...]) -> None:
    """Each default route's interface counts, in any table; several next hops are not known, and what leads nowhere is none."""
    needs()
    assert machine_of(_routed(routes4=routes, routes6="")).outward == said


def test_an_address_with_a_peer_has_the_peers_prefix() -> None:
    """Of a point-to-point link the machine's own address counts; names with more than an interface can be called are left out."""
    needs()
    text = (
        "4: ppp0    inet 10.0.0.1 peer 10.0.0.2/32 scope global ppp0\\       valid_lft forever\n"
        "5: vlan.7@eth0    inet6 2001:db8::7/64 scope global \\       valid_lft forever\n"
        "6: averyveryverylongname    inet 192.0.2.1/24 scope global x\\\n"
        "7: eth9    inet 999.0.0.1/24 scope global eth9\\\n"
        "forged line\n"
    )
    found = machine_of(_routed(**{"addresses": text, "addresses.code": "0"})).addresses
    assert found == (Address(4, 0x0A000001, 32, "ppp0"), Address(6, (0x20010DB8 << 96) | 7, 64, "vlan.7"))


def test_see_host_sees_this_machine_as_itself() -> None:
    """A host that is this machine is seen from inside, with what listens; another by what it tells, by its own clock."""
    needs()
    report = Report()
    assert see_host(Local(), report).machine.listening == look().listening
    told_of = see_told({**_whole(), "time": "1000000000\n"}, Report())
    assert (told_of.instant, told_of.is_whole) == (1_000_000_000, True)


def test_busyboxs_own_ip_tells_the_same(tmp_path: Path) -> None:
    """The `ip` of busybox, which small hosts have, is read like that of iproute2."""
    needs_root()
    needs("busybox")
    (tmp_path / "ip").symlink_to(shutil.which("busybox") or "")
    before = ("env", f"PATH={tmp_path}:{os.environ['PATH']}")
    sections, seen = told(*LINKS, shell="busybox", before=before)
    assert "scope" in sections["addresses"]
    assert _seen(_plain(machine_of(sections))) == _seen(seen)


WILD = ROOT.parent / "shared/corpora/nftables-wild"


@pytest.mark.skipif(not WILD.is_dir(), reason="the corpora are not here")
@pytest.mark.parametrize("part", range(4))
def test_rulesets_from_the_wild_are_told_as_they_are(part: int) -> None:
    """What nft lists of a real ruleset, told by a host and loaded here, is the same ruleset in JSON, with nothing unseen."""
    needs()
    count = 0
    for path in sorted(WILD.glob("*.nft"))[part::12]:
        try:
            wanted = list_back(path.read_text(errors="replace"))
        except NftError:
            continue
        tables = tables_of(_routed(nft=wanted.text))
        assert tables.unseen == (), path.name
        assert tables.listing is not None
        assert _bare(json.loads(tables.listing.json)) == _bare(json.loads(wanted.json)), path.name
        count += 1
    assert count > 3
