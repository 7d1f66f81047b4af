"""Ways to put one large ruleset in the place of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.kernel.managed import Managed
from tests.kernel.replacing import apply_and_confirm, in_two_commands, transaction, without_last_rules

Replace = Callable[[Managed, str], object]


@dataclass(frozen=True, slots=True)
class Way:
    """A way, in words; and whether it is one of ours, in which nothing may leak or be lost."""

    name: str
    replace: Replace
    is_ours: bool = False


def anew(host: Managed, text: str) -> None:
    """The writer's text as it is: in one transaction the table goes and comes again, and with it the timeouts of flows."""
    host.space.load(text)


WAYS = (
    Way("an apply's transaction: chains and timeouts stay", transaction, is_ours=True),
    Way(
        "a whole apply, with its dry run, snapshot and watchdog, and the confirmation", apply_and_confirm, is_ours=True
    ),
    Way("`nft -f`: the table made anew in one transaction", anew),
    Way("the same without a last rule in its chains", without_last_rules),
    Way("`nft delete table`, then `nft -f`", in_two_commands),
)
