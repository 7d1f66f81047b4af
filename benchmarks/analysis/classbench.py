"""Filter sets of ClassBench (D. Taylor, J. Turner, 2005), read where they lie beside the project; they are no part of it.

A filter has no decision of its own: one is drawn for each, 60 in 100 accept, the same in every run.
"""

from __future__ import annotations

import gzip
from ipaddress import IPv4Network
from pathlib import Path
from random import Random

from benchmarks.analysis.rulesets import Row
from firewright.model.packet import TCP, UDP

FOLDER = Path(__file__).parents[3] / "shared" / "corpora" / "classbench"


def rows(name: str, folder: Path = FOLDER) -> list[Row] | None:
    """The filters of a set (`acl1-1000`) as rules; None where it is not there.

    A filter of ports without a protocol is taken to be about TCP and UDP; filters of other protocols have none. Flags are left
    out. ValueError for a line that is no filter.
    """
    plain, packed = folder / f"{name}.rules", folder / f"{name}.rules.gz"
    if plain.is_file():
        text = plain.read_text("ascii")
    elif packed.is_file():
        text = gzip.decompress(packed.read_bytes()).decode("ascii")
    else:
        return None
    random = Random(1)
    return [_row(line, "accept" if random.random() < 0.6 else "drop") for line in text.splitlines() if line]


def _row(line: str, word: str) -> Row:
    if not line.startswith("@"):
        raise ValueError(f"{line!r} is no filter of ClassBench")
    source, destination, source_ports, ports, protocol, *_ = line[1:].split("\t")
    number, mask = (int(part, 16) for part in protocol.split("/"))
    near, far = _ports(source_ports), _ports(ports)
    is_open = near == far == (0, 65535)
    protocols: tuple[int, ...] = (number,) if mask else () if is_open else (TCP, UDP)
    if not set(protocols) <= {TCP, UDP}:
        near = far = (0, 65535)
    return Row(_sides(source), _sides(destination), protocols, (far,), (near,), word=word)


def _sides(text: str) -> tuple[tuple[int, int], ...]:
    network = IPv4Network(text, strict=False)
    return ((int(network.network_address), int(network.broadcast_address)),)


def _ports(text: str) -> tuple[int, int]:
    low, high = text.split(":")
    return int(low), int(high)
