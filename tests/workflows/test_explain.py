"""What `explain` takes a word for, and what it says of the policies in reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright.diagnostic import Report
from firewright.workflows.explain import explain, with_policies, without_policies
from firewright.workflows.selection import Wanted
from tests.workflows.test_selection import NOW


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("445",), "smb"),
        (("smb",), "smb"),
        (("sbm",), "smb"),
        (("postgrseql",), "postgresql"),
        (("Kafka",), "kafka"),
        (("port", "445"), "smb"),
    ],
)
def test_a_word_is_found_or_taken_for_the_nearest(words: tuple[str, ...], name: str) -> None:
    """Numbers, names and products are found; a misspelt one is explained as the nearest, and that is said."""
    found = explain(words, Report())
    assert found is not None
    assert found.findings[0].commonly[0].name == name
    assert bool(found.findings[0].problem) == (words[0] in ("sbm", "postgrseql"))


@pytest.mark.parametrize(
    ("words", "meant"),
    [(("file", "shering"), "file sharing"), (("file shering",), "file sharing"), (("remote", "desktp"), "remote-desktop"),
     (("wire", "gard"), "wireguard")],
)  # fmt: skip
def test_several_misspelt_words_are_taken_for_the_nearest_phrase(words: tuple[str, ...], meant: str) -> None:
    """A phrase is mended whole, with quotes or without, as one word is."""
    found, right = explain(words, Report()), explain((meant,), Report())
    assert found is not None
    assert right is not None
    assert found.taken_for == meant
    assert found.findings[0].problem
    assert found.findings[0].commonly == right.findings[0].commonly


@pytest.mark.parametrize(
    ("word", "names"),
    [("vpn", {"openvpn", "wireguard", "esp", "pptp"}), ("file sharing", {"smb", "nfs", "ftp", "afp"})],
)
def test_a_theme_is_explained_by_its_rows(word: str, names: set[str]) -> None:
    """What no service is called but a theme of the catalog is, lists the services of that theme."""
    found = explain((word,), Report())
    assert found is not None
    assert not found.taken_for
    assert names <= {row.name for row in found.findings[0].commonly}


def test_several_words_are_each_explained() -> None:
    """Words that mean nothing together are looked up one by one."""
    found = explain(("smb", "ssh"), Report())
    assert found is not None
    assert [finding.commonly[0].name for finding in found.findings] == ["smb", "ssh"]


@pytest.mark.parametrize("word", ["qqqqqqqqqqqqqqqq", "tcp/70000", "", "open teapot"])
def test_what_nobody_knows_is_an_error(word: str) -> None:
    """A word that is like no other is not taken for one."""
    report = Report()
    assert explain((word,), report) is None
    assert report.has_errors()


def test_the_policies_in_reach_say_what_they_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each outcome has its flows and the line that decides; a policy that cannot be read fails nothing unless it is named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edge.yaml").write_text(
        "zones: {lan: 192.0.2.0/24}\nfirewalls: {edge: {between: [internet, lan]}}\n"
        "rules:\n  - {from: lan, to: internet, allow: smb}\n  - {from: internet, to: lan, deny: smb, because: worms}\n"
    )
    port = explain(("tcp/445",), Report())
    assert port is not None
    found = with_policies(port, Wanted(tmp_path, NOW), Report(), must_read=False)
    assert found is not None
    (reach,) = found.reaches
    assert {(use.outcome, use.flows, use.at.line, use.said) for use in reach.uses} >= {
        ("allowed", ("lan -> internet tcp/445 (IPv4 only)",), 4, ""),
        ("denied", ("internet -> lan tcp/445 (IPv4 only)",), 5, "worms"),
    }
    (tmp_path / "broken.yaml").write_text("rules: [{from: nowhere}]\n")
    found = with_policies(port, Wanted(tmp_path, NOW), Report(), must_read=False)
    assert found is not None
    assert [reach.path for reach in found.reaches if reach.unasked] == ["broken.yaml"]
    report = Report()
    assert with_policies(port, Wanted(tmp_path, NOW, ("broken.yaml",)), report, must_read=True) is None
    assert report.has_errors()


def test_a_flow_without_a_policy_is_said_not_to_be_answered(tmp_path: Path) -> None:
    """The service is explained, and nobody is led to think that the flow was looked at."""
    flow, bare = explain(("internet -> lan smb",), Report()), explain(("internet -> lan",), Report())
    assert flow is not None and bare is not None
    told = without_policies(flow, Report())
    assert told is not None
    assert told.reaches[0].unasked
    report = Report()
    assert without_policies(bare, report) is None
    assert report.has_errors()
