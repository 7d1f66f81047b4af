"""Transports: what a policy may write, what it may not and what it should write instead, and the way back into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright.model.interval import Range, Ranges, canonical, has, intersection, union
from firewright.model.packet import FAMILIES, ICMP, ICMPV6, PORTED, TYPED, Family
from firewright.model.protocol import ICMP_TYPES, PING_FAMILY, PORTED_NAMES, PROTOCOL_NUMBERS, SHARED_ICMP_TYPES
from firewright.model.transport import (
    EVERY_SELECTOR,
    EVERY_SERVICE,
    TEXT_LIMIT,
    TRANSPORT_WORDS,
    BadTransport,
    Transport,
    is_transport,
    parse_ports,
    parse_transport,
    service_ranges,
    words,
)


def selectors(inside: int = 0xFFFF) -> st.SearchStrategy[Ranges]:
    """Canonical, never empty sets of selectors."""
    point = st.integers(0, inside)
    pair = st.tuples(point, point).map(lambda ends: (min(ends), max(ends)))
    return st.lists(pair, min_size=1, max_size=5).map(canonical)


@st.composite
def transports(draw: st.DrawFn) -> Transport:
    """Every kind of transport, source ports and single families included."""
    protocol = draw(st.sampled_from((*PORTED, *TYPED, 0, 47, 50, 99, 255)))
    families = draw(st.sampled_from(((4,), (6,), (4, 6))))
    chosen = draw(selectors()) if protocol in PORTED + TYPED else EVERY_SELECTOR
    source = draw(st.one_of(st.just(EVERY_SELECTOR), selectors(200))) if protocol in PORTED else EVERY_SELECTOR
    return Transport(families, protocol, chosen, source)


@st.composite
def service_sets(draw: st.DrawFn) -> Ranges:
    """Sets on the service axis in which a protocol without ports and types is whole or absent, as a policy says them."""
    parts: list[Ranges] = []
    for protocol in draw(st.lists(st.sampled_from((*PORTED, *TYPED)), unique=True, max_size=4)):
        base = protocol << 16
        parts.append(tuple((base | low, base | high) for low, high in draw(selectors())))
    for low, high in draw(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=3)):
        parts.append(((min(low, high) << 16, max(low, high) << 16 | 0xFFFF),))
    for family in FAMILIES:
        for name in draw(st.lists(st.sampled_from(sorted(ICMP_TYPES[family])), unique=True, max_size=3)):
            parts.append(parse_transport(f"icmpv{family}/{name}")[0].services())
    return union(*parts)


def parsed(text: str) -> tuple[Transport, ...]:
    """Every transport of a list in words."""
    return tuple(transport for word in text.split(", ") if word for transport in parse_transport(word))


def services(text: str, *families: Family) -> Ranges:
    """What a list in words stands for in these families together."""
    return union(*(service_ranges(parsed(text), family).get(EVERY_SELECTOR, ()) for family in families))


@pytest.mark.parametrize(
    ("text", "in_four", "in_six"),
    [
        ("tcp/22", ((6 << 16 | 22, 6 << 16 | 22),), ((6 << 16 | 22, 6 << 16 | 22),)),
        ("udp/33434-33534", ((17 << 16 | 33434, 17 << 16 | 33534),), ((17 << 16 | 33434, 17 << 16 | 33534),)),
        ("tcp", ((6 << 16, 6 << 16 | 65535),), ((6 << 16, 6 << 16 | 65535),)),
        ("tcp/any", ((6 << 16, 6 << 16 | 65535),), ((6 << 16, 6 << 16 | 65535),)),
        ("sctp/0", ((132 << 16, 132 << 16),), ((132 << 16, 132 << 16),)),
        ("dccp/65535", ((33 << 16 | 65535,) * 2,), ((33 << 16 | 65535,) * 2,)),
        ("udplite/1", ((136 << 16 | 1,) * 2,), ((136 << 16 | 1,) * 2,)),
        ("icmp", ((1 << 16, 1 << 16 | 65535),), ((58 << 16, 58 << 16 | 65535),)),
        ("icmp/echo-request", ((1 << 16 | 0x800, 1 << 16 | 0x8FF),), ((58 << 16 | 0x8000, 58 << 16 | 0x80FF),)),
        ("icmp/packet-too-big", ((1 << 16 | 0x304,) * 2,), ((58 << 16 | 0x200, 58 << 16 | 0x2FF),)),
        ("icmpv4/8", ((1 << 16 | 0x800, 1 << 16 | 0x8FF),), ()),
        ("icmpv6/128/0", (), ((58 << 16 | 0x8000,) * 2,)),
        ("icmpv4/13-14", ((1 << 16 | 0xD00, 1 << 16 | 0xEFF),), ()),
        ("icmpv4/3/0-3", ((1 << 16 | 0x300, 1 << 16 | 0x303),), ()),
        ("icmpv6", (), ((58 << 16, 58 << 16 | 65535),)),
        ("protocol/esp", ((50 << 16, 50 << 16 | 65535),), ((50 << 16, 50 << 16 | 65535),)),
        ("protocol/50", ((50 << 16, 50 << 16 | 65535),), ((50 << 16, 50 << 16 | 65535),)),
        ("protocol/0-2", ((0, 2 << 16 | 65535),), ((0, 2 << 16 | 65535),)),
        ("protocol/1", ((1 << 16, 1 << 16 | 65535),), ((1 << 16, 1 << 16 | 65535),)),
        ("any", EVERY_SERVICE, EVERY_SERVICE),
    ],
)
def test_a_transport_means_the_same_numbers_in_each_family(text: str, in_four: Ranges, in_six: Ranges) -> None:
    """What a policy writes is exactly these ranges of the service axis, family by family."""
    assert services(text, 4) == in_four
    assert services(text, 6) == in_six


@pytest.mark.parametrize(
    ("text", "message", "way_out"),
    [
        ("tcp/70443", "port 70443 does not exist", "ports run from 0 to 65535"),
        ("tcp/1-99999999999999999999", "port 99999999999999999999 does not exist", "ports run from 0 to 65535"),
        ("tcp/443-80", "range upside down: 443-80", "write tcp/80-443"),
        ("tcp/81-80", "range upside down: 81-80", "write tcp/80-81"),
        ("443", "443 is a port without a protocol", "write tcp/443 or udp/443"),
        ("80-443", "80-443 is a port without a protocol", "write tcp/80-443 or udp/80-443"),
        ("443/tcp", "the protocol comes first: 443/tcp", "write tcp/443"),
        ("TCP/443", "TCP/443 is not how a transport is written", "write tcp/443"),
        ("tcp:443", "tcp:443 is not how a transport is written", "write tcp/443"),
        ("tcp 443", "tcp 443 is not how a transport is written", "write tcp/443"),
        ("TCP", "TCP is not how a transport is written", "write tcp"),
        ("tcp/", "no port after tcp/", "write tcp/443"),
        ("tcp/80,443", "several ports in one entry: 80,443", "write one entry each: tcp/80, tcp/443"),
        ("tcp/80:443", "80:443 is no range", "write tcp/80-443"),
        ("tcp/80 - 443", "80 - 443 is no range", "write tcp/80-443"),
        ("tcp/1024-", "1024- is half a range", "write tcp/1024-65535"),
        ("tcp/-1024", "-1024 is half a range", "write tcp/0-1024"),
        ("tcp/0443", "0443 begins with a zero", "write tcp/443"),
        ("tcp/https", "https is no port", "write a number, as in tcp/443; a service's name stands alone, as in https"),
        ("tcp/٤٤٣", "٤٤٣ is no port", "write a number, as in tcp/443; a service's name stands alone, as in https"),
        ("tpc/80", "no protocol with ports is called tpc", "did you mean tcp?"),
        ("esp", "esp has no ports to name", "write protocol/esp"),
        ("protocol/300", "protocol 300 does not exist", "protocols run from 0 to 255"),
        ("protocol/ospff", "no IP protocol is called ospff", "did you mean protocol/ospf?"),
        ("protocol", "no protocol after protocol/", "write its name or number, as in protocol/esp or protocol/50"),
        (
            "icmp/8",
            "icmp/8 is another type in each family",
            "write icmpv4/8 or icmpv6/8, or a type by its name",
        ),
        ("icmp/echo-reqest", "echo-reqest is no ICMP type", "did you mean icmp/echo-request?"),
        (
            "icmp/redirect",
            "icmp/redirect does not mean the same in both families",
            "write icmpv4/redirect or icmpv6/redirect",
        ),
        (
            "icmp/neighbor-solicitation",
            "icmp/neighbor-solicitation does not mean the same in both families",
            "write icmpv6/neighbor-solicitation",
        ),
        ("icmpv4/256", "ICMP type 256 does not exist", "ICMP types run from 0 to 255"),
        ("icmpv6/1/256", "ICMP code 256 does not exist", "ICMP codes run from 0 to 255"),
        ("icmpv4/3-4/1", "codes of several types at once: 3-4/1", "write icmpv4/3/1 and so on"),
        ("icmpv4/redirect/1", "a code follows a type's number, not its name: redirect/1", "write icmpv4/5/1"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(text: str, message: str, way_out: str) -> None:
    """A wrong transport says what is wrong with it in one sentence, and the text to write instead."""
    with pytest.raises(BadTransport) as refused:
        parse_transport(text)
    assert (refused.value.message, refused.value.help) == (message, way_out)


@given(st.text(max_size=TEXT_LIMIT + 20))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    """Any text is transports or a BadTransport with a printable sentence of bounded length."""
    for candidate in (text, f"tcp/{text}", f"icmp/{text}", f"icmpv6/{text}", f"protocol/{text}"):
        try:
            assert parse_transport(candidate)
        except BadTransport as bad:
            assert bad.message.isprintable()
            assert len(bad.message) < 200


@given(transports())
def test_a_transport_is_canonical_at_birth(transport: Transport) -> None:
    """However its ranges and families are written, the same transport is the same value."""
    shuffled = tuple(reversed([(low, low) for low, _ in transport.selectors] + list(transport.selectors)))
    assert Transport(transport.families[::-1], transport.protocol, shuffled, transport.source_ports) == transport


@pytest.mark.parametrize(
    ("families", "protocol", "chosen", "source"),
    [
        ((), 6, EVERY_SELECTOR, EVERY_SELECTOR),
        ((4,), 256, EVERY_SELECTOR, EVERY_SELECTOR),
        ((4,), 6, (), EVERY_SELECTOR),
        ((4,), 6, EVERY_SELECTOR, ()),
        ((4,), 6, ((0, 65536),), EVERY_SELECTOR),
        ((4,), 6, ((9, 3),), EVERY_SELECTOR),
        ((4,), 50, ((0, 1),), EVERY_SELECTOR),
        ((4,), 1, EVERY_SELECTOR, ((53, 53),)),
        ((4,), 50, EVERY_SELECTOR, ((53, 53),)),
    ],
)
def test_what_no_packet_has_cannot_be_built(
    families: tuple[Family, ...], protocol: int, chosen: Ranges, source: Ranges
) -> None:
    """A transport without family, selector or source port, or with ports where there are none, is refused at birth."""
    with pytest.raises(ValueError):
        Transport(families, protocol, chosen, source)


@given(st.lists(transports(), max_size=5), st.sampled_from(FAMILIES), st.data())
def test_service_ranges_hold_exactly_what_a_transport_holds(
    held: list[Transport], family: Family, draw: st.DataObject
) -> None:
    """Law: a packet is in the union if and only if one of the transports has its family, protocol, selector and source port."""
    ends = [pair for transport in held for pair in (*transport.selectors, *transport.source_ports)]
    near = sorted({min(max(end + step, 0), 65535) for pair in ends for end in pair for step in (-1, 0, 1)} | {0})
    protocol = draw.draw(st.sampled_from([*(transport.protocol for transport in held), 6]))
    selector, port = draw.draw(st.sampled_from(near)), draw.draw(st.sampled_from(near))
    by_source = service_ranges(held, family)
    found = [has(inside, protocol << 16 | selector) for source, inside in by_source.items() if has(source, port)]
    assert any(found) == any(
        family in one.families
        and one.protocol == protocol
        and has(one.selectors, selector)
        and has(one.source_ports, port)
        for one in held
    )


@given(st.lists(transports(), max_size=6), st.sampled_from(FAMILIES))
def test_equal_unions_are_equal_mappings(held: list[Transport], family: Family) -> None:
    """Law: order, repetition and splitting of transports do not show; no service stands under two keys."""
    pieces = [
        Transport(one.families, one.protocol, (piece,), one.source_ports) for one in held for piece in one.selectors
    ]
    by_source = service_ranges(held, family)
    assert list(service_ranges([*reversed(pieces), *held], family).items()) == list(by_source.items())
    inside = list(by_source.values())
    assert all(not intersection(one, other) for k, one in enumerate(inside) for other in inside[k + 1 :])


@given(service_sets())
def test_words_of_both_families_parse_back(chosen: Ranges) -> None:
    """Law: what `words` says of a set for both families, read again, is the set."""
    assert services(words(chosen), 4, 6) == chosen


@given(service_sets(), st.sampled_from(FAMILIES))
def test_words_of_one_family_parse_back(chosen: Ranges, family: Family) -> None:
    """Law: what `words` says of a set in a family, read again in that family, is the set."""
    foreign = ICMPV6 if family == 4 else ICMP
    whole: Range = (foreign << 16, foreign << 16 | 0xFFFF)
    if (inside := intersection(chosen, (whole,))) and inside != (whole,):
        assert f"part of protocol/{foreign}" in words(chosen, family)
        chosen = union(chosen, (whole,))
    assert services(words(chosen, family), family) == chosen


@given(transports())
def test_words_of_a_transport_are_its_own(transport: Transport) -> None:
    """Law: a transport of one family without source ports survives the way into words and back."""
    family = transport.families[0]
    own = Transport((family,), transport.protocol, transport.selectors)
    if own.protocol == PING_FAMILY[4 if family == 6 else 6] and own.selectors != EVERY_SELECTOR:
        return
    said = service_ranges([own], family)
    assert service_ranges(parsed(words(said[EVERY_SELECTOR], family)), family) == said


@pytest.mark.parametrize(
    ("text", "family", "said"),
    [
        ("tcp/22, tcp/80-443, udp", None, "tcp/22, tcp/80-443, udp"),
        ("tcp/23, tcp/22", None, "tcp/22-23"),
        ("icmp", None, "icmp"),
        ("icmp", 4, "icmp"),
        ("icmp/echo-request", None, "icmp/echo-request"),
        ("icmp/echo-request", 6, "icmp/echo-request"),
        ("icmpv4/8", None, "icmpv4/echo-request"),
        ("icmpv4/8", 4, "icmp/echo-request"),
        ("icmp/destination-unreachable, icmp/packet-too-big", 4, "icmp/destination-unreachable"),
        ("icmpv4/13-15, icmpv4/3/1", 4, "icmpv4/13-15, icmpv4/3/1"),
        ("protocol/50, protocol/27", None, "protocol/esp, protocol/27"),
        ("protocol/0-5, protocol/7-255", None, "protocol/0-5, protocol/7-255"),
        ("protocol/7-9", None, "protocol/7, protocol/8, protocol/9"),
        ("protocol/7-10", None, "protocol/7-10"),
        ("any", None, "any"),
        ("any", 6, "any"),
        ("", None, ""),
    ],
)
def test_words_are_the_shortest_a_person_would_write(text: str, family: Family | None, said: str) -> None:
    """Ports merge, whole protocols lose their ports, names are used where everybody knows them."""
    assert words(services(text, *((family,) if family else FAMILIES)), family) == said


def test_a_part_of_a_protocol_without_ports_is_called_a_part() -> None:
    """What no policy can say is not rounded to what it can."""
    assert words(((50 << 16, 50 << 16 | 9),)) == "part of protocol/50"


def test_a_word_is_a_transport_or_a_name() -> None:
    """Whether a word is meant as a transport shows in its first word, a slash, or a number; names of services are not."""
    meant = [*TRANSPORT_WORDS, "tcp/22", "22", "80,443", "22/tcp", "tpc/22", "80-90"]
    assert all(is_transport(word) for word in meant)
    assert not any(is_transport(name) for name in ("smb", "esp", "9p", "dns-over-tls", "", "6in4"))


def test_ports_alone_are_read_where_the_protocol_is_known() -> None:
    """`{udp: any, source-port: 53}` gives its numbers without a protocol."""
    assert (parse_ports("53"), parse_ports("1024-65535"), parse_ports("any")) == (
        ((53, 53),),
        ((1024, 65535),),
        EVERY_SELECTOR,
    )
    with pytest.raises(BadTransport, match="range upside down: 9-3") as refused:
        parse_ports("9-3")
    assert refused.value.help == "write 3-9"


def test_every_protocol_can_be_written_by_name_and_by_number() -> None:
    """All 256 numbers and every name give one whole protocol in both families."""
    for name, number in PROTOCOL_NUMBERS.items():
        assert parse_transport(f"protocol/{name}") == parse_transport(f"protocol/{number}")
    whole = {f"protocol/{number}": ((number << 16, number << 16 | 0xFFFF),) for number in range(256)}
    assert {text: services(text, 4) for text in whole} == whole
    assert {PROTOCOL_NUMBERS[name] for name in PORTED_NAMES} == set(PORTED)


def test_shared_icmp_names_are_in_both_families() -> None:
    """`icmp/NAME` always has a number in each family."""
    assert all(name in ICMP_TYPES[family] for name in SHARED_ICMP_TYPES for family in FAMILIES)
