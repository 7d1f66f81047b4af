"""What nft says: a text read back out of a private namespace, or what runs on this machine."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from firewright.diagnostic import harmless
from firewright.live import _child
from firewright.live._batches import batches
from firewright.live._nft_errors import (
    BadRuleset,
    NftError,
    NftMissing,
    NftTooOld,
    NoNamespaces,
    NoNfTables,
    NotPermitted,
    OutputTooLarge,
    TooSlow,
    blamed,
    is_namespace_failure,
    is_too_long,
    no_namespaces,
    unknown_interfaces,
)

__all__ = [
    "BadRuleset",
    "Listing",
    "NftError",
    "NftMissing",
    "NftTooOld",
    "NoNamespaces",
    "NoNfTables",
    "NotPermitted",
    "OutputTooLarge",
    "TooSlow",
    "list_back",
    "list_running",
    "version",
]

OLDEST = (1, 0, 2)
"""The oldest nft whose listings are relied on."""
ADDED_BY = (
    ((0, 9, 3), "meta time"),
    ((0, 9, 4), "ranges inside concatenations"),
    ((1, 0, 0), "elements that catch all"),
    ((1, 0, 2), "the JSON listing this reads"),
)
"""What came with which version, so that an old nft is told what it lacks (nftables release notes)."""
SECONDS = 120.0
"""The time limit of one load and its two listings; 100,000 rules take about 40 s on a slow core."""
INTERFACES = 512
"""At most so many interfaces are made in a namespace for a ruleset that names them by index."""

_MAKE = """count=$1
shift
number=0
while [ $number -lt $count ]; do
  number=$((number + 1))
  ip link add name "$1" type dummy 2>/dev/null || ip link add name "$1" type veth peer name "fwpeer$number" 2>/dev/null
  shift
done
"""
_LIST = """nft -a list ruleset >"$aside" &
nft -jp list ruleset
code=$?
wait $! && [ $code = 0 ] || exit 91
cat "$aside"
"""
"""The two listings take equally long, so they are made at the same time; the one in words waits in a file.

The JSON has protocols as numbers (-p): nft opens /etc/protocols anew for each name, which is a fifth of its time.
"""
_BEGIN = """ulimit -f 524288
ulimit -t 600
aside=$1
shift
"""
_LOAD = "nft -f - || exit 90\n"
_LOAD_PARTS = """for part in "$@"; do
  nft -f "$part" || exit 90
done
"""
SWELLING = 16
"""A transaction is at most about so many times as long as its text (measured: 4 for elements, 15 for short rules)."""
_DEVICE = re.compile(r"""\bdevices?\s*=?\s*(?:\{([^}]*)\}|"?([\w.@-]+)"?)""")
_INTERFACE = re.compile(r"""\b[io]if\s+(?:[!=]=\s*)?"?([A-Za-z][\w.@-]*)"?""")
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,15}")


@dataclass(frozen=True, slots=True)
class Listing:
    """One ruleset as nft lists it: `json` is `nft -jp list ruleset`, `text` is `nft -a list ruleset`, times in UTC."""

    json: str
    text: str


@cache
def version() -> tuple[int, ...]:
    """The version of the nft on PATH. Raises NftMissing, NftTooOld."""
    program = _child.find("nft")
    if not program:
        raise NftMissing("nft is not installed", "apt-get install nftables, or the package of that name on your system")
    try:
        said = _child.run([program, "--version"], seconds=10).out
    except (OSError, _child.Unfinished) as error:
        raise NftMissing(f"{program} does not run: {error}", "reinstall the package nftables") from None
    found = re.search(r"\bv(\d+(?:\.\d+)+)", said)
    if not found:
        raise NftMissing(f"{program} says no version, but {harmless(said, 60)!r}", "reinstall the package nftables")
    number = tuple(map(int, found[1].split(".")))
    if number < OLDEST:
        lacks = ", ".join(what for since, what in ADDED_BY if number < since)
        wanted = ".".join(map(str, OLDEST))
        raise NftTooOld(
            f"nft {found[1]} is too old: it lacks {lacks}",
            f"install nftables {wanted} or later: Debian 12, Ubuntu 22.04 and later have it",
        )
    return number


def list_back(text: str, path: str = "-", folder: Path | None = None) -> Listing:
    """What nft lists after loading `text` into a fresh network namespace that ends with this call.

    The machine's own ruleset is never read nor touched: the namespace is made by `unshare -Urn` (an own user
    namespace, no rights needed), or as root by `unshare -n` where that does not do. A text that is longer than a user
    namespace may send at once is loaded there in parts. Interfaces that rules name by index are made there first. `path`
    is what the text is called in complaints, `folder` is where its relative includes are looked for.
    Raises NftError. Time as `nft -f`: 0.1 s for 1,000 rules, some seconds for 100,000.
    """
    version()
    wanted = _named_interfaces(text)
    for _round in range(16):
        done = _in_namespace(text, sorted(wanted), folder)
        missing = unknown_interfaces(done.err, text) - wanted if done.code == 90 else set()
        missing = {name for name in missing if _NAME.fullmatch(name)}
        if not missing or len(wanted | missing) > INTERFACES:
            break
        wanted |= missing
    return _listing(done, path, text)


def list_running() -> Listing:
    """What nft lists of the network namespace this process is in. Raises NftError: without CAP_NET_ADMIN, NotPermitted."""
    version()
    return _listing(_run([], _LIST, [], "", None), "the running ruleset", "")


def _in_namespace(text: str, interfaces: list[str], folder: Path | None) -> _child.Finished:
    """Load and list in a user namespace of its own; as root where that fails, without one."""
    if not _child.find("unshare"):
        raise no_namespaces("unshare is not installed (package util-linux)")
    script, words = _MAKE + _LOAD + _LIST, [str(len(interfaces)), *interfaces]
    done = _run(["unshare", "-Urn"], script, words, text, folder)
    if (is_namespace_failure(done) or is_too_long(done)) and os.geteuid() == 0:
        done = _run(["unshare", "-n"], script, words, text, folder)
    if is_too_long(done):
        done = _in_parts(text, interfaces) or done
    if is_namespace_failure(done):
        raise no_namespaces(done.err)
    return done


def _in_parts(text: str, interfaces: list[str]) -> _child.Finished | None:
    """Load a text in parts that a user namespace may send; None where it cannot be cut, or not as finely as it must be."""
    size = _send_limit() // SWELLING
    while size >= 1000:
        parts = batches(text, size)
        if parts is None:
            return None
        with tempfile.TemporaryDirectory(prefix="firewright-") as folder:
            names = []
            for number, part in enumerate(parts):
                names.append(f"{folder}/{number}.nft")
                Path(names[-1]).write_text(part)
            words = [str(len(interfaces)), *interfaces, *names]
            done = _run(["unshare", "-Urn"], _MAKE + _LOAD_PARTS + _LIST, words, "", None)
        if not is_too_long(done):
            return done
        size //= 4
    return None


def _send_limit() -> int:
    """The bytes that a socket without rights sends at once: nft (1.0.6) asks for more only where it may force it."""
    try:
        return int(Path("/proc/sys/net/core/wmem_default").read_text())
    except (OSError, ValueError):
        return 212_992


def _run(around: list[str], script: str, words: list[str], text: str, folder: Path | None) -> _child.Finished:
    """Run a script of this module, which is given `words`, by another program if `around` names one."""
    try:
        with tempfile.NamedTemporaryFile(prefix="firewright-") as aside:
            return _child.run([*around, "sh", "-c", _BEGIN + script, "sh", aside.name, *words], text, SECONDS, folder)
    except _child.Unfinished:
        raise TooSlow(
            f"nft took longer than {SECONDS:g} s", "is the machine busy, or the ruleset very large?"
        ) from None
    except OSError as error:
        raise NftMissing(
            f"{[*around, 'sh'][0]} cannot be run: {error.strerror}", "is a system folder missing from PATH?"
        ) from None


def _listing(done: _child.Finished, path: str, text: str) -> Listing:
    """The two listings in what the script wrote: JSON is one line, the text is all that follows."""
    if done.code in (153, -25) or len(done.out) > _child.OUTPUT_LIMIT:
        raise OutputTooLarge(f"the listing is longer than {_child.OUTPUT_LIMIT // 2**20} MiB", "split the ruleset")
    if done.code != 0:
        raise blamed(done, path, text)
    json, _, listed = done.out.partition("\n")
    if not json.startswith("{"):
        raise BadRuleset("nft lists no JSON", "install an nft built with JSON support (libjansson)")
    return Listing(json, listed)


def _named_interfaces(text: str) -> set[str]:
    """Interfaces that the text needs to exist: `iif eth0`, `device eth0`, `devices = { eth0, eth1 }`."""
    found = {word for word in _INTERFACE.findall(text) if word not in ("vmap", "map", "lo")}
    for several, single in _DEVICE.findall(text):
        found |= {word.strip(" \t\n\"'") for word in several.split(",")} if several else {single}
    return {name for name in list(found)[:INTERFACES] if _NAME.fullmatch(name) and name != "lo"}
