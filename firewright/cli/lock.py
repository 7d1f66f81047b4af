"""`firewright lock`: writes down what the catalog's names stand for in a policy, so that an upgrade opens nothing by itself."""

from __future__ import annotations

import click

from firewright.cli._output import keep, put, say, shown, write_whole
from firewright.cli._run import Picked, Run, Shown, debugs, selects


@click.command(
    "lock",
    short_help="Accept what the catalog's names stand for in a policy.",
    epilog="Ends with 0 when the lock files are as they should be; with --check 1 where one is not.",
)
@click.argument("policies", nargs=-1, metavar="[POLICY]...", type=click.Path())
@click.option("--check", "only_check", is_flag=True, help="Write nothing; say which lock files are out of date.")
@click.option("--force", is_flag=True, help="Replace what is no lock file of this program; it is kept as a .bak.")
@selects
@debugs
def COMMAND(policies: tuple[str, ...], only_check: bool, force: bool, picked: Picked) -> int:
    """Write NAME.yaml.lock beside each policy NAME.yaml: every catalog name that it uses, with its transports.

    `firewright check` compares: a name that means something else after an upgrade is an error until it is locked again.
    Commit the lock file with the policy.
    """
    from firewright.workflows.lock import lock

    run = Run.begin(Shown.plain())
    files = lock(run.wanted(picked, policies), run.report, replaces=force or only_check)
    if files is None:
        run.refuse()
    changed = [file for file in files if file.changed or not file.is_there]
    for file in files:
        if file not in changed:
            say(f"{shown(file.path)} is as it should be")
        elif only_check:
            put(f"{shown(file.path)}: {', '.join(file.changed) or 'not there'}")
        else:
            if file.is_foreign:
                keep(run.folder / file.path)
            write_whole(run.folder / file.path, file.text)
            put(f"{shown(file.path)}: {file.names} names locked; changed: {', '.join(file.changed) or 'none'}")
    return int(only_check and bool(changed))
