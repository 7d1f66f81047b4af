"""A host whose firewall is managed, this machine or another over ssh: one sh program does what is done there.

The program (`managed/`) goes to a shell of the host on standard input, behind it the texts that it stores, as here-documents whose
end nobody can guess, each with its checksum. Nothing is installed beforehand, and no word of a policy reaches a command line.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Protocol

from firewright.diagnostic import harmless
from firewright.live import _child
from firewright.live.session import connection, user

SECONDS = 60.0
"""The time limit of a call that names none."""
_REMOTE = (
    'exec sh -c \'if [ "$(id -u)" = 0 ]; then exec sh -s -- over "$SSH_CONNECTION"; '
    'else exec sudo -n sh -s -- over "$SSH_CONNECTION"; fi\''
)
"""What ssh runs: a constant, so that no data reaches the shell of whoever logs in."""
_DESTINATION = re.compile(r"[A-Za-z0-9_.:@%\[\]][A-Za-z0-9_.:@%\[\]-]{0,254}")
_WORD = re.compile(r"[A-Za-z0-9_.:/@%, \[\]-]{1,400}")
_REFLECTED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_KEPT = ("HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR")
"""What ssh needs of the environment to find keys and its agent."""


class HostError(Exception):
    """A host that could not be reached, or did not do what it was asked: `name` is the complaint's, `help` a way out."""

    def __init__(self, name: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.name, self.message, self.help = name, message, help

    def __reduce__(self) -> tuple[type[HostError], tuple[str, str, str]]:
        return type(self), (self.name, self.message, self.help)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a host's program said, by its sections."""

    sections: Mapping[str, str]

    def text(self, name: str) -> str:
        """A section; empty where there is none."""
        return self.sections.get(name, "")

    def line(self, name: str) -> str:
        """A section of one line, without its end."""
        return self.text(name).strip()

    def pairs(self, name: str) -> dict[str, str]:
        """A section of lines `name=value`."""
        return dict(line.split("=", 1) for line in self.text(name).splitlines() if "=" in line)


class Host(Protocol):
    """A host whose firewall is managed."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def is_local(self) -> bool:
        """Whether it is this machine."""

    def call(self, verb: str, *words: str, texts: Mapping[str, str] | None = None, seconds: float = SECONDS) -> Reply:
        """What the host's program says when it is asked to do something with some words and stored texts.

        Each call over ssh is a connection of its own. Raises HostError.
        """


@dataclass(frozen=True, slots=True)
class Local:
    """This machine, or the network namespace of this process. `folders` are other places for its state, by variable."""

    folders: Mapping[str, str] = field(default_factory=dict)
    name: str = "this machine"
    is_local: bool = True

    def call(self, verb: str, *words: str, texts: Mapping[str, str] | None = None, seconds: float = SECONDS) -> Reply:
        """See Host."""
        script, token = composed(verb, words, texts or {}, self.folders)
        return _ran(["sh", "-s", "--", "over", connection()], script, token, seconds, self.name, {})


@dataclass(frozen=True, slots=True)
class Ssh:
    """Another host: `destination` is what ssh takes, `config` a file of ssh's in the place of the user's own."""

    destination: str
    config: str = ""
    identity: str = ""
    port: int = 0
    user: str = ""
    folders: Mapping[str, str] = field(default_factory=dict)
    is_local: bool = False

    def __post_init__(self) -> None:
        if not _DESTINATION.fullmatch(self.destination) or not _WORD.fullmatch(self.user or "-"):
            way_out = "write a name, an address, or user@name; ssh's own configuration takes care of the rest"
            raise HostError("bad-host", f"{harmless(self.destination, 60)!r} is no name of a host", way_out)

    @property
    def name(self) -> str:
        """What ssh is given."""
        return self.destination

    def call(self, verb: str, *words: str, texts: Mapping[str, str] | None = None, seconds: float = SECONDS) -> Reply:
        """See Host."""
        script, token = composed(verb, words, texts or {}, self.folders)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return _ran([*self._words(), _REMOTE], script, token, seconds, self.name, kept)

    def _words(self) -> list[str]:
        if not (program := _child.find("ssh")):
            raise HostError("no-ssh", "ssh is not installed on this machine", "apt-get install openssh-client")
        settings = (
            "BatchMode=yes",
            "ControlMaster=no",
            "ControlPath=none",
            "ConnectTimeout=10",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=4",
            "ClearAllForwardings=yes",
        )
        words = [program, "-T", *(word for setting in settings for word in ("-o", setting))]
        words += ["-F", self.config] if self.config else []
        words += ["-i", self.identity] if self.identity else []
        words += ["-p", str(self.port)] if self.port else []
        words += ["-l", self.user] if self.user else []
        return [*words, "--", self.destination]


@cache
def program() -> str:
    """The sh program of managed hosts."""
    folder = files("firewright.live") / "managed"
    return "\n".join((folder / name).read_text() for name in ("look.sh", "host.sh"))


def composed(
    verb: str, words: tuple[str, ...], texts: Mapping[str, str], folders: Mapping[str, str]
) -> tuple[str, str]:
    """The script that has a host do something, and the word that begins its sections.

    ValueError for a word that is not safe between quotes of sh; every character of `texts` is, but NUL.
    """
    for word in (verb, *words, *texts, *folders, *folders.values()):
        if not _WORD.fullmatch(word):
            raise ValueError(f"no word for a host: {word!r}")
    token = os.urandom(16).hex()
    lines = [f"{name}='{value}'" for name, value in folders.items()]
    lines += [f"TOKEN={token} WHO='{user()}'", program()]
    for name, text in texts.items():
        ended = text if text.endswith("\n") else f"{text}\n"
        if "\0" in ended:
            raise ValueError(f"a NUL in {name}")
        lines += [f"stage {name} {checksum(ended.encode())} <<'{token}'", f"{ended}{token}"]
    # In braces: where the connection breaks off in the middle of this, a shell runs nothing of it.
    lines += [" ".join(("{ run", verb, *(f"'{word}'" for word in words))), "}"]
    return "\n".join(lines) + "\n", token


def checksum(data: bytes) -> str:
    """What `cksum` says of some bytes: its CRC and the size (POSIX.1-2017, cksum); linear in the size."""
    size, length = len(data), b""
    while size:
        length += bytes((size & 0xFF,))
        size >>= 8
    # zlib's CRC has the same polynomial with the bits of each byte the other way round.
    found = zlib.crc32((data + length).translate(_REFLECTED), 0xFFFFFFFF)
    return f"{int(f'{found:032b}'[::-1], 2)}-{len(data)}"


def _ran(words: list[str], script: str, token: str, seconds: float, name: str, environment: Mapping[str, str]) -> Reply:
    try:
        done = _child.run(words, script, seconds, environment=environment)
    except _child.Unfinished:
        raise HostError("host-silent", f"{harmless(name)} did not answer within {seconds:g} s", _PENDING_HELP) from None
    except OSError as error:
        raise HostError("no-shell", f"{words[0]} cannot be run: {error.strerror}") from None
    found = _sections(done.out, token)
    if "error" in found:
        kind, _, message = found["error"].partition("\n")
        raise HostError(kind, f"{harmless(name)}: {harmless(message.strip(), 1000)}", HELP.get(kind, ""))
    if "end" not in found:
        raise _unreached(name, done)
    return Reply(found)


def _sections(text: str, token: str) -> dict[str, str]:
    parts = re.split(rf"^--- {token} (\S+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _unreached(name: str, done: _child.Finished) -> HostError:
    """Why there is no whole answer, as far as ssh, sudo or the shell say it."""
    said = harmless(" ".join(done.err.split())[-400:] or f"it ended with {done.code}", 400)
    for pattern, kind, message, way_out in REASONS:
        if pattern.search(done.err):
            return HostError(kind, f"{harmless(name)}: {message} ({said})", way_out)
    return HostError("host-cut-off", f"{harmless(name)}: the answer was cut off ({said})", _PENDING_HELP)


_PENDING_HELP = "what was loaded and not confirmed is taken back by the host's own watchdog; firewright status tells"
"""What helps where an answer did not come."""
REASONS = tuple(
    (re.compile(pattern), kind, message, way_out)
    for pattern, kind, message, way_out in (
        (r"Could not resolve hostname", "unknown-host", "nobody knows a host of this name", "is it spelt right?"),
        (
            r"IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known",
            "wrong-host-key",
            "its host key is not the known one",
            "make sure that it is the host you mean, then log in once with ssh, or mend known_hosts",
        ),
        (
            r"Permission denied|Too many authentication failures|UNPROTECTED PRIVATE KEY|Load key",
            "login-refused",
            "it refuses the login",
            "which key does it know? ssh -v shows; a key in an agent, --identity, or ssh's configuration names one",
        ),
        (
            r"Connection refused|timed out|No route to host|Network is unreachable|Connection (closed|reset)|kex_exchange",
            "host-unreachable",
            "no connection",
            "is it up, and is port 22 open from here?",
        ),
        (
            r"sudo: .*(password|not found|terminal)|not in the sudoers|may not run|not allowed to execute",
            "no-sudo",
            "sudo does not let this user be root without a password",
            "log in as root, or let sudo run sh for this user (NOPASSWD)",
        ),
        (r"sh: .*not found|No such file or directory", "no-shell", "it has no sh", "a managed host needs sh and nft"),
    )
)
"""What ssh, sudo and shells write where no answer comes: a pattern, the complaint's name, its words, a way out."""
HELP = {
    "not-root": "run it with sudo, or name a user whom sudo lets be root",
    "no-nft": "apt-get install nftables, or the package of that name on the host's system",
    "no-program": "a managed host needs nft, sh, and the usual small programs beside it: cat, cksum, cp, date, grep, ls, mv, sleep",
    "no-state": "is the file system read-only, or full? it must be writable before anything is loaded",
    "foreign-state": "let root alone own and write it (chown root:, chmod go-w); the web application's files belong into another folder, "
    "FIREWRIGHT_STATE_HOME",
    "no-space": "make room on the host; nothing was loaded",
    "busy": "wait until it is done; firewright status tells what waits",
    "pending": "firewright confirm keeps it, firewright rollback takes it back",
    "changed": "make the plan again",
    "refused": "nothing was changed",
    "no-watchdog": "is the host out of processes, or its disk full? nothing was changed",
    "nothing-pending": "firewright status tells what runs",
    "other-pending": "firewright status tells what waits",
    "same-connection": "open a new connection and confirm there: that it opens is what is to be shown",
    "no-conntrack": "apt-get install conntrack on the host",
    "no-generation": "firewright generations lists them",
    "not-rolled-back": "the host's state folder still has the ruleset from before: pending/snapshot.nft",
}
"""A way out of each complaint of the host's own program."""
