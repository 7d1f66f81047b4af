"""Tables compared by meaning: what has none is no difference, and whatever has one is found, with a packet that shows it."""

from __future__ import annotations

import re

import pytest

from firewright.model.packet import FAMILIES
from firewright.space.axis import point
from firewright.space.packetset import PacketSet
from firewright.workflows.meaning import Difference, Unjudged, first_difference, meaning_of, programs_of
from tests.workflows.steward import needs_host
from tests.workflows.stewarded import END, NOW, ruleset

TIME = int(NOW.timestamp())


@pytest.fixture(scope="module", autouse=True)
def _host() -> None:
    needs_host()


def body(text: str) -> list[str]:
    """The lines of a ruleset without the two that empty the table."""
    return text.split("\n")[2:]


def found(before: str, after: str, now: float = TIME) -> Difference:
    """The difference, which there is."""
    one = first_difference(before, after, now)
    assert one is not None
    return one


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("counter accept", "counter packets 7 bytes 99 accept"),
        ("counter drop", "drop"),
        ('comment "invalid: it fits no flow"', 'comment "somebody wrote this"'),
        ("require_https", "another_name"),
        ("internet_v4", "everybody"),
        ("tcp dport 443", "tcp dport { 443 }"),
        ("9.9.9.0/25", "9.9.9.0-9.9.9.127"),
    ],
)
def test_what_means_nothing_is_no_difference(old: str, new: str) -> None:
    """Counters, comments, names of chains and sets, and other words for the same are equal."""
    text = ruleset()
    assert old in text
    assert first_difference(text, text.replace(old, new), TIME) is None


def test_order_that_decides_nothing_is_no_difference() -> None:
    """Two rules that no packet meets both may stand either way round; the listing's order of chains is nothing."""
    text = ruleset()
    first = '\t\ticmp type redirect counter drop comment "redirects are always dropped"\n'
    second = '\t\tct state established counter accept comment "open flows"\n'
    swapped = text.replace(first + second, second + first)
    assert swapped != text
    # A redirect that belongs to a flow is related, never established: still another order of these two is seen.
    one = found(text, swapped)
    assert one.packet is not None and one.packet.family == 4
    lone = "\t\ttcp dport 22 ip saddr 9.9.9.0/25 goto require_ssh_v4\n"
    next_ = next(line for line in body(text) if "tcp dport 443 ip saddr" in line) + "\n"
    assert lone + next_ in text
    assert first_difference(text, text.replace(lone + next_, next_ + lone), TIME) is None


def test_a_listing_is_what_was_loaded() -> None:
    """What nft lists of a text means the text, and an empty text is a machine that accepts everything."""
    text = ruleset()
    assert first_difference(text, "\n".join(body(text)), TIME) is None
    assert first_difference("", "", TIME) is None
    for family, program in programs_of("").items():
        assert program.words == {"accept"}, family


@pytest.mark.parametrize(
    ("old", "new", "family"),
    [
        ("tcp dport 22 ip saddr 9.9.9.0/25", "tcp dport 22 ip saddr 9.9.8.0/23", 4),
        ("tcp dport 22 ip6 saddr 2a00:db8:1::/64", "tcp dport 22 ip6 saddr 2a00:db8:1::/63", 6),
        ("1.0.0.0-126.255.255.255", "1.0.0.0-126.255.255.254", 4),
        ("table inet firewright {", "table inet firewright {\n\tflags dormant\n", 4),
    ],
)
def test_a_difference_has_a_packet_that_both_decide_otherwise(old: str, new: str, family: int) -> None:
    """The packet is of the right family, and by the programs of both sides it is decided as the two deeds say."""
    text = ruleset()
    after = text[: text.rindex("\ntable")] + text[text.rindex("\ntable") :].replace(old, new)
    assert after != text
    one = found(text, after)
    assert one.packet is not None and one.packet.family == family
    for side, deed in ((text, one.before), (after, one.after)):
        program = meaning_of(side).programs(one.instant)[one.packet.family]
        assert program.verdict[program.decide(point(one.packet), {})] == deed.word
    assert one.before.word != one.after.word
    assert one.before.place and one.witness.startswith("tcp ")


def test_a_missing_table_is_a_difference_people_understand() -> None:
    """Without the table the example begins a flow from outside, and the closing line is named with its comment."""
    one = found(ruleset(), "")
    assert one.packet is not None and one.packet.in_interface and not one.packet.out_interface
    assert (one.before.word, one.after.word) == ("drop", "accept")
    assert one.before.comment.startswith("closed: ")


def test_an_end_that_moved_is_found_at_the_instant_at_which_it_matters() -> None:
    """Texts that mean the same now and something else in 2091 differ, at that instant; after it they do not."""
    text = ruleset()
    later = text.replace(f"meta time < {END}", f"meta time < {END + 100}")
    assert later != text
    one = found(text, later)
    assert END <= one.instant < END + 100
    assert one.packet is not None and one.packet.selector == 8080
    assert first_difference(text, later, END + 100) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("established : 14400", "established : 7200"),
        ('\t\tmeta l4proto tcp ct timeout set "tcp_established_14400_v6"\n', ""),
        ("goto require_ssh_v4", "goto require_https"),
        ("limit rate 10/second", "limit rate 100/second"),
        ('log prefix "firewright require_ssh: "', 'log prefix "elsewhere: "'),
        ("hook input priority filter", "hook input priority -250"),
    ],
)
def test_what_is_no_verdict_counts_too(old: str, new: str) -> None:
    """A timeout of flows, the flows that get one, and what is logged are part of what a table means."""
    text = ruleset()
    assert old in text
    one = found(text, text.replace(old, new))
    assert one.before != one.after


def test_an_object_that_no_rule_names_means_nothing() -> None:
    """What a replaced table leaves behind for the flows that have it is no difference; one that is named is."""
    text = ruleset()
    old = "\tct timeout tcp_established_14400_v4 {"
    left = "\tct timeout tcp_established_99_v4 {\n\t\tprotocol tcp\n\t\tl3proto ip\n\t\tpolicy = { established : 99 }\n\t}\n\n"
    kept = text.replace(old, left + old)
    assert kept != text and first_difference(text, kept, TIME) is None
    assert found(text, kept.replace('set "tcp_established_14400_v4"', 'set "tcp_established_99_v4"')).packet is not None


def test_every_rule_that_is_taken_out_is_missed_where_it_decides_something() -> None:
    """For each rule of the chains of IPv4: its absence is found if and only if the sets of packets say so, decided another way."""
    text = ruleset()
    lines = body(text)
    asked = 0
    whole = programs_of(text, TIME)
    for number, line in enumerate(lines):
        is_rule = (
            re.match(r"\t\t\S", line) and re.search(r"\b(?:accept|drop|goto \w+)\b", line) and "type filter" not in line
        )
        if not is_rule or "v6" in line or "ip6" in line or "nfproto" in line:
            continue
        shorter = "\n".join((*lines[:number], *lines[number + 1 :]))
        try:
            other = programs_of(shorter, TIME)
        except Unjudged:
            continue
        asked += 1
        differs = any(
            not (PacketSet.decided({f: whole[f] for f in FAMILIES}, word) - PacketSet.decided(other, word)).is_empty()
            for word in ("accept", "drop")
        )
        assert differs is (first_difference(text, shorter, TIME) is not None), line
    assert asked > 20


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("table inet firewright {\n\tchain a {\n\t\tnonsense\n\t}\n}\n", "not-proved"),
        ('include "/etc/hosts"\n', "not-a-listing"),
        ("table inet firewright {\n}\nflush ruleset\n", "not-a-listing"),
    ],
)
def test_a_text_that_is_not_understood_is_equal_to_nothing(text: str, name: str) -> None:
    """What nft refuses, and what is more than tables, has no meaning: it is said, and no file is opened for it."""
    with pytest.raises(Unjudged) as caught:
        first_difference(ruleset(), text, TIME)
    assert caught.value.name == name


def test_what_packets_put_into_sets_means_nothing() -> None:
    """In audit mode the kernel remembers flows; they are no difference, and a set that is not filled any more is one."""
    text = ruleset(audit=(TIME - 10, TIME + 1000))
    lines = "\n".join(body(text))
    name = "set audit__in_openings_v4 {"
    assert name in lines
    head, rest = lines.split(name)
    inner, tail = rest.split("\t}", 1)
    element = '"up0" . new . 192.0.2.1 . 10.0.0.1 . tcp . 22'
    remembered = f"{head}{name}{inner}\t\telements = {{ {element} timeout 7d expires 6d }}\n\t}}{tail}"
    assert first_difference(text, remembered, TIME) is None
    assert found(text, ruleset()).packet is not None
    assert found(text, ruleset(), TIME + 2000).packet is None
