"""`firewright probe` as a person runs it: exit codes, formats, the lines that are contradicted, Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import run
from tests.live import probed
from tests.live.probed import V4, V6
from tests.live.scene import needs

PROBE = ("-m", "firewright", "probe")
RULES = """table inet tried {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		meta l4proto { icmp, icmpv6 } accept
		tcp dport { 22, 80, 8080 } accept
		tcp dport 113 reject with tcp reset
		udp dport 53 accept
	}
}
"""
SERVICES = (("tcp", 22, ""), ("tcp", 8080, ""), ("udp", 53, "echo"))
RIGHT = """policy: server
zones: {near: [192.0.2.0/24, "2001:db8::/64"]}
rules:
  - {from: near, to: local, allow: [tcp/22, tcp/80, tcp/8080, udp/53, ping]}
  - {from: near, to: local, reject: ident}
"""
WRONG = RIGHT.replace("tcp/8080, ", "").replace("tcp/22", "tcp/22, tcp/3306")


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    needs("nsenter", "setpriv")


def test_a_machine_is_compared_with_its_policy(tmp_path: Path) -> None:
    """A policy that says what runs is confirmed with exit 0; one that does not is contradicted by its lines with exit 1."""
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(RIGHT)
    wrong.write_text(WRONG)
    ports = ("--tcp", "20-23,80,113,3306,8080", "--udp", "53", "--service", "ping")
    agreed, contradicted, undetermined = probed.play(
        (*PROBE, V4, V6, *ports, "-p", str(right)),
        (*PROBE, V4, V6, *ports, "-p", str(wrong)),
        (*PROBE, V4, "--udp", "514", "-p", str(right)),
        nft=RULES,
        services=SERVICES,
    )
    assert agreed.code == 0, agreed.out + agreed.err
    assert "agrees: server, 20 services: 20 confirmed, 0 contradicted, 0 undetermined" in agreed.out
    assert contradicted.code == 1
    for address in (V4, V6):
        assert f"contradicted: tcp/3306 of {address}: it is hidden, and the policy says accept\n" in contradicted.out
        assert f"contradicted: tcp/8080 of {address}: it is open, and the policy says drop\n" in contradicted.out
    assert "wrong.yaml:4:45  " in contradicted.out, "the place of the very word"
    assert undetermined.code == 1, "nothing was determined, and that is no pass"
    assert "0 confirmed, 0 contradicted, 1 undetermined" in undetermined.out


def test_zones_can_be_named(tmp_path: Path) -> None:
    """A caller is judged by the zone it is said to be of where its own address is hidden by translation."""
    path = tmp_path / "elsewhere.yaml"
    path.write_text(RIGHT.replace("192.0.2.0/24", "10.0.0.0/8"))
    ports = ("--tcp", "22", "-p", str(path))
    own, said = probed.play((*PROBE, V4, *ports), (*PROBE, V4, *ports, "--from", "near"), nft=RULES, services=SERVICES)
    assert (own.code, said.code) == (1, 0)
    assert "it is open, and the policy says drop" in own.out


def test_without_a_policy_it_says_what_is_there() -> None:
    """The text names each state once, with ranges, and what commonly is behind an open port."""
    (done,) = probed.play((*PROBE, V4, "--tcp", "1-120,8080", "--udp", "53"), nft=RULES, services=SERVICES)
    assert done.code == 0, done.err
    assert done.out == (
        "192.0.2.2, from 192.0.2.1\n"
        "  open          tcp/22 ssh, tcp/8080 http-alt, udp/53 dns\n"
        "  closed        tcp/80, tcp/113 (reset)\n"
        "  hidden        tcp/1-21, tcp/23-79, tcp/81-112, tcp/114-120\n"
    )


_INTERRUPT = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
time.sleep(2.5)
child.send_signal(signal.SIGINT)
out, err = child.communicate(timeout=30)
sys.stdout.write(out)
sys.stderr.write(err)
raise SystemExit(child.returncode)
"""


def test_an_interrupted_probe_says_what_it_knows() -> None:
    """Ctrl-C ends a long probe with what was seen by then, the rest undetermined, and exit code 130."""
    slow = ("--tcp", "21-23,1000-40000", "--rate", "400", "--format", "json")
    (done,) = probed.play(("-c", _INTERRUPT, *PROBE, V4, *slow), services=SERVICES)
    assert done.code == 130, done.err
    tree = done.json()
    assert tree["interrupted"] and not tree["passed"]
    rows = {row["state"]: row for row in tree["addresses"][0]["seen"]}
    assert rows["open"]["services"] == "tcp/22"
    assert rows["undetermined"]["how"] == "the probe was interrupted"
    assert rows["undetermined"]["services"].endswith("-40000")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("9.9.9.9",), "error[no-consent]: 9.9.9.9 may be somebody else's"),
        (("10.0.0.0/8",), "error[bad-target]: 16,777,216 addresses are more than 256"),
        (("127.0.0.1", "--tcp", "x"), "error[bad-service]: x is no port"),
        (("127.0.0.1", "--from", "lan"), "--from and --zone are zones of a policy"),
        (("127.0.0.1", "--rate", "0"), "--rate"),
        ((), "HOST"),
        (("127.0.0.1", "-p", "nosuch.yaml"), "there is no file nosuch.yaml"),
        (("127.0.0.1", "--format", "sarif"), "sarif cannot show this"),
    ],
)
def test_a_wrong_call_is_told(words: tuple[str, ...], complaint: str) -> None:
    """What cannot be meant ends with exit code 2, a sentence and a way out; nothing is sent before."""
    done = run("probe", *words, *(("--tcp", "9") if "sarif" in words else ()))
    assert done.exit_code == 2
    assert complaint in done.stderr
