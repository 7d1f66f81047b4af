"""`firewright explain`: what a port, a service or a flow is, whether it should be open, and what the policy does with it."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._question import plain_arrows
from firewright.cli._run import Picked, Run, Shown, selects, shows


@click.command(
    "explain",
    short_help="What a port, service or flow is, what to do, what the policy does.",
    epilog="Examples: firewright explain 445; firewright explain file sharing; firewright explain 'internet -> tenants smb'.",
)
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@selects
@shows("text", "json", "markdown")
def COMMAND(words: tuple[str, ...], picked: Picked, shown: Shown) -> int:
    """Explain a port, a range, a service, a product, a protocol or a flow, misspelt ones too.

    Says what is commonly there (never what is), what the registry says, what goes wrong when it is open, how far it should
    be visible, and what the policies in this folder do with it. Works offline.
    """
    from firewright.workflows.explain import explain, with_policies, without_policies

    run = Run.begin(shown)
    explanation = explain(tuple(map(plain_arrows, words)), run.report)
    if explanation is not None and (picked.policies or run.settings.policies or run.has_policies()):
        wanted = run.wanted(picked)
        with progress() as saying:
            explanation = with_policies(explanation, wanted, run.report, bool(picked.policies), saying)
    elif explanation is not None:
        explanation = without_policies(explanation, run.report)
    if explanation is None:
        run.refuse()
    run.warn()
    run.show(explanation)
    return 0
