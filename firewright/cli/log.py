"""`firewright log`: who did what, when, from where and why; and whether anybody tampered with it."""

from __future__ import annotations

from pathlib import Path

import click

from firewright.cli import _output
from firewright.cli._desk import Office, office
from firewright.cli._run import Run, Shown, shows


@click.command(
    "log",
    short_help="Who did what, when and why; and whether it was tampered with.",
    epilog="Example: firewright log verify --heads /mnt/kept/heads. Ends with 1 where somebody tampered with it.",
)
@click.argument("verb", required=False, type=click.Choice(["list", "verify", "head", "key"]), default="list")
@click.option("--who", default="", metavar="ACCOUNT", help="Only what this account did.")
@click.option("--act", default="", metavar="ACT", help="Only acts of this kind, as request.approve.")
@click.option("--about", default="", metavar="WHAT", help="Only about this, as 'request 7'.")
@click.option("--text", default="", metavar="WORDS", help="Only rows with these words.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, metavar="N", help="So many at most; 50 if not said."
)
@click.option(
    "--to", metavar="FILE", help="head: add the signed head to this file too, best where nobody of here can write."
)
@click.option("--heads", "kept", metavar="FILE", help="verify: hold it against these heads too, kept elsewhere.")
@click.option(
    "--key", "key", metavar="FILE", help="verify: the public key that heads were signed with, kept elsewhere."
)
@shows("text", "json")
def COMMAND(
    verb: str, who: str, act: str, about: str, text: str, limit: int, to: str | None, kept: str | None, key: str | None,
    shown: Shown,
) -> int:  # fmt: skip
    """Show the newest rows of the audit log (list), check that it is whole (verify), sign its end (head), or show the key.

    Rows are only ever added, and each holds the hash of the one before. A tail that was cut off, or rows that were all made anew,
    show only against a head that was signed and kept elsewhere: export one regularly.
    """
    from firewright.reports import LogRows, LogVerdict

    run = Run.begin(shown)
    run.will_show(LogVerdict if verb == "verify" else LogRows)
    with office(run) as place:
        if verb == "verify":
            return _verified(place, kept, key)
        if verb in ("head", "key"):
            _output.put(_head(place, to) if verb == "head" else _key(place), shown.output)
            return 0
        from firewright.workflows.requests.log_rows import visible

        with place.looking() as desk:
            found = visible(desk, who=who, act=act, about=about, text=text, most=limit)
        run.show(LogRows(tuple(found)), has_witness=shown.is_verbose)
    return 0


def _verified(place: Office, kept: str | None, key: str | None) -> int:
    from firewright.source import UnreadableSource, read
    from firewright.store.head_files import kept as heads_in
    from firewright.workflows.requests.log_check import check_log, verdict_of

    try:
        public = read(key).text if key is not None else ""
    except UnreadableSource as error:
        raise click.UsageError(f"--key: {error}") from None
    if kept is not None and not Path(kept).exists():
        raise click.UsageError(f"--heads: there is no file {kept}")
    found = check_log(place.store, place.state, heads_in(Path(kept)) if kept is not None else (), public)
    place.run.show(verdict_of(found))
    return int(not found.is_intact)


def _head(place: Office, to: str | None) -> str:
    from firewright.store.heads import line
    from firewright.workflows.requests.log_check import sign_head

    return line(sign_head(place.store, place.state, place.now, Path(to) if to is not None else None)) + "\n"


def _key(place: Office) -> str:
    from firewright.workflows.requests.log_check import public_key

    return public_key(place.state)
