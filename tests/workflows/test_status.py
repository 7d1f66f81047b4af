"""`status`, `drift` and `generations` on a managed host of their own, with everything that can be wrong with one."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from firewright.reports import Look
from firewright.reports._drift import Drift, Gap, Side, drift_markdown, drift_text
from firewright.reports._status import Counted, Window, span
from firewright.workflows.counters import BadEarlier, Earlier, counted, earlier_in, endings, since_earlier
from tests.workflows.steward import Done, needs_host, play
from tests.workflows.stewarded import END, OTHER, WEB, ruleset

JSON = ("--format", "json")
SHORT = WEB.replace(", sessions: 4h", "")
ELSEWHERE = json.dumps(
    {
        "kind": "status", "host": "this machine", "hostname": "elsewhere", "time": 1, "uptime": 1, "generation": 1,
        "loaded": 1, "counters": [],
    }
)  # fmt: skip
RECORD = f"{END} 4 input - - 6 6 8080 8080 0 65535\n"
"""What the host's timer ends when the dated rule does."""


def firewright(*words: str) -> tuple[str, ...]:
    """A step that runs the program."""
    return ("firewright", *words)


def names(done: Done) -> list[str]:
    """The findings of a status, in its order."""
    return [one["name"] for one in done.json()["findings"]]


def counter(done: Done, rule: str) -> dict[str, Any]:
    """What a status counted of a rule."""
    return next(one for one in done.json()["counters"] if one["rule"] == rule)


@pytest.fixture(scope="module")
def life() -> list[Done]:
    """A host from its first look to the day on which somebody deletes its table."""
    needs_host()
    text = ruleset()
    reworded = text.replace("invalid: it fits no flow", "reworded").replace("require_https", "renamed")
    return play(
        firewright("status"),
        firewright("drift"),
        firewright("generations"),
        ("apply", text, 60, {"ends": str(END)}, RECORD),
        firewright("status", *JSON),
        firewright("drift"),
        ("confirm", "1"),
        ("send", 999, 3),
        firewright("status", *JSON, "-o", "HERE/first.json"),
        ("send", 999, 2),
        firewright("status", *JSON, "--since", "HERE/first.json"),
        ("nft", reworded),
        firewright("drift"),
        firewright("status", *JSON, "--since", "HERE/first.json"),
        ("nft", "insert rule inet firewright to_local_v6 tcp dport 99 accept"),
        firewright("drift", *JSON),
        firewright("status", *JSON),
        ("nft", "delete table inet firewright"),
        firewright("drift", *JSON),
        firewright("status", *JSON),
        firewright("status"),
        firewright("status", "--format", "markdown"),
        ("read", "first.json"),
    )  # fmt: skip


def test_a_host_that_nobody_manages_has_no_firewall_first(life: list[Done]) -> None:
    """Before all else it is said that nothing stops packets, and `drift` says that there is nothing to compare with."""
    status, drift, generations = life[:3]
    assert status.code == 1 and status.out.startswith("error[no-firewall]: no firewall for IPv4 and IPv6")
    assert "nothing of ours was ever confirmed" in status.out
    assert drift.code == 2 and drift.err.startswith("error[nothing-confirmed]") and not drift.out
    assert generations.code == 0 and "nothing was ever applied" in generations.out


def test_what_waits_to_be_confirmed_is_a_finding(life: list[Done]) -> None:
    """While a generation waits, `status` says for how long, and `drift` that it is that one it compares with."""
    status, drift = life[4], life[5]
    assert status.code == 1 and names(status)[0] == "pending"
    tree = status.json()
    assert 0 < tree["pending"]["seconds_left"] <= 60 and tree["pending"]["watchdog"]
    assert tree["generation"] == 1 and tree["confirmed"] is None and tree["firewall_found"]
    assert drift.code == 0 and "not confirmed yet" in drift.out


def test_a_host_in_order_is_described_whole(life: list[Done]) -> None:
    """Generation, policy, who, when, ends with their lines, counters with theirs, and no finding but those that are true."""
    tree = json.loads(life[-1].out)
    assert (tree["policy"], tree["firewall"], tree["by"], tree["mode"]) == ("web", "local", "root", "enforce")
    assert tree["loaded"] <= tree["time"] and tree["window"]["since"] == tree["loaded"]
    assert tree["ends"] == [{"instant": END, "rule": "allow: tcp/8080 (web.yaml:8)"}]
    lines = {one["line"] for one in tree["counters"] if one["line"]}
    assert lines == {6, 7, 8, 9}
    closed = next(one for one in tree["counters"] if one["rule"].startswith("closed: "))
    assert (closed["packets"], closed["bytes"], closed["file"]) == (3, 3 * 29, None)
    assert tree["drift"]["drifted"] is False and tree["whole"]
    assert tree["findings"] == [] and tree["timer"]


def test_counters_since_an_earlier_look(life: list[Done]) -> None:
    """`--since` shows what was counted in between, and where the counters began anew in between it says so."""
    between, anew = life[10], life[13]
    closed = next(one["rule"] for one in between.json()["counters"] if one["rule"].startswith("closed: "))
    assert counter(between, closed)["packets"] == 2
    assert between.json()["window"]["since"] == json.loads(life[-1].out)["time"]
    assert counter(anew, closed)["packets"] == 0
    assert "a counter went back" in anew.json()["window"]["why"]


def test_other_words_are_no_drift(life: list[Done]) -> None:
    """Counters at nothing, other comments and other names of chains mean the same: no drift, exit 0."""
    assert life[11].code == 0 and life[12].code == 0, life[12]
    assert life[12].out.startswith("this machine: no drift: ")


def test_drift_has_a_packet_and_both_lines(life: list[Done]) -> None:
    """A rule that somebody put in is found with a packet, what should become of it, and what does."""
    drift, status = life[15], life[16]
    gap = drift.json()["difference"]
    assert drift.code == 1 and re.fullmatch(r"tcp \[2\S+\]:\d+ -> \[\S+\]:99", gap["witness"]), gap
    assert gap["should"]["verdict"] == "drop" and gap["should"]["comment"].startswith("closed: ")
    assert gap["does"] == {
        "verdict": "accept", "place": "inet firewright to_local_v6 rule 1", "rule": "tcp dport 99 accept", "comment": None,
    }  # fmt: skip
    assert status.code == 1 and names(status)[0] == "drift"
    assert status.json()["findings"][0]["witness"] == gap["witness"]


def test_a_table_that_is_gone_is_drift_and_no_firewall(life: list[Done]) -> None:
    """Without the table every packet passes: drift with a packet, and `status` begins with that there is no firewall."""
    drift, status, text, markdown = life[18:22]
    assert drift.code == 1 and drift.json()["table"] is False
    assert drift.json()["difference"]["does"]["verdict"] == "accept"
    assert status.code == 1 and names(status)[:2] == ["no-firewall", "drift"]
    assert status.json()["firewall_found"] is False and status.json()["counters"] == []
    assert text.out.startswith("error[no-firewall]")
    assert markdown.out.index("no-firewall") < markdown.out.index("applied")


@pytest.fixture(scope="module")
def several() -> list[Done]:
    """A host with three generations, of which somebody then changes files."""
    needs_host()
    return play(
        ("apply", ruleset(), 60),
        ("confirm", "1"),
        firewright("status", *JSON, "-o", "HERE/first.json"),
        ("apply", ruleset(OTHER), 60),
        firewright("generations", *JSON),
        ("confirm", "2"),
        firewright("generations"),
        firewright("generations", "--compare", "1", "2", *JSON),
        firewright("generations", "--compare", "1", "1"),
        firewright("generations", "--compare", "1", "9"),
        firewright("generations", "--compare", "1", "2", "--show", "1"),
        firewright("generations", "--show", "1"),
        firewright("status", *JSON, "--since", "HERE/first.json"),
        ("write", "elsewhere.json", ELSEWHERE),
        ("write", "journal", "0 0 applied 2 me there was one more\n"),
        ("read", "state/journal"),
        firewright("status", "--since", "HERE/journal"),
        ("write", "state/generations/2/ruleset.nft", ruleset(OTHER).replace("tcp dport 443", "tcp dport 444")),
        firewright("drift"),
        firewright("status", *JSON),
        firewright("generations", "--show", "2"),
        ("apply", ruleset(SHORT), 60),
        ("confirm", "3"),
        firewright("drift"),
        ("apply", ruleset(OTHER), 1),
        ("sleep", 3),
        firewright("drift"),
        firewright("status", *JSON),
        firewright("status", *JSON, "--since", "HERE/elsewhere.json"),
    )  # fmt: skip


def test_generations_are_listed_with_what_became_of_them(several: list[Done]) -> None:
    """Which is confirmed, which waits, of which policy and firewall, by whom: of each generation."""
    kept = several[4].json()["generations"]
    assert [(one["number"], one["running"], one["confirmed"]) for one in kept] == [(1, False, True), (2, True, False)]
    assert {(one["policy"], one["firewall"], one["by"]) for one in kept} == {("web", "local", "root")}
    text = several[6].out.splitlines()
    assert text[0].split() == ["number", "state", "policy", "firewall", "made", "by"]
    assert "confirmed once" in text[1] and "confirmed, loaded at boot" in text[2]


def test_generations_are_compared_by_meaning(several: list[Done]) -> None:
    """What opens and closes between two, in flows, with an example and the lines of both; one with itself is equivalent."""
    tree = several[7].json()
    assert several[7].code == 1 and not tree["equivalent"]
    assert [(one["kind"], one["flows"]) for one in tree["changes"]] == [
        ("opens", ["9.9.8.0/24 -> local tcp/22 (IPv4 only)"]),
        ("opens", ["9.9.8.0/24 -> local tcp/8080 (IPv4 only)"]),
        ("closes", ["9.9.9.0/25 -> local tcp/22 (IPv4 only)"]),
        ("closes", ["9.9.9.0/25 -> local tcp/8080 (IPv4 only)"]),
    ]
    opened = [one for one in tree["changes"] if one["kind"] == "opens"]
    assert {one["after"]["comment"] for one in opened} == {"require: ssh (web.yaml:6)", "allow: tcp/8080 (web.yaml:8)"}
    assert all(one["before"]["verdict"] == "drop" and "9.9.8." in one["witness"] for one in opened)
    assert several[8].code == 0 and "equivalent, proved" in several[8].out
    assert several[9].code == 2 and "no generation 9" in several[9].err
    assert several[10].code == 2 and "two questions" in several[10].err


def test_a_generation_is_shown_as_it_was_stored(several: list[Done]) -> None:
    """`--show` prints the ruleset, byte for byte."""
    assert several[11].code == 0 and several[11].out == ruleset()


def test_another_generation_shortens_the_window(several: list[Done]) -> None:
    """Counters of another generation are not compared: the window begins with the new one, and it is said why."""
    window = several[12].json()["window"]
    assert window["why"] == "shorter than asked for: generation 2 was loaded in between, and it was 1 before"
    assert window["since"] == several[12].json()["loaded"]
    assert several[16].code == 2 and "it is not what" in several[16].err


def test_a_file_that_was_changed_is_compared_with_nothing(several: list[Done]) -> None:
    """A generation's file that is not what was stored is said, and is no measure of drift."""
    drift, status, shown = several[18:21]
    assert drift.code == 2 and drift.err.startswith("error[generation-changed]")
    assert "generation-changed" in names(status) and status.json()["drift"] is None
    assert shown.code == 2 and not shown.out


def test_what_an_earlier_generation_leaves_behind_is_no_drift(several: list[Done]) -> None:
    """Timeouts of flows stay in the kernel where a ruleset is replaced by one without them: that is no drift."""
    assert several[23].code == 0, several[23]


def test_a_generation_that_was_brought_back_is_no_drift(several: list[Done]) -> None:
    """After the watchdog took a load back, what runs is the confirmed one; that another ran in between is said of its counters."""
    drift, status = several[26], several[27]
    assert drift.code == 0, drift
    assert status.json()["generation"] == 3 and "pending" not in names(status)
    assert status.json()["window"]["why"] == "loaded then, and generation 4 ran for a time since"


def test_an_earlier_status_of_another_host_is_refused(several: list[Done]) -> None:
    """Counters of two hosts are never compared, though both are called this machine."""
    assert several[28].code == 2 and several[28].err.startswith("error[other-host]") and not several[28].out


@pytest.fixture(scope="module")
def broken() -> list[Done]:
    """A host on which more and more goes wrong."""
    needs_host()
    text = ruleset()
    now = int(time.time())
    return play(
        ("apply", text, 60, {"ends": str(END)}, RECORD),
        ("confirm", "1"),
        firewright("status", *JSON),
        ("kill", "run/ends.pid"),
        ("remove", "root/etc/local.d/firewright.start"),
        ("write", "run/boot", "minimal: generation 1 could not be loaded: its file is not what was stored\n"),
        ("write", "state/journal", "- 5 confirmed 1 root over -\nabc 6 confirmed 1 root over -\n"),
        firewright("status", *JSON),
        ("apply", ruleset(audit=(now - 10, now + 5000)), 60, {"mode": "audit", "until": str(now + 5000)}),
        ("send", 999, 4),
        firewright("status", *JSON),
        firewright("drift"),
        ("kill", "state/pending/watch"),
        firewright("status", *JSON),
        firewright("status", "-v"),
        ("nft", "table inet f2b-table {\n\tchain input {\n\t\ttype filter hook input priority -1;\n\t}\n}\n"),
        ("write", "run/boot", "nothing: generation 1 could not be loaded: no; nor the minimal one: it is missing\n"),
        firewright("status", *JSON),
    )  # fmt: skip


def test_each_thing_that_is_wrong_is_found(broken: list[Done]) -> None:
    """A boot that fell back, a way to boot that is gone, a timer that died, a journal that was changed: each by its name."""
    assert names(broken[2]) == [] and broken[2].code == 0 and broken[2].json()["timer"]
    assert set(names(broken[7])) == {"booted-minimal", "no-boot-way", "no-timer", "journal-changed"}
    assert names(broken[7])[0] == "booted-minimal" and broken[7].code == 1
    assert broken[7].json()["window"] == {"since": 0, "why": "the host's journal does not say when it was loaded"}
    assert "boot-failed" in names(broken[17])


def test_audit_mode_is_said_first_and_its_counters_are_told_apart(broken: list[Done]) -> None:
    """In audit mode nothing is stopped, which is no firewall; what would be refused is counted under its line."""
    status, drift = broken[10], broken[11]
    assert names(status)[0] == "no-firewall" and "audit-mode" in names(status)
    passed = [one for one in status.json()["counters"] if one["let_pass"] and one["packets"]]
    assert [(one["rule"][:7], one["packets"]) for one in passed] == [("closed:", 4)]
    assert drift.code == 0, drift.out


def test_a_dead_watchdog_is_an_error(broken: list[Done]) -> None:
    """A generation that waits without a watchdog is an error: nobody will take it back."""
    assert "watchdog-dead" in names(broken[13]) and broken[13].json()["pending"]["watchdog"] is False
    assert "its watchdog is dead" in broken[14].out


def test_tables_of_others_are_listed(broken: list[Done]) -> None:
    """Another table on the hooks is there by its name and its maker's."""
    assert [(one["table"], one["makers"]) for one in broken[17].json()["neighbours"]] == [
        ("inet f2b-table", ["fail2ban"])
    ]


def test_counters_of_one_line_are_added_up() -> None:
    """Rules with one comment are one line of the policy, whatever chain they are in; a line that is not loaded counted nothing."""
    table = (
        '\t\ttcp dport 22 counter packets 5 bytes 300 accept comment "require: ssh (a (b).yaml:7)"\n'
        '\t\tcounter packets 2 bytes 90 accept comment "require: ssh (a (b).yaml:7)"\n'
        '\t\tcounter packets 1 bytes 40 drop comment "closed: (nothing)"\n'
    )
    stored = '\t\tcounter accept comment "allow: ntp (web.yaml:9)"\n'
    found = {one.rule: (one.file, one.line, one.packets, one.bytes) for one in counted(table, stored)}
    assert found["closed: (nothing)"] == ("", 0, 1, 40)
    assert found["allow: ntp"] == ("web.yaml", 9, 0, 0)
    assert next(values[2:] for rule, values in found.items() if rule.startswith("require")) == (7, 390)


def test_ends_are_those_still_to_come() -> None:
    """The dated rule's end is listed with its line until it is past."""
    text = ruleset()
    assert endings(text, END - 1) == ((END, "allow: tcp/8080 (web.yaml:8)"),)
    assert endings(text, END) == ()


@pytest.mark.parametrize(
    ("then", "now", "why"),
    [
        ((100, 50, 1, 90, 5), (200, 150, 1, 90, 7), ""),
        ((100, 50, 1, 90, 5), (200, 150, 2, 190, 7), "generation 2"),
        ((100, 50, 1, 90, 5), (200, 10, 1, 90, 7), "started anew"),
        ((100, 50, 1, 90, 5), (1000, 60, 1, 90, 7), "started anew"),
        ((100, 50, 1, 90, 5), (200, 150, 1, 150, 7), "loaded again"),
        ((100, 50, 1, 90, 5), (99, 60, 1, 90, 7), "clock was set back"),
        ((100, 50, 1, 90, 5), (200, 150, 1, 90, 4), "went back"),
    ],
)
def test_a_reset_is_never_a_count(then: tuple[int, ...], now: tuple[int, ...], why: str) -> None:
    """Where counting began anew between two looks, the window begins there and nothing is taken off."""

    def look(time: int, uptime: int, generation: int, loaded: int, packets: int) -> tuple[Earlier, Counted]:
        one = Counted("require: ssh", "web.yaml", 7, packets, packets * 60)
        return Earlier("fw1", "fw1", time, uptime, generation, loaded, {one.key: one}), one

    (earlier, _), (later, one) = look(*then), look(*now)
    window, (found,) = since_earlier(earlier, later, Window(now[3]), [one])
    assert (why in window.why) and (found.packets == (now[4] if why else now[4] - then[4]))
    assert window.since == (now[3] if why else then[0])


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kind": "drift"}', '{"kind": "status", "counters": [{}]}', "[" * 100_000]
)
def test_what_is_no_earlier_status_is_refused(text: str) -> None:
    """Anything else than what `status --format json` wrote is refused, and never taken for a host that counted nothing."""
    with pytest.raises(BadEarlier):
        earlier_in(text)


def test_words_of_a_host_are_harmless_on_a_terminal() -> None:
    """Names, rules and comments that come from a host cannot command a terminal, in any format."""
    evil = "\x1b]0;x\x07"
    gap = Gap(f"tcp{evil}", 1, Side("accept", evil, evil, evil), Side("drop", evil, evil))
    drift = Drift(f"h{evil}", 1, False, evil, evil, True, 1, gap, evil)
    for look in (Look(), Look(is_cut=True)):
        assert "\x1b" not in drift_text(drift, look) + drift_markdown(drift, look)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 seconds"), (61, "1 minute 1 second"), (90_061, "1 day 1 hour"), (-5, "0 seconds")]
)
def test_a_length_of_time_in_words(seconds: int, words: str) -> None:
    """Its two largest units, and never less than nothing."""
    assert span(seconds) == words


def test_what_loads_nothing_at_boot_is_said_alike() -> None:
    """Where nothing loads it at boot, `status` and `generations` say so both, and the advice names what is in the folder of this state."""
    needs_host()
    *_, status, listed = play(
        ("apply", ruleset(), 60, {}, RECORD),
        ("confirm", "1"),
        ("remove", "root/etc/local.d/firewright.start"),
        firewright("status", *JSON),
        firewright("generations"),
    )
    (advice,) = [one["help"] for one in status.json()["findings"] if one["name"] == "no-boot-way"]
    assert "/state/host.sh boot'" in advice and "/var/lib/firewright/" not in advice
    assert "confirmed, nothing loads it at boot" in listed.out and "confirmed, loaded at boot" not in listed.out
