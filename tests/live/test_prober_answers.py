"""Which answers count: those to the very packet that was sent, from where it was sent to, and nothing else."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from firewright.analysis.observed import Answered, Observation, State, icmp_words
from firewright.live.prober.connecting import verdict
from firewright.live.prober.heard import Heard, about
from firewright.live.prober.probing import observation
from firewright.live.prober.rounds import CONTRADICTORY, LOSSY, Rounds
from firewright.model.packet import FAMILIES
from tests.live import probed
from tests.live.probed import V4
from tests.live.scene import needs

_SEGMENTS = """
import json, struct
from firewright.live.prober.syn import Syn
from firewright.live.prober.target import targets_of

(target, other) = targets_of(("192.0.2.2", "192.0.2.77"))
wire = Syn((target,), (22, 80))
own, base = wire._own[4], wire._base

def heard(source=target.raw, port=80, to=own, number=1, flags=0x12):
    head = struct.pack("!HHIIBB", port, to, 7, base + number + 1 & 0xFFFFFFFF, 0x50, flags)
    wire._segment(4, source, head, 64)
    return [(number, one.answered.value) for number, one in wire.heard(0)]

print(json.dumps({
    "right": heard(), "reset": heard(flags=0x14), "late reset": heard(number=2**31, flags=0x14), "another port": heard(port=22),
    "another host": heard(source=other.raw), "another caller": heard(to=own ^ 1), "no acknowledgement": heard(flags=0x04),
    "only an acknowledgement": heard(flags=0x10), "beyond": heard(number=2), "cut off": wire._segment(4, target.raw, b"1234", 64),
}))
wire.close()
"""


def test_only_the_answer_to_a_packet_counts() -> None:
    """A SYN-ACK or a reset counts for the port whose SYN its acknowledgement names; late, forged and foreign ones count for nothing."""
    needs("nsenter", "setpriv")
    (done,) = probed.play(("-c", _SEGMENTS))
    assert done.code == 0, done.err
    found = done.json()
    assert found.pop("right") == [[1, "reply"]]
    assert found.pop("reset") == [[1, "reset"]]
    assert not any(found.values()), found


_STRAYS = """table inet tried {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 4000-4999 drop
	}
}
"""


def test_answers_to_an_earlier_run_are_not_taken_for_this_ones() -> None:
    """Two probes at once of the same hidden and closed ports do not hear each other's answers."""
    needs("nsenter", "setpriv")
    script = (
        "import json, subprocess, sys\n"
        "words = [sys.executable, *sys.argv[1:]]\n"
        "children = [subprocess.Popen([*words, ports], stdout=subprocess.PIPE, text=True) for ports in ('4000-5999', '3000-4999')]\n"
        "print(json.dumps([json.loads(child.communicate()[0]) for child in children]))\n"
    )
    probe = ("-m", "firewright", "probe", "--format", "json", V4, "--tcp")
    (done,) = probed.play(("-c", script, *probe), nft=_STRAYS)
    states = [{row["state"]: row["services"] for row in tree["addresses"][0]["seen"]} for tree in done.json()]
    assert states == [
        {"hidden": "tcp/4000-4999", "closed": "tcp/5000-5999"},
        {"hidden": "tcp/4000-4999", "closed": "tcp/3000-3999"},
    ]


class Scripted:
    """A wire whose items answer as they are told, each time they are sent."""

    least_wait = 0.0

    def __init__(self, answers: dict[int, list[list[Answered]]]) -> None:
        self._answers = {number: list(times) for number, times in answers.items()}
        self._heard: list[tuple[int, Heard]] = []

    def send(self, number: int) -> None:
        """Answer as is next in the list of this item."""
        times = self._answers.get(number, [])
        self._heard += [(number, Heard(one)) for one in (times.pop(0) if times else [])]

    def heard(self, seconds: float) -> list[tuple[int, Heard]]:
        """What was answered since last time."""
        if not self._heard:
            time.sleep(seconds)
        heard, self._heard = self._heard, []
        return heard

    def settle(self) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is held."""


def test_silence_is_asked_again_and_contradictions_are_said() -> None:
    """An item that answers to the second packet counts, two different answers to one do not, and nothing is made of silence."""
    reply, reset, icmp = [Answered.REPLY], [Answered.RESET], [Answered.ICMP]
    wire = Scripted({0: [reply], 1: [[Answered.REPLY, Answered.RESET]], 2: [[], icmp], 3: [reset], 4: []})
    told: list[tuple[int, int]] = []
    rounds = Rounds(wire, 5, 1, 1000.0, 5.0, lambda answered, of: told.append((answered, of)))
    rounds.run()
    assert [one and one.answered for one in rounds.found] == [
        Answered.REPLY, Answered.REPLY, Answered.ICMP, Answered.RESET, None,
    ]  # fmt: skip
    assert rounds.why == {1: CONTRADICTORY}
    assert rounds.rationed == {0}, "an error that came only to the second packet"
    assert told[-1] == (4, 5)


def test_late_answers_leave_the_rest_in_doubt() -> None:
    """Where others answer only to the last of all packets, what is silent beside them is undetermined; another target's is not."""
    late: dict[int, list[list[Answered]]] = {
        number: [[]] * (number // 2) + [[Answered.RESET]] for number in range(0, 14, 2)
    }
    rounds = Rounds(Scripted(late), 18, 2, 2000.0, 20.0, lambda answered, of: None)
    rounds.run()
    assert {number for number, why in rounds.why.items() if why == LOSSY} == {12, 14, 16}
    assert all(rounds.found[number] is None for number in range(1, 18, 2))


@given(st.binary(max_size=120), st.sampled_from(FAMILIES))
def test_no_message_breaks_the_reader(raw: bytes, family: int) -> None:
    """Any bytes that come as ICMP are an error about a packet, or nothing; what is read is long enough to be looked into."""
    found = about(raw, family)
    assert found is None or (len(found.body) >= 8 and len(found.destination) == (4 if family == 4 else 16))


@given(st.integers(0, 140), st.sampled_from(FAMILIES))
def test_every_error_of_connect_has_a_meaning(number: int, family: int) -> None:
    """Only success is open, nothing that this machine says itself is the host's, and time running out tells nothing."""
    found = verdict(number, family)
    assert (found is not None and found.answered is Answered.REPLY) == (number == 0)
    assert found is None or found.answered or found.problem
    assert verdict(110, family) is None
    assert (verdict(111, family) or Heard(Answered.NOTHING)).answered is Answered.REFUSED
    assert "own firewall" in (verdict(1, family) or Heard(Answered.NOTHING)).problem


@given(
    st.sampled_from(Answered), st.integers(0, 255), st.integers(0, 255), st.sampled_from(["", "192.0.2.9"]),
    st.integers(0, 255), st.sampled_from(["", "not sent"]), st.sampled_from(["", "lost"]), st.booleans(), st.integers(0, 255),
)  # fmt: skip
def test_what_was_heard_has_one_meaning(
    answered: Answered,
    kind: int,
    code: int,
    sender: str,
    hop_limit: int,
    problem: str,
    why: str,
    is_alive: bool,
    hops: int,
) -> None:
    """A problem or a doubt is undetermined, a reply open, and silence alone is hidden, whatever else was heard."""
    for family in FAMILIES:
        found = observation(Heard(answered, kind, code, sender, hop_limit, problem), why, family, is_alive, hops)
        if problem or why:
            assert found.state is State.UNDETERMINED and found.why
        elif answered is Answered.REPLY:
            assert found.state is State.OPEN
        elif answered is not Answered.NOTHING:
            assert found.state in (State.CLOSED, State.UNDETERMINED)
            assert found.words(family)
        assert observation(None, "", family, is_alive, hops) == Observation(State.HIDDEN)
        assert icmp_words(family, kind, code).startswith("ICMP ")
