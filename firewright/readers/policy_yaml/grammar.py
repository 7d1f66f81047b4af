"""The policy language as data: every key with its shape, one sentence and an example, in the order that `fmt` writes.

The reader checks texts against it; the published JSON Schema and the reference of the language are made from it.
"""

from __future__ import annotations

from dataclasses import replace

from firewright.model.policy import Verb
from firewright.readers.policy_yaml.shape import (
    Day,
    Duration,
    Endpoint,
    Key,
    Moment,
    Name,
    Path,
    Question,
    Record,
    ServiceEntry,
    Several,
    Table,
    Text,
    Word,
    YesNo,
    ZoneEntry,
)

VERBS = tuple(verb.value for verb in Verb)
"""The keys of a rule that say what it does; a rule has exactly one."""
WHO = ("from", "to", "between", "within")
"""The keys of a rule that say who: from and to, or between, or within."""
PROSE = ("about", "owner", "agreed-with", "version", "reviewed", "contact")
"""The keys that are published with a policy."""
TIMEOUTS = (
    "tcp-syn-sent", "tcp-syn-recv", "tcp-established", "tcp-fin-wait", "tcp-close-wait", "tcp-last-ack",
    "tcp-time-wait", "tcp-close", "tcp-retrans", "tcp-unack", "udp-unreplied", "udp-replied", "icmp", "generic",
)  # fmt: skip
"""States of a flow whose patience can be set: nftables' names of ct timeout policies behind their protocol, and the
kernel's ICMP and generic timeouts."""

_ZONES = Several(Name("zone"))
_PAIRS = Several(Name("zone"), least=2)
_SERVICES = Several(ServiceEntry())

RULE = Record(
    "a rule",
    (
        Key("name", Name("rule"), "What people call the rule; other rules and tickets speak of it by this.", "EX-7"),
        Key("from", _ZONES, "The zones that open a flow; each of these to each of `to`.", "[core, apama]"),
        Key("to", _ZONES, "The zones that a flow is opened to.", "internet"),
        Key("between", _PAIRS, "Each of these zones to each other one, both ways.", "[internet, tenants]"),
        Key("within", _ZONES, "Each of these zones to itself.", "tenants"),
        Key("allow", _SERVICES, "These services may be open.", "[http, https]"),
        Key("require", _SERVICES, "These services must be open: what depends on them breaks otherwise.", "https"),
        Key("request", _SERVICES, "These services are closed, and may be asked for.", "any"),
        Key("deny", _SERVICES, "These services must be closed, and hidden: nothing is answered.", "[smb, netbios]"),
        Key("reject", _SERVICES, "These services must be closed, and callers are told so.", "ident"),
        Key("otherwise", Word(("drop", "reject")), "The answer to what no rule of these zones names.", "reject"),
        Key("when", Several(Name("option")), "The rule holds only where all these options are yes.", "web-server"),
        Key("because", Text(), "The reason, in words for people.", "the public service"),
        Key("owner", Text(), "Who answers for the rule.", "messaging team"),
        Key("ticket", Text(), "Where it was asked for and decided.", "OPS-112"),
        Key("until", Moment(), "The last day on which the rule permits, to its end; or the time of day at which it ends.",
            "2027-03-31"),
        Key("sessions", Duration(), "How long its flows may be silent before they are forgotten.", "4h"),
        Key("log", YesNo(), "Whether what the rule decides is logged.", "yes"),
        Key("overrides", Several(Name("rule")), "The bans that this dated permission passes, by name.", "[no-ftp]"),
    ),
    synonyms=(
        ("permit", "allow"), ("accept", "allow"), ("pass", "allow"), ("block", "deny"), ("drop", "deny"),
        ("forbid", "deny"), ("refuse", "reject"), ("need", "require"), ("needs", "require"), ("source", "from"),
        ("src", "from"), ("destination", "to"), ("dst", "to"), ("comment", "because"), ("reason", "because"),
        ("description", "because"), ("expires", "until"), ("if", "when"), ("default", "otherwise"),
        ("service", "allow"), ("services", "allow"), ("timeout", "sessions"), ("id", "name"),
    ),
)  # fmt: skip

FIREWALL = Record(
    "a firewall",
    (
        Key("between", Several(Name("zone"), least=2), "Its legs: the zones that it stands between.", "[internet, core]"),
        Key("within", Several(Name("zone")), "Zones whose inner traffic passes it as well.", "tenants"),
        Key(
            "interfaces",
            Table("leg", Several(Name("interface"))),
            "By zone, the interfaces behind which it lies; address and interface must then both fit.",
            "{internet: eth0, core: [eth1, eth2]}",
        ),
        Key("default", Word(("drop", "reject")), "The answer to what no rule opens; drop if nothing is said.", "reject"),
        Key("opens", Word(("allowed", "required")), "Whether all that is allowed is opened, or only what is required.",
            "required"),
        Key("timeouts", Table("timeout", Duration(), TIMEOUTS), "How long silent flows are remembered, by state.",
            "{tcp-established: 4h}"),
    ),
    synonyms=(("legs", "between"), ("zones", "between"), ("policy", "default"), ("timeout", "timeouts")),
)  # fmt: skip

POLICY = Record(
    "a policy",
    (
        Key("policy", Name("policy"), "The policy's name; its file's name if nothing is said.", "my-machine"),
        Key("about", Text(), "What it is about, in one sentence.", "Standard internet ports"),
        Key("version", Text(), "Its version, as its authority counts.", '"1.3"'),
        Key("owner", Text(), "The authority whose word it is.", "perimeter-team"),
        Key("agreed-with", Several(Text()), "Who agreed to it.", "[security office, operations]"),
        Key("contact", Text(), "Whom to ask.", "ports@provider.example"),
        Key("reviewed", Day(), "When it was last looked through.", "2026-11-21"),
        Key("labels", Table("label", Several(Text())), "What policies are selected by, and nothing else.",
            "{region: [1, 2]}"),
        Key("timezone", Text(), "The zone of all its days, by its IANA name; UTC if nothing is said.", "Europe/London"),
        Key("uses", Several(Path()), "Files of the same repository whose words become part of this policy.",
            "[product-platform.yaml]"),
        Key("behind", Path(), "Another authority's policy on the path: asked, never compiled.", "provider.yaml"),
        Key("fill-in", Table("zone", Several(ZoneEntry())), "Answers to the questions of zones.",
            "{core: [10.0.1.0/24]}"),
        Key("set", Table("option", YesNo()), "Values of options.", "{external-dns: yes}"),
        Key("zones", Table("zone", Question(Several(ZoneEntry()))),
            "Names for addresses: prefixes, other zones, or a question for whoever installs.",
            '{tenants: [198.51.100.0/24, "2001:db8:10::/48"]}'),
        Key("options", Table("option", YesNo()), "What whoever installs decides, and what holds if nothing is said.",
            "{web-server: no}"),
        Key("firewalls", Table("firewall", FIREWALL), "Where packets are stopped; none for one machine's own policy.",
            "{edge: {between: [internet, tenants]}}"),
        Key("services", Table("service", Several(ServiceEntry())), "Names for lists of services.",
            "{databases: [mssql, mysql]}"),
        Key("rules", Several(RULE, word="none", is_loose=False),
            "The rules, whose order never matters, or the word none: then nothing is open.",
            "[{from: local, to: any, allow: any}]", is_required=True),
    ),
    synonyms=(
        ("name", "policy"), ("title", "about"), ("description", "about"), ("comment", "about"), ("include", "uses"),
        ("includes", "uses"), ("import", "uses"), ("imports", "uses"), ("networks", "zones"), ("hosts", "zones"),
        ("groups", "zones"), ("ports", "services"), ("apps", "services"), ("variables", "options"),
        ("flags", "options"), ("tz", "timezone"), ("time-zone", "timezone"), ("author", "owner"), ("rule", "rules"),
        ("tags", "labels"),
    ),
)  # fmt: skip

_PERMISSIONS = ("allow", "require")
_OF_EXCEPTIONS = ("policy", "about", "owner", "agreed-with", "contact", "reviewed", "rules")

_EXCEPTED = {
    "from": Key("from", Several(Endpoint()), "Who opens a flow: zones, prefixes, addresses or ranges.", "198.51.100.7"),
    "to": Key("to", Several(Endpoint()), "To whom: zones, prefixes, addresses or ranges.", "internet"),
}

EXCEPTION_RULE = Record(
    "a rule",
    tuple(
        _EXCEPTED.get(key.name) or (replace(key, is_required=True) if key.name in ("until", "because") else key)
        for key in RULE.keys
        if key.name not in VERBS or key.name in _PERMISSIONS
    ),
    synonyms=RULE.synonyms,
    elsewhere=tuple((verb, "an exception only permits; a ban is a rule of the policy") for verb in VERBS
                    if verb not in _PERMISSIONS),
)  # fmt: skip

EXCEPTION = Record(
    "an exception",
    (
        Key("policy", Name("policy"), "The name of the policy that it is an exception of.", "my-machine", is_required=True),
        Key("about", Text(), "What it is about, in one sentence.", "Moving the shop to its new machines"),
        Key("owner", Text(), "Who answers for those of its rules that name no owner.", "shop-team"),
        Key("agreed-with", Several(Text()), "Who agreed to it.", "[security office]"),
        Key("contact", Text(), "Whom to ask.", "shop@tenant.example"),
        Key("reviewed", Day(), "When it was last looked through.", "2026-11-21"),
        Key("rules", Several(EXCEPTION_RULE, is_loose=False), "What it permits until when.",
            "[{from: office, to: shop, allow: ssh, because: moving house, owner: shop-team, until: 2027-03-31}]",
            is_required=True),
    ),
    synonyms=tuple((word, key) for word, key in POLICY.synonyms if key in ("policy", "about", "owner", "rules")),
    elsewhere=tuple((key.name, "write it into the policy; an exception only permits")
                    for key in POLICY.keys if key.name not in _OF_EXCEPTIONS),
)  # fmt: skip

QUESTION = Record(
    "a question",
    (Key("fill-in", Text(), "What to ask whoever installs.", "the core nodes' addresses", is_required=True),),
)
"""What may stand in the place of a zone's addresses."""

EXPECTATIONS = ("allowed", "required", "requested", "denied", "rejected", "closed")
"""What a test can expect of every packet it asks about."""

TEST = Record(
    "a test",
    (
        Key("name", Name("rule"), "What people call the test.", "no-file-sharing"),
        Key("from", Several(Endpoint()), "Who opens the flow: zones, prefixes or addresses.", "internet", is_required=True),
        Key("to", Several(Endpoint()), "To whom: zones, prefixes or addresses.", "198.51.100.10", is_required=True),
        Key("service", _SERVICES, "The services that are asked about.", "[https, tcp/8443]", is_required=True),
        Key("except", _SERVICES, "Services that are left out of them.", "[https]"),
        Key("expect", Word(EXPECTATIONS), "What holds for every packet that is asked about.", "denied", is_required=True),
        Key("because", Text(), "Why it must be so.", "over a VPN only"),
        Key("at", Moment(), "The day or the time on which it is asked; today if nothing is said.", "2027-04-01"),
    ),
    synonyms=(("services", "service"), ("expected", "expect"), ("result", "expect"), ("day", "at"), ("date", "at"),
              ("on", "at"), ("source", "from"), ("destination", "to"), ("reason", "because")),
)  # fmt: skip

TESTS = Record(
    "a file of tests",
    (
        Key("policy", Path(), "The policy that is tested; NAME.yaml beside NAME.test.yaml if nothing is said.",
            "provider-perimeter.yaml"),
        Key("fill-in", Table("zone", Several(ZoneEntry())), "Answers to the questions of zones, for these tests only.",
            "{core: 10.0.1.0/24}"),
        Key("set", Table("option", YesNo()), "Values of options, for these tests only.", "{web-server: yes}"),
        Key("tests", Several(TEST, is_loose=False), "The tests.",
            "[{from: internet, to: tenants, service: smb, expect: denied}]", is_required=True),
    ),
    synonyms=(("assertions", "tests"), ("test", "tests"), ("options", "set"), ("zones", "fill-in")),
)  # fmt: skip
