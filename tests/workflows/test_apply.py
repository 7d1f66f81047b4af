"""What a host lists after an apply is proved to be the policy, or it is said with a packet why it is not."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from firewright.diagnostic import Report
from firewright.workflows.apply import disagreement
from firewright.workflows.prepare import Auditing, Prepared, prepare
from firewright.workflows.selection import Wanted
from tests.live.scene import needs
from tests.workflows.steward import needs_host, play

_NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)  # noqa: UP017 - shorter
_TEXT = """policy: web
zones: {admins: [10.0.0.0/24, "fd00::/64"]}
rules:
  - {from: any, to: local, require: [http, https], because: the pages}
  - {from: admins, to: local, require: ssh, because: administration}
  - {from: admins, to: local, allow: tcp/9000, until: 2026-12-24, because: a migration}
"""


def _prepared(folder: Path, auditing: Auditing | None = None) -> Prepared:
    needs()
    (folder / "web.yaml").write_text(_TEXT)
    found = prepare(Wanted(folder, _NOW, ("web.yaml",)), Report(), auditing=auditing)
    assert found is not None
    return found


def _as_listed(text: str) -> str:
    return text.partition("delete table inet firewright\n")[2]


@pytest.mark.parametrize("auditing", [None, Auditing(1_795_000_000), Auditing(1_795_000_000, 1_796_000_000)])
def test_what_was_sent_agrees(tmp_path: Path, auditing: Auditing | None) -> None:
    """The text that was compiled is proved, enforcing and auditing, with a switch and without."""
    prepared = _prepared(tmp_path, auditing)
    assert disagreement(prepared, _as_listed(prepared.compiled.text)) == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tcp dport { 80, 443 }", "tcp dport { 80, 444 }", "what runs would "),
        ("tcp dport { 80, 443 }", "tcp dport 80-443", "what runs would accept tcp "),
        ('counter drop comment "closed', 'counter accept comment "closed', "what runs would accept "),
        ('iifname "lo" counter accept', 'iifname "lo0" counter accept', "what runs would drop "),
        ("", None, "nobody can prove what runs"),
    ],
)
def test_what_differs_is_shown(tmp_path: Path, old: str, new: str | None, said: str) -> None:
    """A port more, a port less, another ending: each by a packet; a text that is none is no proof."""
    prepared = _prepared(tmp_path)
    text = _as_listed(prepared.compiled.text)
    changed = "no ruleset" if new is None else text.replace(old, new)
    assert changed != text
    found = disagreement(prepared, changed)
    assert found.startswith(said), found


def test_an_empty_table_is_not_what_was_sent(tmp_path: Path) -> None:
    """Where a host lists nothing everything passes, and that is no agreement."""
    found = disagreement(_prepared(tmp_path), "")
    assert found != ""


def test_what_nobody_watches_is_taken_back_first() -> None:
    """A generation whose watchdog is dead is taken back, and the plan made of what runs then."""
    needs_host()
    *_, again, state, journal = play(
        ("write", "web.yaml", _TEXT),
        ("firewright", "apply", "-p", "HERE/web.yaml"),
        ("kill", "state/pending/watch"),
        ("firewright", "apply", "-p", "HERE/web.yaml"),
        ("read", "state/generations/1/state"),
        ("read", "state/journal"),
    )
    assert again.code == 0, again.out + again.err
    assert "now: no ruleset of firewright" in again.out
    assert "this machine: applied generation 2" in again.out
    assert state.out == "rolled back: its watchdog was dead\n"
    assert [line.split()[2] for line in journal.out.splitlines()] == [
        "applying",
        "applied",
        "rolled-back",
        "applying",
        "applied",
    ]
