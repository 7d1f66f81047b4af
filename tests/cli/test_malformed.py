"""Malformed input of every kind, to every command that reads: exit code 2, a complaint, no traceback, no file written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import TRACEBACK, run

KINDS: dict[str, bytes] = {
    "empty": b"",
    "no-policy": b"just a text",
    "a-list": b"- one\n- two\n",
    "not-utf-8": b"policy: \xff\xfe\nrules: none\n",
    "null-bytes": b"rules: none\n\x00",
    "escape-sequences": b'policy: "\\e[2Jx"\nrules: none\n',
    "control-characters": b"policy: x\x1b[31m\nrules: none\n",
    "unclosed": b"rules: [ {from: a, to: b\n",
    "tab": b"rules:\n\t- x\n",
    "anchors": b"a: &a [x]\nrules: *a\n",
    "tag": b"rules: !!python/object/apply:os.system ['true']\n",
    "two-documents": b"rules: none\n---\nrules: none\n",
    "deep": b"rules: " + b"[" * 5000 + b"]" * 5000,
    "duplicate-key": b"rules: none\nrules: none\n",
    "unknown-key": b"rule: none\n",
    "unknown-zone": b"rules: [{from: internt, to: local, allow: https}]\n",
    "bad-port": b"rules: [{from: any, to: local, allow: tcp/70000}]\n",
    "itself": b"uses: [policy.yaml]\nrules: none\n",
    "outside": b"behind: ../../etc/passwd\nrules: none\n",
    "missing": b"uses: [nosuch.yaml]\nrules: none\n",
    "long-value": b"policy: x\nabout: " + b"x" * 100_000 + b"\nrules: none\n",
    "many-errors": b"rules:\n" + b"  - {from: nobody, to: noone, allow: nothing}\n" * 2000,
}
"""Texts that are no policy, each in a way of its own."""
COMMANDS = {
    "check": ("check", "policy.yaml"),
    "check-json": ("check", "policy.yaml", "--format", "json", "-o", "out"),
    "ask": ("ask", "any -> local", "policy.yaml", "-o", "out"),
    "explain": ("explain", "445", "-p", "policy.yaml", "-o", "out"),
    "compare": ("compare", "policy.yaml", "policy.yaml", "-o", "out"),
    "lock": ("lock", "policy.yaml"),
    "draw": ("draw", "policy.yaml", "-o", "out.svg"),
}
"""How each command that reads a policy is called."""
ONLY_MEANING = ("unknown-key", "unknown-zone", "bad-port", "itself", "outside", "missing", "many-errors", "empty",
                "no-policy", "a-list")  # fmt: skip
"""What is YAML, so that `fmt` may format it."""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_malformed_is_said_and_nothing_is_written(
    kind: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Malformed input ends in 2, with an error that names the file, and leaves no output behind but a report of it."""
    (tmp_path / "policy.yaml").write_bytes(KINDS[kind])
    monkeypatch.chdir(tmp_path)
    done = run(*COMMANDS[command])
    said = done.output + ((tmp_path / "out").read_text() if command == "check-json" else "")
    assert done.exit_code == 2, done.output
    assert "error" in said
    assert "policy.yaml" in said
    assert TRACEBACK not in said
    assert "\x1b" not in said, "nothing hostile reaches the terminal"
    assert len(said) < 400_000, "what is said is bounded"
    left = {path.name for path in tmp_path.iterdir()} - {"policy.yaml"}
    assert left <= ({"out"} if command == "check-json" else set())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ONLY_MEANING])
def test_what_is_no_yaml_is_not_formatted(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fmt` refuses what it cannot read with exit code 2, and leaves the file as it is."""
    (tmp_path / "policy.yaml").write_bytes(KINDS[kind])
    monkeypatch.chdir(tmp_path)
    done = run("fmt", "policy.yaml")
    assert done.exit_code == 2, done.output
    assert TRACEBACK not in done.output
    assert (tmp_path / "policy.yaml").read_bytes() == KINDS[kind]


@pytest.mark.parametrize(
    "text",
    [b"", b"tests: none", b"tests: [{from: any}]", b"policy: nosuch.yaml\ntests: []", b"\xff", b"tests: [[[[", b"policy: policy.yaml\n"
     b"tests: [{from: any, to: nozone, service: https, expect: allowed}]", b"policy: policy.yaml\ntests: [{from: any, to: local, "
     b"service: https, expect: opened}]"],
)  # fmt: skip
def test_malformed_tests_are_said(text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of tests that cannot be understood ends in 2: it never counts as passed."""
    (tmp_path / "policy.yaml").write_text("rules: none\n")
    (tmp_path / "policy.test.yaml").write_bytes(text)
    monkeypatch.chdir(tmp_path)
    done = run("test")
    assert done.exit_code == 2, done.output
    assert TRACEBACK not in done.output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("policy: [a.yaml]", "did you mean policies?"),
        ("polices: [a.yaml]", "did you mean policies?"),
        ("strict: perhaps", "strict is yes or no"),
        ("format: sarf", "there is no such format"),
        ("labels: [a]", "labels are keys and values"),
        ("policies: {a: b}", "policies are files and folders"),
        ("rules: none", "a policy is a file of another name"),
        ("[", "error"),
        ("just a text", "settings are keys and values"),
    ],
)
def test_wrong_settings_are_said(text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A settings file that is not understood ends every command in 2, with what is wrong and where."""
    (tmp_path / "firewright.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    done = run("check")
    assert done.exit_code == 2
    assert expected in done.stderr
    assert "firewright.yaml:" in done.stderr


@pytest.mark.parametrize("text", ["", "[]", "http: [a]", "\xff\x00", "http: {a: b}"])
def test_a_broken_lock_file_is_said(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock file that cannot be read is never taken for one that accepts everything."""
    (tmp_path / "policy.yaml").write_text("rules: [{from: any, to: local, allow: http}]\n")
    (tmp_path / "policy.yaml.lock").write_text(text, encoding="latin-1")
    monkeypatch.chdir(tmp_path)
    done = run("check")
    assert done.exit_code == 2, done.output
    assert "policy.yaml.lock" in done.stdout


@pytest.mark.parametrize(
    "question",
    ["", "->", "a ->", "-> b", "internet -> local tcp/99999", "internet -> local \x1b[31m", "x" * 5000, "1.2.3.4/99 -> local",
     "internet, local -> any",
     "internet -> local any http", "internet -> local " + "tcp/1," * 100],
)  # fmt: skip
def test_a_question_that_is_none_is_said(question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that cannot be asked ends in 2 and shows nothing hostile; a long but good one is answered."""
    (tmp_path / "policy.yaml").write_text("rules: none\n")
    monkeypatch.chdir(tmp_path)
    done = run("ask", question)
    assert done.exit_code == (0 if question.endswith("tcp/1,") else 2), done.output
    assert TRACEBACK not in done.output
    assert "\x1b" not in done.output
