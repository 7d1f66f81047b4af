"""`firewright audit`: what of this machine, or through a ruleset, is reachable from where; and what of that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firewright.cli import _output
from firewright.cli._progress import progress
from firewright.cli._run import BUILT_IN, STANDARD_INPUT, Picked, Run, Shown, selects, shows, standard_input

if TYPE_CHECKING:
    from firewright.reports import Audit
    from firewright.workflows.against import Standard
    from firewright.workflows.last_time import LastTime
    from firewright.workflows.triage import Accepted


@click.command(
    "audit",
    short_help="What of a machine or a ruleset is reachable, from where.",
    epilog="Example: sudo firewright audit --live -p policy.yaml --baseline audit.json. Ends with 1 where there is no firewall, "
    "where the internet reaches what it must not, or where a policy is violated; with 2 where something could not be seen or decided.",
)
@click.argument("file", required=False, metavar="[FILE]", type=click.Path())
@click.option("--live", is_flag=True, help="This machine: its sockets, and every table on its hooks.")
@click.option("--listening", metavar="LISTING", type=click.Path(), help="With FILE: what ss or netstat printed there.")
@click.option("--firewall", metavar="NAME", default="", help="With -p: which firewall of the policy it is.")
@click.option("--state", metavar="FILE", help="With --live: what listened the last time; what is new is a finding.")
@click.option(
    "--suppressions", metavar="FILE", multiple=True, help="Findings that somebody answers for. Again for more."
)
@click.option("--baseline", metavar="FILE", help="What was found once: only what is new fails.")
@click.option("--write-baseline", metavar="FILE", help="Write what is found as a baseline.")
@click.option("--budget", type=click.IntRange(min=1), metavar="UNITS", help="With -p: work. 2 million by default.")
@click.option("--marks", is_flag=True, help="What was found against requirements of PCI DSS and CIS.")
@selects
@shows(*BUILT_IN)
def COMMAND(file: str | None, live: bool, listening: str | None, picked: Picked, shown: Shown, **rest: Any) -> int:
    """Say what is reachable, from where, over which family; with -p what is open without permission, or closed and required.

    With --live it is this machine: what listens, by which program, judged by every table of nftables and iptables that
    packets pass, what containers publish too. Root sees all of it; others are told what they did not see. With FILE it is
    a ruleset alone, as `firewright read` takes it; with --listening, who of those it lets in reaches which listed socket.

    A finding that somebody answers for is named in a file of suppressions or in a comment of FILE, each with an owner, an end
    and a reason. That there is no firewall at all is never set aside.
    """
    _must_make_sense(file, live, listening, picked, rest)
    run = Run.begin(shown)
    standard = _standard(run, picked, rest["firewall"])
    last = _last_time(run, rest["state"])
    with progress() as saying:
        if file:
            audit, accepted = _of_file(run, file, listening, standard, rest, saying)
        else:
            from firewright.analysis.contrast import MOST
            from firewright.workflows.audit import audit_live

            accepted = _accepted(run, rest, ())
            audit = audit_live(run.report, saying, standard, last, rest["budget"] or MOST)
    audit = _triaged(run, audit, accepted, picked.day or date.today(), rest)
    run.show(audit)
    if rest["state"] and audit.is_whole:
        from firewright.workflows.last_time import state_text

        _output.write_whole(run.folder / rest["state"], state_text(audit.exposures))
    return 2 if not audit.is_whole else int(audit.findings.fails)


def _must_make_sense(file: str | None, live: bool, listening: str | None, picked: Picked, rest: dict[str, Any]) -> None:
    """Leave with a usage error where options contradict each other."""
    wrong = (
        (live == bool(file), "name a file, or this machine with --live"),
        (listening and not file, "name the ruleset that the listing is judged by"),
        (rest["state"] and not live, "--state is of this machine: it needs --live"),
        (len(picked.policies) > 1, "one policy is compared"),
        (rest["firewall"] and not picked.policies, "--firewall needs the policy, by -p"),
        (rest["budget"] and not picked.policies, "--budget is for the comparison with a policy, by -p"),
        ((picked.options or picked.labels) and not picked.policies, "--set and --label need the policy, by -p"),
    )
    for is_wrong, message in wrong:
        if is_wrong:
            raise click.UsageError(message, click.get_current_context())


def _of_file(
    run: Run,
    file: str,
    listening: str | None,
    standard: Standard | None,
    rest: dict[str, Any],
    saying: Callable[[str], None],
) -> tuple[Audit, Accepted]:
    """The audit of a ruleset, and what its comments and the files beside it accept."""
    from firewright.analysis.contrast import MOST
    from firewright.workflows.anomalies import odd_rules
    from firewright.workflows.audit import audit_running
    from firewright.workflows.heard import audit_heard
    from firewright.workflows.read import running_in

    given = standard_input() if file == STANDARD_INPUT else file
    running = running_in(given, run.report, saying)
    if running is None:
        run.refuse()
    for one in odd_rules(given, run.report, saying):
        run.report.add(one)
    accepted = _accepted(run, rest, (file,))
    budget = rest["budget"] or MOST
    heard = audit_heard(running, file, listening, run.report, saying, standard, budget) if listening else None
    if listening and heard is None:
        run.refuse()
    return heard or audit_running(running, file, run.report, standard, saying, budget), accepted


def _accepted(run: Run, rest: dict[str, Any], audited: tuple[str, ...]) -> Accepted:
    """What people answer for. Leaves with exit code 2 where that is wrong."""
    from firewright.workflows.triage import accepted_in

    inside = [run.report.sources[name] for name in audited if name in run.report.sources]
    found = accepted_in(run.folder, rest["suppressions"], rest["baseline"], inside, run.report)
    if found is None:
        run.refuse()
    return found


def _standard(run: Run, picked: Picked, firewall: str) -> Standard | None:
    """The policy to compare with, None where none is named. Leaves with exit code 2 where it cannot be."""
    if not picked.policies:
        return None
    from firewright.workflows.against import standard_in

    wanted = run.wanted(picked)
    found = standard_in(wanted.policies[0], wanted, firewall, run.report)
    if found is None:
        run.refuse()
    return found


def _last_time(run: Run, state: str | None) -> LastTime | None:
    """What listened the last time, nothing where there was none; None where nobody asks. Leaves with exit code 2 for what is no state."""
    if state is None:
        return None
    from firewright.workflows.last_time import LastTime, state_in
    from firewright.workflows.selection import text_of

    _output.must_be_writable(run.folder / state)
    if not (run.folder / state).exists():
        return LastTime(None)
    source = text_of(run.folder, state, run.report)
    found = None if source is None else state_in(source, run.report)
    if found is None:
        run.refuse()
    return found


def _triaged(run: Run, audit: Audit, accepted: Accepted, day: date, rest: dict[str, Any]) -> Audit:
    """The audit with what is set aside apart; a baseline that is written takes the rest."""
    from dataclasses import replace

    from firewright.workflows.marks import marked
    from firewright.workflows.triage import to_baseline, triaged

    after = triaged(audit, accepted, day)
    if rest["write_baseline"]:
        from firewright.source import Source
        from firewright.workflows.baseline import baseline_in, baseline_text

        path = Path(rest["write_baseline"])
        text = baseline_text(to_baseline(after))
        _output.write_whole(run.folder / path, text)
        _output.say(f"wrote {_output.shown(path)}: what is in it fails no more")
        after = triaged(audit, replace(accepted, baseline=baseline_in(Source(str(path), text), run.report)), day)
    return marked(after) if rest["marks"] else after
