"""`firewright draw`: what it writes where, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from firewright.cli.main import firewright

EDGE = """policy: edge
labels: {region: [1]}
zones: {tenants: [198.51.100.0/24, "2001:db8:10::/48"], office: {fill-in: the office}}
firewalls: {edge: {between: [internet, tenants, office]}}
rules:
  - {from: internet, to: tenants, allow: https}
  - {from: office, to: tenants, allow: ssh, until: 2026-12-31}
"""
OTHER = (
    EDGE.replace("policy: edge", "policy: other")
    .replace("{fill-in: the office}", "203.0.113.0/28")
    .replace("[1]", "[2]")
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two policies, in which commands run."""
    (tmp_path / "edge.yaml").write_text(EDGE)
    (tmp_path / "other.yaml").write_text(OTHER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def draw(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(firewright, ["draw", *words])


def written(folder: Path) -> set[str]:
    """The files that are not the policies."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"edge.yaml", "other.yaml"}


@pytest.mark.parametrize("picture", ["status", "matrix"])
def test_the_format_follows_from_the_ending(folder: Path, picture: str) -> None:
    """SVG, PNG, Markdown and text by the file's ending, each whole."""
    for name in ("a.svg", "a.PNG", "a.md", "a.txt"):
        done = draw("other.yaml", "--picture", picture, "-o", name)
        assert (done.exit_code, done.output) == (0, ""), done.output
    assert written(folder) == {"a.svg", "a.PNG", "a.md", "a.txt"}
    assert ElementTree.parse(folder / "a.svg").getroot().get("role") == "img"
    with Image.open(folder / "a.PNG") as image:
        assert image.format == "PNG"
    assert (folder / "a.md").read_text().startswith("# other\n")
    assert (folder / "a.txt").read_text().startswith("other\n=====\n")


def test_without_a_file_it_is_text(folder: Path) -> None:
    """Standard output gets text, or what --format names, PNG too where nobody looks at it."""
    assert draw("other.yaml").stdout.startswith("other\n=====\n")
    assert draw("other.yaml", "--format", "svg").stdout.startswith("<?xml")
    assert draw("other.yaml", "--format", "png").stdout_bytes.startswith(b"\x89PNG")


def test_png_is_nothing_for_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PNG is not thrown at a terminal."""
    monkeypatch.setattr("firewright.cli._output.is_terminal", lambda stream: True)
    done = draw("other.yaml", "--format", "png")
    assert done.exit_code == 2 and "-o FILE.png" in done.stderr and not done.stdout


def test_several_policies_get_a_file_each(folder: Path) -> None:
    """A folder gets a file for each policy, or none where one cannot be drawn; one file for several is refused."""
    both = ("other.yaml", "third.yaml")
    (folder / "third.yaml").write_text(OTHER.replace("policy: other", "policy: third").replace("[2]", "[3]"))
    refused = draw(*both, "-o", "a.svg")
    assert refused.exit_code == 2 and "-o DIR/" in refused.stderr
    assert draw("edge.yaml", *both, "-o", "out/").exit_code == 2
    assert written(folder) == {"third.yaml"}
    done = draw(*both, "-o", "out/")
    assert done.exit_code == 0, done.output
    assert written(folder) == {"third.yaml", "out/other-status.svg", "out/third-status.svg"}
    assert draw(*both, "--label", "region=2", "-o", "b.md").exit_code == 0
    assert (folder / "b.md").read_text().startswith("# other\n")


def test_two_policies_of_one_name_are_refused(folder: Path) -> None:
    """No picture takes the place of another one of the same run."""
    (folder / "third.yaml").write_text(OTHER.replace("198.51.100.0/24", "198.51.100.0/25"))
    done = draw("other.yaml", "third.yaml", "-o", "out/")
    assert done.exit_code == 2 and "two policies would be drawn into other-status.svg" in done.stderr
    assert written(folder) == {"third.yaml"}


def test_the_day_counts(folder: Path) -> None:
    """What has ended on the day that is asked about is closed."""
    between = ("other.yaml", "--between", "office,tenants")
    assert "SSH 22" in draw(*between, "--at", "2026-12-31").stdout
    assert "SSH 22" not in draw(*between, "--at", "2027-01-01").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("edge.yaml", "-o", "a.svg"), "not filled in: office"),
        (("other.yaml", "-o", "a.pdf"), "no format goes with .pdf"),
        (("other.yaml", "--between", "internet,tenant", "-o", "a.svg"), "did you mean tenants?"),
        (("other.yaml", "--between", " , ", "-o", "a.svg"), "names no zone"),
        (("other.yaml", "--picture", "matrx", "-o", "a.svg"), "did you mean matrix?"),
        (("other.yaml", "--format", "jpg", "-o", "a.svg"), "there is no format 'jpg'"),
        (("nothing.yaml", "-o", "a.svg"), "no file"),
        (("other.yaml", "-o", "nowhere/a.svg"), "there is no folder nowhere"),
        (("other.yaml", "--at", "2026-13-01", "-o", "a.svg"), "2026-13-01"),
    ],
)
def test_what_cannot_be_drawn_leaves_nothing(folder: Path, words: tuple[str, ...], said: str) -> None:
    """Exit code 2, the reason on standard error, and no file."""
    done = draw(*words)
    assert done.exit_code == 2 and said in done.stderr, done.output
    assert not done.stdout and not written(folder)


def test_a_file_is_replaced_whole(folder: Path) -> None:
    """A picture takes the place of the old file, and of a file that cannot be drawn anew the old one stays."""
    (folder / "a.svg").write_text("old")
    assert draw("edge.yaml", "-o", "a.svg").exit_code == 2
    assert (folder / "a.svg").read_text() == "old"
    assert draw("other.yaml", "-o", "a.svg").exit_code == 0
    assert (folder / "a.svg").read_text().startswith("<?xml")
    assert written(folder) == {"a.svg"}
