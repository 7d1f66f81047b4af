"""Accounts: who can log in, what they may, and how they prove who they are; as text and as a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from firewright.diagnostic import harmless
from firewright.model.account import EVERYTHING, Grant
from firewright.reports._lines import table
from firewright.reports._result import SCHEMA_VERSION, Look


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account; `proof` says by what its holder logs in: `password`, `provider`, or `nothing` yet.

    `unfit` is why no account would be called so today: of a database of an older version; empty else.
    """

    name: str
    shown: str
    grants: tuple[Grant, ...]
    groups: tuple[str, ...]
    proof: str
    is_active: bool
    unfit: str = ""


@dataclass(frozen=True, slots=True)
class AccountRows:
    """Accounts by name."""

    rows: tuple[AccountRow, ...]


def accounts_text(found: AccountRows, look: Look) -> str:
    """A line for each: name, state, roles, and the groups if much is wanted."""
    if not found.rows:
        return "no account; `firewright account add NAME --role admin` makes one\n"
    lines = [
        *table(_cells(row, look.is_verbose) for row in found.rows),
        *map(unfit_line, filter(_is_unfit, found.rows)),
    ]
    return "\n".join(lines) + "\n"


def unfit_line(row: AccountRow) -> str:
    """What is wrong with the name of an account that is active, and the way out, in a line."""
    return f"{harmless(row.name, 100)!r}: {harmless(row.unfit, 300)}; disable it, and make its holder another account"


def _is_unfit(row: AccountRow) -> bool:
    return bool(row.unfit) and row.is_active


def accounts_tree(found: AccountRows) -> dict[str, Any]:
    """The same as mappings and lists; never a hash."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "accounts",
        "accounts": [
            {
                "name": row.name, "shown": row.shown, "is_active": row.is_active, "proof": row.proof, "groups": list(row.groups),
                "unfit": row.unfit,
                "grants": [{"role": str(grant.role), "scope": grant.scope} for grant in row.grants],
            }
            for row in found.rows
        ],
    }  # fmt: skip


def _cells(row: AccountRow, is_verbose: bool) -> tuple[str, ...]:
    state = "disabled" if not row.is_active else "active" if row.proof != "nothing" else "invited"
    roles = ", ".join(
        str(grant.role) if grant.scope == EVERYTHING else f"{grant.role} of {grant.scope}" for grant in row.grants
    )
    cells = (harmless(row.name, 100), state, harmless(roles, 2000) or "no role")
    return (*cells, harmless(" ".join(f"@{group}" for group in row.groups), 2000)) if is_verbose else cells
