"""What a policy is made of besides its rules: files that are used, values from outside, texts that are published."""

from __future__ import annotations

from pathlib import Path

from firewright.catalog.services import catalog
from firewright.diagnostic import Report
from firewright.model.address import AddressSet
from firewright.model.policy import Verb
from firewright.readers.policy_yaml import READER, load
from firewright.readers.policy_yaml.files import FILE_LIMIT
from firewright.readers.policy_yaml.ordering import CIRCLE_LIMIT, ordered
from firewright.source import Source, read

VENDOR = "options: {dns: no, sms: yes}\nzones: {core: {fill-in: the nodes}}\n"
VENDOR += "rules:\n  - {from: core, to: internet, allow: dns, when: dns}\n"
SITE = "uses: [vendor.yaml]\nfill-in: {core: 10.0.0.0/24}\nset: {dns: yes}\nrules:\n  - {within: core, allow: ssh, when: [dns, sms]}\n"


def write(folder: Path, **texts: str) -> Path:
    """Files of a folder; the path of the first one."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / f"{next(iter(texts))}.yaml"


def test_what_is_used_becomes_part_of_the_policy(tmp_path: Path) -> None:
    """Rules, zones and options of both files are one policy; the first file's rules come first; paths are as typed."""
    found = load(write(tmp_path, site=SITE, vendor=VENDOR), Report())
    assert found is not None
    assert [rule.at.path for rule in found.rules] == [str(tmp_path / "site.yaml"), str(tmp_path / "vendor.yaml")]
    assert found.paths == (str(tmp_path / "site.yaml"), str(tmp_path / "vendor.yaml"))
    assert found.zones["core"].addresses == AddressSet.of("10.0.0.0/24")
    assert [rule.is_on for rule in found.rules] == [True, True]
    assert found.name == "site"


def test_a_file_that_two_files_use_is_read_once(tmp_path: Path) -> None:
    """A diamond of files is one policy, in which nothing is defined twice."""
    first = write(
        tmp_path,
        a="uses: [b.yaml, c.yaml]\nrules: none\n",
        b="uses: [d.yaml]\nrules: none\n",
        c="uses: [d.yaml]\nrules: none\n",
        d="zones: {core: 10.0.0.0/24}\nrules: none\n",
    )
    found = load(first, Report())
    assert found is not None
    assert len(found.paths) == 4


def test_settings_go_before_files(tmp_path: Path) -> None:
    """A value from outside wins over `set` and `fill-in`; what it does not name stays."""
    first = write(tmp_path, site=SITE, vendor=VENDOR)
    found = load(first, Report(), settings={"dns": "no", "core": "192.0.2.0/24 2001:db8::/48"})
    assert found is not None
    assert {name: option.value for name, option in found.options.items()} == {"dns": False, "sms": True}
    assert found.zones["core"].addresses == AddressSet.of("192.0.2.0/24", "2001:db8::/48")
    assert [rule.is_on for rule in found.rules] == [False, False]


def test_a_setting_that_nothing_asks_for_is_an_error(tmp_path: Path) -> None:
    """A misspelt setting, a value that is no yes, an address that is none: each is an error at its own line of --set."""
    first = write(tmp_path, site=SITE, vendor=VENDOR)
    report = Report()
    assert load(first, report, settings={"dsn": "yes", "dns": "perhaps", "core": "10.0.0.1/8"}) is None
    said = [(one.name, str(one.at)) for one in report.sorted()]
    assert said == [("unknown-option", "--set:1:1"), ("bad-yes-no", "--set:2:1"), ("bad-prefix", "--set:3:1")]
    assert report.sources["--set"].line(3) == "core=10.0.0.1/8"


def test_further_files_become_part_of_the_policy(tmp_path: Path) -> None:
    """Exceptions, a file each, are merged with `also`, and may use the policy that they belong to."""
    first = write(
        tmp_path, policy="zones: {home: 10.0.0.0/8}\nrules:\n  - {name: no-ftp, from: any, to: home, deny: ftp}\n"
    )
    exception = "rules:\n  - {name: EX-1, from: internet, to: home, allow: ftp, until: 2027-01-31, overrides: no-ftp}\n"
    write(tmp_path, exception=exception)
    found = load(first, Report(), also=[tmp_path / "exception.yaml"])
    assert found is not None
    assert [rule.name for rule in found.rules] == ["no-ftp", "EX-1"]


def test_what_is_published_keeps_its_texts() -> None:
    """Texts stand as they were written: a version is no number, a long text in a block is one line."""
    text = (
        "version: 1.10\nowner: team\nagreed-with: [a, b]\nreviewed: 2026-11-21\nabout: >-\n  one\n  two\nrules: none\n"
    )
    found = load(Source("x.yaml", text), Report())
    assert found is not None
    expected = {"about": ("one two",), "owner": ("team",), "agreed-with": ("a", "b"), "version": ("1.10",)}
    assert found.metadata == {**expected, "reviewed": ("2026-11-21",)}


def test_a_policy_is_called_like_its_file() -> None:
    """Without a name of its own a policy has its file's, made fit; standard input has one too."""
    for path, name in (("a/My Policy.v2.yaml", "my-policy-v2"), ("-", "policy"), ("edge.yaml", "edge")):
        found = load(Source(path, "rules: none\n"), Report())
        assert found is not None
        assert found.name == name


def test_between_is_each_to_each_other_and_within_each_to_itself() -> None:
    """`between` gives a pair a zone, to all the others; `within` a pair a zone, to itself; from and to one pair."""
    text = "zones: {a: 10.0.0.0/24, b: 10.0.1.0/24, c: 10.0.2.0/24}\nrules:\n  - {between: [a, b, c], allow: ssh}\n"
    text += "  - {within: [a, b], allow: ssh}\n  - {from: [a, b], to: c, allow: ssh}\n"
    found = load(Source("x.yaml", text), Report())
    assert found is not None
    ends = [[(names(pair.sources), names(pair.destinations)) for pair in rule.ends] for rule in found.rules]
    assert ends == [[("a", "bc"), ("b", "ac"), ("c", "ab")], [("a", "a"), ("b", "b")], [("ab", "c")]]


def names(zones: tuple[object, ...]) -> str:
    """One-letter names in a row."""
    return "".join(getattr(zone, "name", "") for zone in zones)


def test_own_services_are_exactly_their_parts() -> None:
    """A service of the policy is the union of its words, each once, through other services too, and knows the catalog's names."""
    text = "services: {web: [https, http, more], more: [tcp/443, tcp/8443]}\nrules:\n  - {from: any, to: local, allow: web}\n"
    found = load(Source("x.yaml", text), Report())
    assert found is not None
    (term,) = found.rules[0].terms
    assert term.names == ("https", "http")
    assert sorted(one.selectors[0][0] for one in term.transports) == [80, 443, 8443]
    assert found.services["web"].words == ("https", "http", "more")


def test_any_is_every_packet_and_nothing_else_is() -> None:
    """Only the word any gives a term without transports; every other term has at least one."""
    listed = "".join(
        f"  - {{from: any, to: local, allow: {name}}}\n" for name in ("any", "tcp", "icmp", "protocol/0-255")
    )
    found = load(Source("x.yaml", "rules:\n" + listed), Report())
    assert found is not None
    assert [rule.terms[0].is_any for rule in found.rules] == [True, False, False, False]


def test_every_term_knows_its_place() -> None:
    """The place of a rule is its verb, the place of a term its word: line, column and width."""
    text = "rules:\n  - from: any\n    to: local\n    allow: [http, tcp/8443]\n"
    found = load(Source("x.yaml", text), Report())
    assert found is not None
    rule = found.rules[0]
    assert rule.verb is Verb.ALLOW
    assert rule.at[1:] == (4, 5, 5)
    assert [term.at[1:] for term in rule.terms] == [(4, 13, 4), (4, 19, 8)]


def test_texts_can_come_from_elsewhere(tmp_path: Path) -> None:
    """`reading` is how the text of a file is come by, so that a revision or an upload needs no folder."""
    texts = {"vendor.yaml": VENDOR}
    found = load(
        Source(str(tmp_path / "site.yaml"), SITE), Report(), reading=lambda path: Source(str(path), texts[path.name])
    )
    assert found is not None
    assert len(found.rules) == 2


def test_a_link_that_leads_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    """A symbolic link counts as where it leads, so that no file outside can be read through one."""
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    write(tmp_path, outside="rules: none\n")
    (tmp_path / "repository" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    report = Report()
    assert load(write(tmp_path / "repository", policy="uses: [link.yaml]\nrules: none\n"), report) is None
    assert [said.name for said in report.sorted()] == ["foreign-file"]


def test_files_of_other_folders_of_the_repository_are_used(tmp_path: Path) -> None:
    """Within a repository a path may go up; outside of one it stays in the folder."""
    (tmp_path / "sites").mkdir()
    first = write(tmp_path / "sites", site="uses: [../vendor.yaml]\nfill-in: {core: 10.0.0.0/24}\nrules: none\n")
    write(tmp_path, vendor=VENDOR)
    assert load(first, Report()) is None
    (tmp_path / ".git").mkdir()
    found = load(first, Report())
    assert found is not None
    assert found.paths[1] == str(tmp_path / "vendor.yaml")


def test_a_chain_of_files_is_bounded(tmp_path: Path) -> None:
    """Files that use each other in a long chain are refused at a limit, and nothing is read behind it."""
    asked: list[Path] = []

    def reading(path: Path) -> Source:
        asked.append(path)
        number = int(path.stem[1:]) + 1
        return Source(str(path), f"uses: [f{number}.yaml]\nrules: none\n")

    report = Report()
    first = Source(str(tmp_path / "f0.yaml"), "uses: [f1.yaml]\nrules: none\n")
    assert load(first, report, reading=reading) is None
    assert [said.name for said in report.sorted()] == ["too-large"]
    assert len(asked) < FILE_LIMIT


def test_circles_are_found_in_graphs_of_any_depth() -> None:
    """An order is found for a chain of 20,000 names without recursion; so many circles are listed and no more."""
    chain = {f"n{k}": [f"n{k + 1}"] for k in range(20_000)}
    order, circles = ordered(chain)
    assert order[0] == "n19999"
    assert not circles
    tangled = {f"n{k}": [f"n{j}" for j in range(30)] for k in range(30)}
    assert len(ordered(tangled)[1]) == CIRCLE_LIMIT


def test_the_reader_is_registered() -> None:
    """The package's READER is what loads a policy, with a catalog that can be another one."""
    assert READER is load
    report = Report()
    text = Source("x.yaml", "rules:\n  - {from: any, to: local, allow: house-app}\n")
    assert load(text, report) is None
    row = "- {name: house-app, title: App, transports: [tcp/7777], what: It is ours., encrypted: yes, authenticated: yes,\n"
    row += "   when-open: Nothing., visibility: own-network, advice: Keep it inside., source: us, date: 2026-11}\n"
    ours = catalog().overlay([Source("ours.yaml", row)], Report())
    assert ours is not None
    found = load(text, Report(), services=ours)
    assert found is not None
    assert found.rules[0].terms[0].names == ("house-app",)


def test_a_missing_file_is_said_not_thrown(tmp_path: Path) -> None:
    """A path that is no file gives an error in the report."""
    report = Report()
    assert load(tmp_path / "nothing.yaml", report) is None
    assert [said.name for said in report.sorted()] == ["unreadable-file"]
    assert read(write(tmp_path, a="rules: none\n")).text
