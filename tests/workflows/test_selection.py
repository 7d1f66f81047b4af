"""Which policies a run is about: named, lying there, used by others, labelled; and never silently none."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from firewright.diagnostic import Report
from firewright.workflows.selection import Wanted, select

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=ZoneInfo("UTC"))


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with policies, and with files that are none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("labels: {region: [1, 2]}\noptions: {web: no}\nrules: none\n")
    (tmp_path / "b.yaml").write_text("labels: {region: 2, domain: x}\ntimezone: Asia/Tokyo\nrules: none\n")
    (tmp_path / "site.yaml").write_text("uses: [a.yaml]\nrules: none\n")
    (tmp_path / "a.test.yaml").write_text("rules: none\n")
    (tmp_path / "firewright.yaml").write_text("policies: [a.yaml]\n")
    (tmp_path / "other.yaml").write_text("kind: Deployment\n")
    (tmp_path / "notes.txt").write_text("rules: none\n")


def names(folder: Path, *policies: str, **labels: tuple[str, ...]) -> list[str]:
    """The selected policies; empty where there is a complaint."""
    found = select(Wanted(folder, NOW, policies, labels), Report())
    return [policy.path for policy in found or ()]


def test_a_folder_gives_its_policies(tmp_path: Path) -> None:
    """Every YAML file with top-level rules, no tests, no settings, and nothing that another one uses."""
    assert names(tmp_path) == ["b.yaml", "site.yaml"]
    assert names(tmp_path, ".") == ["b.yaml", "site.yaml"]


@pytest.mark.parametrize(
    "text",
    ["rulse: none\n", "  policy: x\n  rules: none\n", "{policy: x,\n rules: none}\n", "? rules\n: none\n",
     "policy: x\rrules: none\r", "--- {rules: none}\n", "'rules': none\n", "Rules: none\n", "zones: {a: 10.0.0.0/8}\n",
     "rules: [\n", "? rules\n: [\n", "  policy: x\n  rulse: [\n", "rules: none\n---\nrules: none\n"],
)  # fmt: skip
def test_what_is_laid_out_like_a_policy_is_never_passed_over(text: str, tmp_path: Path) -> None:
    """However its keys are written or misspelt, a file with one is read: it is selected, or its fault stops the run."""
    (tmp_path / "odd.yaml").write_bytes(text.encode())
    report, told = Report(), list[str]()
    found = select(Wanted(tmp_path, NOW, telling=told.append), report)
    assert "odd.yaml" in [policy.path for policy in found or ()] or report.has_errors()
    assert "odd.yaml" not in " ".join(told)


@pytest.mark.parametrize(
    "text",
    ["kind: Deployment\nmetadata: {labels: {a: b}}\n", "- rules\n", "", "kind: [\n", "just a text\n",
     "kind: x\n---\nkind: y\n", "{{ if x }}\nmetadata:\n  labels: {}\n"],
)  # fmt: skip
def test_what_is_passed_over_is_named(text: str, tmp_path: Path) -> None:
    """A file without any key of a policy is none; one line says so, and the others are selected."""
    (tmp_path / "odd.yaml").write_text(text)
    told = list[str]()
    found = select(Wanted(tmp_path, NOW, telling=told.append), Report())
    assert [policy.path for policy in found or ()] == ["b.yaml", "site.yaml"]
    assert told == ["skipped, as they have no key of a policy: odd.yaml, other.yaml"]


def test_links_in_a_circle_are_said(tmp_path: Path) -> None:
    """A link to itself is a file that cannot be read, in a folder and by its name, and no fault of the program."""
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    for words in ((), ("loop.yaml",)):
        report = Report()
        assert select(Wanted(tmp_path, NOW, words), report) is None
        assert [one.name for one in report.diagnostics] == ["unreadable"]
        assert "did you mean loop.yaml" not in report.diagnostics[0].help


def test_a_folder_whose_policies_are_further_down_says_where(tmp_path: Path) -> None:
    """Where there is no policy but a folder below has some, that folder is named."""
    (tmp_path / "top" / "sub").mkdir(parents=True)
    (tmp_path / "top" / "sub" / "edge.yaml").write_text("rules: none\n")
    report = Report()
    assert select(Wanted(tmp_path, NOW, ("top",)), report) is None
    assert report.diagnostics[0].help == "there are some in top/sub/: name the folder"


def test_a_file_that_is_there_is_not_offered_as_another_one(tmp_path: Path) -> None:
    """A file that is not UTF-8 is said to be so, without asking whether it was meant."""
    (tmp_path / "bad.yaml").write_bytes(b"rules: \xff\n")
    report = Report()
    assert select(Wanted(tmp_path, NOW, ("bad.yaml",)), report) is None
    assert "not UTF-8" in report.diagnostics[0].message
    assert report.diagnostics[0].help == ""


def test_now_is_as_far_back_as_the_last_end_of_today(tmp_path: Path) -> None:
    """Today until an end with a time of day has passed where the policy is; from then on what is asked begins at that end."""
    rules = ", ".join(
        f"{{from: any, to: local, {verb}: tcp/{port}, until: {until}}}"
        for port, (verb, until) in enumerate(
            [("allow", "2026-11-22T08:29"), ("allow", "2026-11-22T08:31"), ("deny", "2026-11-22T08:00"),
             ("allow", "2026-11-21T23:00"), ("allow", "2026-11-22")], 4000)
    )  # fmt: skip
    (tmp_path / "b.yaml").write_text(f"timezone: Asia/Tokyo\nrules: [{rules}]\n")
    found = select(Wanted(tmp_path, NOW, ("b.yaml",)), Report())
    assert found is not None
    (tokyo,) = found
    days = [Wanted(tmp_path, NOW + timedelta(minutes=minutes)).day_of(tokyo) for minutes in (-31, -2, -1, 0, 1, 930)]
    assert days == [
        date(2026, 11, 22), datetime(2026, 11, 22, 8), datetime(2026, 11, 22, 8, 29), datetime(2026, 11, 22, 8, 29),
        datetime(2026, 11, 22, 8, 31), date(2026, 11, 23),
    ]  # fmt: skip
    assert [rule.is_active(days[3]) for rule in tokyo.rules] == [False, True, True, False, True]
    asked = Wanted(tmp_path, NOW, day=datetime(2026, 11, 22))
    assert asked.day_of(tokyo) == date(2026, 11, 22)


def test_files_lie_in_the_folder_that_is_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a policy uses, and its exceptions, are looked for from that folder, wherever the program runs."""
    (tmp_path / "exceptions").mkdir()
    (tmp_path / "exceptions" / "EX-1.yaml").write_text(
        "policy: site\nrules:\n  - {from: any, to: local, allow: ssh, because: x, owner: y, until: 2027-01-01}\n"
    )
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    found = select(Wanted(tmp_path, NOW, ("site.yaml",)), Report())
    assert found is not None
    assert found[0].paths == ("site.yaml", "a.yaml", "exceptions/EX-1.yaml")


def test_what_is_named_counts_even_where_another_one_uses_it(tmp_path: Path) -> None:
    """A named file is asked; beside the file that uses it, it has no say of its own, and twice is once."""
    assert names(tmp_path, "a.yaml") == ["a.yaml"]
    assert names(tmp_path, "a.yaml", "site.yaml") == ["site.yaml"]
    assert names(tmp_path, "a.yaml", "./a.yaml", "b.yaml") == ["a.yaml", "b.yaml"]


def test_labels_select(tmp_path: Path) -> None:
    """Any value of a key will do, every key must; nothing selected is an error that says what there is."""
    assert names(tmp_path, "a.yaml", "b.yaml", region=("2",)) == ["a.yaml", "b.yaml"]
    assert names(tmp_path, "a.yaml", "b.yaml", region=("2", "1")) == ["a.yaml", "b.yaml"]
    assert names(tmp_path, "a.yaml", "b.yaml", region=("2",), domain=("x",)) == ["b.yaml"]
    report = Report()
    assert select(Wanted(tmp_path, NOW, ("a.yaml", "b.yaml"), {"region": ("7",)}), report) is None
    assert "region=1" in report.diagnostics[0].help


def test_nothing_is_an_error(tmp_path: Path) -> None:
    """An empty folder and a missing file are said, the latter with the nearest name."""
    (tmp_path / "empty").mkdir()
    for word, said in (("empty", "no policy"), ("c.yaml", "no file c.yaml"), ("sites.yaml", "no file")):
        report = Report()
        assert select(Wanted(tmp_path, NOW, (word,)), report) is None
        assert said in report.diagnostics[0].message
    assert report.diagnostics[0].help == "did you mean site.yaml?"


def test_a_setting_goes_to_the_policies_that_know_it(tmp_path: Path) -> None:
    """--set reaches the policies with that option and leaves the others alone; one that nobody knows is an error."""
    found = select(Wanted(tmp_path, NOW, ("a.yaml", "b.yaml"), options={"web": "yes"}), Report())
    assert found is not None
    assert [policy.options["web"].value for policy in found if policy.options] == [True]
    report = Report()
    assert select(Wanted(tmp_path, NOW, ("a.yaml", "b.yaml"), options={"wbe": "yes"}), report) is None
    assert [one.name for one in report.diagnostics] == ["unknown-option"]


def test_today_is_where_the_policy_is(tmp_path: Path) -> None:
    """At 23:30 UTC it is tomorrow in Tokyo; a day that is asked for is that day everywhere."""
    wanted = Wanted(tmp_path, NOW, ("a.yaml", "b.yaml"))
    found = select(wanted, Report())
    assert found is not None
    assert [wanted.day_of(policy) for policy in found] == [date(2026, 11, 21), date(2026, 11, 22)]
    assert Wanted(tmp_path, NOW, day=date(2027, 1, 1)).day_of(found[1]) == date(2027, 1, 1)


def test_a_policy_that_cannot_be_read_stops_the_run(tmp_path: Path) -> None:
    """One malformed policy among several is not skipped: nothing is answered."""
    (tmp_path / "c.yaml").write_text("rules: [{from: nowhere, to: local, allow: any}]\n")
    report = Report()
    assert select(Wanted(tmp_path, NOW), report) is None
    assert report.has_errors()
