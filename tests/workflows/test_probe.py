"""What is probed, whom one may probe, and which zones both ends are of."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from firewright.diagnostic import Report
from firewright.live.prober.target import TargetError, targets_of
from firewright.model.interval import has
from firewright.model.packet import TCP, UDP
from firewright.model.service_words import words
from firewright.workflows.probe import Against, Asked, probe_hosts, services_of, usual_services
from firewright.workflows.selection import Wanted, select

POLICY = """policy: server
zones: {near: [192.168.0.0/16, "fd00::/8"]}
rules:
  - {from: near, to: local, allow: [tcp/22, tcp/64999, udp/64998, udp/30000-40000]}
"""


def said(report: Report) -> str:
    """The complaints as lines."""
    return "\n".join(f"{one.name}: {one.message}; {one.help}" for one in report.sorted())


@pytest.mark.parametrize(
    ("tcp", "udp", "names", "expected"),
    [
        (("22,80-81",), (), (), "tcp/22, tcp/80-81"),
        ((), ("53",), ("ssh",), "tcp/22, udp/53"),
        ((), (), ("smb",), "tcp/445"),
        ((), (), ("ping,esp",), "icmp/echo-request, protocol/esp"),
        (("any",), (), (), "tcp/1-65535"),
        ((), (), ("dns",), "tcp/53, udp/53"),
    ],
)
def test_services_are_said_as_elsewhere(
    tcp: tuple[str, ...], udp: tuple[str, ...], names: tuple[str, ...], expected: str
) -> None:
    """Ports, names of the catalog and transports name what is probed; port 0, which nobody can call, is left out."""
    report = Report()
    found = services_of(tcp, udp, names, False, report)
    assert found is not None, said(report)
    assert words(found) == expected


@pytest.mark.parametrize(
    ("tcp", "names", "complaint"),
    [
        (("70000",), (), "port 70000 does not exist"),
        (("9-3",), (), "range upside down"),
        (("http",), (), "http is no port"),
        ((), ("sssh",), "did you mean ssh?"),
        ((), ("443",), "a port without a protocol"),
        ((), ("sctp/5",), "none of these services can be probed"),
        ((), ("ssh", "protocol/gre"), "protocol/gre cannot be probed"),
        ((), ("icmp",), "cannot be probed"),
        (("0",), (), "none of these services can be probed"),
    ],
)
def test_what_cannot_be_probed_is_refused(tcp: tuple[str, ...], names: tuple[str, ...], complaint: str) -> None:
    """A word that names nothing, or what no prober can find out, is an error with a way out."""
    report = Report()
    assert services_of(tcp, (), names, False, report) is None or report.has_errors()
    assert complaint in said(report)


def test_the_usual_services_are_those_people_run() -> None:
    """Without a wish the catalog's TCP ports, the UDP services that answer, echo, ESP and AH are probed; no dynamic range is."""
    found = usual_services()
    for service in (
        TCP << 16 | 22,
        TCP << 16 | 445,
        UDP << 16 | 53,
        UDP << 16 | 161,
        50 << 16,
        51 << 16,
        1 << 16 | 0x800,
    ):
        assert has(found, service)
    assert not has(found, TCP << 16 | 55_555)
    assert not has(found, TCP << 16)


@pytest.mark.parametrize("target", ["9.9.9.9", "2620:fe::9", "9.9.9.0/28", "100.64.1.1"])
def test_nobody_is_probed_without_consent(target: str) -> None:
    """An address that is not private, loopback or this machine's is not probed unless somebody says that it may be."""
    report = Report()
    assert probe_hosts(Asked((target,)), report) is None
    assert "no-consent" in said(report) and "--i-may-probe" in said(report)


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("10.0.0.0/8", "more than 256"),
        ("10.0.0.1/24", "is no prefix"),
        ("224.0.0.1", "no single machine's address"),
        ("0.0.0.0", "no single machine's address"),
        ("255.255.255.255", "no single machine's address"),
        ("ff02::/120", "holds groups"),
        ("no-such-host.invalid", "no address is known"),
        ("", "no address is known"),
        ("-x", "no address is known"),
        ("fe80::1", "is on every link"),
        ("fe80::1%nosuch0", "names no interface"),
        ("a" * 300, "no address is known"),
    ],
)
def test_a_target_that_is_none_is_refused(word: str, complaint: str) -> None:
    """What is no machine's address is refused with a reason."""
    with pytest.raises(TargetError, match=complaint):
        targets_of((word,))


def test_each_address_is_probed_once() -> None:
    """A prefix is its hosts, a name every address it has, and what is named twice is one target."""
    found = targets_of(("127.0.0.0/30", "127.0.0.1", "::1"))
    assert [one.text for one in found] == ["127.0.0.1", "127.0.0.2", "::1"]
    assert all(one.is_own for one in found)
    with pytest.raises(TargetError, match="more than 2"):
        targets_of(("127.0.0.1", "127.0.0.2", "127.0.0.3"), most=2)


def against(tmp_path: Path, **ends: str) -> Against:
    """The policy above, in a folder."""
    (tmp_path / "server.yaml").write_text(POLICY)
    now = datetime(2026, 11, 21, tzinfo=timezone.utc)  # noqa: UP017
    return Against(Wanted(tmp_path, now, ("server.yaml",)), **ends)


@pytest.mark.parametrize(
    ("ends", "complaint"),
    [
        ({"source": "naer"}, "did you mean near?"),
        ({"source": "local"}, "no machine elsewhere is in local"),
        ({"destination": "multicast"}, "no machine elsewhere is in multicast"),
    ],
)
def test_zones_that_no_machine_is_of_are_refused(tmp_path: Path, ends: dict[str, str], complaint: str) -> None:
    """A zone that the policy does not have, or that holds no single machine, is an error before anything is sent."""
    report = Report()
    assert probe_hosts(Asked(("127.0.0.1",)), report, against=against(tmp_path, **ends)) is None
    assert complaint in said(report)


def test_a_policy_with_open_questions_is_not_compared(tmp_path: Path) -> None:
    """Where nobody has said which addresses a zone has, nothing is probed, and the question is told."""
    (tmp_path / "server.yaml").write_text(
        "zones: {near: {fill-in: who is near}}\nrules:\n  - {from: near, to: local, allow: ssh}\n"
    )
    now = datetime(2026, 11, 21, tzinfo=timezone.utc)  # noqa: UP017
    report = Report()
    assert probe_hosts(Asked(("127.0.0.1",)), report, against=Against(Wanted(tmp_path, now, ("server.yaml",)))) is None
    assert "not filled in: near" in said(report)


def test_what_a_policy_names_is_among_the_usual(tmp_path: Path) -> None:
    """The services of a policy's rules are probed too, of wide ranges the ends."""
    policies = select(against(tmp_path).wanted, Report())
    assert policies is not None
    found = usual_services(policies)
    for service in (TCP << 16 | 64_999, UDP << 16 | 64_998, UDP << 16 | 30_000, UDP << 16 | 40_000):
        assert has(found, service) and not has(usual_services(), service)
    assert not has(found, UDP << 16 | 35_000)


def test_by_loopback_nothing_is_confirmed(tmp_path: Path) -> None:
    """A machine that probes itself is seen, and compared with its policy nothing counts: its firewall is not on the way."""
    report = Report()
    asked = Asked(("127.0.0.1",), services_of(("22,64999",), (), (), False, report))
    found = probe_hosts(asked, report, against=against(tmp_path))
    assert found is not None and not report.has_errors()
    assert found.judged and {one.why for one in found.judged} == {
        "this machine calls itself by loopback, past its firewall"
    }
    assert not found.passed
