"""A return to a generation is an apply of what was kept: only of what was stored, and only once."""

from __future__ import annotations

from firewright.live.apart import plain
from tests.workflows.steward import needs_host, play

_TEXT = """policy: web
zones: {admins: [10.0.0.0/24, "fd00::/64"]}
rules:
  - {from: any, to: local, require: [%s], because: the pages}
  - {from: admins, to: local, require: ssh, because: administration}
"""
_BOTH = (
    ("write", "web.yaml", _TEXT % "http, https"),
    ("write", "less.yaml", _TEXT % "https"),
    ("firewright", "apply", "-p", "HERE/web.yaml", "--confirm"),
    ("firewright", "apply", "-p", "HERE/less.yaml", "--confirm"),
)


def test_what_comes_back_is_what_was_kept() -> None:
    """The new generation has the old one's text, minimal ruleset and facts, and says to which it returned and who asked for it."""
    needs_host()
    done = play(
        *_BOTH,
        ("firewright", "rollback", "--to", "1", "--wait", "600"),
        *(("read", f"state/generations/{number}/{name}") for name in ("ruleset.nft", "minimal.nft", "meta") for number in (1, 3)),
        ("firewright", "confirm"),
        ("firewright", "generations", "--compare", "1", "3"),
    )  # fmt: skip
    back, *files, confirmed, compared = done[4:]
    assert "taken back in 600 s unless it is confirmed over a new connection: firewright confirm\n" in back.out
    ruleset, again, minimal, minimal_again, meta, meta_again = (one.out for one in files)
    assert (plain(ruleset), minimal) == (plain(again), minimal_again)
    assert set(meta.splitlines()) - set(meta_again.splitlines()) <= {
        line for line in meta.splitlines() if line.startswith(("made=", "by="))
    }
    assert "returned=1" in meta_again.splitlines()
    assert (confirmed.code, compared.code) == (0, 0)


def test_a_file_that_somebody_changed_is_not_loaded() -> None:
    """Where what was kept is not what was stored, nothing is loaded."""
    needs_host()
    *_, back, state = play(
        *_BOTH,
        ("write", "state/generations/1/ruleset.nft", "table inet firewright\ndelete table inet firewright\n"),
        ("firewright", "rollback", "--to", "1"),
        ("firewright", "drift"),
    )
    assert back.code == 2
    assert back.err.startswith(
        "error[generation-changed]: this machine: the file of generation 1 is not what was stored"
    )
    assert (state.code, "generation 2" in state.out) == (0, True)
