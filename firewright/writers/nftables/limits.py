"""What nftables cannot say of a policy, and what is missing from one: said in the report, each with a way out."""

from __future__ import annotations

from collections.abc import Iterable

from firewright.diagnostic import Diagnostic, Report, Severity
from firewright.model.management import without_management
from firewright.model.packet import TCP, UDP
from firewright.model.policy import Firewall, Policy, Rule
from firewright.syntax.nftables import LATEST_INSTANT
from firewright.writers.nftables.reading import end_of


def say_limits(policy: Policy, firewall: Firewall, active: Iterable[Rule], said: set[int], report: Report) -> None:
    """Report timeouts and sessions that nftables does not know, ends beyond its clock, rules without a packet, no way in."""
    for name in firewall.timeouts:
        if name.partition("-")[0] not in ("tcp", "udp"):
            message = f"{firewall.name}: nftables sets timeouts of TCP and UDP only, not {name}"
            setting = f"net.netfilter.nf_conntrack_{name.replace('-', '_')}_timeout"
            _warn(report, "timeout-not-said", message, firewall, f"set {setting} on the machine")
    for rule in active:
        _say_rule(rule, policy, firewall, id(rule) in said, report)
    if without_management(policy, firewall):
        message = f"{firewall.name}: no rule requires a way in for management, so a ruleset may lock everybody out"
        _warn(
            report, "no-management", message, firewall, "write a rule such as {from: admins, to: local, require: ssh}"
        )


def _say_rule(rule: Rule, policy: Policy, firewall: Firewall, is_said: bool, report: Report) -> None:
    if end_of(rule, policy) > LATEST_INSTANT:
        message = f"{rule.label}: nftables cannot say an end after the year 2553"
        report.error("end-not-said", message, rule.at, "write an earlier day")
    if rule.sessions is not None and rule.opens(firewall) and not _has_sessions(rule):
        message = f"{rule.label}: nftables sets the sessions of TCP and UDP only"
        report.add(Diagnostic("sessions-not-said", Severity.WARNING, message, rule.at, help="leave sessions out here"))
    if not is_said:
        message = f"{rule.label}: {firewall.name} decides no packet by this rule, so it is not in the ruleset"
        way_out = "stronger rules decide all of them, or they do not pass here; `firewright check` tells which"
        report.add(Diagnostic("not-in-ruleset", Severity.NOTE, message, rule.at, help=way_out))


def _warn(report: Report, name: str, message: str, firewall: Firewall, help: str) -> None:
    report.add(Diagnostic(name, Severity.WARNING, message, firewall.at, help=help))


def _has_sessions(rule: Rule) -> bool:
    """Whether flows of the rule have timeouts that can be set."""
    return not rule.terms or any(
        term.is_any or any(transport.protocol in (TCP, UDP) for transport in term.transports) for term in rule.terms
    )
