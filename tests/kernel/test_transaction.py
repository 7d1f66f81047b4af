"""What an apply does to the tables of a host: one transaction, into our table only, after a real load elsewhere, and back."""

from __future__ import annotations

import pytest

from firewright.live.host import HostError
from tests.kernel.managed import TABLE, Managed
from tests.kernel.network import Network
from tests.kernel.policies import made

LOOP = """table inet firewright
delete table inet firewright
table inet firewright {
	chain one { jump two; }
	chain two { jump one; }
	chain input { type filter hook input priority filter; policy drop; jump one; }
}
"""
EVERYTHING = """table inet firewright
delete table inet firewright
table inet firewright {
	comment "a table of somebody, who says a lot"
	counter hits { packets 3 bytes 9; }
	quota most { over 10 mbytes; }
	limit rate_of { rate 5/second burst 7 packets; }
	ct timeout long_v4 { protocol tcp; l3proto ip; policy = { established : 7200, close : 5 }; }
	ct timeout long_v6 { protocol tcp; l3proto ip6; policy = { established : 7200 }; }
	ct helper for_ftp { type "ftp" protocol tcp; l3proto inet; }
	ct expectation more { protocol tcp; dport 9876; timeout 12s; size 10; l3proto ip; }
	set some { type ipv4_addr; flags interval; auto-merge; comment "who"; elements = { 10.0.0.0/8 comment "all of it", 192.0.2.1 }; }
	set waiting { typeof ip saddr; flags dynamic,timeout; timeout 1h; size 65535; }
	set pairs { type ipv6_addr . inet_proto . inet_service; flags interval; elements = { fd01:0::/32 . tcp . 80-90 }; }
	map where { typeof tcp dport : verdict; elements = { 80 : accept, 81 : drop }; }
	map marks { type inet_service : mark; elements = { 22 : 0x1 }; }
	chain first {
		type filter hook prerouting priority raw; policy accept;
		comment "before the others"
		udp dport 9 notrack
	}
	chain input {
		type filter hook input priority filter + 5; policy drop;
		ip saddr @some counter packets 12 bytes 99 accept comment "known"
		tcp dport vmap @where
		meta mark set tcp dport map @marks
		ct state established,related accept
		ip protocol tcp ct timeout set "long_v4"
		tcp dport 21 ct helper set "for_ftp"
		limit name "rate_of" log prefix "seen: " level info
		counter name "hits"
		quota name "most" drop
		meta time > 4102444800 drop
		ip6 saddr . meta l4proto . tcp dport @pairs accept
		update @waiting { ip saddr timeout 5m }
		tcp flags & (fin | syn | rst | ack) != syn ct state new drop
		reject with icmpx admin-prohibited
	}
	chain output { type filter hook output priority filter; policy accept; }
}
"""
"""Whatever a table may have that a host's nft lists."""


def handles(network: Network) -> dict[str, int]:
    """The number that the kernel gave to each base chain of ours when it was made."""
    found = (one["chain"] for one in network.firewall.tree(*TABLE) if "chain" in one)
    return {one["name"]: one["handle"] for one in found if "hook" in one}


def test_base_chains_and_timeouts_outlive_a_replacement(network: Network, host: Managed) -> None:
    """An apply fills the chains on the hooks anew and makes none: there is no instant without them."""
    host.keep(made(1).text)
    before = handles(network)
    assert set(before) == {"input", "forward", "output"}
    objects = [one for one in network.firewall.tree(*TABLE) if "ct timeout" in one]
    host.keep(made(2).text)
    assert handles(network) == before
    assert [one for one in network.firewall.tree(*TABLE) if "ct timeout" in one] == objects != []


def test_a_replacement_leaves_what_the_text_says_and_nothing_else(network: Network, host: Managed) -> None:
    """What is listed after an apply on top of another ruleset is what is listed where the text was loaded alone."""
    host.keep(made(1).text)
    host.keep(made(2).text)
    replaced = host.rules()
    assert replaced.count("chain ") == host.listed().count("chain ")
    network.firewall.load("flush ruleset\n")
    network.firewall.load(made(2).text)
    assert replaced == host.rules()


def test_a_dry_run_is_a_real_load(network: Network, host: Managed) -> None:
    """A loop of jumps, which nft only says is fine, is refused before anything is stored or loaded."""
    host.keep(made(1).text)
    before, generations = host.listed(), sorted((host.state / "generations").iterdir())
    network.firewall.run("nft", "-c", "-f", "-", given=LOOP)
    with pytest.raises(HostError) as error:
        host.apply(LOOP)
    assert error.value.name == "refused"
    assert host.listed() == before
    assert not host.is_pending
    assert sorted((host.state / "generations").iterdir()) == generations


def test_a_snapshot_in_words_brings_every_feature_back(network: Network, host: Managed) -> None:
    """Whatever somebody's table of our name holds, an apply over it that is taken back leaves the same listing, byte for byte."""
    network.firewall.load(EVERYTHING)
    before = host.listed()
    assert all(word in before for word in ("auto-merge", "typeof", "ct expectation", "quota", "comment"))
    host.apply(made(1).text, how="anew")
    assert host.listed() != before
    host.host.call("rollback", "any", "a test")
    assert host.listed() == before


def test_json_is_no_snapshot(network: Network, host: Managed) -> None:
    """The same table as JSON, loaded again, is not the same table: that form is for reading."""
    network.firewall.load(EVERYTHING)
    before, said = host.listed(), network.firewall.run("nft", "-j", "list", "ruleset")
    network.firewall.load("flush ruleset\n")
    done = network.firewall.try_run("nft", "-j", "-f", "-", given=said)
    assert done.returncode != 0 or host.listed() != before


def test_a_comment_can_be_a_rule(network: Network, host: Managed) -> None:
    """A quote in a comment ends it, and what stands behind it is a rule that nft loads: free text goes through an allow-list."""
    said = 'table inet other { chain one { counter drop comment "x"; accept comment "y"; }; }\n'
    network.firewall.load(said)
    rules = [one["rule"] for one in network.firewall.tree("table", "inet", "other") if "rule" in one]
    assert [one["comment"] for one in rules] == ["x", "y"]
    network.firewall.load("delete table inet other\n")


FOREIGN = """table inet filter { chain input { type filter hook input priority 10; tcp dport 9 counter packets 5 bytes 50 drop; }; }
table ip firewright { chain forward { type filter hook forward priority 1; counter packets 7 bytes 70; }; }
table ip nat { chain post { type nat hook postrouting priority srcnat; oifname "fs" masquerade; }; }
table inet docker { set held { type ipv4_addr; flags timeout; elements = { 10.9.9.9 }; }; }
"""


def test_tables_of_others_are_never_touched(network: Network, host: Managed) -> None:
    """Through an apply, a rollback, a confirmation and a boot they keep their rules, their elements and what they have counted."""
    network.firewall.load(FOREIGN)

    def foreign() -> list[object]:
        values = [value for one in network.firewall.tree("ruleset") for value in one.values()]
        return [
            one for one in values if (one.get("family"), one.get("table", one.get("name"))) != ("inet", "firewright")
        ]

    before = foreign()
    assert len(before) > 10
    host.apply(made(1).text)
    host.host.call("rollback", "any", "a test")
    assert foreign() == before
    host.keep(made(2).text)
    assert foreign() == before
    host.host.call("boot")
    assert foreign() == before


def test_what_is_installed_for_the_boot_takes_nothing_away(host: Managed) -> None:
    """The unit that is written where systemd is loads when it starts and does nothing when it stops."""
    units = host.root / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    host.keep(made(1).text)
    unit = (units / "firewright.service").read_text()
    assert f"ExecStart=/bin/sh {host.state}/host.sh boot" in unit
    assert "ExecStop" not in unit
    assert "flush" not in unit
