"""`firewright probe`: what of a host really answers, and whether that is what a policy says."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._run import Picked, Run, Shown, selects, shows

INTERRUPTED = 130
_MOST_RATE, _MOST_PATIENCE = 10_000_000, 3600


@click.command(
    "probe",
    short_help="What of a host really answers, and whether a policy agrees.",
    epilog="Example: firewright probe 192.168.1.10 -p server.yaml --from home. Ends with 0 if nothing contradicts the policy (without one: "
    "if anything was found out), 1 if something does or nothing was found out, 2 for errors, 130 where it was interrupted.",
)
@click.argument("targets", nargs=-1, required=True, metavar="HOST...")
@click.option("--tcp", multiple=True, metavar="PORTS", help="TCP ports, as 1-1024,8080. Again for more.")
@click.option("--udp", multiple=True, metavar="PORTS", help="UDP ports, as 53,123. Again for more.")
@click.option(
    "--service", multiple=True, metavar="NAME", help="A service of the catalog, or tcp/22, icmp/echo-request."
)
@click.option("--all", "is_every", is_flag=True, help="All 65,535 TCP ports.")
@click.option(
    "--from", "source", default="", metavar="ZONE", help="The zone that this machine is of; else its address tells."
)
@click.option(
    "--zone", "destination", default="", metavar="ZONE", help="The zone that the host is of; else its address tells."
)
@click.option("--rate", type=click.FloatRange(1, _MOST_RATE), help="Packets a second; 100,000 nearby, 1,000 elsewhere.")
@click.option("--patience", type=click.FloatRange(0, _MOST_PATIENCE), default=30.0, show_default=True, metavar="SECONDS",
              help="How long to wait for hosts that ration their errors.")  # fmt: skip
@click.option("--connect", is_flag=True, help="Open TCP connections instead of sending packets of its own.")
@click.option("--many", is_flag=True, help="Probe up to 4,096 addresses instead of 256.")
@click.option("--i-may-probe", "is_permitted", is_flag=True, help="Whoever owns these addresses consents.")
@selects
@shows("text", "json", "markdown")
def COMMAND(
    targets: tuple[str, ...],
    tcp: tuple[str, ...],
    udp: tuple[str, ...],
    service: tuple[str, ...],
    is_every: bool,
    source: str,
    destination: str,
    rate: float | None,
    patience: float,
    connect: bool,
    many: bool,
    is_permitted: bool,
    picked: Picked,
    shown: Shown,
) -> int:
    """Send packets to hosts and see what answers: HOST is an address, a name (IPv4 and IPv6), or a prefix.

    Each port is open (a service answers), closed (something says no: by a reset or an ICMP error, and whose), hidden (nobody answers),
    or undetermined, with the reason: errors that the host rations, answers that contradict each other, this machine's own firewall.
    TCP is probed by packets of its own for root, else by connections; UDP by the first datagram of the services that commonly
    are there. With a policy each port is confirmed, contradicted or undetermined, and what is contradicted is shown with the line
    that decides it. Only probe what you may: addresses that are not private, not this machine's and not loopback need --i-may-probe.
    """
    from firewright.workflows.probe import Against, Asked, probe_hosts, services_of

    has_policy = bool(picked.policies or picked.labels)
    if (source or destination) and not has_policy:
        raise click.UsageError("--from and --zone are zones of a policy: name it by -p", click.get_current_context())
    run = Run.begin(shown)
    services = services_of(tcp, udp, service, is_every, run.report)
    if run.report.has_errors():
        run.refuse()
    asked = Asked(targets, services, rate or 0.0, patience, is_permitted=is_permitted, is_many=many, is_raw=not connect)
    against = Against(run.wanted(picked), source, destination) if has_policy else None
    with progress() as saying:
        found = probe_hosts(asked, run.report, saying, against)
    if found is None:
        run.refuse(has_notes=shown.is_verbose)
    if shown.is_verbose:
        run.warn()
    run.show(found)
    return INTERRUPTED if found.is_interrupted else int(not found.passed)
