"""`firewright compile`: a firewall's ruleset, proved equal to the policy, or nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firewright.cli import _output
from firewright.cli._approvals import warn_unapproved
from firewright.cli._progress import progress
from firewright.cli._run import Picked, Run, Shown, selects, shows

if TYPE_CHECKING:
    from firewright.reports import Compilation, Compiled

TARGETS = ("nftables",)


@click.command(
    "compile",
    short_help="A firewall's ruleset, proved equal to the policy, or nothing.",
    epilog="Example: firewright compile web-server.yaml -o web-server.nft && nft -c -f web-server.nft",
)
@click.argument("policies", nargs=-1, metavar="[POLICY]...", type=click.Path())
@click.option("--target", type=click.Choice(TARGETS), default="nftables", show_default=True, help="What to write for.")
@click.option("--firewall", "names", multiple=True, metavar="NAME", help="Only this firewall. Again for more.")
@selects
@shows("text", "json")
def COMMAND(policies: tuple[str, ...], target: str, names: tuple[str, ...], picked: Picked, shown: Shown) -> int:
    """Compile the firewalls of policies to nftables.

    What is written is loaded by nft into a network namespace of its own, listed back, read again, and compared with the policy
    over every packet of both families and every instant from the day on. If they differ in one packet, that packet is shown and
    nothing is written. Neither root nor a running firewall is needed, and none is touched. With -o DIR/ each firewall gets a file.
    """
    from firewright.workflows.compile import compile_policies

    run = Run.begin(shown)
    wanted = run.wanted(picked, policies)
    with progress() as saying:
        found = compile_policies(wanted, run.report, names, saying)
    if found is None:
        run.refuse(has_notes=shown.is_verbose)
    warn_unapproved(run, wanted)
    run.warn(has_notes=shown.is_verbose)
    is_folder = shown.output is not None and (shown.output.endswith("/") or Path(shown.output).is_dir())
    if is_folder:
        _write_all(Path(str(shown.output)), found)
    elif len(found.compiled) > 1 and shown.format != "json":
        several = ", ".join(one.firewall for one in found.compiled[:5]) + (", …" if len(found.compiled) > 5 else "")
        raise click.UsageError(
            f"{len(found.compiled)} firewalls are selected ({several}); name one by --firewall, or -o DIR/ for a file each"
        )
    else:
        run.show(found)
    for one in found.compiled:
        _output.say(_proved(one))
    return 0


def _proved(one: Compiled) -> str:
    from firewright.model.moment import iso

    times = "" if one.stretches == 1 else f", in each of {one.stretches} stretches of time"
    return f"proved: {one.firewall} does what {one.policy} says from {iso(one.day)} on, with every packet of IPv4 and IPv6{times}"


def _write_all(folder: Path, found: Compilation) -> None:
    files: dict[str, str] = {}
    for one in found.compiled:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{one.policy}-{one.firewall}").strip(".-")[:200] + ".nft"
        if name in files:
            raise click.UsageError(f"two firewalls would be written to {name}; name one of them by --firewall")
        files[name] = one.text
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _output.CannotWrite(f"{folder} cannot be made: {(error.strerror or 'unknown reason').lower()}") from None
    for name, text in files.items():
        _output.write_whole(folder / name, text)
        _output.say(f"wrote {_output.shown(folder / name)}")
