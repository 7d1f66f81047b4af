"""Listings of programs and systems that are not here, and texts that nobody printed."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.model.packet import TCP, UDP
from firewright.readers.listening import LISTINGS, HeardListing, HeardRow, HeardState, Holder, listing_of
from firewright.source import Source

OLD_SS = """\
State      Recv-Q Send-Q        Local Address:Port          Peer Address:Port
LISTEN     0      128                      :::22                      :::*      users:(("sshd",812,4))
LISTEN     0      128                       *:22                       *:*      users:(("sshd",812,3))
LISTEN     0      128                      :::80                      :::*      users:(("httpd",9,4),("httpd",10,4))
ESTAB      0      0                10.0.0.5:22               10.0.0.9:51000
"""
MACOS = """\
Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0      0  *.22                   *.*                    LISTEN
tcp46      0      0  *.8080                 *.*                    LISTEN
tcp6       0      0  fe80::1%lo0.4000       *.*                    LISTEN
tcp4       0      0  10.0.0.5.50000         17.0.0.1.443           ESTABLISHED
udp4       0      0  *.5353                 *.*
"""
WINDOWS = """\

Active Connections

  Proto  Local Address          Foreign Address        State           PID
  TCP    0.0.0.0:135            0.0.0.0:0              LISTENING       1204
 [svchost.exe]
  TCP    [::]:135               [::]:0                 ABHÖREN         1204
  TCP    10.0.0.5:50000         20.0.0.1:443           ESTABLISHED     4000
  UDP    [fe80::1%12]:1900      *:*                                    77
"""
CUT = """\
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
tcp6       0      0 fe80::a00:27ff:fe4e:546 :::*                    LISTEN      5/a name with spaces
"""


def _read(text: str) -> HeardListing:
    found = listing_of(text)
    assert found is not None
    return found.read(Source("listing", text))


def _bound(row: HeardRow) -> list[tuple[int, int, int, str, str, bool]]:
    return [
        (
            one.family,
            one.protocol,
            one.port,
            str(ip_address(one.address)) if one.address else "",
            one.interface,
            one.is_certain,
        )
        for one in row.bound
    ]


def test_old_versions_of_ss_mean_ipv4_by_a_star() -> None:
    """Where `:::22` stands for IPv6, `*:22` is IPv4 alone; whether an IPv6 socket takes IPv4 is left open; old holders are read."""
    six, four, web, connected = _read(OLD_SS).rows
    assert _bound(four) == [(4, TCP, 22, "", "", True)]
    assert _bound(six) == [(6, TCP, 22, "", "", True), (4, TCP, 22, "", "", False)]
    assert web.holders == (Holder("httpd", 9), Holder("httpd", 10))
    assert (web.state, connected.state) == (HeardState.BOUNDED, HeardState.OTHER)


def test_a_star_alone_leaves_open_which_families() -> None:
    """Where no other line tells how the version writes addresses, `*` is surely IPv4 and possibly IPv6."""
    (row,) = _read("Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\ntcp LISTEN 0 128 *:80 *:*\n").rows
    assert _bound(row) == [(4, TCP, 80, "", "", True), (6, TCP, 80, "", "", False)]
    assert row.state is HeardState.BOUNDED


def test_ports_by_name_are_what_is_registered() -> None:
    """A name is its port for the protocol; one of several ports is bounded; one that nobody registered is refused with a way out."""
    lines = (
        "tcp LISTEN 0 1 0.0.0.0:ssh 0.0.0.0:*",
        "tcp LISTEN 0 1 0.0.0.0:http-alt 0.0.0.0:*",
        "tcp LISTEN 0 1 0.0.0.0:hppt 0.0.0.0:*",
    )
    ssh, web, strange = _read("\n".join(lines)).rows
    assert _bound(ssh) == [(4, TCP, 22, "", "", True)]
    assert [(one.port, one.is_certain) for one in web.bound] == [(591, False), (8008, False), (8080, False)]
    assert strange.state is HeardState.REFUSED
    assert "hppt" in strange.why
    assert strange.help


def test_netstat_of_macos_has_its_ports_behind_dots() -> None:
    """Addresses, families and interfaces are read as BSD writes them; a connection is no listener."""
    ssh, web, near, connected, names = _read(MACOS).rows
    assert _bound(ssh) == [(4, TCP, 22, "", "", True)]
    assert {one[0] for one in _bound(web)} == {4, 6}
    assert _bound(near) == [(6, TCP, 4000, "fe80::1", "lo0", True)]
    assert connected.state is HeardState.OTHER
    assert _bound(names) == [(4, UDP, 5353, "", "", True)]


def test_netstat_of_windows_is_read_in_any_language() -> None:
    """What listens is told by the other end, not by a translated word; the program's line belongs to the one before."""
    four, six, connected, names = _read(WINDOWS).rows
    assert _bound(four) == [(4, TCP, 135, "", "", True)]
    assert four.holders == (Holder("svchost.exe", 1204),)
    assert _bound(six) == [(6, TCP, 135, "", "", True)]
    assert connected.state is HeardState.OTHER
    assert _bound(names) == [(6, UDP, 1900, "fe80::1", "12", True)]


def test_an_address_that_may_be_cut_off_is_any_address() -> None:
    """net-tools cuts long addresses without a sign: such a listener possibly takes packets to any address of IPv6."""
    (row,) = _read(CUT).rows
    assert _bound(row) == [(6, TCP, 546, "", "", False)]
    assert row.state is HeardState.BOUNDED
    assert row.holders == (Holder("a name with spaces", 5),)


def test_what_stands_before_a_listing_is_refused_and_hides_nothing() -> None:
    """The command or a warning in the first lines is a refused row; the sockets behind it are read."""
    heard = _read(f"$ netstat -an\n{MACOS}")
    assert [row.state for row in heard.rows[:2]] == [HeardState.REFUSED, HeardState.UNDERSTOOD]
    assert len(heard.rows) == 6


def test_other_texts_are_nobodys_listing() -> None:
    """Rulesets, documents, prose, and pages that quote a listing further on are not taken for listings."""
    quoting = f"one\ntwo\nthree\nfour\nfive\n{MACOS}"
    for text in (
        "",
        "table inet x { }",
        "*filter\n:INPUT ACCEPT\nCOMMIT\n",
        "# Ports\n\n| tcp | 22 |\n",
        "tcp 22",
        quoting,
    ):
        assert listing_of(text) is None, text


def test_a_line_longer_than_any_socket_is_refused() -> None:
    """A line of a million characters is one refused row, for each program, after a bounded amount of work."""
    for start in (
        "tcp LISTEN 0 1 0.0.0.0:1 0.0.0.0:* ",
        "tcp 0 0 0.0.0.0:1 0.0.0.0:* LISTEN 1/a",
        "  TCP 0.0.0.0:1 0.0.0.0:0 ",
    ):
        (row,) = _read(start + " " * 1_000_000 + "x").rows
        assert row.state is HeardState.REFUSED
        assert len(row.text) < 10_000


_PIECES = """tcp udp raw tcp6 LISTEN UNCONN ESTAB 0 128 * *:22 :::22 [::]:22 [fe80::1]%eth0:5 0.0.0.0:* :::* [::]:* 1.2.3.4:99999
users:(("a",pid=1,fd=2)) 7/x LISTENING *.* *.22 :icmp :x %:1 ]:[ \x1b[2J 999999999999 v6only:0 Netid State Recv-Q Send-Q Local Proto"""
_WORDS = st.sampled_from(_PIECES.split())
_LINES = st.lists(st.lists(_WORDS, max_size=9).map(" ".join), max_size=8).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(_LINES | st.text(max_size=200))
def test_every_line_is_counted_whatever_it_says(text: str) -> None:
    """No text brings a reader down; each of its rows is of one state; only listeners are bound, and each refusal says why."""
    for _, one in LISTINGS.all():
        one.knows(text)
        heard = one.read(Source("listing", text))
        assert (
            sum(heard.count(state) for state in HeardState)
            == len(heard.rows)
            <= text.count("\n") + len(text.splitlines()) + 1
        )
        for row in heard.rows:
            assert bool(row.bound) == (row.state in (HeardState.UNDERSTOOD, HeardState.BOUNDED))
            assert bool(row.why) == (row.state in (HeardState.BOUNDED, HeardState.REFUSED))
            assert all(0 <= one.port < 65536 and 0 < one.protocol < 256 for one in row.bound)
