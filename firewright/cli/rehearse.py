"""`firewright rehearse`: the compiled rulesets in a kernel, hit with packets, in network namespaces of their own."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._run import Picked, Run, Shown, selects, shows


@click.command(
    "rehearse",
    short_help="Compiled rulesets in a kernel, hit with real packets.",
    epilog="Ends with 0 if every packet and scene went as the policy says, 1 if one did not or could not be played, 2 for errors.",
)
@click.argument("policies", nargs=-1, metavar="[POLICY]...", type=click.Path())
@click.option("--firewall", "names", multiple=True, metavar="NAME", help="Only this firewall. Again for more.")
@selects
@shows("text", "json", "junit", "markdown")
def COMMAND(policies: tuple[str, ...], names: tuple[str, ...], picked: Picked, shown: Shown) -> int:
    """Compile and prove each firewall, then send packets through its ruleset in this machine's kernel.

    The packets are one inside and one outside of every edge of the policy, IPv4 and IPv6, TCP, UDP, ICMP, ESP, AH, SCTP and others,
    in every state, through every pair of interfaces and to and from the machine itself. Each must be accepted, dropped or rejected
    as the policy says, and its rule's counter must have counted it. Then come scenes of several packets: conversations, DNS, FTP,
    timeouts, ends of permissions, as far as the policy is about them. Nothing of this machine's own network is touched, and no
    root is needed where user namespaces are allowed.
    """
    from firewright.workflows.rehearse import rehearse_policies

    run = Run.begin(shown)
    wanted = run.wanted(picked, policies)
    with progress() as saying:
        found = rehearse_policies(wanted, run.report, names, saying)
    if found is None:
        run.refuse(has_notes=shown.is_verbose)
    if shown.is_verbose:  # `compile` says them to whoever is going to load the ruleset
        run.warn()
    run.show(found)
    return int(not found.passed)
