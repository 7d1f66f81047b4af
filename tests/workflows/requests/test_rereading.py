"""Reading a folder again after exceptions changed gives what reading all of it gives, and takes the short way only where it may."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewright.model.policy import Policy
from firewright.readers.policy_yaml import adding
from firewright.workflows.requests.estate import Estate, read_estate, stamp

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EDGE = """policy: edge
timezone: Europe/Berlin
zones:
  office: [192.0.2.0/24, "2001:db8:1::/48"]
  servers: 198.51.100.0/24
services:
  shop: [tcp/8443, https]
firewalls:
  core: {between: [internet, office, servers]}
rules:
  - {name: no-ssh, from: internet, to: any, deny: ssh, because: keys leak}
  - {from: office, to: servers, allow: https}
"""
OTHER = "policy: other\nzones:\n  lab: 203.0.113.0/24\nfirewalls:\n  gate: {between: [internet, lab]}\nrules: none\n"
BEHIND = "policy: inner\nbehind: edge.yaml\nzones:\n  desk: 192.0.2.0/26\nfirewalls:\n  desk: {between: [internet, desk]}\nrules: none\n"


def exception(
    name: str, policy: str = "edge", ends: str = "from: internet, to: servers", service: str = "shop", more: str = ""
) -> str:
    """The text of an exception."""
    return (
        f"policy: {policy}\nrules:\n  - {{name: {name}, {ends}, allow: {service}, because: a test, owner: x, "
        f"until: 2027-01-31{more}}}\n"
    )


TEXTS = st.sampled_from(
    [
        exception("a"),
        exception("b", service="ssh", more=", overrides: [no-ssh]"),
        exception("b", service="tcp/22", more=", overrides: [nothing]"),
        exception("c", "other", "from: internet, to: lab", "https"),
        exception("d", "nobody"),
        exception("e", ends="from: desk, to: servers"),
        exception("f", service="[udp/5000-5010, ntp]").replace("2027-01-31", "2027-03-28T02:30"),
        exception("no-ssh"),
        "policy: edge\nrules: []\n",
        "policy: [\n",
        "rules: none\n",
        "",
    ]
)
STEPS = st.lists(st.tuples(st.sampled_from(["1.yaml", "2.yaml", "03.yaml", "x.yml"]), st.none() | TEXTS), max_size=6)


def begin(folder: Path, *files: tuple[str, str]) -> Path:
    """A folder with these files and an empty folder for exceptions."""
    (folder / "exceptions").mkdir(parents=True)
    for name, text in files:
        (folder / name).write_text(text)
    return folder


def same(one: Estate, other: Estate) -> bool:
    """Whether two estates are alike in all that anybody can tell, places and messages too."""
    spans = (
        [(rule, rule.at) for policy in estate.policies.values() for rule in policy.rules] for estate in (one, other)
    )
    first, second = spans
    return (
        one == other
        and first == second
        and one.prints == other.prints
        and one.report.sorted() == other.report.sorted()
        and {**one.report.sources} == {**other.report.sources}
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.booleans())
def test_what_is_read_again_is_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str | None]], has_behind: bool
) -> None:
    """Law: after any exceptions are written, changed, spoilt or deleted, the estate is the one that reading all gives."""
    more = [("inner.yaml", BEHIND)] if has_behind else []
    folder = begin(tmp_path_factory.mktemp("estate") / "p", ("edge.yaml", EDGE), ("other.yaml", OTHER), *more)
    known = read_estate(NOW, folder)
    for name, text in steps:
        path = folder / "exceptions" / name
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
        known = read_estate(NOW, folder, known=known)
        assert same(known, read_estate(NOW, folder)), (name, text)


def test_exceptions_take_the_short_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more, one changed and one less are read without the policy; a change of the policy itself is not."""
    folder = begin(tmp_path / "p", ("edge.yaml", EDGE), ("other.yaml", OTHER))
    known = read_estate(NOW, folder)
    rules = len(known.policies["edge"].rules)
    reads = 0

    def reading(*_: object) -> tuple[Policy, ...]:
        nonlocal reads
        reads += 1
        return tuple(known.policies.values())

    # of the very module that the function is of: other tests import some anew
    monkeypatch.setitem(read_estate.__globals__, "select", reading)
    for text, count in ((exception("a"), 1), (exception("b"), 1), (None, 0)):
        path = folder / "exceptions/1.yaml"
        path.unlink() if text is None else path.write_text(text)
        known = read_estate(NOW, folder, known=known)
        assert len(known.policies["edge"].rules) == rules + count and not reads
    (folder / "edge.yaml").write_text(EDGE + "  - {from: office, to: internet, allow: ntp}\n")
    read_estate(NOW, folder, known=known)
    assert reads


def test_a_link_to_elsewhere_takes_the_long_way(tmp_path: Path) -> None:
    """An exception that is a link out of the folder is refused when it appears later as when it was there before."""
    folder = begin(tmp_path / "p", ("edge.yaml", EDGE))
    known = read_estate(NOW, folder)
    (tmp_path / "far.yaml").write_text(exception("a"))
    (folder / "exceptions/1.yaml").symlink_to(tmp_path / "far.yaml")
    again = read_estate(NOW, folder, known=known)
    assert same(again, read_estate(NOW, folder)) and again.broken


def test_an_exception_of_a_policy_that_others_use_is_read_whole(tmp_path: Path) -> None:
    """Of a policy that another one is behind, the other one's picture of it changes too."""
    folder = begin(tmp_path / "p", ("edge.yaml", EDGE), ("inner.yaml", BEHIND))
    known = read_estate(NOW, folder)
    (folder / "exceptions/1.yaml").write_text(exception("a"))
    again = read_estate(NOW, folder, known=known)
    outer = again.policies["inner"].behind
    assert outer is not None and [rule.name for rule in outer.rules if rule.name == "a"] == ["a"]


def test_the_stamp_sees_every_file(tmp_path: Path) -> None:
    """A file of a policy or an exception that appears, changes its size or goes makes another stamp, in folders below too."""
    folder = begin(tmp_path / "p", ("edge.yaml", EDGE))
    (folder / "below/exceptions").mkdir(parents=True)
    seen = {stamp(folder)}
    for name in (
        "b.yaml",
        "exceptions/1.yaml",
        "exceptions/.2.yaml",
        "below/c.yml",
        "below/exceptions/3.yaml",
        "x.lock",
    ):
        (folder / name).write_text("a")
        seen.add(stamp(folder))
        (folder / name).write_text("ab")
        seen.add(stamp(folder))
    assert len(seen) == 13
    (folder / "notes.txt").write_text("no policy")
    assert stamp(folder) in seen


def test_adding_is_loading(tmp_path: Path) -> None:
    """An exception that the short way takes stands where loading puts it: among the others, sorted by their files."""
    folder = begin(
        tmp_path / "p",
        ("edge.yaml", EDGE),
        ("exceptions/1.yaml", exception("a")),
        ("exceptions/3.yaml", exception("c")),
    )
    known = read_estate(NOW, folder)
    (folder / "exceptions/2.yaml").write_text(exception("b"))
    found = read_estate(NOW, folder, known=known).policies["edge"]
    assert [rule.name for rule in found.rules][-3:] == ["a", "b", "c"]
    assert adding.exceptions_of(found) == ("exceptions/1.yaml", "exceptions/2.yaml", "exceptions/3.yaml")
