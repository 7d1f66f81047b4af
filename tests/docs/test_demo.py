"""The first command of the README and the README itself show the same."""

from __future__ import annotations

import shlex

from tests.docs.blocks import ROOT, blocks, commands


def shown_in_the_readme() -> list[list[str]]:
    """The commands of the README's first folder."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    bodies = [block.body for block in blocks(text) if block.word == "console" and block.place == 1]
    return [shlex.split(command) for body in bodies for command in commands(body)]


def test_the_demonstration_runs_what_the_readme_shows() -> None:
    """`scripts/demo` runs the commands of the README's first part, in their order, and may do so again."""
    script = (ROOT / "scripts" / "demo").read_text(encoding="utf-8")
    run = [shlex.split(line)[1:] for line in script.split("\n") if line.startswith("show ")]
    assert [[word for word in words if word != "--force"] for words in run] == shown_in_the_readme()
    assert "--force" in run[0]


def test_the_readme_names_scripts_that_are_there() -> None:
    """The two commands of the README exist and can be run."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = [block.body.strip() for block in blocks(text) if block.word == "sh"]
    assert named == ["scripts/demo", "scripts/test"]
    assert all((ROOT / name).stat().st_mode & 0o111 for name in named)
