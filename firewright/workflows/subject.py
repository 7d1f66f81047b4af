"""One subject out of a file of any format: a policy, a ruleset of nftables or iptables, or a document of ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

from firewright.analysis.path import path as hops_of
from firewright.analysis.subject import Kind, Place, Subject, of_policy, of_ruleset
from firewright.diagnostic import Report, harmless, nearest
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy
from firewright.source import Source
from firewright.space.encode import Unfilled, encode_enforced, encode_rules
from firewright.space.program import Program, series
from firewright.space.ruleset import Line, Ruleset
from firewright.workflows.folder import SUFFIXES, is_policy
from firewright.workflows.read import ruleset_in
from firewright.workflows.selection import Saying, Wanted, select, silent, text_of
from firewright.workflows.unfilled import say_unfilled

__all__ = ["Kind", "Place", "Subject", "families_of", "kind_of", "ruleset_subject", "subject_in"]

_SAVED_BY: Mapping[Family, str] = {4: "iptables", 6: "ip6tables"}
"""The program whose tables are of a family: how their titles begin (`iptables filter`, `ip6tables-legacy raw`)."""


def subject_in(
    given: str | Source, wanted: Wanted, report: Report, saying: Saying = silent, firewall: str = ""
) -> Subject | None:
    """What a file or a piped text says, as one decision over every packet; or None after saying in the report why not.

    Of a policy it is the meaning of the firewall of that name, else of the only one, else of all on the path in order. It is
    asked on the wanted day. A document is filled in by the wanted options, as a policy is.
    """
    match kind_of(given, wanted, report):
        case Kind.POLICY:
            return _policy_subject(given, wanted, report, saying, firewall)
        case Kind.DOCUMENT:
            from firewright.workflows.documents import document_subject

            return document_subject(given, wanted, report, saying)
        case Kind.RULESET:
            return _file_of_rules(given, wanted, report, saying)
        case _:
            return None


def kind_of(given: str | Source, wanted: Wanted, report: Report) -> Kind | None:
    """What a file holds, by its name where that tells and else by its text; None after saying why it cannot be read.

    A folder is one of policies.
    """
    path = given.path if isinstance(given, Source) else given
    suffix = PurePath(path).suffix.lower()
    if suffix in SUFFIXES or (isinstance(given, str) and (wanted.folder / given).is_dir()):
        return Kind.POLICY
    from firewright.workflows.documents import is_document

    if is_document(given, wanted.folder):
        return Kind.DOCUMENT
    source = given if isinstance(given, Source) else text_of(wanted.folder, given, report)
    if source is None:
        return None
    return Kind.POLICY if not suffix and _reads_as_policy(source) else Kind.RULESET


def _reads_as_policy(source: Source) -> bool:
    """Whether a text without a telling name is a policy: rulesets begin lines with tables, which YAML has no key for."""
    start = source.text.lstrip()[:1]
    return start not in ("{", "*") and is_policy(source)


def _file_of_rules(given: str | Source, wanted: Wanted, report: Report, saying: Saying) -> Subject | None:
    source = given if isinstance(given, Source) else text_of(wanted.folder, given, report)
    ruleset = None if source is None else ruleset_in(source, report, saying)
    return None if ruleset is None else ruleset_subject(ruleset)


def ruleset_subject(ruleset: Ruleset, name: str = "") -> Subject:
    """A ruleset that was read; the families that its text says nothing of are none of its own.

    nft lists the tables of both families; a dump of iptables is of one, and two dumps make a text of both.
    """
    return of_ruleset(ruleset, name, families_of(ruleset))


def families_of(ruleset: Ruleset) -> tuple[Family, ...]:
    """The families that a ruleset's text says something of: both where nft lists it, of dumps those that have tables in it."""
    origins = (origin for hook in ruleset.hooks.values() for programs in hook.values() for origin in programs.origin)
    tables = {one.table for one in (*ruleset.lines, *origins) if isinstance(one, Line)}
    saved = {title.partition(" ")[0].partition("-")[0] for title in tables} & {*_SAVED_BY.values()}
    return tuple(family for family in FAMILIES if not saved or _SAVED_BY[family] in saved)


def _policy_subject(
    given: str | Source, wanted: Wanted, report: Report, saying: Saying, firewall: str
) -> Subject | None:
    found = select(replace(wanted, policies=(given,), labels={}), report, saying)
    if found is None:
        return None
    if len(found) != 1:
        name = given.path if isinstance(given, Source) else given
        report.error(
            "no-policy", f"{harmless(name)} holds {len(found)} policies", help="name the one file that is meant"
        )
        return None
    policy = found[0]
    if firewall and firewall not in policy.firewalls:
        near = nearest(firewall, policy.firewalls)
        way_out = f"did you mean {near}?" if near else f"there are: {', '.join(policy.firewalls) or 'none'}"
        report.error(
            "unknown-firewall", f"{policy.name} has no firewall {harmless(firewall, 60)!r}", policy.at, way_out
        )
        return None
    try:
        return policy_subject(policy, wanted, firewall)
    except Unfilled as error:
        say_unfilled(error, policy, report)
        return None


def policy_subject(policy: Policy, wanted: Wanted, firewall: str = "") -> Subject:
    """A policy at one of its firewalls, in every state; else on the path through all of them, new flows. Raises Unfilled."""
    day = wanted.day_of(policy)
    named = policy.firewalls[firewall] if firewall else None
    if named is None and len(policy.firewalls) == 1:
        named = next(iter(policy.firewalls.values()))
    if named is not None:
        return of_policy(policy, encode_enforced(policy, named, day), has_states=True)
    own = [hop for hop in hops_of(policy, day) if hop.is_own]
    if not own:
        return of_policy(policy, encode_rules(policy, day), has_states=False)
    joined: Mapping[Family, Program] = {
        family: series(
            (hop.firewall.name, of_policy(policy, hop.programs, has_states=False).programs[family]) for hop in own
        )
        for family in FAMILIES
    }
    return of_policy(policy, joined, has_states=False)
