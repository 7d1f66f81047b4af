"""Exit codes, streams and pipes, of real processes: what scripts rely on."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.running import CALM, TRACEBACK, profile, run, spawn

MALFORMED = "policy: x\nzones: {a: 300.1.1.1}\nrules:\n  - {from: internt, to: a, allow: tcp/70000}\n"
FAULTY = "zones: {a: 192.0.2.0/24, b: 198.51.100.0/24}\nfirewalls: {edge: {between: [internet, a]}}\nrules: none\n"


@pytest.fixture
def perimeter(tmp_path: Path) -> Path:
    """A copy of the provider's profile."""
    return profile("provider-perimeter", tmp_path / "perimeter")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["check", "provider-perimeter.yaml"], 0),
        (["check", "provider-perimeter.yaml", "--strict"], 1),
        (["check", "nosuch.yaml"], 2),
        (["ask", "internet -> tenants smb", "provider-perimeter.yaml"], 0),
        (["ask", "internet -> tenants"], 0),
        (["ask", "nonsense"], 2),
        (["explain", "445"], 0),
        (["compare", "provider-perimeter.yaml", "provider-perimeter.yaml"], 0),
        (["compare", "provider-perimeter.yaml", "provider-regions-5-6.yaml"], 1),
        (["compare", "provider-perimeter.yaml"], 2),
        (["test"], 0),
        (["fmt", "--check"], 0),
        (["nosuchcommand"], 2),
        (["check", "--nosuchflag"], 2),
        (["check", "--format", "nosuchformat"], 2),
        (["check", "--at", "31.3.2027"], 2),
        (["check", "--label", "region"], 2),
        (["check", "--set", "nonsense"], 2),
        (["ask", "internet -> tenants", "--format", "sarif"], 2),
    ],
)
def test_the_exit_code_says_what_happened(
    words: list[str], code: int, perimeter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 fine, 1 findings, 2 usage or malformed input; and never a traceback."""
    monkeypatch.chdir(perimeter)
    done = run(*words)
    assert done.exit_code == code, done.output
    assert TRACEBACK not in done.output
    assert done.output.strip()[:1] or words == ["fmt", "--check"]


def test_results_are_on_standard_output_and_the_rest_is_not(perimeter: Path) -> None:
    """JSON on standard output is JSON whole, though a summary is said; complaints about a call go to standard error only."""
    done = spawn("check", "--format", "json", folder=perimeter)
    assert json.loads(done.stdout)["kind"] == "findings"
    assert b"passed" in done.stderr
    refused = spawn("ask", "internet -> nowhere tcp/1", folder=perimeter)
    assert refused.returncode == 2
    assert refused.stdout == b""
    assert b"error[bad-question]" in refused.stderr


def test_malformed_text_by_a_pipe_ends_in_two_with_every_problem(tmp_path: Path) -> None:
    """Each of the problems in a policy on standard input is told with its place; the exit code is 2."""
    done = spawn("check", "-", folder=tmp_path, stdin=MALFORMED.encode())
    assert done.returncode == 2
    for place in (b"standard input:2:12", b"standard input:4:12", b"standard input:4:35"):
        assert place in done.stdout, done.stdout.decode()


def test_a_reader_that_goes_away_ends_a_command_quietly(perimeter: Path) -> None:
    """`firewright ... | head -0` says nothing on standard error and does not end with the code of findings."""
    command = f"{sys.executable} -m firewright.cli.main explain 1-65535; echo code $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({command}) | true"],
        cwd=perimeter,
        capture_output=True,
        env={**os.environ, **CALM},
        timeout=60,
        check=False,
    )
    assert done.stderr.decode().split() in (["code", "141"], ["code", "0"])


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "- <&-"])
def test_closed_streams_are_errors_without_a_traceback(closed: str, perimeter: Path) -> None:
    """A result that nobody can get ends in 2, and so does reading what is closed; no file takes the stream's number."""
    command = f"{sys.executable} -m firewright.cli.main check provider-perimeter.yaml {closed}"
    done = subprocess.run(["bash", "-c", command], cwd=perimeter, capture_output=True, env={**os.environ, **CALM},
                          timeout=60, check=False)  # fmt: skip
    assert done.returncode == 2
    assert b"internal error" not in done.stderr
    written = subprocess.run(["bash", "-c", f"{command.replace('- <&-', '>&-')} -o report.txt"], cwd=perimeter,
                             capture_output=True, env={**os.environ, **CALM}, timeout=60, check=False)  # fmt: skip
    assert written.returncode == 0
    assert (perimeter / "report.txt").read_text()


def test_completion_without_a_shell_is_an_error_without_a_fault(perimeter: Path) -> None:
    """The variable of a completion script, set by hand, is explained."""
    done = spawn("check", folder=perimeter, environment={"_FIREWRIGHT_COMPLETE": "bash_complete"})
    assert done.returncode == 2
    assert b"COMP_WORDS" in done.stderr
    assert b"internal error" not in done.stderr


def test_a_name_in_capitals_is_said_as_it_is_spelt(perimeter: Path) -> None:
    """A wrong format from the environment is complained of under the variable's own name."""
    done = spawn("check", folder=perimeter, environment={"FIREWRIGHT_FORMAT": "bogus"})
    assert done.returncode == 2
    assert b"error: FIREWRIGHT_FORMAT: there is no format 'bogus'; there are: " in done.stderr


@pytest.mark.parametrize(
    "words",
    [["check", "loop.yaml"], ["check"], ["check", "loop"], ["ask", "any -> local", "loop.yaml"], ["draw", "loop.yaml"],
     ["test", "loop.yaml"], ["fmt"], ["lock"], ["explain", "445", "-p", "loop.yaml"], ["compare", "loop.yaml", "loop"],
     ["init", "--profile", "workstation", "loop"], ["man", "-o", "loop"], ["schema", "-o", "loop"]],
)  # fmt: skip
def test_links_in_a_circle_are_no_fault(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A symbolic link to itself is a file or folder that is not there to read or write."""
    monkeypatch.chdir(tmp_path)
    for name in ("loop", "loop.yaml"):
        (tmp_path / name).symlink_to(name)
    done = run(*words)
    assert done.exit_code == 2, done.output
    assert "internal error" not in done.output


@pytest.mark.parametrize("text", ["uses: [loop.yaml]\nrules: none\n", "behind: loop.yaml\nrules: none\n"])
def test_a_file_that_leads_in_a_circle_is_complained_of(text: str, tmp_path: Path) -> None:
    """A policy that uses a link to itself is told so with its place, and the program has no fault."""
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "a.yaml").write_text(text)
    done = spawn("check", "a.yaml", folder=tmp_path)
    assert done.returncode == 2
    assert b"a.yaml:1:" in done.stdout
    assert b"internal error" not in done.stderr


def test_a_full_device_is_an_error_without_a_traceback(perimeter: Path) -> None:
    """What cannot be written ends in 2, and says so in a line."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "firewright.cli.main", "explain", "445"],
            cwd=perimeter, stdout=full, stderr=subprocess.PIPE, env={**os.environ, **CALM}, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert b"could not be written" in done.stderr
    assert TRACEBACK.encode() not in done.stderr


def test_an_interrupt_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    """Ctrl-C while a command waits for its input ends it quietly, with the code that shells expect."""
    process = subprocess.Popen(
        [sys.executable, "-m", "firewright.cli.main", "check", "-"],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **CALM},
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"rules:")
    process.stdin.flush()
    for _ in range(1000):
        if not _is_starting(process.pid):
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert TRACEBACK.encode() not in complaint


def _is_starting(pid: int) -> bool:
    """Whether a process is not yet waiting for its standard input, by what the kernel says it waits in."""
    return "pipe" not in Path(f"/proc/{pid}/wchan").read_text()


def test_an_output_file_is_whole_or_not_there(perimeter: Path) -> None:
    """A file that does not fit (a limit on file sizes stands for a full disk) leaves the old one, and nothing beside it."""
    target = perimeter / "report.json"
    target.write_text("old")
    before = sorted(path.name for path in perimeter.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "firewright.cli.main", "explain", "1-65535", "--format", "json", "-o", "report.json"],
        cwd=perimeter, capture_output=True, env={**os.environ, **CALM}, timeout=60, check=False,
        preexec_fn=_no_large_files,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr.decode()
    assert b"report.json cannot be written" in done.stderr
    assert target.read_text() == "old"
    assert sorted(path.name for path in perimeter.iterdir()) == before


def _no_large_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_a_debug_flag_shows_the_traceback_of_a_fault_and_nothing_else_does(
    perimeter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the program is one line and exit code 2; with --debug the error itself comes out."""
    import firewright.workflows.ask as workflow

    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault\x1b[31m")

    monkeypatch.setattr(workflow, "ask_policies", fault)
    monkeypatch.chdir(perimeter)
    done = run("ask", "internet -> tenants")
    assert done.exit_code == 2
    assert "internal error: ZeroDivisionError: a fault\\u001b[31m" in done.stderr
    assert isinstance(run("ask", "internet -> tenants", "--debug").exception, ZeroDivisionError)


def test_colours_are_asked_for_or_a_terminal_has_them(perimeter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe has no colours, --color always has, and NO_COLOR is no match for it."""
    monkeypatch.chdir(perimeter)
    question = ("ask", "internet -> tenant-a tcp/3389")
    plain = run(*question).stdout
    assert "\x1b" not in plain
    coloured = run(*question, "--color", "always").stdout
    assert "\x1b[" in coloured
    assert "\x1b" not in run(*question, "--color", "never").stdout


def test_findings_of_a_readable_policy_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning of an audit ends in 1, whatever the format."""
    (tmp_path / "faulty.yaml").write_text(FAULTY)
    monkeypatch.chdir(tmp_path)
    for name in ("text", "json", "sarif", "junit", "markdown", "github"):
        done = run("check", "--format", name)
        assert done.exit_code == 1, done.output
