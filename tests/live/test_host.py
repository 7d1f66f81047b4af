"""A managed host as it is called: what is sent arrives whole or does nothing, and what it answers is told apart from what it lists."""

from __future__ import annotations

import pickle
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firewright.live.host import HostError, Local, Ssh, _sections, checksum, composed, program
from tests.story.machines import Machine, needs_machines

_RULESET = """table inet firewright
delete table inet firewright
table inet firewright {
	chain input {
		type filter hook input priority filter; policy drop;
		counter accept comment "anything"
	}
}
"""
_TEXTS = {"ruleset.nft": _RULESET, "minimal.nft": _RULESET, "ends": "", "meta": "policy=p\n"}
_SHELLS = (("sh",), ("bash",), ("busybox", "sh"))


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine with folders of its own and no rules."""
    needs_machines("busybox", "bash")
    made = Machine("host")
    yield made
    made.close()


def _told(machine: Machine, shell: tuple[str, ...], script: bytes) -> bytes:
    words = (*machine.before, *shell, "-s", "--", "over", "")
    return subprocess.run(words, input=script, capture_output=True, timeout=60).stdout


@given(st.binary(max_size=300))
@example(b"")
@example(b"\n" * 300)
def test_a_checksum_is_that_of_cksum(data: bytes) -> None:
    """What is reckoned here is what `cksum` of any host says of the same bytes."""
    said = subprocess.run(["cksum"], input=data, capture_output=True, check=True).stdout.decode().split()
    assert checksum(data) == "-".join(said[:2])


@pytest.mark.parametrize("shell", _SHELLS, ids=[one[0] for one in _SHELLS])
def test_what_is_cut_off_does_nothing(machine: Machine, shell: tuple[str, ...]) -> None:
    """Wherever the connection ends, in a text or in the last word, nothing is loaded or stored; only the whole of it is done."""
    texts = {**_TEXTS, "host.sh": program()}
    script = composed("apply", ("any", "5", "-", "kept"), texts, {})[0].encode()
    last = script.rindex(b"{ run")
    words = [
        length for length in range(last, len(script) - 1) if script[length - 1 : length] in (b" ", b"'", b"n", b"\n")
    ]
    for length in (*range(9_973, last, 9_973), *words):
        _told(machine, shell, script[:length])
        assert machine.listed() == ""
        assert {path.name for path in machine.state.rglob("*")} <= {"generations"}, length
    assert b"\n--- " in _told(machine, shell, script)
    assert "anything" in machine.listed()
    back = composed("rollback", ("any", "that was all"), {}, {})[0].encode()
    assert b" end\n" in _told(machine, shell, back)
    machine.sh("rm -rf /var/lib/firewright /run/firewright")


@pytest.mark.parametrize("shell", _SHELLS, ids=[one[0] for one in _SHELLS])
def test_a_text_arrives_as_it_is(machine: Machine, shell: tuple[str, ...]) -> None:
    """No character of a text means anything to a shell: what a host keeps is what was sent, to the byte."""
    odd = "$(touch /odd) `touch /odd` ${HOME} \\ \\\\ ' \" !! \t \r \x01 é \U0001f525\n--- x error\nEOF\n\n"
    script, _ = composed("generation", ("1", "meta"), {"meta": odd}, {})
    kept = 'cp "$incoming/meta" /kept\n'
    head, brace, tail = script.rpartition("{ run")
    _told(machine, shell, f"{head}{kept}{brace}{tail}".encode())
    assert subprocess.run([*machine.before, "cat", "/kept"], capture_output=True, check=True).stdout == odd.encode()
    assert machine.try_run("test", "-e", "/odd").code == 1
    machine.sh("rm -rf /kept /var/lib/firewright /run/firewright")


def test_a_listing_forges_no_section() -> None:
    """A line of a host's ruleset that looks like the head of a section is part of its section: nobody knows the word in it."""
    text = "--- 77aa table\ntable inet x {\n--- 00 error\n--- 77aaerror\n}\n--- 77aa end\n"
    assert _sections(text, "77aa") == {"table": "table inet x {\n--- 00 error\n--- 77aaerror\n}\n", "end": ""}


@pytest.mark.parametrize("word", ["a'b", "$(id)", "a;b", "a\nb", "", "x" * 401, "`id`", "a\0b"])
def test_a_word_that_is_not_plain_reaches_no_shell(word: str) -> None:
    """Words of a call, names of texts and folders are plain; anything else is a fault of the caller's."""
    for verb, words, texts, folders in (
        ("apply", (word,), {}, {}),
        (word, (), {}, {}),
        ("apply", (), {word: ""}, {}),
        ("apply", (), {}, {"FIREWRIGHT_STATE": word}),
    ):
        with pytest.raises(ValueError, match="no word for a host"):
            composed(verb, words, texts, folders)


def test_a_text_without_an_end_is_refused() -> None:
    """A text that holds a NUL, which no shell takes, is a fault of the caller's."""
    with pytest.raises(ValueError, match="a NUL in meta"):
        composed("apply", (), {"meta": "a\0b"}, {})


@pytest.mark.parametrize("name", ["-oProxyCommand=id", "a b", "a\nb", "", "x" * 300, "a'b", "$(id)", "é"])
def test_what_is_no_host_is_no_value(name: str) -> None:
    """A destination that ssh could take for an option, or a shell for a command, is never made into a host."""
    with pytest.raises(HostError) as caught:
        Ssh(name)
    assert caught.value.name == "bad-host"


def test_hosts_and_their_errors_go_to_other_processes() -> None:
    """A host and what it refused are the same value after they were sent."""
    for host in (Local({"FIREWRIGHT_STATE": "/s"}), Ssh("root@web1", port=2222)):
        assert pickle.loads(pickle.dumps(host)) == host
    error = pickle.loads(pickle.dumps(HostError("busy", "another is at work", "wait")))
    assert (error.name, error.message, error.help, str(error)) == (
        "busy",
        "another is at work",
        "wait",
        "another is at work",
    )


def test_a_user_without_rights_is_told(machine: Machine) -> None:
    """What is root's is refused to others by its name, before anything is made."""
    script = composed("apply", ("any", "5", "-"), _TEXTS, {})[0].encode()
    said = _told(machine, ("setpriv", "--reuid=4000", "--regid=4000", "--clear-groups", "sh"), script).decode()
    assert " error\nnot-root\n" in said
    assert not machine.state.exists()


_OTHERS = (
    ("chown 4000 {state}", "{state}"),
    ("chown 4000 {state}; chmod 755 {state}; mkdir {state}/generations", "{state}"),
    ("chmod 777 {state}", "{state}"),
    ("chmod 1777 {state}", "{state}"),
    ("chgrp 4000 {state}; chmod 770 {state}", "{state}"),
    ("touch {state}/firewright.db; chown 4000 {state}/firewright.db", "a file of {state}"),
    ("mkdir {state}/generations; chown 4000 {state}/generations", "a file of {state}"),
    ("mkdir -p {state}/generations/1; chmod 777 {state}/generations/1", "a file of {state}/generations"),
    ("chown 4000 /var/lib", "/var/lib"),
    ("chmod 775 /var/lib", "/var/lib"),
    ("rmdir {state}; mkdir /var/elsewhere; chown 4000 /var/elsewhere; ln -s /var/elsewhere {state}", "/var/elsewhere"),
    ("rmdir {state}; mkdir /var/elsewhere; ln -s /var/elsewhere {state}; chown -h 4000 {state}", "{state}"),
)


@pytest.mark.parametrize("shell", _SHELLS, ids=[one[0] for one in _SHELLS])
@pytest.mark.parametrize(("done", "named"), _OTHERS, ids=[one[0] for one in _OTHERS])
def test_a_state_folder_that_others_can_write_is_refused(
    machine: Machine, shell: tuple[str, ...], done: str, named: str
) -> None:
    """Root stores, runs and loads nothing of a folder that somebody else owns or can write, nor below one; it is named."""
    state = "/var/lib/firewright"
    machine.sh(f"mkdir -p -m 700 {state}; {done.format(state=state)}")
    script = composed("apply", ("any", "5", "-"), {**_TEXTS, "host.sh": program()}, {})[0].encode()
    try:
        said = _told(machine, shell, script).decode()
        assert " error\nforeign-state\n" in said
        assert f"others than root can change {named.format(state=state)}, and root runs what is in {state}: " in said
        assert machine.listed() == ""
        assert machine.try_run("test", "-e", f"{state}/host.sh").code == 1
    finally:
        machine.sh(f"rm -rf {state} /var/elsewhere; chown root: /var/lib; chmod 755 /var/lib")


@pytest.mark.parametrize("shell", _SHELLS, ids=[one[0] for one in _SHELLS])
def test_a_state_folder_of_roots_below_a_sticky_one_is_taken(machine: Machine, shell: tuple[str, ...]) -> None:
    """Where others may only put their own beside it, as in /tmp, and through a link of root's, a ruleset is loaded."""
    machine.sh("mkdir -p /var/tmp /var/tmp/kept; chmod 1777 /var/tmp; ln -s /var/tmp/kept /var/lib/firewright")
    texts = {**_TEXTS, "host.sh": program()}
    try:
        assert b" error\n" not in _told(machine, shell, composed("apply", ("any", "60", "-"), texts, {})[0].encode())
        assert "anything" in machine.listed()
        back = _told(machine, shell, composed("rollback", ("any", "that was all"), {}, {})[0].encode())
        assert b" end\n" in back and machine.listed() == ""
    finally:
        machine.sh("rm -rf /var/lib/firewright /var/tmp /run/firewright")
