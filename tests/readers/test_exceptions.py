"""Exceptions are files beside the policies: whose they are, what they may say, and that nothing of them is passed over."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from firewright.diagnostic import Report, Severity
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import assertions as assertion_files
from firewright.readers.policy_yaml import load
from firewright.readers.policy_yaml.exceptions import EXCEPTION_LIMIT, LENGTH_LIMIT
from firewright.source import Source
from firewright.workflows.folder import policies_below

EDGE = """policy: edge
timezone: Europe/London
zones: {shop: [192.0.2.0/24, "2001:db8:1::/48"]}
firewalls: {edge: {between: [internet, shop]}}
rules:
  - {from: internet, to: shop, allow: https}
  - {name: no-ftp, from: any, to: shop, deny: ftp}
"""
RULE = "{from: internet, to: shop, allow: tcp/11371, because: keys, owner: shop, until: 2027-03-31}"
ONE = f"policy: edge\nrules:\n  - {RULE}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a policy, and an empty one for its exceptions."""
    (tmp_path / "edge.yaml").write_text(EDGE)
    (tmp_path / "exceptions").mkdir()
    return tmp_path


def put(folder: Path, text: str, name: str = "EX-1.yaml") -> Path:
    """A file of an exception."""
    path = folder / "exceptions" / name
    path.write_text(text)
    return path


def loaded(folder: Path, name: str = "edge.yaml") -> tuple[Policy | None, list[tuple[str, str]]]:
    """A policy of the folder, and what is said of it: name and place without the folder."""
    report = Report()
    found = load(folder / name, report)
    said = [(one.name, str(one.at).removeprefix(f"{folder}/")) for one in report.sorted()]
    assert (found is None) == any(one.severity is Severity.ERROR for one in report.diagnostics)
    return found, said


def test_exceptions_are_part_of_their_policy(folder: Path) -> None:
    """Each file's rules are the policy's, sorted by the files, with places of their own; ends may be times; owners may be the file's."""
    put(folder, ONE, "b.yml")
    put(
        folder,
        "policy: edge\nowner: the shop\nreviewed: 2026-11-21\ncontact: shop@tenant.example\nrules:\n"
        "  - {name: EX-1, from: internet, to: shop, require: ftp, because: moving, until: 2027-03-31T18:30, overrides: no-ftp}\n"
        "  - {from: internet, to: shop, allow: ssh, because: moving, owner: me, until: 2027-03-31}\n",
        "a.yaml",
    )
    put(folder, "not yaml: [", "notes.txt")
    put(folder, "not yaml: [", ".#a.yaml")
    found, said = loaded(folder)
    assert found is not None and said == []
    mine = [(str(rule.at).removeprefix(f"{folder}/"), rule.owner, rule.until) for rule in found.rules[2:]]
    assert mine == [
        ("exceptions/a.yaml:6:44", "the shop", datetime(2027, 3, 31, 18, 30)),
        ("exceptions/a.yaml:7:32", "me", date(2027, 3, 31)),
        ("exceptions/b.yml:3:32", "shop", date(2027, 3, 31)),
    ]
    assert [Path(path).name for path in found.paths] == ["edge.yaml", "a.yaml", "b.yml"]
    assert (found.name, found.metadata) == ("edge", {})


def test_an_exception_is_of_the_policy_that_it_names(folder: Path) -> None:
    """Another policy of the folder is not concerned; without `policy` a policy's name is its file's; what uses it has it too."""
    (folder / "lan.yaml").write_text(EDGE.replace("policy: edge\n", ""))
    (folder / "site.yaml").write_text("uses: [edge.yaml]\ntimezone: Europe/London\nrules: none\n")
    put(folder, ONE)
    put(folder, ONE.replace("policy: edge", "policy: lan").replace("11371", "11372"), "EX-2.yaml")
    words = {}
    for name in ("edge", "lan", "site"):
        found, said = loaded(folder, f"{name}.yaml")
        assert found is not None and said == []
        words[name] = [term.word for rule in found.rules[2:] for term in rule.terms]
    assert words == {"edge": ["tcp/11371"], "lan": ["tcp/11372"], "site": ["tcp/11371"]}


def test_the_policies_that_one_is_behind_have_theirs(folder: Path) -> None:
    """The outer policy's exceptions are asked with it, from the folder beside its own file."""
    (folder / "inner").mkdir()
    (folder / ".git").mkdir()
    (folder / "inner" / "host.yaml").write_text(
        "behind: ../edge.yaml\nrules:\n  - {from: any, to: local, allow: ssh}\n"
    )
    put(folder, ONE)
    found, said = loaded(folder, "inner/host.yaml")
    assert found is not None and said == [] and found.behind is not None
    assert len(found.rules) == 1
    assert [term.word for rule in found.behind.rules[2:] for term in rule.terms] == ["tcp/11371"]


def test_tests_ask_the_policy_with_its_exceptions(folder: Path) -> None:
    """A file of tests asks its policy as it is, exceptions included, at a time of day if it names one."""
    put(folder, ONE)
    (folder / "edge.test.yaml").write_text(
        "tests:\n  - {from: internet, to: shop, service: tcp/11371, expect: allowed, at: 2027-03-31T18:30}\n"
    )
    report = Report()
    tests = assertion_files.load(folder / "edge.test.yaml", report)
    assert tests is not None and report.diagnostics == []
    assert len(tests.policy.rules) == 3
    assert tests.assertions[0].day == datetime(2027, 3, 31, 18, 30)


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "rules: [\n", f"rules:\n  - {RULE}\n", f"policy: [edge]\nrules:\n  - {RULE}\n", "- policy\n",
     f"policy: Edge One\nrules:\n  - {RULE}\n", f"policy:\nrules:\n  - {RULE}\n", "policy: edge\npolicy: lan\n",
     f"polcy: edge\nrules:\n  - {RULE}\n", "policy: &a edge\n", "\0"],
)  # fmt: skip
def test_what_names_no_policy_stops_every_policy_beside_it(text: str, folder: Path) -> None:
    """A file of which nobody can tell whose exception it is is an error of each policy in the folder, at its own place."""
    (folder / "lan.yaml").write_text(EDGE.replace("policy: edge", "policy: lan"))
    put(folder, text)
    for name in ("edge.yaml", "lan.yaml"):
        found, said = loaded(folder, name)
        assert found is None
        assert said and all(place.startswith("exceptions/EX-1.yaml:") for _, place in said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("until: 2027-03-31", "log: no"), ("unfinished-exception", 3, 5)),
        (("because: keys, ", ""), ("unfinished-exception", 3, 5)),
        (("owner: shop, ", ""), ("unfinished-exception", 3, 5)),
        (("allow", "deny"), ("unknown-key", 3, 32)),
        (("allow: tcp/11371", "otherwise: reject"), ("unknown-key", 3, 32)),
        (("2027-03-31", "2027-02-30"), ("bad-date", 3, 85)),
        (("rules:", "zones: {a: 10.0.0.0/8}\nrules:"), ("unknown-key", 2, 1)),
        (("rules:", "uses: [x.yaml]\nrules:"), ("unknown-key", 2, 1)),
        (("rules:", "behind: x.yaml\nrules:"), ("unknown-key", 2, 1)),
        (("rules:", "firewalls: {}\nrules:"), ("unknown-key", 2, 1)),
        (("rules:", "services: {a: tcp/1}\nrules:"), ("unknown-key", 2, 1)),
        (("rules:", "options: {a: yes}\nrules:"), ("unknown-key", 2, 1)),
        (("shop,", "shopp,"), ("unknown-zone", 3, 26)),
        ((f"\n  - {RULE}", " none"), ("wrong-shape", 2, 8)),
        ((f"\n  - {RULE}", " []"), ("empty-list", 2, 8)),
        ((f"rules:\n  - {RULE}\n", ""), ("unfinished-exception", 1, 1)),
    ],
)
def test_an_exception_only_permits_for_a_time(
    change: tuple[str, str], said: tuple[str, int, int], folder: Path
) -> None:
    """What is no permission with an end, a reason and an owner is an error with its place and a way out, of its policy alone."""
    (folder / "lan.yaml").write_text(EDGE.replace("policy: edge", "policy: lan"))
    assert change[0] in ONE
    put(folder, ONE.replace(*change, 1))
    report = Report()
    assert load(folder / "edge.yaml", report) is None
    (one,) = report.sorted()
    assert (one.name, one.at.line, one.at.column) == said
    assert one.at.path.endswith("exceptions/EX-1.yaml")
    assert one.help
    other, words = loaded(folder, "lan.yaml")
    assert other is not None and words == []


def test_an_exception_of_no_policy_is_a_warning(folder: Path) -> None:
    """Where no file beside the folder has that name, whoever loads one is told, with the nearest; so is a folder in it."""
    put(folder, ONE.replace("policy: edge", "policy: egde"))
    (folder / "exceptions" / "old").mkdir()
    report = Report()
    assert load(folder / "edge.yaml", report) is not None
    said = [(one.name, one.severity, one.help) for one in report.sorted()]
    assert ("stray-exception", Severity.WARNING, "did you mean edge?") in said
    assert len(said) == 2 and "old" in report.sorted()[0].message


def test_an_exception_is_no_policy(folder: Path) -> None:
    """Who names its file as a policy is told whose it is and what to ask; a whole policy in such a folder stays one."""
    path = put(folder, ONE)
    report = Report()
    assert load(path, report) is None
    (one,) = report.diagnostics
    assert one.name == "exception-alone" and "policy edge" in one.message
    assert one.help == f"ask about {folder}/edge.yaml, which has it"
    put(folder, EDGE, "whole.yaml")
    assert load(folder / "exceptions" / "whole.yaml", Report()) is not None
    assert policies_below(folder) == []


@pytest.mark.parametrize(
    "text",
    ["policy: edge\nrules:\n  - {from: internet, to: shop\n", "policy: 'edge'   # whose\nrules: [\n", 'rules: [\npolicy: "edge"\n',
     "policy: edge\nrules:\n\t- x\n", "policy: edge\n" + "#" * (LENGTH_LIMIT + 1)],
)  # fmt: skip
def test_a_broken_file_stops_the_policy_that_it_names_alone(text: str, folder: Path) -> None:
    """What is no YAML, or too long, and names a policy on a line of its own is an error of that policy, with its place; others stay."""
    (folder / "lan.yaml").write_text(EDGE.replace("policy: edge", "policy: lan"))
    put(folder, text)
    found, said = loaded(folder)
    assert found is None and said and all(place.startswith("exceptions/EX-1.yaml:") for _, place in said)
    found, said = loaded(folder, "lan.yaml")
    assert found is not None and said == []


def test_what_cannot_be_read_stops_the_policy(folder: Path) -> None:
    """A file that is no text, a link to nowhere, a link out of the folder and too many files are errors, and nothing is guessed."""
    whole, _ = loaded(folder)
    assert whole is not None
    path = folder / "exceptions" / "EX-1.yaml"
    path.write_bytes(b"policy: edge\xff\n")
    assert loaded(folder)[1][0][0] == "unreadable-file"
    path.unlink()
    path.symlink_to("nowhere.yaml")
    assert loaded(folder)[1][0][0] == "unreadable-file"
    path.unlink()
    outside = folder.parent / f"{folder.name}-outside.yaml"
    outside.write_text(ONE)
    path.symlink_to(outside)
    assert loaded(folder)[1][0][0] == "foreign-file"
    path.unlink()
    outside.unlink()
    (folder / "exceptions").rmdir()
    (folder / "exceptions").symlink_to("nowhere")
    assert loaded(folder)[1][0][0] == "unreadable-file"
    (folder / "exceptions").unlink()
    (folder / "exceptions").write_text("a file of this name is no folder\n")
    assert loaded(folder)[1] == []


def test_a_folder_that_may_not_be_read_stops_the_policy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder's files cannot be listed there is no policy, since nobody can tell what is permitted."""
    put(folder, ONE)
    listing = Path.iterdir

    def refused(path: Path) -> object:
        if path.name == "exceptions":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    found, said = loaded(folder)
    assert found is None and [name for name, _ in said] == ["unreadable-file"]


def test_a_thousand_exceptions_are_read_and_no_more(folder: Path) -> None:
    """EXCEPTION_LIMIT files are part of the policy; one more is an error that says so, and none of them is read."""
    for number in range(EXCEPTION_LIMIT):
        put(folder, ONE.replace("11371", str(20_000 + number)), f"EX-{number:04}.yaml")
    found, said = loaded(folder)
    assert found is not None and said == []
    assert len(found.rules) == 2 + EXCEPTION_LIMIT
    put(folder, ONE, "EX-9999.yaml")
    assert [name for name, _ in loaded(folder)[1]] == ["too-large"]


def test_an_exception_is_no_book(folder: Path) -> None:
    """A file that is longer than LENGTH_LIMIT characters is not looked into, and stops the policy."""
    put(folder, ONE + "#" * (LENGTH_LIMIT - len(ONE)))
    assert loaded(folder)[1] == []
    put(folder, ONE + "#" * (LENGTH_LIMIT + 1 - len(ONE)))
    assert [name for name, _ in loaded(folder)[1]] == ["too-large"]


def test_a_proposed_exception_goes_before_the_file_of_its_place(folder: Path) -> None:
    """`also` shows a policy with an exception that is not written yet, or written otherwise; one that is not its own is refused."""
    path = put(folder, ONE)
    first = Source(str(path), ONE.replace("11371", "4460"))
    second = Source(str(folder / "exceptions" / "EX-2.yaml"), ONE.replace("11371", "4461"))
    found = load(folder / "edge.yaml", Report(), also=[first, second])
    assert found is not None
    assert [term.word for rule in found.rules[2:] for term in rule.terms] == ["tcp/4460", "tcp/4461"]
    unfinished = Source(second.path, ONE.replace("because: keys, ", ""))
    strange = Source(second.path, ONE.replace("policy: edge", "policy: lan"))
    for wrong, name in ((unfinished, "unfinished-exception"), (strange, "stray-exception")):
        report = Report()
        assert load(folder / "edge.yaml", report, also=[wrong]) is None
        assert name in [one.name for one in report.diagnostics if one.severity is Severity.ERROR]


def test_a_text_that_is_not_yet_a_policy_has_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is piped in has no place, so no exceptions; nor has a text that is loaded without them."""
    put(folder, ONE)
    monkeypatch.chdir(folder)
    piped = load(Source("-", EDGE), Report())
    assert piped is not None and len(piped.rules) == 2
    bare = load(Path("edge.yaml"), Report(), with_exceptions=False)
    assert bare is not None and len(bare.rules) == 2
    found = load(Path("edge.yaml"), Report())
    assert found is not None and found.rules[2].at.path == "exceptions/EX-1.yaml"
