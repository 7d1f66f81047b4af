"""`drift --watch`: each change of what runs is told, with who made it; what changes nothing is not; and nothing is polled for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from firewright.live.table_changes import Changes
from tests.cli.running import run
from tests.workflows.steward import ENVELOPE, ROOT, Steward, needs_host
from tests.workflows.stewarded import ruleset


def inside(what: str, given: str = "") -> list[Any]:
    """What a function of this module says of itself, run in namespaces of its own."""
    needs_host()
    done = subprocess.run(
        [*ENVELOPE, sys.executable, "-m", "tests.workflows.test_watch", what],
        input=given, capture_output=True, text=True, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def nft(text: str) -> None:
    """Somebody else's load."""
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


def changes() -> list[Any]:
    """What is heard of nf_tables: before anything, after a load, after a load that nobody listened to, and after that."""
    found: list[Any] = []
    with Changes() as heard:
        found.append(heard.wait(0.05))
        nft("table inet a {\n}\n")
        found.append(heard.wait(10))
        for number in range(3):
            nft(f"table inet b{number} {{\n}}\n")
        found += [heard.wait(10), heard.wait(0.05)]
        # What the kernel did not tell of, as where its messages were too many, is noticed by the number.
        nft("table inet c {\n}\n")
        heard._told()
        found.append(heard.wait(10))
    return [None if one is None else [one.number, one.program] for one in found]


def test_changes_are_heard_with_who_made_them() -> None:
    """The kernel's own number and the writer's name; several at once are one, and one that was not heard is noticed."""
    nothing, first, last, quiet, unheard = inside("changes")
    assert nothing is None and quiet is None
    assert first[1] == "nft" and last == [first[0] + 3, "nft"]
    assert unheard == [last[0] + 1, ""]


def watched() -> list[Any]:
    """What a watch says while others load this and that: its lines as JSON, and how it ends."""
    text = sys.stdin.read()
    with tempfile.TemporaryDirectory() as folder:
        host = Steward(Path(folder))
        host.apply(text)
        host.confirm("1")
        words = [sys.executable, "-m", "firewright", "drift", "--watch", "--format", "json"]
        going = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **host.places}
        )
        assert going.stdout is not None
        found = [_next(going.stdout)]
        nft(text.replace("invalid: it fits no flow", "reworded"))
        nft("table inet other {\n}\n")
        nft("insert rule inet firewright to_local_v4 tcp dport 99 accept")
        found.append(_next(going.stdout))
        nft(text)
        found.append(_next(going.stdout))
        nft("delete table inet firewright")
        found.append(_next(going.stdout))
        going.send_signal(2)
        rest, said = going.communicate(timeout=30)
        return [*found, [going.returncode, rest, said]]


def _next(stream: Any) -> Any:
    """The next JSON object of a stream."""
    text = ""
    for line in stream:
        text += line
        if line == "}\n":
            return json.loads(text)
    raise AssertionError(text)


def test_a_watch_tells_of_drift_and_of_its_end() -> None:
    """Drift is told when it begins, by whom, and when it ends; changes that mean nothing are not; it is stopped with 130."""
    equal, opened, mended, gone, ending = inside("watched", ruleset())
    assert not equal["drifted"] and equal["changed_by"] is None
    assert opened["drifted"] and opened["changed_by"].startswith("nft (process ")
    assert opened["difference"]["does"]["rule"] == "tcp dport 99 accept"
    assert not mended["drifted"] and mended["changed_by"].startswith("nft (process ")
    assert gone["drifted"] and gone["table"] is False
    assert ending[0] == 130 and not ending[1].strip() and "Traceback" not in ending[2]


def test_a_watch_is_of_this_machine_and_goes_to_the_terminal() -> None:
    """Another host's kernel cannot be listened to from here, and a file that is replaced again and again is no log."""
    for words in (("drift", "--watch", "fw1"), ("drift", "--watch", "-o", "x.json")):
        done = run(*words)
        assert done.exit_code == 2 and "--watch" in done.stderr


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"changes": changes, "watched": watched}[sys.argv[1]]()))
