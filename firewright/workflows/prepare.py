"""Everything that goes to a host: one firewall's ruleset and the minimal one beside it, both proved, and what ends when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from firewright.analysis.ending import Ending, endings
from firewright.analysis.minimal import minimal
from firewright.diagnostic import Diagnostic, Report, Severity, harmless
from firewright.live.conntrack_text import record_lines
from firewright.model.address import AddressSet
from firewright.model.interval import is_within
from firewright.model.moment import ends, instant_of, iso
from firewright.model.packet import FAMILIES
from firewright.model.policy import Firewall, Policy
from firewright.reports import Compiled
from firewright.workflows.audited import audited_text
from firewright.workflows.check import sound_firewalls
from firewright.workflows.compile import compile_firewall
from firewright.workflows.selection import Saying, Wanted, silent

DOCUMENTATION = AddressSet.of("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
"""Addresses that stand in examples and never on a wire (RFC 5737, RFC 3849, RFC 9637)."""


@dataclass(frozen=True, slots=True)
class Auditing:
    """When a ruleset only counts what it would drop: from an instant on, until another where one is given (seconds since 1970)."""

    since: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """One firewall of a policy, compiled and proved from a day on, with what a host keeps beside it.

    `minimal` is the text that is loaded where the ruleset cannot be, `endings` what closes at which instant; `auditing` says
    when nothing is dropped, None where everything is enforced at once.
    """

    policy: Policy
    firewall: Firewall
    day: date
    compiled: Compiled
    minimal: str
    endings: tuple[Ending, ...]
    auditing: Auditing | None = None

    @property
    def ends_text(self) -> str:
        """What the host's timer reads: a line for each record, its instant first."""
        return "".join(line for one in self.endings for line in record_lines(one.instant, one.records))

    def ending_words(self, instant: int) -> str:
        """The rules that end at an instant."""
        rules = [rule for rule in self.policy.rules if rule.is_on and rule.until is not None]
        ended = [rule for rule in rules if _end_of(rule.until, self.policy) == instant]
        return ", ".join(dict.fromkeys(rule.label for rule in ended))


def prepare(
    wanted: Wanted,
    report: Report,
    names: tuple[str, ...] = (),
    saying: Saying = silent,
    auditing: Auditing | None = None,
) -> Prepared | None:
    """The one firewall that is selected, ready for a host; or None after saying in the report why not.

    Documentation addresses are an error here (LANGUAGE 18).
    """
    pairs = sound_firewalls(wanted, report, names, saying)
    if pairs is None:
        return None
    if len(pairs) != 1:
        found = ", ".join(f"{firewall.name} of {policy.name}" for policy, firewall in pairs)
        message = f"one firewall goes to a host, and {len(pairs)} are selected: {found}"
        report.error("several-firewalls", message, help="name one: -p FILE, --firewall NAME")
        return None
    ((policy, firewall),) = pairs
    _refuse_examples(policy, report)
    day = wanted.day_of(policy)
    saying(f"compiling and proving {firewall.name} of {policy.name}")
    if auditing is None:
        compiled = compile_firewall(policy, firewall, day, report, saying=saying)
    else:
        compiled = audited_text(policy, firewall, day, auditing.since, auditing.until, report)
    if compiled is None:
        return None
    smallest = minimal_text(policy, firewall, day, report, saying)
    if smallest is None:
        return None
    ending = _endings(policy, firewall, day, report)
    _say_once(report)
    return None if report.has_errors() else Prepared(policy, firewall, day, compiled, smallest, ending, auditing)


def minimal_text(
    policy: Policy, firewall: Firewall, day: date, report: Report, saying: Saying = silent, port: int = 22
) -> str | None:
    """The proved ruleset that is loaded where a firewall's own cannot be: management open, by ssh on a port, and little else.

    None after saying in the report why there is none.
    """
    saying("compiling the minimal ruleset, for a boot at which this one cannot be loaded")
    inner = Report()
    words = tuple(dict.fromkeys(("tcp/22", f"tcp/{port}")))
    found = compile_firewall(minimal(policy, firewall, words), firewall, day, inner, saying=saying)
    if found is None:
        for said in inner.diagnostics:
            report.add(said)
        return None
    return found.text


def _refuse_examples(policy: Policy, report: Report) -> None:
    for zone in policy.named_zones:
        for family in FAMILIES:
            known = DOCUMENTATION.ranges(family)
            found = tuple(one for one in zone.addresses.ranges(family) if is_within((one,), known))
            if found:
                words = ", ".join((AddressSet(v4=found) if family == 4 else AddressSet(v6=found)).prefixes()[:3])
                message = f"{harmless(zone.name, 60)} has addresses of examples, which nobody has: {words}"
                report.error("documentation-address", message, zone.at, "write the addresses that the zone really has")


def _end_of(until: date | None, policy: Policy) -> int:
    """The first instant at which a permission is over."""
    return 0 if until is None else int(instant_of(ends(until), policy.timezone))


def _endings(policy: Policy, firewall: Firewall, day: date, report: Report) -> tuple[Ending, ...]:
    found = endings(policy, firewall, day)
    if not all(one.is_listed for one in found):
        message = (
            "the flows of a permission that ends are too many kinds to list, so no timer will end those that are open"
        )
        way_out = "the kernel lets no new flow in after the end; those that are open stay until they end by themselves"
        report.add(Diagnostic("flows-stay", Severity.WARNING, message, firewall.at, help=way_out))
    return found


def _say_once(report: Report) -> None:
    """No complaint of the report twice: two rulesets of one policy were compiled."""
    report.diagnostics[:] = list(dict.fromkeys(report.diagnostics))


def facts(prepared: Prepared, made: int, by: str) -> str:
    """What the host keeps of a generation beside its text, a line each."""
    policy, auditing = prepared.policy, prepared.auditing
    said = {
        "policy": policy.name,
        "path": policy.path,
        "firewall": prepared.firewall.name,
        "day": iso(prepared.day),
        "made": str(made),
        "by": by,
        "mode": "enforce" if auditing is None else "audit",
        "since": "" if auditing is None else str(auditing.since),
        "until": "" if auditing is None or auditing.until is None else str(auditing.until),
        "ends": " ".join(str(one.instant) for one in prepared.endings),
    }
    return "".join(f"{name}={harmless(value, 400)}\n" for name, value in said.items() if value)
