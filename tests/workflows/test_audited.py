"""The proof of audit mode: everything passes in its time, everything else is as the policy says, and every fault has a witness."""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from typing import Any

import pytest

from firewright.analysis.validate import Mismatch, Pause, Proof
from firewright.diagnostic import Report
from firewright.model.policy import Policy
from firewright.readers.nftables import UnreadableListing
from firewright.reports import Look
from firewright.reports.text import REPORT
from firewright.source import Source
from firewright.syntax.nftables import LATEST_INSTANT
from firewright.syntax.nftables.audited import PREFIX
from firewright.workflows.audited import audited_text, prove_audited, would_cut
from firewright.workflows.compile import compile_firewall
from firewright.writers import Artifact
from tests.language.world import policy
from tests.policies import DAY
from tests.writers.test_faults import EDGE, HOST

pytestmark = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)

SINCE, UNTIL = 1_796_000_000, 1_796_100_000
OUT = re.compile(rf"\t\t.*meta time >= {SINCE} meta time < {UNTIL} counter goto {PREFIX}\w+ .*\n")


@cache
def text_of(is_host: bool, until: int | None = UNTIL) -> str:
    """A proved ruleset in audit mode."""
    found = HOST if is_host else EDGE
    (firewall,) = found.firewalls.values()
    report = Report()
    compiled = audited_text(found, firewall, DAY, SINCE, until, report)
    assert compiled is not None, [one.message for one in report.diagnostics]
    assert not report.has_errors()
    return compiled.text


def proved(found: Policy, text: str, until: int | None = UNTIL) -> Mismatch | Proof:
    """What the proof says of a text."""
    (firewall,) = found.firewalls.values()
    return prove_audited(found, firewall, DAY, text, SINCE, until)


def refused(text: str) -> bool:
    """Whether HOST's ruleset is refused for what it is, before any packet is asked for."""
    report = Report()
    emitted = Artifact("nftables", HOST.name, "local", text)
    compiled = compile_firewall(
        HOST, HOST.firewalls["local"], DAY, report, lambda *_: emitted, pause=Pause(SINCE, UNTIL)
    )
    return compiled is None and [one.name for one in report.diagnostics if one.severity == "error"] == ["miscompiled"]


@pytest.mark.parametrize("until", [UNTIL, None])
@pytest.mark.parametrize("found", [EDGE, HOST], ids=["edge", "host"])
def test_it_is_proved(found: Policy, until: int | None) -> None:
    """A router with every kind of rule and a host are proved, with an end and without; the other time is not proved of it."""
    text = text_of(found is HOST, until)
    assert isinstance(proved(found, text, until), Proof)
    assert isinstance(proved(found, text, UNTIL + 1 if until is None else None), Mismatch)


def test_each_way_out_is_needed() -> None:
    """Without any one of the rules that let pass, a packet is named that is stopped while nothing should be."""
    text = text_of(True)
    found = list(OUT.finditer(text))
    assert len(found) >= 18
    for one in found:
        if "neither IPv4 nor IPv6" in one[0]:
            continue
        mismatch = proved(HOST, text.replace(one[0], "", 1))
        assert isinstance(mismatch, Mismatch), one[0]
        assert SINCE <= mismatch.instant < UNTIL
        assert (mismatch.wanted.action, mismatch.found) in {("accept", "drop"), ("accept", "reject")}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"meta time >= {SINCE} ", ""),
        (f" meta time < {UNTIL}", ""),
        (str(SINCE), str(SINCE - 1)),
        (str(UNTIL), str(UNTIL + 1)),
    ],
)
@pytest.mark.parametrize("said", ["closed: no rule opens it", "deny: smb", "invalid: it fits no flow"])
def test_a_way_out_that_is_open_too_long_is_found(old: str, new: str, said: str) -> None:
    """One rule that lets pass before audit mode begins, or after its end, if only for a second, is found with a packet."""
    text = text_of(True)
    line = next(one[0] for one in OUT.finditer(text) if said in one[0])
    mismatch = proved(HOST, text.replace(line, line.replace(old, new)))
    assert isinstance(mismatch, Mismatch)
    assert not SINCE <= mismatch.instant < UNTIL
    assert mismatch.wanted.action in ("drop", "reject") and mismatch.found == "accept"


def test_what_remembers_may_not_drop() -> None:
    """Every rule of audit mode's own chains that accepts must: whatever a set holds, nothing is stopped."""
    text = text_of(True)
    start = text.index(f"chain {PREFIX}would_drop")
    accepts = [start + one.start() for one in re.finditer("counter accept", text[start:])][::2]
    assert len(accepts) >= 10
    for at in accepts:
        mismatch = proved(HOST, f"{text[:at]}counter drop{text[at + len('counter accept') :]}")
        chain = text[:at].rpartition("chain ")[2].split(" ", 1)[0]
        is_dead = chain == f"{PREFIX}logged"  # each packet is on one of the ways
        assert is_dead or isinstance(mismatch, Mismatch), text[at - 100 : at + 40]


def test_a_chain_that_does_not_end_is_found() -> None:
    """Without its last rule, a chain of audit mode would stop what a full set has no room for."""
    text = text_of(True)
    last = '\t\tcounter accept comment "would be refused, and is not remembered"\n'
    place = text.index(last, text.index(f"chain {PREFIX}in_v4 {{"))
    mismatch = proved(HOST, text[:place] + text[place + len(last) :])
    assert isinstance(mismatch, Mismatch) and mismatch.packet.family == 4
    assert (mismatch.wanted.action, mismatch.found) == ("accept", "drop")


KEY = "ct state . ip saddr . ip daddr . meta l4proto . th dport"
MORE = f"""
\tset others {{
\t\ttype ipv4_addr; size 9; flags dynamic;
\t}}
\tmap {PREFIX}x {{
\t\ttype ct_state . ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict; flags dynamic; size 9;
\t}}
"""


@pytest.mark.parametrize(
    "rule",
    [
        f"{KEY} @{PREFIX}in_openings_v4 counter accept",
        f"{KEY} vmap @{PREFIX}x",
        "update @others { ip saddr counter }",
        "meta mark set 7",
        f"update @{PREFIX}in_openings_v4 {{ {KEY} limit rate 1/second }} accept",
    ],
)
def test_what_is_remembered_decides_nothing(rule: str) -> None:
    """A rule that asks what audit mode remembers, fills another set, or writes to packets, is refused whatever it does."""
    begins, head = "\t\tct state established", "table inet firewright {\n"
    text = text_of(True).replace(head, head + MORE, 1) if "@others" in rule or f"{PREFIX}x" in rule else text_of(True)
    faulty = text.replace(begins, f"\t\t{rule}\n{begins}", 1)
    assert faulty.count(rule) > text.count(rule)
    assert refused(faulty)


def test_an_ordinary_compile_has_no_such_sets() -> None:
    """What is proved without a pause may not fill sets at all."""
    report = Report()
    emitted = Artifact("nftables", HOST.name, "local", text_of(True))
    assert compile_firewall(HOST, HOST.firewalls["local"], DAY, report, lambda *_: emitted) is None
    assert "is not judged" in report.diagnostics[-1].message or "do not stay" in report.diagnostics[-1].message


@pytest.mark.parametrize(
    ("since", "until"), [(9, 9), (9, 8), (0, 9), (-5, 9), (9, LATEST_INSTANT + 1), (LATEST_INSTANT + 1, None)]
)
def test_a_time_that_is_none_is_said(since: int, until: int | None) -> None:
    """A time that ends before it begins, that a lost clock would be in, or that nft cannot say, is one clear complaint."""
    report = Report()
    assert audited_text(HOST, HOST.firewalls["local"], DAY, since, until, report) is None
    assert [one.name for one in report.diagnostics] == ["audit-window"]
    assert report.diagnostics[0].help


def listing(*objects: dict[str, Any]) -> str:
    """A listing of HOST's table with these objects."""
    place = {"family": "inet", "table": "firewright"}
    return json.dumps({"nftables": [{kind: {**place, **body}} for one in objects for kind, body in one.items()]})


LATE = policy("""
rules:
  - {from: any, to: local, deny: {udp: any, source-port: 53}, name: late-answers}
  - {from: any, to: local, allow: udp/5353}
""")
GATE = {
    "rule": {
        "chain": "closed",
        "comment": "closed: no rule opens it",
        "expr": [{"counter": {"packets": 7, "bytes": 400}}, {"goto": {"target": f"{PREFIX}would_drop"}}],
    }
}


def recorded(name: str, types: list[str], *elements: object) -> dict[str, Any]:
    """A set of a listing."""
    return {"set": {"name": name, "type": types, "size": 3, "elem": list(elements)}}


OPENINGS = ["ct_state", "ipv4_addr", "ipv4_addr", "inet_proto", "inet_service"]


def element(*values: object, packets: int = 1) -> dict[str, Any]:
    """An element of a set."""
    return {"elem": {"val": {"concat": list(values)}, "counter": {"packets": packets, "bytes": 9}, "expires": 60}}


def test_rows_name_the_line_of_the_policy() -> None:
    """Rows are sorted by packets, each with the rule that refuses it and where it stands; rules are counted by their lines."""
    held = recorded(
        f"{PREFIX}in_openings_v4",
        OPENINGS,
        element("new", "9.9.9.9", "192.168.1.1", "tcp", 445, packets=3),
        element("new", "9.9.9.9", "192.168.1.1", 17, 9999, packets=2),
        element("invalid", "192.168.1.7", "192.168.1.1", "tcp", 22, packets=9),
    )
    strays = recorded(
        f"{PREFIX}out_strays_v4",
        ["ct_state", "ipv4_addr", "ipv4_addr", "inet_service", "inet_service"],
        element("new", "192.168.1.1", "9.9.9.9", 443, 50_000),
    )
    deny = {"rule": {**GATE["rule"], "chain": "d", "comment": "deny: smb, telnet (policy.yaml:6)"}}
    found = would_cut(listing(GATE, deny, held, strays), HOST, HOST.firewalls["local"], DAY)
    rows = [
        (one.packets, one.flow, one.way, one.state, *((why.verdict, why.said, why.at.line) for why in one.causes))
        for one in found.flows
    ]
    assert rows == [
        (9, "tcp 192.168.1.7 -> 192.168.1.1:22", "in", "invalid", ("invalid", "it fits no flow", 3)),
        (3, "tcp 9.9.9.9 -> 192.168.1.1:445", "in", "new", ("denied", "deny: smb, telnet", 6)),
        (2, "udp 9.9.9.9 -> 192.168.1.1:9999", "in", "new", ("closed, answered", "no rule opens it", 3)),
        (
            1,
            "tcp 192.168.1.1:443 -> 9.9.9.9:50000",
            "out",
            "new",
            ("no beginning", "a segment of a flow that nobody opened", 3),
        ),
    ]
    assert [(one.said, one.packets, one.at.line) for one in found.lines] == [
        ("closed: no rule opens it", 7, 0),
        ("deny: smb, telnet (policy.yaml:6)", 7, 6),
    ]
    assert found.full == (f"{PREFIX}in_openings_v4",)


def test_what_the_policy_permits_by_now_is_said_to_pass() -> None:
    """A flow that was recorded under another policy, or on another day, has no cause where this one lets it through."""
    held = recorded(f"{PREFIX}in_openings_v4", OPENINGS, element("new", "192.168.1.7", "192.168.1.1", "tcp", 22))
    found = would_cut(listing(GATE, held), HOST, HOST.firewalls["local"], DAY)
    assert [one.causes for one in found.flows] == [()]
    assert "passes by the policy of this day" in REPORT[type(found)](found, Look())


def test_a_source_port_that_decides_leaves_several_causes() -> None:
    """Where rules tell source ports apart, which are not recorded, each cause that is possible is named, and none that is not."""
    found = would_cut(
        listing(
            GATE,
            recorded(
                f"{PREFIX}in_openings_v4",
                OPENINGS,
                element("new", "9.9.9.9", "192.168.1.1", "udp", 999),
                element("new", "9.9.9.9", "192.168.1.1", "udp", 5353),
                element("new", "9.9.9.9", "192.168.1.1", "udp", 68),
            ),
        ),
        LATE,
        LATE.firewalls["local"],
        DAY,
    )
    assert {one.flow.rpartition(":")[2]: [why.verdict for why in one.causes] for one in found.flows} == {
        "999": ["closed", "denied"],
        "5353": ["denied"],
        "68": ["closed", "denied"],
    }


@pytest.mark.parametrize("given", ['{"nftables": []}', "table inet other {\n}\n", ""])
def test_a_table_that_is_not_in_audit_mode_is_said(given: str) -> None:
    """No table of ours, or one that enforces, is no empty report."""
    found = would_cut(given, HOST, HOST.firewalls["local"], DAY)
    assert not found.is_audited
    assert REPORT[type(found)](found, Look()) == "local of policy: the table that runs is not in audit mode\n"


@pytest.mark.parametrize(
    "given",
    [
        "{",
        "[]",
        listing(GATE, recorded(f"{PREFIX}in_openings_v4", OPENINGS, element("new", "9.9.9.9", 7))),
        listing(GATE, recorded(f"{PREFIX}in_openings_v4", OPENINGS, element("new", "9.9.9.9", "nobody", "tcp", 7))),
        listing(GATE, recorded(f"{PREFIX}in_openings_v4", OPENINGS, element("loud", "9.9.9.9", "9.9.9.8", "tcp", 7))),
        listing(GATE, recorded(f"{PREFIX}in_openings_v4", OPENINGS, element(9, "9.9.9.9", "9.9.9.8", "tcp", 7))),
        listing(GATE, recorded(f"{PREFIX}in_openings_v4", OPENINGS, "9.9.9.9")),
        listing(GATE, recorded(f"{PREFIX}in_openings_v4", OPENINGS, {"concat": []})),
        listing(GATE, recorded(f"{PREFIX}in_others_v4", OPENINGS, element("new", "9.9.9.9", "9.9.9.8", "tcp", 7))),
        listing(GATE, recorded(f"{PREFIX}in_arrivals_v4", OPENINGS, element("new", "9.9.9.9", "9.9.9.8", "tcp", 7))),
        listing(GATE, recorded(f"{PREFIX}elsewhere_v4", ["ct_state"], "new")),
        listing(GATE, {"set": {"name": f"{PREFIX}in_others_v4", "type": OPENINGS, "elem": {"elem": 7}}}),
        'include "/etc/passwd"\n',
        "table inet firewright {\n\tchain c {\n\t\tip saddr $x accept\n\t}\n}\n",
    ],
)
def test_no_listing_is_taken_for_an_empty_one(given: str) -> None:
    """What audit mode never leaves behind, and a text that reads files, is refused as unreadable, and nothing is loaded."""
    with pytest.raises(UnreadableListing) as caught:
        would_cut(given, HOST, HOST.firewalls["local"], DAY)
    assert caught.value.diagnostic.name == "not-a-listing"
    assert Source("x", given).text == given
