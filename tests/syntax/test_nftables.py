"""The tree of nftables cannot hold what has no text, and its text is what nft reads."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firewright.syntax.nftables import (
    LATEST_INSTANT,
    AddressGroup,
    Chain,
    Compare,
    Counter,
    Field,
    Flags,
    HelperObject,
    Hook,
    Log,
    Masked,
    Match,
    Member,
    Named,
    Rule,
    SetTimeout,
    Table,
    TimeoutObject,
    Verdict,
    VerdictMap,
    Word,
    comment,
    name,
    render,
    shifted,
)

DROP = Verdict(Word.DROP)
ENDED = Rule((Counter(), DROP))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Match(Field.DESTINATION_PORT, ()),
        lambda: Match(Field.DESTINATION_PORT, ((0, 65535),)),
        lambda: Match(Field.DESTINATION_PORT, ((1, 65536),)),
        lambda: Match(Field.DESTINATION_PORT, ((5, 4),)),
        lambda: Match(Field.DESTINATION_PORT, ((1, 2), (3, 4))),
        lambda: Match(Field.DESTINATION_PORT, ((9, 9), (1, 1))),
        lambda: Match(Field.PROTOCOL, ((-1, 1),)),
        lambda: Match(Field.IN_INTERFACE, ((1, 1),)),
        lambda: Named(Field.IN_INTERFACE, ()),
        lambda: Named(Field.IN_INTERFACE, ('eth0" accept "',)),
        lambda: Named(Field.IN_INTERFACE, ("",)),
        lambda: Named(Field.SOURCE4, ("eth0",)),
        lambda: Flags(()),
        lambda: Flags(("closed",)),
        lambda: Member(Field.SOURCE4, "no set"),
        lambda: Compare(True, -1),
        lambda: Compare(True, LATEST_INSTANT + 1),
        lambda: Verdict(Word.GOTO),
        lambda: Verdict(Word.DROP, "chain"),
        lambda: Masked(Field.SOURCE4, 33),
        lambda: Masked(Field.DESTINATION_PORT, 8),
        lambda: VerdictMap((Masked(Field.SOURCE4),), ()),
        lambda: VerdictMap((), ((((1, 1),), DROP),)),
        lambda: VerdictMap((Masked(Field.SOURCE4),), ((((1, 1), (2, 2)), DROP),)),
        lambda: Log('x" accept'),
        lambda: Rule(()),
        lambda: Rule((DROP,), 'x" accept comment "y'),
        lambda: Rule((DROP,), "x\ny"),
        lambda: Chain("empty", ()),
        lambda: Chain("accept", (ENDED,)),
        lambda: Chain("two words", (ENDED,)),
        lambda: Chain("first", (ENDED,), Hook.INPUT),
        lambda: AddressGroup("none", 4, ()),
        lambda: TimeoutObject("none", 4, "tcp", {}),
        lambda: TimeoutObject("other", 4, "icmp", {"reply": 1}),
        lambda: HelperObject("a b", "ftp", "tcp"),
        lambda: Table("", (Chain("one", (ENDED,)), Chain("one", (ENDED,)))),
        lambda: Table("", (Chain("one", (Rule((Verdict(Word.GOTO, "nowhere"),)),)),)),
        lambda: Table("", (Chain("one", (Rule((SetTimeout("nothing"), DROP)),)),)),
    ],
)
def test_what_has_no_text_cannot_be_built(make: Callable[[], object]) -> None:
    """An empty match, a range upside down, a word that could end a quotation, a goto to nowhere: each is refused at birth."""
    with pytest.raises(ValueError, match=r"."):
        make()


def test_the_same_name_comes_of_the_same_text_and_is_never_a_word_of_nft() -> None:
    """Names have letters, digits and underscores; a long one ends in a hash of all of it; keywords get an underscore."""
    assert name("web server: 443") == "web_server_443"
    assert name("drop") == "drop_"
    assert name("2-way").startswith("x_")
    assert name("") == "unnamed"
    assert name("a" * 500) != name("a" * 499)
    assert len(name("a" * 500)) <= 120


def test_a_comment_ends_no_quotation() -> None:
    """Quotes, line breaks, escapes and letters outside ASCII are replaced; a long text is cut below nft's 128."""
    assert comment('x"; accept comment "y') == "x?; accept comment ?y"
    assert comment("a\n\tb  c") == "a b c"
    assert comment("é\x1b") == "??"
    assert len(comment("a" * 500)) <= 124


def test_a_clock_moves_every_instant_and_nothing_else() -> None:
    """Shifting a table moves both ends of each permission, none before 1970; zero seconds change nothing."""
    timed = Rule((Compare(False, 100), Compare(True, 200), DROP))
    table = Table("clock", (Chain("one", (timed, ENDED)), Chain("two", (ENDED,))))
    assert shifted(table, 0) == table
    text = render(shifted(table, 50))
    assert "meta time >= 150 meta time < 250 drop" in text
    assert "meta time >= 0 meta time < 0 drop" in render(shifted(table, -500))
    assert render(shifted(shifted(table, 50), -50)) == render(table)


def test_values_are_said_as_nft_lists_them() -> None:
    """Prefixes, ranges, protocols and types have nft's own words; a long list has a line for each element."""
    rule = Rule(
        (
            Match(Field.SOURCE4, ((10 << 24, (11 << 24) - 1), (12 << 24, 12 << 24), (13 << 24, (13 << 24) + 2))),
            Match(Field.PROTOCOL, ((6, 6), (50, 51))),
            Match(Field.ICMPV6_TYPE, ((135, 135),), is_negated=True),
            DROP,
        )
    )
    wide = Rule((VerdictMap((Masked(Field.SOURCE6, 64),), tuple((((n << 64, n << 64),), DROP) for n in range(30))),))
    text = render(Table("words", (Chain("one", (rule, wide)),)))
    said = "ip saddr { 10.0.0.0/8, 12.0.0.0, 13.0.0.0-13.0.0.2 } meta l4proto { tcp, 50-51 } icmpv6 type != nd-neighbor-solicit"
    assert f"\t\t{said} drop\n" in text
    assert "\t\tip6 saddr & ffff:ffff:ffff:ffff:: vmap {\n\t\t\t:: : drop,\n" in text
