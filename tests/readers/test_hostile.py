"""Texts that were made to hurt: they are refused, in words fit for a terminal, after a bounded amount of work."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.diagnostic import Report
from firewright.document import NODE_LIMIT, SCALAR_LIMIT
from firewright.readers.policy_yaml import load
from firewright.readers.policy_yaml.complaint import ERROR_LIMIT
from firewright.readers.policy_yaml.files import RULE_LIMIT
from firewright.readers.policy_yaml.zones import ZONE_LIMIT
from firewright.source import Source


def refused(text: str) -> list[str]:
    """The names of the errors of a text, after checking that every word said of it can be printed."""
    report = Report()
    assert load(Source("policy.yaml", text), report) is None
    for said in report.diagnostics:
        assert said.message.isprintable()
        assert said.help.isprintable()
        assert all(note.text.isprintable() for note in said.notes)
        assert len(said.message) < 500
    return [said.name for said in report.sorted()]


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    """A text that would grow to a thousand million values is refused where the first anchor stands."""
    levels = "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 10))
    assert refused('a0: &a0 ["lol"]\n' + levels + "rules: none\n") == ["yaml-feature"]


def test_deep_nesting_is_refused_at_a_limit() -> None:
    """Five thousand brackets or braces within each other are refused at the limit of depth, without recursion."""
    for opening in ("[", "{a: ", "- "):
        assert refused("zones: " + "\n" * (opening == "- ") + opening * 5000) == ["too-deep"]


def test_a_huge_value_is_refused() -> None:
    """Ten million characters of one value are refused, and none of them is shown."""
    for text in (
        "about: " + "x" * 10_000_000,
        'about: "' + "x" * 10_000_000 + '"',
        "zones: {" + "x" * 2000 + ": 10.0.0.0/8}",
    ):
        assert refused(text + "\nrules: none\n")[0] in ("too-long", "yaml-syntax")
    assert refused(f"about: {'x' * (SCALAR_LIMIT + 1)}\nrules: none\n") == ["too-long"]


def test_too_many_values_are_refused() -> None:
    """A list of more values than any policy needs is refused at the limit."""
    assert refused("zones: {a: [" + "a," * (NODE_LIMIT + 10) + "a]}\nrules: none\n") == ["too-large"]


def test_more_rules_than_the_limit_are_refused() -> None:
    """A hundred thousand rules are refused with the limit in the message; none of them is resolved."""
    text = "rules:\n" + "- {from: local, to: any, allow: any}\n" * 100_000
    report = Report()
    assert load(Source("policy.yaml", text), report) is None
    assert [said.name for said in report.sorted()] == ["too-large"]
    assert f"{RULE_LIMIT:,}" in report.sorted()[0].message


def test_more_zones_than_the_limit_are_refused() -> None:
    """Zones beyond the limit are refused before they are compared with each other."""
    text = "zones:\n" + "".join(f"  z{k}: 10.{k >> 16}.{k >> 8 & 255}.{k & 255}\n" for k in range(ZONE_LIMIT + 1))
    assert refused(text + "rules: none\n") == ["too-large"]


def test_errors_are_bounded() -> None:
    """After so many errors reading stops, and says so."""
    text = "rules:\n" + "".join(f"- {{from: zone{k}, to: any, allow: https}}\n" for k in range(3000))
    found = refused(text)
    assert len(found) == ERROR_LIMIT + 1
    assert set(found) == {"unknown-zone", "too-many-errors"}


def test_names_that_double_do_not_grow() -> None:
    """Services and zones that are each made of the one before twice over stay as small as their meaning."""
    services = "".join(f"  s{k}: [s{k - 1}, s{k - 1}x]\n  s{k}x: s{k - 1}\n" for k in range(1, 200))
    report = Report()
    text = f"services:\n  s0: https\n  s0x: http\n{services}rules:\n  - {{from: any, to: local, allow: s199}}\n"
    found = load(Source("policy.yaml", text), report)
    assert found is not None
    assert len(found.rules[0].terms[0].transports) <= 2


def test_characters_that_cannot_be_seen_are_refused() -> None:
    """NUL, escape sequences, reordering marks, line ends that no editor shows: each is an error with its code point."""
    for character in "\x00\x07\x1b\x7f\x85\u2028\u2029\u202e\u2066\u200b\ufeff":
        for text in (f'about: "a{character}b"\nrules: none\n', f"about: a{character}b\nrules: none\n"):
            assert refused(text) == ["control-character"]
    assert refused("about: a\rrules: none\n") == ["control-character"]


def test_windows_line_ends_are_line_ends() -> None:
    """A text with carriage returns before its line feeds is read, and its places are right."""
    report = Report()
    assert load(Source("policy.yaml", "about: x\r\nrules:\r\n  - {from: a, to: any, allow: ssh}\r\n"), report) is None
    assert [said.at[1:3] for said in report.sorted()] == [(3, 12)]


_TOKENS = st.sampled_from(
    ["rules:", "zones:", "- ", "\n", "  ", "from", "to", ": ", "any", "local", "{", "}", "[", "]", ", ", "allow", "https",
     "tcp/443", "10.0.0.0/8", '"', "'", "#", "&a", "*a", "!x", "none", "?", "|", ">", "\t", "é", "%", "---", "2027-01-01"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(_TOKENS, max_size=40).map("".join), st.text(max_size=80)))
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    """Law: any text is either a policy or has an error in the report; nothing is thrown, nothing unprintable is said."""
    report = Report()
    found = load(Source("policy.yaml", text), report)
    assert (found is None) is report.has_errors()
    assert all(said.message.isprintable() and said.help.isprintable() for said in report.diagnostics)
