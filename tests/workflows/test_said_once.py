"""What a writer warns of and a plan refuses is said once."""

from __future__ import annotations

from pathlib import Path

from tests.live.scene import needs, play

POLICY = """\
policy: shop
zones:
  lan: 10.0.0.0/8
firewalls:
  local: {default: drop}
rules:
  - {from: lan, to: local, allow: ssh}
"""


def test_a_policy_without_a_way_in_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """A plan says that nobody could manage the machine once, as an error; compiling says it once, as a warning."""
    needs()
    policy = tmp_path / "shop.yaml"
    policy.write_text(POLICY)
    planned, compiled = play(("plan", "-p", str(policy)), ("compile", "-p", str(policy)))
    assert (planned.out + planned.err).count("[no-management]") == 1
    assert "error[no-management]" in planned.out + planned.err
    assert compiled.err.count("warning[no-management]") == 1
