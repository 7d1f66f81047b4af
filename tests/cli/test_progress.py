"""What is shown while something takes long: nothing to pipes, nothing after the end."""

from __future__ import annotations

import sys

import pytest

from firewright.cli._progress import _Shown, progress


def test_a_pipe_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Where standard error is no terminal, steps go nowhere and rich is not imported for them."""
    known = set(sys.modules)
    with progress() as saying:
        saying("reading\x1b[31m")
    assert capsys.readouterr().err == ""
    assert "rich.console" not in set(sys.modules) - known


def test_what_is_over_is_not_shown_any_more() -> None:
    """A timer that fires late, or a step that comes late, shows nothing."""
    shown = _Shown()
    shown.step("reading")
    shown.end()
    shown.begin()
    shown.step("still reading")
    assert shown._status is None


def test_what_takes_long_is_shown_until_its_end() -> None:
    """Once the patience is over the step is shown, and the end takes it away."""
    shown = _Shown()
    shown.begin()
    shown.step("reading [bold]a.yaml[/bold]\x1b[31m")
    assert "[bold]a.yaml[/bold]\\u001b[31m" in shown._status.status.plain
    shown.end()
    assert shown._is_over
