"""`firewright metrics`: a managed host in numbers, for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from firewright.cli import _output
from firewright.cli._host import on_host
from firewright.cli._progress import progress
from firewright.cli._run import Run, Shown, debugs

if TYPE_CHECKING:
    from firewright.live.host import Host
    from firewright.workflows.metrics import Measured


@click.command(
    "metrics",
    short_help="A host in numbers, for Prometheus: a file, or /metrics.",
    epilog="Example: sudo firewright metrics -o /var/lib/node_exporter/firewright.prom, each minute; or "
    "sudo firewright metrics --listen 127.0.0.1:9469. Ends with 0, with 2 where not all of it could be had.",
)
@on_host
@click.option(
    "-o", "--output", metavar="FILE.prom", help="Write to a file, whole or not at all; the last one tells of resets."
)
@click.option("--listen", metavar="ADDR:PORT", help="Stay, and answer /metrics there; on this machine only.")
@click.option("--public", is_flag=True, help="Let --listen take an address that others reach.")
@debugs
def COMMAND(host: Host, output: str | None, listen: str | None, public: bool) -> int:
    """Say in Prometheus' text format how a host stands: all that `firewright status` says in numbers.

    The counters of each line of the policy come with when they began, which is when the generation was loaded: rates over a
    longer time are not known. Where the host could not be asked, firewright_scrape_success is 0 and little else is there, so
    that no old number is taken for a new one. HOST is what ssh is given; without one it is this machine, as root.
    """
    run = Run.begin(Shown("text", None, "auto", is_verbose=False))
    if listen is not None:
        if output is not None:
            raise click.UsageError("--listen and -o are two ways", click.get_current_context())
        return _listening(host, listen, public)
    from firewright.workflows.metrics import measured

    with progress() as saying:
        found = measured(host, _last(output), saying)
    _output.put(found.text, output)
    return _told(run, found)


def _told(run: Run, found: Measured) -> int:
    """Exit code 2 and why, where not all could be had; what is wrong with the host is in the numbers."""
    if found.is_whole:
        return 0
    for one in found.said:
        run.report.add(one)
    run.warn()
    return 2


def _last(output: str | None) -> str:
    """What the file says that is to be replaced; nothing where there is none, or it is no text."""
    if output in (None, "-"):
        return ""
    try:
        path = Path(str(output))
        return path.read_text() if path.is_file() else ""
    except (OSError, UnicodeError):
        return ""


def _listening(host: Host, where: str, is_public: bool) -> int:
    """Answer until somebody stops it."""
    from firewright.live.metrics_endpoint import PATH, BadEndpoint, endpoint, is_loopback, parse_endpoint
    from firewright.reports._metrics import CONTENT_TYPE
    from firewright.workflows.metrics import measured

    try:
        address, port = parse_endpoint(where)
    except BadEndpoint as error:
        raise click.UsageError(f"--listen: {error}; write 127.0.0.1:9469", click.get_current_context()) from None
    if not is_loopback(address) and not is_public:
        message = (
            f"--listen {where}: others reach that address, and anybody could read what is open here; --public allows it"
        )
        raise click.UsageError(message, click.get_current_context())
    last = ""

    def page() -> str:
        nonlocal last
        last = measured(host, last).text
        return last

    try:
        with endpoint(address, port, page, CONTENT_TYPE) as server:
            place = f"[{address}]" if ":" in address else address
            _output.say(f"listening on http://{place}:{server.server_address[1]}{PATH}")
            server.serve_forever()
    except OSError as error:
        raise click.UsageError(f"--listen {where}: {error.strerror}", click.get_current_context()) from None
    return 0
