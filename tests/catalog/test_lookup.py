"""What a person types is answered: ports, ranges, names, products, misspelt words, and any other text whatever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright.catalog.iana import port_registry
from firewright.catalog.search import QUERY_LIMIT, REGISTRY_LIMIT, SUGGESTION_LIMIT, find
from firewright.catalog.services import catalog
from firewright.model.packet import PORTED
from firewright.model.transport import parse_transport


@pytest.mark.parametrize(
    ("query", "transports"),
    [
        ("445", "tcp/445, udp/445"),
        (" 445 ", "tcp/445, udp/445"),
        ("port 445", "tcp/445, udp/445"),
        (":445", "tcp/445, udp/445"),
        ("tcp/445", "tcp/445"),
        ("445/tcp", "tcp/445"),
        ("TCP/445", "tcp/445"),
        ("tcp 445", "tcp/445"),
        ("tcp:445", "tcp/445"),
        ("445 TCP", "tcp/445"),
        ("tcp port 445", "tcp/445"),
        ("smb", "tcp/445"),
        ("SMB", "tcp/445"),
        ("Samba", "tcp/445"),
        ("microsoft-ds", "tcp/445"),
    ],
)
def test_every_way_to_ask_for_a_port_finds_it(query: str, transports: str) -> None:
    """A number with or without its protocol, in either order, a name, a product: one answer."""
    finding = find(query, catalog())
    assert finding.transports == transports
    assert [row.name for row in finding.commonly] == ["smb"]
    assert [entry.name for entry in finding.registered] == ["microsoft-ds"]
    assert finding.headline() == f"{transports}: commonly {finding.commonly[0].title}"
    assert finding.commonly[0].visibility != "internet" and finding.commonly[0].advice
    assert "netbios" in [row.name for row in finding.together]
    assert not (finding.problem or finding.suggestions or finding.is_empty())


@pytest.mark.parametrize("query", ["6000-6063", "6000 - 6063", "6000..6063", "6000:6063", "6000 to 6063", "6000–6063"])
def test_a_range_is_a_range_however_it_is_written(query: str) -> None:
    """The ends of a range may be joined by a hyphen, a dash, dots, a colon or a word."""
    finding = find(query, catalog())
    assert finding.transports == "tcp/6000-6063, udp/6000-6063"
    assert finding.commonly[0].name == "x11"
    assert [entry.name for entry in finding.registered] == ["x11"]


def test_a_wide_range_is_answered_in_order_of_ports_and_counted() -> None:
    """`tcp/1-1024` names its services from the lowest port up, lists so many registry entries, and counts the rest."""
    finding = find("tcp/1-1024", catalog())
    first = [row.transports[0].selectors[0][0] for row in finding.commonly if len(row.transports) == 1]
    assert first == sorted(first)
    assert len(finding.registered) == REGISTRY_LIMIT
    assert finding.left_off == len(port_registry().within(1, 1024, 6)) - REGISTRY_LIMIT
    assert finding.headline().startswith("tcp/1-1024: commonly ") and finding.headline().endswith(" more")


def test_what_was_found_is_not_named_again_as_what_belongs_with_it() -> None:
    """`together` has only rows that the answer does not have already."""
    alone, beside = find("tcp/445", catalog()), find("tcp/135-445", catalog())
    assert "netbios" in [row.name for row in alone.together]
    assert {"netbios", "smb", "msrpc"} <= {row.name for row in beside.commonly}
    assert beside.together and not set(beside.together) & set(beside.commonly)


def test_the_registry_alone_is_called_registered() -> None:
    """Where no row is, the answer says who registered the port, not what is there; `99/udp` is metagram's."""
    finding = find("99/udp", catalog())
    assert finding.commonly == ()
    assert finding.headline() == "udp/99: registered as metagram"


def test_a_registered_name_leads_to_what_commonly_has_its_port() -> None:
    """IANA's name of 9092 finds its entry, and Kafka, which commonly has the port."""
    finding = find("xmlipcregsvc", catalog())
    assert [entry.low for entry in finding.registered] == [9092]
    assert finding.commonly[0].name == "kafka"


def test_a_port_that_nobody_has_is_said_to_be_free() -> None:
    """A port without row and entry is an answer too, and not a problem."""
    unregistered = (port for port in range(33600, 45000) if not port_registry().at(port))
    free = next(port for port in unregistered if not any(catalog().by_port(number, port) for number in PORTED))
    finding = find(str(free), catalog())
    assert finding.is_empty() and not finding.problem
    assert finding.headline().endswith("nothing is commonly there, and nobody registered it")


@pytest.mark.parametrize(
    ("query", "protocols", "types"),
    [
        ("protocol/esp", ["esp"], []),
        ("protocol/50", ["esp"], []),
        ("igmp", ["igmp"], []),
        ("nsh", ["nsh"], []),
        ("icmp", ["icmp", "ipv6-icmp"], []),
        ("icmp/echo-request", ["icmp", "ipv6-icmp"], ["echo-request", "echo-request"]),
        ("icmpv6/135", ["ipv6-icmp"], ["neighbor-solicitation"]),
        ("icmpv4/3/4", ["icmp"], ["destination-unreachable", "packet-too-big"]),
        ("tcp/22", [], []),
        ("any", [], []),
    ],
)
def test_protocols_and_icmp_types_are_explained(query: str, protocols: list[str], types: list[str]) -> None:
    """A protocol without ports is explained by its number, an ICMP type by type and code, in both families."""
    finding = find(query, catalog())
    assert [row.name for row in finding.protocols] == protocols
    assert [row.name for row in finding.icmp if row.name] == types
    assert not finding.problem


@pytest.mark.parametrize(
    ("query", "problem", "way_out"),
    [
        ("", "no question", "ask for a port or a name: 445, tcp/445, smb"),
        ("  \n", "no question", "ask for a port or a name: 445, tcp/445, smb"),
        ("70443", "port 70443 does not exist", "ports run from 0 to 65535"),
        ("tcp/70443", "port 70443 does not exist", "ports run from 0 to 65535"),
        ("9-3", "range upside down: 9-3", "write 3-9"),
        ("80,443", "several ports in one entry: 80,443", "write one entry each: 80, 443"),
        ("icmp/8", "icmp/8 is another type in each family", "write icmpv4/8 or icmpv6/8, or a type by its name"),
        ("protocol/300", "protocol 300 does not exist", "protocols run from 0 to 255"),
        ("x" * 5000, "a question of 5,000 characters", "ask for a port or a name"),
        ("qqqqqqqq", "nothing is known as qqqqqqqq", "ask for a port, a range, or a service's name"),
    ],
)
def test_a_question_without_an_answer_says_why(query: str, problem: str, way_out: str) -> None:
    """What is wrong with a question is said in one sentence, with what to ask instead, and nothing is claimed."""
    finding = find(query, catalog())
    assert (finding.problem, finding.help) == (problem, way_out)
    assert finding.headline() == problem
    assert finding.is_empty()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [("postgress", "postgresql"), ("elastisearch", "elasticsearch"), ("kerbros", "kerberos")],
)
def test_a_misspelt_word_leads_to_the_nearest_names(query: str, wanted: str) -> None:
    """A word that is nearly a name is met by a suggestion."""
    finding = find(query, catalog())
    assert wanted in finding.suggestions
    assert finding.help == f"did you mean {' or '.join(finding.suggestions)}?"
    assert find(finding.suggestions[0], catalog()).commonly


@given(st.one_of(st.text(max_size=QUERY_LIMIT + 5), st.text(alphabet="0123456789-/:. tcpudpicmv", max_size=40)))
def test_any_text_is_answered(query: str) -> None:
    """Whatever is typed, the answer is a bounded, printable one; it is empty only with a reason or a free port."""
    finding = find(query, catalog())
    assert len(finding.registered) <= REGISTRY_LIMIT and len(finding.suggestions) <= SUGGESTION_LIMIT
    said = (finding.query, finding.problem, finding.help, finding.headline())
    assert all(text.isprintable() and len(text) < 4 * QUERY_LIMIT for text in said)
    assert bool(finding.problem) != bool(finding.transports)


@given(st.integers(0, 65535), st.sampled_from(("tcp", "udp", "sctp", "dccp", "udplite")))
def test_a_port_is_answered_with_what_holds_it(port: int, protocol: str) -> None:
    """Law: every row and entry of an answer holds the port, and the transports of the answer are the question's."""
    finding = find(f"{protocol}/{port}", catalog())
    assert finding.transports == f"{protocol}/{port}"
    (asked,) = parse_transport(f"{protocol}/{port}")
    assert set(finding.commonly) == set(catalog().by_port(asked.protocol, port))
    assert all(entry.low <= port <= entry.high and protocol in entry.protocols for entry in finding.registered)


def test_every_name_and_alias_is_answered() -> None:
    """Whatever a row is called, asking for it gives the row, or what the language itself means by that word."""
    for row in catalog().rows.values():
        for word in (row.name, *row.aliases):
            finding = find(word, catalog())
            assert row in finding.commonly, word
