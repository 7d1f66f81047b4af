"""What rows, headings and sentences mean: who talks to whom, in which direction, and what becomes a question."""

from __future__ import annotations

import pytest

from firewright.catalog.services import catalog
from firewright.diagnostic import Report
from firewright.readers.port_documents import State, read_page
from tests.readers.port_documents.documents import document_of, flows, page_of, reasons


def table(*lines: str, above: str = "") -> str:
    """A Markdown document of some prose and one table."""
    head, *rows = lines
    return f"{above}\n\n{head}\n{'|-' * (head.count('|') - 1)}|\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("head", "row", "flow"),
    [
        ("|From|To|Protocol|Port|", "|a|b|tcp|1|", "require a -> b tcp/1"),
        ("|Source IP|Source Port|Destination IP|Destination Port|", "|a|any|b|tcp/1|", "require a -> b tcp/1"),
        ("|Client|Server|TCP ports|UDP ports|", "|a|b|1, 2|3|", "require a -> b tcp/1-2, udp/3"),
        ("|Client|Server|TCP|UDP|", "|a|b|1|-|", "require a -> b tcp/1"),
        ("|Flow|Port/Protocol|", "|a -> b|1/tcp|", "require a -> b tcp/1"),
        ("|Flow|Port/Protocol|", "|a ← b|1/tcp|", "require b -> a tcp/1"),
        ("|Source/Destination|Rule Type|Protocol|Port Range|", "|a|Inbound|TCP|1|", "require a -> x tcp/1"),
        ("|Source/Destination|Rule Type|Protocol|Port Range|", "|a|Egress|TCP|1|", "require x -> a tcp/1"),
        ("|Used by|Direction|Protocol|Port(s)|", "|a, b|In|TCP|1|", "require a, b -> x tcp/1"),
        ("|Used by|Direction|Protocol|Port(s)|", "|Self|In|TCP|1|", "require x -> x tcp/1"),
        ("|Source|Destination|Direction|Port|", "|a|b|←|tcp/1|", "require b -> a tcp/1"),
        ("|Agent|Inbound|", "|a|TCP/1|", "require x-source -> a tcp/1"),
        ("|Agent|Outbound|", "|a|TCP/1|", "require a -> x-destination tcp/1"),
        ("|Component|Connection port|Protocol|", "|a|1|TCP|", "require x-source -> a tcp/1"),
        ("|Name|Source|Destination|Service|Action|", "|n|10.0.0.0/8|any|HTTPS|Permit|", "allow net-10-0-0-0-8 -> any tcp/443"),
        ("|Name|Source|Destination|Service|Action|", "|n|a|any|tcp/25|Drop|", "deny a -> any tcp/25"),
        ("|Source|Source IP|Destination|Port|", "|a|10.1.0.1|b|tcp/1|", "require a -> b tcp/1"),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_headings(head: str, row: str, flow: str) -> None:
    """Headings in their usual spellings say which column is what, and the row means exactly one thing."""
    assert flows(document_of("md", table(head, row, above="# x"))) == [flow]


@pytest.mark.parametrize(
    ("heading", "flow"),
    [
        ("Inbound access from the internet to your edge gateway", "require internet -> edge-gateway tcp/1"),
        ("Outbound access to the internet from your edge gateway", "require edge-gateway -> internet tcp/1"),
        ("Incoming traffic to web servers", "require web-servers-source -> web-servers tcp/1"),
        ("Inbound rules for web servers", "require web-servers-source -> web-servers tcp/1"),
        ("Web servers → databases", "require web-servers -> databases tcp/1"),
        ("Ports", "require ports-source -> ports-destination tcp/1"),
        ("Permitted ports from internet to web", "allow internet -> web tcp/1"),
        ("Blocked ports from internet to web", "deny internet -> web tcp/1"),
    ],
)
def test_headings_say_direction_and_ends(heading: str, flow: str) -> None:
    """What a table leaves out is taken from its headings; what those do not name either is a question, never any."""
    assert flows(document_of("md", f"## {heading}\n\n|Port|\n|-|\n|tcp/1|\n")) == [flow]


def test_a_heading_that_allows_and_denies_is_refused() -> None:
    """Under a heading that speaks of both, no row says which it is."""
    assert reasons(document_of("md", "## Allowed and blocked ports\n\n|Port|\n|-|\n|tcp/1|\n")) == [(5, "no-action")]


def test_a_head_without_words_is_looked_for_below() -> None:
    """Markdown's tables need a head; where it is empty the first row that reads as one is."""
    assert flows(document_of("md", "| | |\n|-|-|\n|To|Port|\n|web|tcp/1|\n")) == [
        "require document-source -> web tcp/1"
    ]


def test_the_sentence_above_a_table_names_its_ends() -> None:
    """What a sentence right above says of who connects to whom holds where neither table nor heading says it."""
    rows = "|Port|\n|-|\n|tcp/1|\n"
    named = document_of(
        "md", f"# A\n\nThe core node and Web will need to be able to connect to the internet. Ports:\n\n{rows}"
    )
    assert flows(named) == ["require core-node, web -> internet tcp/1"]
    nobody = document_of("md", f"# A\n\nYou must have access to the internet.\n\n{rows}")
    assert flows(nobody) == ["require a-source -> a-destination tcp/1"]


def test_an_end_that_nobody_names_is_a_question() -> None:
    """A source that the document does not say is to be filled in; its question quotes the section and the sentence above."""
    text = table("|Destination|Port|", "|web|tcp/443|", above="# Shop\n\nThe following is needed:")
    document = document_of("md", text)
    assert flows(document) == ["require shop-source -> web tcp/443"]
    web, source = document.questions
    assert source.question == "From where? The document does not say (Shop: The following is needed:)"
    assert web.question == "Which addresses are 'web'?"


def test_any_under_a_heading_about_the_inside_stays_inside() -> None:
    """`any any any TCP/22` under internal traffic never opens SSH to the internet; under inside and outside it is refused."""
    row = "|any|any|TCP/22|"
    inside = document_of("md", table("|Source|Destination|Port|", row, above="# A\n\n## Internal traffic settings"))
    assert flows(inside) == ["require internal-network -> internal-network tcp/22"]
    above = "# Ports\n\nThese are for internal use of the cluster nodes:"
    assert flows(document_of("md", table("|Source|Destination|Port|", row, above=above))) == flows(inside)
    both = document_of("md", table("|Source|Destination|Port|", row, above="# Internal and external traffic"))
    assert reasons(both) == [(5, "any-inside")]
    plain = document_of("md", table("|Source|Destination|Port|", row, above="# Firewall"))
    assert flows(plain) == ["require any -> any tcp/22"]


def test_all_who_use_something_are_not_everybody() -> None:
    """`All` in a column of who uses a port is a question; in a column of sources it is any."""
    used = document_of("md", table("|Used by|Direction|Port|", "|All|Inbound|tcp/1|", above="# api"))
    assert flows(used) == ["require api-clients -> api tcp/1"]
    assert [zone.name for zone in used.questions] == ["api-clients", "api"]
    assert flows(document_of("md", table("|Source|Destination|Port|", "|All|b|tcp/1|"))) == ["require any -> b tcp/1"]


def test_addresses_of_one_family_are_of_one_family() -> None:
    """0.0.0.0/0 is every IPv4 address and no IPv6 address; with ::/0 it is any."""
    document = document_of("md", table("|Source|Destination|Port|", "|0.0.0.0/0|b|tcp/1|", "|0.0.0.0/0, ::/0|b|tcp/2|"))
    assert flows(document) == ["require any-ipv4 -> b tcp/1", "require any -> b tcp/2"]
    addresses = document.zones["any-ipv4"].addresses
    assert addresses is not None and addresses.v4 and not addresses.v6


def test_a_name_with_addresses_is_a_zone_of_them() -> None:
    """A name before or behind addresses names them; an address that is none is refused with its reason."""
    rows = ("|dns (10.0.0.53)|b|tcp/1|", "|10.0.0.54 (dns two)|b|tcp/1|", "|10.0.0.300|b|tcp/1|", "|10.0.0.53|b|tcp/2|")
    document = document_of("md", table("|Source|Destination|Port|", *rows))
    assert flows(document) == ["require dns -> b tcp/1", "require dns-two -> b tcp/1", "require dns -> b tcp/2"]
    assert reasons(document) == [(7, "bad-address")]


def test_lists_read_like_tables() -> None:
    """An item is a name and ports in either order, under a heading with its protocol; deeper items are under their item."""
    text = (
        "# Inbound from internet to web\n\n## TCP ports\n\n- SSH - 22\n- 443: HTTPS\n- Mail (25)\n- UDP 53 - DNS\n- ?\n"
    )
    document = document_of("md", text)
    assert flows(document) == [f"require internet -> web tcp/{port}" for port in (22, 443, 25)]
    assert [name for _, name in reasons(document)] == ["contradicts", "no-port"]
    nested = document_of("md", "# Ports from web to db\n\n- TCP:\n  - 22 (SSH)\n  - 80\n- UDP:\n  - 53\n")
    assert flows(nested) == [f"require web -> db {port}" for port in ("tcp/22", "tcp/80", "udp/53")]


def test_an_item_names_its_ends_behind_its_ports() -> None:
    """What stands behind `to` and `from` is an end, what stands behind `for` only describes."""
    items = (
        "TCP 443 to updates.example.com",
        "UDP port 7946 for talk among nodes",
        "22/tcp from admins to web for repairs",
        "~~tcp/23~~",
    )
    text = "# Outbound\n\n" + "".join(f"- {item}\n" for item in items)
    document = document_of("md", text)
    assert flows(document) == [
        "require outbound-source -> updates-example-com tcp/443",
        "require outbound-source -> outbound-destination udp/7946",
        "require admins -> web tcp/22",
    ]
    assert reasons(document) == [(6, "struck-out")]


def test_a_direction_of_both_is_two_flows() -> None:
    """In and out are a flow each way between the section's subject and whom it does not name."""
    document = document_of("md", table("|Port|Direction|", "|udp/161|In/Out|", above="# Ports used by the server"))
    assert flows(document) == ["require server-source -> server udp/161", "require server -> server-source udp/161"]


def test_a_list_of_other_things_is_noted_and_not_counted() -> None:
    """A list without ports is no row; that it was passed over is said."""
    document = document_of("md", "- apples\n- pears\n\n# Ports from a to b\n\n- tcp/22\n")
    assert len(document.entries) == 1
    assert [note.name for note in document.notes] == ["other-list"]


def test_a_sentence_with_a_port_is_refused_by_name() -> None:
    """No sentence becomes a rule; one that names a port or says any to any is counted, with what it speaks of."""
    text = (
        "Open TCP port 8443. If SNMP is used, UDP/161 too.\nAn any-to-any rule is needed.\nNothing here.\n\n- tcp/1\n"
    )
    document = document_of("md", text)
    assert [(one.name, one.help) for one in document.refusals] == [
        ("prose", "it speaks of tcp/8443"),
        ("depends", "it speaks of udp/161"),
        ("prose", "it speaks of any to any"),
    ]


@pytest.mark.parametrize(
    ("sentence", "kind", "seconds"),
    [
        ("The TCP session timeout should be set to 14.400 seconds.", "tcp-established", 14_400),
        ("TCP idle time of 14,400 s", "tcp-established", 14_400),
        ("set the session timeout to 4 hours", "tcp-established", 14_400),
        ("a UDP timeout of 2 minutes is needed", "udp-replied", 120),
        ("timeout: 1.5 hours", "tcp-established", 5_400),
    ],
)
def test_time_outs_are_read_as_people_write_numbers(sentence: str, kind: str, seconds: int) -> None:
    """14.400 seconds are 14,400: groups of three digits behind a mark are thousands."""
    (timeout,) = document_of("md", f"{sentence}\n\n- tcp/1\n").timeouts
    assert (timeout.kind, timeout.seconds) == (kind, seconds)


def test_a_row_that_contains_other_rows_is_said() -> None:
    """A wide row is named with each row that lies in it, both with their lines; of two equal rows the first is named."""
    rows = ("|a|b|tcp/22|", "|any|b|tcp/1-100|", "|c|b|udp/22|", "|a|b|tcp/22|")
    document = document_of("md", table("|Source|Destination|Port|", *rows))
    assert [[at.line for at in note.places] for note in document.notes] == [[6, 5], [6, 8]]


def test_switched_off_titles_and_repeated_heads_are_no_flows() -> None:
    """A disabled row is understood and asks for nothing; a head that stands again is none; a row that is like one is data."""
    head = "Name,Source,Destination,Port,Enabled"
    text = f"{head}\nn,a,b,tcp/1,no\n{head}\nn,a,b,tcp/2,yes\nLDAP,No,Port,X,yes\n"
    document = document_of("csv", text)
    assert flows(document) == ["require a -> b tcp/2"]
    assert [one.state for one in document.entries] == [State.UNDERSTOOD, State.UNDERSTOOD, State.REFUSED]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a,b\n1,2\n", "no-head"),
        ("Source,Destination\na,b\n", "no-head"),
        ("Quelle,Ziel,Nummer\na,b,tcp/1\nSource,Destination,Port\n", "no-head"),
        ("Source,Destination,Port,Port\na,b,1,2\n", "no-port-column"),
        ("Source,Destination,Port\na,b,tcp/1,more\n", "ragged"),
        ("Source,Destination,Port,Action\na,b,tcp/1,perhaps\n", "no-action"),
        ("Source,Destination,Port,Direction\na,b,tcp/1,sideways\n", "no-direction"),
        ("Source/Destination,Port,Protocol\na,1,tcp\n", "no-direction"),
        ("Source,Destination,Port,Enabled\na,b,tcp/1,perhaps\n", "not-understood"),
        ("Source,Destination,Port,Condition\na,b,tcp/1,only at night\n", "condition"),
    ],
)
def test_a_row_that_cannot_be_read_has_a_named_reason(text: str, name: str) -> None:
    """Whatever is wrong with the table or the row, the row is counted and the reason has its name."""
    document = document_of("csv", text)
    assert [why for _, why in reasons(document)] == [name] * len(document.entries)


def test_a_document_without_ports_is_an_error() -> None:
    """A text that says nothing of ports gives no empty document, which would look like one that needs nothing."""
    page, report = page_of("md", "# Apples\n\nand pears\n"), Report()
    assert page is not None and read_page(page, catalog(), report) is None
    assert [one.name for one in report.diagnostics] == ["no-rows"]
