"""`firewright read`: any ruleset as it is understood, and what it lets pass."""

from __future__ import annotations

from typing import Any

import click

from firewright.cli._progress import progress
from firewright.cli._run import STANDARD_INPUT, Picked, Run, Shown, shows, standard_input


@click.command(
    "read",
    short_help="Any ruleset or document of ports as it is understood.",
    epilog="Ends with 0 when it is read, rules that are only known in bounds too, 2 where it, or a rule of it, cannot be read.",
)
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--summary", is_flag=True, help="Counts and flows only, and the rules that are not wholly understood.")
@click.option(
    "--anomalies",
    is_flag=True,
    help="Of a policy too: rules that decide nothing, those that contradict, what is unused; ends with 1 for any.",
)
@click.option("--as", "as_", type=click.Choice(["policy"]), help="Write it as a policy, proved to mean the same.")
@click.option(
    "--interfaces",
    multiple=True,
    metavar="NAME=ADDRESSES",
    help="With --as policy: what is behind an interface; eth0=internet, eth1=? asks, `ask` asks for all. Again for more.",
)
@shows("text", "json", "markdown")
def COMMAND(
    file: str, summary: bool, as_: str | None, anomalies: bool, interfaces: tuple[str, ...], shown: Shown
) -> int:
    """Read a ruleset: FILE is nftables text, the JSON of `nft -j list ruleset`, or what iptables-save prints; - is standard input.

    Text is loaded into a network namespace of its own and listed back, so that what is read is what a kernel makes of it;
    this machine's ruleset is not touched. Every rule is understood, or known in bounds and named.

    --as policy proposes the policy that decides new flows alike, and tells what differs, with its line; it ends with 1 if anything does.

    FILE may be a document of ports too (Markdown, HTML, CSV, plain text, spreadsheets, DOCX, PDF): its rows become requirements,
    and what is not understood is refused by name. What `ss` or `netstat` printed is read as the sockets that listen.
    """
    from firewright.workflows.read import is_whole, read_ruleset

    if interfaces and as_ is None:
        raise click.UsageError("--interfaces is for --as policy", click.get_current_context())
    run = Run.begin(shown)
    given = standard_input() if file == STANDARD_INPUT else file
    if _is_listing(given):
        return _show_listing(run, given, not summary)
    if _is_document(given):
        return _show_document(run, given, not summary, as_)
    if anomalies:
        return _anomalies(run, given)
    if as_:
        return _show_migration(run, given, interfaces)
    with progress() as saying:
        reading = read_ruleset(given, run.report, not summary, saying)
    if reading is None:
        run.refuse()
    run.show(reading)
    return 0 if is_whole(reading) else 2


def _anomalies(run: Run, given: Any) -> int:
    """Show what is odd in a ruleset or a policy; 1 if something could be better."""
    from firewright.workflows.anomalies import anomalies_of
    from firewright.workflows.policy_anomalies import anomalies_of_policy
    from firewright.workflows.subject import Kind, kind_of

    wanted = run.wanted(Picked.nothing(), (given if isinstance(given, str) else STANDARD_INPUT,))
    is_policy = kind_of(given, wanted, run.report) is Kind.POLICY
    with progress() as saying:
        found = (
            anomalies_of_policy(wanted, run.report, saying) if is_policy else anomalies_of(given, run.report, saying)
        )
    if found is None:
        run.refuse()
    run.warn()
    run.show(found)
    return 1 if found.findings else 0


def _show_migration(run: Run, given: Any, interfaces: tuple[str, ...]) -> int:
    """Show a ruleset as a policy; 1 where the two do not decide every new flow alike, as its text then tells."""
    from firewright.workflows.migration import migrated

    with progress() as saying:
        found = migrated(given, run.report, saying, interfaces)
    if found is None:
        run.refuse()
    run.show(found.policy)
    return 0 if found.is_equal else 1


def _is_listing(given: Any) -> bool:
    from firewright.workflows.heard import is_listing

    return is_listing(given)


def _show_listing(run: Run, given: Any, has_rows: bool) -> int:
    """Show a listing of sockets; 2 where a line of it is not understood."""
    from firewright.workflows.heard import read_listing

    found = read_listing(given, run.report, has_rows)
    if found is None:
        run.refuse()
    run.show(found)
    return 2 if found.count("refused") else 0


def _is_document(given: Any) -> bool:
    from firewright.workflows.documents import is_document

    return is_document(given)


def _show_document(run: Run, given: Any, has_rows: bool, as_: str | None) -> int:
    """Show a document of ports, or the policy that is made of it."""
    from firewright.workflows.documents import policy_text_of, read_document

    with progress() as saying:
        found = policy_text_of(given, run.report, saying) if as_ else read_document(given, run.report, has_rows, saying)
    if found is None:
        run.refuse()
    run.show(found)
    return 0
