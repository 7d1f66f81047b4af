"""A catalog name that no longer means what was accepted: an upgrade of the catalog must not open a port by itself.

`firewright lock` writes down what every name of the catalog stands for in a policy; `check` compares. Without a lock file nothing is
compared, which is only said.
"""

from collections.abc import Iterator

from firewright.audits._audit import Context, error, note, warning
from firewright.catalog.services import catalog
from firewright.diagnostic import Diagnostic
from firewright.model.policy import Policy, Term
from firewright.source import Span


def expansions(policy: Policy) -> dict[str, str]:
    """Every catalog name that a policy uses, sorted, with its transports as the catalog writes them now."""
    names = {name for term in _terms(policy) for name in term.names}
    table = catalog()
    return {name: row.words() for name in sorted(names) if (row := table.service(name)) is not None}


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One error for each name that changed its meaning; one note where names are used and nothing is locked."""
    now = expansions(policy)
    if context.lock is None:
        if now:
            message = (
                "one name of the catalog is not locked"
                if len(now) == 1
                else f"{len(now)} names of the catalog are not locked"
            )
            yield note("catalog-lock", message, policy.at, help=f"firewright lock {policy.path}")
        return
    for name, transports in now.items():
        accepted = context.lock.get(name)
        if accepted is None:
            way_out = f"look at it, then: firewright lock {policy.path}"
            yield warning(
                "catalog-lock",
                f"{name} ({transports}) is not in the lock file",
                _place(policy, name),
                help=way_out,
            )
        elif accepted != transports:
            message = f"{name} was {accepted} when it was accepted, and is {transports} now"
            yield error(
                "catalog-lock", message, _place(policy, name), help=f"look at it, then: firewright lock {policy.path}"
            )


def _terms(policy: Policy) -> Iterator[Term]:
    for rule in policy.rules:
        yield from rule.terms
    for service in policy.services.values():
        yield service.term


def _place(policy: Policy, name: str) -> Span:
    """Where the name is written first."""
    return next((term.at for term in _terms(policy) if name in term.names), policy.at)
