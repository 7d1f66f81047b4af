"""Why nft failed, in words that name a way out."""

from __future__ import annotations

import re
from pathlib import Path

from firewright.diagnostic import harmless
from firewright.live._child import Finished
from firewright.source import NOWHERE, Span

_PLACED = re.compile(r"^(?P<file>\S[^\n]*?):(?P<line>\d+):(?P<first>\d+)-(?P<last>\d+): Error: (?P<words>[^\n]*)", re.M)
_STDIN = ("/dev/stdin", "stdin", "-")


class NftError(Exception):
    """What stands between a text and its listing: `message` says what, `help` a way out, `at` where in the text."""

    def __init__(self, message: str, help: str = "", at: Span = NOWHERE) -> None:
        super().__init__(message)
        self.message, self.help, self.at = message, help, at


class NftMissing(NftError):
    """No nft, or none that runs."""


class NftTooOld(NftError):
    """An nft without what the listings need."""


class NoNamespaces(NftError):
    """This user may make no network namespace."""


class NotPermitted(NftError):
    """This user may not read the ruleset of this machine."""


class NoNfTables(NftError):
    """A kernel without nf_tables, or without an expression that the ruleset uses."""


class BadRuleset(NftError):
    """A text that nft refuses; `at` is where, `message` its words."""


class TooSlow(NftError):
    """nft ran into the time limit."""


class OutputTooLarge(NftError):
    """nft wrote more than is read, or the text is more than may be sent."""


def is_namespace_failure(done: Finished) -> bool:
    """Whether a child ended because it got no namespace, or one without rights in it."""
    is_refused = done.code in (90, 91) and _is_forbidden(done.err) and not _PLACED.search(done.err)
    return is_refused or (done.code != 0 and "unshare:" in done.err)


def is_too_long(done: Finished) -> bool:
    """Whether the transaction did not fit the send buffer (EMSGSIZE), which a user namespace cannot enlarge."""
    return done.code == 90 and "Message too long" in done.err


def no_namespaces(said: str) -> NoNamespaces:
    """The complaint that no namespace can be had, naming the setting that forbids it."""
    why, way = _forbidden_by()
    return NoNamespaces(
        f"no network namespace can be made here{f': {why}' if why else f': {_first_line(said)}'}",
        f"{way}, or run as root" if way else "run as root",
    )


def unknown_interfaces(err: str, text: str) -> set[str]:
    """The names in `text` that nft found no interface for."""
    lines = text.split("\n")
    found = set()
    for placed in _PLACED.finditer(err):
        if placed["words"].startswith("Interface does not exist") and placed["file"] in _STDIN:
            line = lines[int(placed["line"]) - 1] if int(placed["line"]) <= len(lines) else ""
            found.add(line[int(placed["first"]) - 1 : int(placed["last"])].strip('"'))
    return found


def blamed(done: Finished, path: str, text: str) -> NftError:
    """Which error a failed run is, with nft's words and the place they name."""
    placed = _PLACED.search(done.err)
    if is_too_long(done):
        return OutputTooLarge(
            "the ruleset is more than a user namespace may send to the kernel at once",
            "run as root, or raise what may be sent (sysctl -w net.core.wmem_max=16777216 net.core.wmem_default=16777216)",
        )
    if placed:
        return BadRuleset(f"nft: {harmless(placed['words'], 200)}", _hint(placed["words"]), _span(placed, path))
    if _is_forbidden(done.err):
        return NotPermitted("this user may not read the ruleset", "run as root (it takes CAP_NET_ADMIN)")
    if any(word in done.err for word in ("Protocol not supported", "Invalid argument", "Unable to initialize Netlink")):
        return NoNfTables("this kernel has no nf_tables", "modprobe nf_tables, or a kernel with CONFIG_NF_TABLES")
    return BadRuleset(f"nft: {_first_line(done.err) or f'ended with code {done.code}'}", "", Span(path, 1, 1, 0))


def _hint(words: str) -> str:
    if "No such file or directory" in words or "not supported" in words.lower():
        return "the kernel lacks this expression, or what is named here does not exist"
    return ""


def _span(placed: re.Match[str], path: str) -> Span:
    where = path if placed["file"] in _STDIN else harmless(placed["file"])
    first, last = int(placed["first"]), int(placed["last"])
    return Span(where, int(placed["line"]), first, max(1, last - first + 1))


def _first_line(said: str) -> str:
    return harmless(next((line.strip() for line in said.splitlines() if line.strip()), ""), 200)


def _is_forbidden(err: str) -> bool:
    return "Operation not permitted" in err or "Permission denied" in err


def _forbidden_by() -> tuple[str, str]:
    """The setting that most likely forbids user namespaces, and how to change it; both may be empty."""
    for name, value in (
        ("kernel.unprivileged_userns_clone", "0"),
        ("user.max_user_namespaces", "0"),
        ("user.max_net_namespaces", "0"),
    ):
        if _sysctl(name) == value:
            return f"{name} is {value}", f"sysctl -w {name}={'1' if name.endswith('clone') else '1000'}"
    if _sysctl("kernel.apparmor_restrict_unprivileged_userns") == "1":
        name = "kernel.apparmor_restrict_unprivileged_userns"
        return f"AppArmor gives user namespaces no rights ({name} is 1)", f"sysctl -w {name}=0"
    if _is_filtered():
        return "a seccomp profile forbids it, as a container's default does", "use another profile (seccomp=unconfined)"
    return "", ""


def _sysctl(name: str) -> str:
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return ""


def _is_filtered() -> bool:
    try:
        return "\nSeccomp:\t2" in Path("/proc/self/status").read_text()
    except OSError:
        return False
