"""A policy with one exception more or less, without reading its other files again: a policy of 10,000 rules takes half a second."""

from __future__ import annotations

import os.path
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePath

from firewright.catalog.services import Catalog, catalog
from firewright.diagnostic import Report
from firewright.model.policy import Policy, Rule, Verb
from firewright.readers.policy_yaml.complaint import Complaints, TooManyErrors
from firewright.readers.policy_yaml.exceptions import (
    EXCEPTION_LIMIT,
    FOLDER,
    LENGTH_LIMIT,
    Exceptions,
    claimed_by,
)
from firewright.readers.policy_yaml.files import RULE_LIMIT, Files
from firewright.readers.policy_yaml.names import Names
from firewright.readers.policy_yaml.rules import RuleResolver
from firewright.readers.policy_yaml.services import Lexicon, Meaning, ServiceWords
from firewright.readers.policy_yaml.zones import Atlas
from firewright.source import Source

_SUFFIXES = (".yaml", ".yml")
_BANS = (Verb.DENY, Verb.REJECT)


def with_exception(
    policy: Policy, source: Source, services: Catalog | None = None, folder: Path = Path()
) -> Policy | None:
    """The policy with an exception, in place of that in the same file: what `load` makes of its files and this one.

    None where only reading all anew can tell: it is not this policy's, or there is something to say of it. O(rules).
    """
    if not _is_beside(policy, source.path) or len(source.text) > LENGTH_LIMIT or claimed_by(source.text) != policy.name:
        return None
    base = without_exception(policy, source.path)
    if base is None:
        return None
    report = Report()
    try:
        rules = _rules(base, source, Complaints(report), services or catalog(), folder)
    except TooManyErrors:
        return None
    known = exceptions_of(base)
    own = base.paths[: len(base.paths) - len(known)]
    paths = sorted((*known, source.path), key=lambda path: PurePath(path).name)
    if rules is None or report.diagnostics or len(paths) > EXCEPTION_LIMIT or (*own, *known) != base.paths:
        return None
    every = (*base.rules, *rules)
    order = {path: number for number, path in enumerate(paths, 1)}
    every = tuple(sorted(every, key=lambda rule: order.get(rule.at.path, 0)))
    return None if len(every) > RULE_LIMIT else replace(base, rules=every, paths=(*own, *paths))


def without_exception(policy: Policy, path: str) -> Policy | None:
    """The policy without the exception in a file, the policy itself where it has none there; None where only reading all can tell."""
    if path not in policy.paths:
        return policy
    if path not in exceptions_of(policy) or policy.behind is not None:
        return None  # it may be the only one to name a zone of the policy that this one is behind
    rules = tuple(rule for rule in policy.rules if rule.at.path != path)
    return replace(policy, rules=rules, paths=tuple(one for one in policy.paths if one != path))


def exceptions_of(policy: Policy) -> tuple[str, ...]:
    """The files of its exceptions, which come last."""
    place = _place_of(policy)
    return tuple(path for path in policy.paths[1:] if _is_at(place, path))


def _is_beside(policy: Policy, path: str) -> bool:
    """Whether a file lies where the policy's exceptions do."""
    return _is_at(_place_of(policy), path)


def _place_of(policy: Policy) -> str | None:
    """The folder of the policy's exceptions; None for a policy that lies nowhere."""
    return None if policy.path == "-" else os.path.normpath(PurePath(policy.path).parent / FOLDER)


@lru_cache(maxsize=4096)
def _is_at(place: str | None, path: str) -> bool:
    file = PurePath(path)
    return place is not None and file.parent == PurePath(place) and file.suffix in _SUFFIXES


def _rules(
    policy: Policy, source: Source, complaints: Complaints, services: Catalog, folder: Path
) -> tuple[Rule, ...] | None:
    """The rules of the exception in the policy's words, or None."""
    files = Files(Source(policy.path, ""), complaints, _nothing, folder)
    part = Exceptions(files).part(source, files.real(source.path))
    if part is None:
        return None
    lexicon = Lexicon(Names[ServiceWords]("service"), services, True, complaints)
    for name, one in policy.services.items():
        lexicon.known[name] = Meaning(one.term.transports, one.term.names, one.term.helpers)
    atlas = Atlas(dict(policy.zones))
    resolver = RuleResolver(atlas, lexicon, policy.options, set(), policy.timezone, complaints)
    found = [resolver.rule(one) for one in part.stated.records("rules")]
    rules = tuple(rule for rule in found if rule is not None)
    return rules if len(rules) == len(found) and _do_names_fit(policy, rules) else None


def _do_names_fit(policy: Policy, rules: tuple[Rule, ...]) -> bool:
    """Whether new rules have names of their own, and what they override are bans."""
    bans = {rule.name: rule.verb in _BANS for rule in policy.rules if rule.name}
    names = [rule.name for rule in rules if rule.name]
    is_free = len(set(names)) == len(names) and not any(name in bans for name in names)
    return is_free and all(bans.get(one.value) for rule in rules for one in rule.overrides)


def _nothing(path: Path) -> Source:
    raise AssertionError(f"{path}: an exception is read from the text that is handed in")
