"""Cells as people write them: each means exact transports, two bounds, or is refused by name; none is guessed."""

from __future__ import annotations

import pytest

from firewright.catalog.services import catalog
from firewright.model.transport import EVERY_SELECTOR
from firewright.readers.port_documents._lexicon import Lexicon
from firewright.readers.port_documents._said import NotUnderstood
from firewright.readers.port_documents._services import said_ports, said_protocols, source_ports
from tests.readers.port_documents.documents import spoken

LEXICON = Lexicon(catalog())

EXACT = [
    ("80 & 8080", "TCP", "", "tcp/80, tcp/8080"),
    ("TCP/443", "", "", "tcp/443"),
    ("389/636", "TCP", "", "tcp/389, tcp/636"),
    ("30000-32767", "UDP", "", "udp/30000-32767"),
    ("30000–32767", "UDP", "", "udp/30000-32767"),
    ("1024 to 2048", "tcp", "", "tcp/1024-2048"),
    ("1024:2048", "tcp", "", "tcp/1024-2048"),
    ("1024+", "TCP", "", "tcp/1024-65535"),
    ("> 1023", "UDP", "", "udp/1024-65535"),
    ("≥1024", "UDP", "", "udp/1024-65535"),
    ("8301(UDP)", "", "", "udp/8301"),
    ("8301 (TCP/UDP)", "", "", "tcp/8301, udp/8301"),
    ("any", "TCP", "", "tcp"),
    ("TCP any", "", "", "tcp"),
    ("*", "*", "", "any"),
    ("All", "All", "", "any"),
    ("TCP 80,443", "", "", "tcp/80, tcp/443"),
    ("TCP 80, 443, UDP 53", "", "", "tcp/80, tcp/443, udp/53"),
    ("TCP 80/UDP 53", "", "", "tcp/80, udp/53"),
    ("TCP: 80, 443; UDP: 53", "", "", "tcp/80, tcp/443, udp/53"),
    ("tcp 8080\nudp 53", "", "", "tcp/8080, udp/53"),
    ("80/tcp, 53/udp", "", "", "tcp/80, udp/53"),
    ("80/TCP 443/TCP", "", "", "tcp/80, tcp/443"),
    ("TCP 80, 53/UDP", "", "", "tcp/80, udp/53"),
    ("53/tcp/udp", "", "", "tcp/53, udp/53"),
    ("53 tcp and udp", "", "", "tcp/53, udp/53"),
    ("tcp and udp 53", "", "", "tcp/53, udp/53"),
    ("7946 TCP/UDP", "", "", "tcp/7946, udp/7946"),
    ("Port 443 (TCP)", "", "", "tcp/443"),
    ("443/tcp (HTTPS)", "", "", "tcp/443"),
    ("443", "TCP(HTTPS)", "", "tcp/443"),
    ("9443", "HTTP  TCP(HTTPS)", "", "tcp/9443"),
    ("8443", "HTTPS", "", "tcp/8443"),
    ("22", "SSH", "", "tcp/22"),
    ("8443", "TLS", "", "tcp/8443"),
    ("443", "QUIC", "", "udp/443"),
    ("80", "", "HTTP", "tcp/80"),
    ("8443", "", "HTTPS", "tcp/8443"),
    ("HTTPS, SSH", "", "", "tcp/22, tcp/443"),
    ("http/https", "", "", "tcp/80, tcp/443"),
    ("DNS", "", "", "tcp/53, udp/53"),
    ("DNS", "TCP", "", "tcp/53"),
    ("AH", "", "", "protocol/ah"),
    ("ESP", "", "", "protocol/esp"),
    ("", "ICMP", "", "icmp"),
    ("N/A", "ESP", "", "protocol/esp"),
    ("", "50", "", "protocol/esp"),
    ("22", "6", "", "tcp/22"),
    ("80 - HTTP", "TCP", "", "tcp/80"),
    ("8443", "HTTP(S)", "", "tcp/8443"),
    ("HTTP(S)", "", "", "tcp/80, tcp/443"),
    ("IP-in-IP (protocol 4)", "", "", "protocol/4"),
    ("IP protocol 112", "", "", "protocol/vrrp"),
    ("N/A", "IP protocol 47", "", "protocol/gre"),
    ("8080 (HTTP) / 8443 (HTTPS)", "", "", "tcp/8080, tcp/8443"),
    ("179 (BGP), 4789/UDP (VXLAN)", "", "", "tcp/179, udp/4789"),
    ("TCP/UDP: 88, 464; TCP: 389; UDP: 123", "", "", "tcp/88, tcp/389, tcp/464, udp/88, udp/123, udp/464"),
    ("443[^note]", "TCP", "", "tcp/443"),
    ("443¹", "TCP", "", "tcp/443"),
    ("80*", "TCP", "", "tcp/80"),
    ("443†", "TCP", "", "tcp/443"),
    ("443.", "TCP", "", "tcp/443"),
    ("5000", "SCTP", "", "sctp/5000"),
    ("53", "any", "", "tcp/53, udp/53, sctp/53, dccp/53, udplite/53"),
]
BOUNDED = [
    ("80 or 443", "TCP", "", "", "tcp/80, tcp/443", "either"),
    ("53", "TCP or UDP", "", "", "tcp/53, udp/53", "either"),
    ("8060", "", "", "", "tcp/8060, udp/8060", "no-protocol"),
    ("53", "", "DNS", "", "tcp/53, udp/53", "no-protocol"),
    ("8300, 8301(UDP)", "", "", "udp/8301", "tcp/8300, udp/8300-8301", "no-protocol"),
    ("6443, 9443 (TCP)", "", "", "tcp/9443", "tcp/6443, tcp/9443, udp/6443", "no-protocol"),
    ("80 or 443", "", "", "", "tcp/80, tcp/443, udp/80, udp/443", "no-protocol"),
]
REFUSED = [
    ("TPC/80", "", "unknown-protocol", "did it mean TCP?"),
    ("80", "TPC", "unknown-protocol", "did it mean TCP?"),
    ("80", "UPD", "unknown-protocol", "did it mean UDP?"),
    ("80", "carrier pigeon", "unknown-protocol", ""),
    ("80", "IPv4", "unknown-protocol", ""),
    ("80", "300", "unknown-protocol", "protocols run from 0 to 255"),
    ("", "TCP", "no-port", ""),
    ("X", "", "no-port", ""),
    ("TCP", "", "no-port", "write its ports, or any"),
    ("Depends on the configuration", "", "depends", ""),
    ("443 (configurable)", "TCP", "depends", "commonly tcp/443"),
    ("dynamic", "TCP", "depends", ""),
    ("all except 22", "TCP", "not-understood", ""),
    ("not 22", "TCP", "not-understood", ""),
    ("1,024", "TCP", "bad-port", ""),
    ("70000", "TCP", "bad-port", "ports run from 0 to 65535"),
    ("443-80", "TCP", "bad-port", "write 80-443"),
    ("80-", "TCP", "half-range", ""),
    ("-80", "TCP", "half-range", ""),
    ("8.080", "TCP", "not-understood", ""),
    ("~~80~~", "TCP", "half-range", ""),
    ("80 (443)", "TCP", "not-understood", ""),
    ("udp/80", "TCP", "contradicts", ""),
    ("ICMP", "TCP", "contradicts", ""),
    ("any", "HTTPS", "contradicts", ""),
    ("22", "ESP", "contradicts", ""),
    ("SSH, 8080", "TCP", "not-understood", ""),
    ("see below", "TCP", "depends", ""),
    ("icmp 8", "", "not-understood", ""),
    ("the usual", "TCP", "not-understood", ""),
    ("80, 443, TCP", "", "not-understood", ""),
    ("protocol 300", "", "not-understood", ""),
    ("protocol 6", "", "not-understood", ""),
    ("8443 (was 443)", "TCP", "not-understood", ""),
    ("TCP 443 (outbound only)", "", "depends", ""),
    ("tcp:80:any", "", "not-understood", ""),
    ("1 " * 500, "TCP", "too-long", ""),
]


@pytest.mark.parametrize(("text", "protocol", "name", "meant"), EXACT)
def test_a_cell_means_exactly_its_ports(text: str, protocol: str, name: str, meant: str) -> None:
    """A cell that says its ports and protocol in any of the usual ways is understood, and its two bounds are equal."""
    found = said_ports(text, said_protocols(protocol, LEXICON), name, LEXICON)
    assert (spoken(found.surely), found.name) == (meant, "")
    assert found.surely == found.possibly


@pytest.mark.parametrize(("text", "protocol", "name", "surely", "possibly", "why"), BOUNDED)
def test_a_cell_that_leaves_something_open_has_two_bounds(
    text: str, protocol: str, name: str, surely: str, possibly: str, why: str
) -> None:
    """What is said for sure is the lower bound, every reading together the upper one, and the reason has a name."""
    found = said_ports(text, said_protocols(protocol, LEXICON), name, LEXICON)
    assert (spoken(found.surely), spoken(found.possibly), found.name) == (surely, possibly, why)


@pytest.mark.parametrize(("text", "protocol", "name", "help_"), REFUSED)
def test_a_cell_that_is_not_understood_is_refused(text: str, protocol: str, name: str, help_: str) -> None:
    """A misspelt protocol, a condition, a number that is no port: each is refused by its name, never guessed."""
    with pytest.raises(NotUnderstood) as refused:
        said_ports(text, said_protocols(protocol, LEXICON), "", LEXICON)
    assert refused.value.name == name
    assert help_ in refused.value.help


def test_a_service_without_a_number_has_the_catalogs_suggestion() -> None:
    """What is refused for want of a number names the port that the catalog has for the service."""
    with pytest.raises(NotUnderstood) as refused:
        said_ports("X", said_protocols("", LEXICON), "PostgreSQL", LEXICON)
    assert refused.value.help == "commonly tcp/5432 (postgresql)"


def test_source_ports_are_every_port_unless_some_are_said() -> None:
    """An empty cell and any are every source port; a range is that range; a condition is refused."""
    assert source_ports("any", LEXICON) == source_ports("", LEXICON) == EVERY_SELECTOR
    assert source_ports("1024-65535", LEXICON) == ((1024, 65535),)
    with pytest.raises(NotUnderstood):
        source_ports("53 or 5353", LEXICON)
