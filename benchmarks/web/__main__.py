"""`python -m benchmarks.web`: `firewright serve` with 10,000 rules under load, on SQLite and PostgreSQL; RESULTS.md written anew."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from random import Random
from time import monotonic, sleep

from benchmarks.analysis.contest import machine
from benchmarks.web import estate, gate, people
from benchmarks.web.load import RATE, READS, WRITERS
from benchmarks.web.server import WORKERS, Server
from firewright.store.database import open_store, sqlite_url
from firewright.web.settings import DATABASE_FILE

_PATIENCE = 60
_EACH = 15
Sample = tuple[str, float, int, float]
HEAD = f"""# The web application under load

Written by `python -m benchmarks.web` ({{machine}}); do not edit. `firewright serve --workers {WORKERS}`, a policy of
{estate.RULES:,} rules between {estate.ZONES} zones of both families, {people.REQUESTS:,} requests, {people.EXCEPTIONS} exceptions as
files, {people.PEOPLE} people logged in (four of ten see one zone). The load is a process of its own on the same cores: {RATE} pages a
second of a mix of all pages and reads of the API, each measured from the moment at which it was due, whether those before were
answered or not, with one form a second that is checked while it is filled in. The machine is shared: beside the clock's time stands
the processor's, of all processes of the server together, and what the machine was asked for by all meanwhile (load average).

Aims (PERFORMANCE.md): 95 % of pages within 100 ms at 50 a second, the zone matrix 150 ms, no errors.
"""


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long each load lasts")
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"), help="one database")
    options = parser.parse_args()
    text = HEAD.format(machine=machine())
    for name in [options.only] if options.only else ["SQLite", "PostgreSQL"]:
        with tempfile.TemporaryDirectory() as folder, _database(name, Path(folder)) as url:
            for part in chain((f"\n## {name}\n",), _measured(Path(folder), url, options.seconds)):
                text += part
                sys.stdout.write(part)
                sys.stdout.flush()
    if not options.only:
        Path(__file__).with_name("RESULTS.md").write_text(text)


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database; empty for the SQLite file that is the server's own."""
    if name == "SQLite":
        yield ""
        return
    from tests.store import servers

    if why := servers.missing():
        raise SystemExit(why)
    made = servers.Server()
    try:
        yield made.database()
    finally:
        made.stop()


def _measured(folder: Path, url: str, seconds: float) -> Iterator[str]:
    policies, state = folder / "policies", folder / "state"
    policies.mkdir()
    state.mkdir(mode=0o700)
    estate.write(policies)
    store = open_store(url or sqlite_url(state / DATABASE_FILE))
    store.migrate()
    everybody = [
        {**asdict(one), "role": one.grants[0].role.value, "zone": one.grants[0].scope.partition("/")[2]}
        for one in people.fill(store, policies)
    ]
    gated = gate.told(store, policies)
    store.close()
    for one in everybody:
        one["seen"] = people.numbers_of(one["zone"])
    (folder / "people.json").write_text(json.dumps(everybody))
    server = Server(policies, state, url)
    try:
        yield f"\n{gated}"
        yield from _told(server, folder, policies, seconds)
    finally:
        server.stop()


def _told(server: Server, folder: Path, policies: Path, seconds: float) -> Iterator[str]:
    yield f"\nReady {server.ready:.1f} s after the start ({server.cpu():.1f} s of the processor, {server.memory():.0f} MiB).\n"
    calm = server.calm()
    yield f"All processes have reckoned what pages need {calm:.1f} s after that ({server.cpu():.1f} s of the processor in all).\n"
    yield "\n### The first of each page after that, nobody else asking\n\n" + _run(server, folder, "first", 0)
    yield f"\n### What a page costs when it was asked for before: {_EACH} of each, by everybody in turn\n\n" + _costs(
        server, folder
    )
    yield f"\n### {RATE} pages a second, nothing changes\n\n" + _run(server, folder, "reads", seconds)
    yield "\n### The same, while somebody asks and somebody agrees every four seconds, so that files change\n\n"
    yield _run(server, folder, "mixed", seconds)
    yield "\n### The same reads, and after a third of the time the policy itself gets another rule\n\n"
    yield _run(server, folder, "reads", seconds, change=policies / f"{estate.POLICY}.yaml")
    yield f"\n### Acts alone: {WRITERS} people ask and agree, one act after the other\n\n"
    yield _run(server, folder, "acts", seconds / 3)
    yield f"\nThe server then holds {server.memory():.0f} MiB in all its processes.\n"


def _run(server: Server, folder: Path, kind: str, seconds: float, change: Path | None = None) -> str:
    """One load, as a table."""
    processes, before, began = server.processes(), server.cpu(), monotonic()
    words = [sys.executable, "-m", "benchmarks.web.load", str(folder), server.url, kind, str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as load:
        note = ""
        if change is not None:
            sleep(seconds / 3)
            note = _after_change(server, folder, change)
        output, _ = load.communicate()
    took, cpu = monotonic() - began, server.cpu() - before
    found: list[Sample] = json.loads(output)
    ended = (
        "" if server.processes() == processes else " A process of the server ended meanwhile, so that its time is lost."
    )
    acts = f", {len(found) / took:.1f} acts a second" if kind == "acts" else ""
    return (
        _table(found, is_each=kind != "first")
        + f"\n{took:.0f} s by the clock, {cpu:.1f} s of the processor{acts}; load average {os.getloadavg()[0]:.1f}.{note}{ended}\n"
    )


def _costs(server: Server, folder: Path) -> str:
    """The processor's milliseconds of each page, all processes together; one after the other."""
    everybody, random = json.loads((folder / "people.json").read_text()), Random(9)
    rows = ["| page | processor ms | clock ms |\n|---|---:|---:|\n"]
    total = weights = 0.0
    for weight, name, address in READS:
        chosen = [(one, address(one, random)) for one in random.choices(everybody, k=_EACH)]
        for one, path in chosen * WORKERS:
            _holds(server, path, one, "")
        before, began = server.cpu(), monotonic()
        for one, path in chosen:
            _holds(server, path, one, "")
        cpu, clock = (1000 * taken / _EACH for taken in (server.cpu() - before, monotonic() - began))
        total, weights = total + weight * cpu, weights + weight
        rows.append(f"| {name} | {cpu:.1f} | {clock:.1f} |\n")
    mean = total / weights
    rows.append(f"| **the mix** | {mean:.1f} | |\n\nOne core answers {1000 / mean:.0f} pages of the mix a second.\n")
    return "".join(rows)


def _after_change(server: Server, folder: Path, path: Path) -> str:
    """Change the policy, and say how long it takes until answers show that."""
    one = next(one for one in json.loads((folder / "people.json").read_text()) if one["role"] == "viewer")
    rule = "  - {from: zone-01, to: zone-02, allow: tcp/29999, because: the last rule}\n"
    path.write_text(path.read_text() + rule)
    began = monotonic()
    seen: dict[str, float] = {}
    addresses = {
        "`ask`": f"/ask?policy={estate.POLICY}&source=zone-01&destination=zone-02&services=tcp/29999",
        "the pages about the whole policy": f"/api/v1/policies/{estate.POLICY}/rules?q=29999",
    }
    while len(seen) < len(addresses) and monotonic() - began < _PATIENCE:
        for what, address in addresses.items():
            if what not in seen and _holds(server, address, one, "the last rule"):
                seen[what] = monotonic() - began
        sleep(0.2)
    told = ", ".join(
        f"{what} after {seen[what]:.1f} s" if what in seen else f"not by {what} within {_PATIENCE} s"
        for what in addresses
    )
    return f" The new rule was seen by {told}."


def _holds(server: Server, address: str, one: dict[str, str], text: str) -> bool:
    headers = {"Cookie": f"firewright-session={one['cookie']}"}
    if address.startswith("/api/"):
        headers = {"Authorization": f"Bearer {one['bearer']}"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(server.url + address, headers=headers), timeout=60
        ) as answer:
            return text in answer.read().decode()
    except OSError:
        return False


def _table(found: list[Sample], is_each: bool = True) -> str:
    by_name: dict[str, list[Sample]] = {}
    for one in found:
        by_name.setdefault(one[0], []).append(one)
    rows = ["| page | asked | p50 ms | p95 ms | p99 ms | slowest | errors |\n|---|---:|---:|---:|---:|---:|---:|\n"]
    every = [("**all**", found)] if is_each else []
    for name, samples in (*every, *by_name.items()):
        times = sorted(1000 * seconds for _, seconds, _, _ in samples)
        errors = sum(not 200 <= status < 400 for _, _, status, _ in samples)
        shown = " | ".join(f"{times[min(len(times) - 1, int(len(times) * share))]:.0f}" for share in (0.5, 0.95, 0.99))
        rows.append(f"| {name} | {len(times)} | {shown} | {times[-1]:.0f} | {errors} |\n")
    return "".join(rows)


if __name__ == "__main__":
    main()
