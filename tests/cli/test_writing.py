"""Files that are written: whole or not at all, in the place of the old one with its permissions, or not over it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from firewright.cli._output import CannotWrite, write_whole


def test_a_file_is_replaced_with_its_permissions(tmp_path: Path) -> None:
    """What was readable by its group only stays so; the new text is whole, and nothing is left beside it."""
    target = tmp_path / "report"
    target.write_text("old")
    target.chmod(0o640)
    write_whole(target, "new\n")
    assert target.read_text() == "new\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_has_the_permissions_of_new_files(tmp_path: Path) -> None:
    """A file that was not there gets what the umask leaves, not the private mode of a temporary file."""
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    """The file behind a symbolic link is replaced, not the link."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_file_that_is_there_stays_without_force(tmp_path: Path) -> None:
    """Without `replaces` nothing is written over, and nothing is left beside it."""
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(CannotWrite, match="there already"):
        write_whole(tmp_path / "mine", "theirs", replaces=False)
    assert (tmp_path / "mine").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("fault", ["fsync", "fdopen"])
def test_a_writer_that_fails_leaves_the_old_file(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails on the way, the old text is whole and no half of the new one is anywhere."""

    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "kept").write_text("old")
    monkeypatch.setattr(os, fault, fails)
    with pytest.raises(CannotWrite, match="no space left on device"):
        write_whole(tmp_path / "kept", "new")
    monkeypatch.undo()
    assert (tmp_path / "kept").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_places_where_no_file_can_be_are_errors(tmp_path: Path) -> None:
    """A folder, a missing folder and a name that is none are complaints with a reason."""
    with pytest.raises(CannotWrite, match="is a folder"):
        write_whole(tmp_path, "text")
    with pytest.raises(CannotWrite, match="there is no folder"):
        write_whole(tmp_path / "nosuch" / "file", "text")
    with pytest.raises(CannotWrite, match="cannot be written"):
        write_whole(tmp_path / ("n" * 300), "text")


def test_what_is_no_file_is_written_to() -> None:
    """/dev/null takes a report, and stays what it is."""
    write_whole(Path("/dev/null"), "text")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
