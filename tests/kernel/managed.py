"""The firewall of a test's network as a managed host: its program runs in the namespace, and its state is in a folder of the test."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from firewright.live.apart import PLACE, apart
from firewright.live.host import SECONDS, Reply, _ran, composed, program
from tests.kernel.network import Namespace

TABLE = ("table", "inet", "firewright")
MINIMAL = """table inet firewright
delete table inet firewright
table inet firewright {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established accept
		tcp dport 22 accept
		counter drop comment "only management is open"
	}
}
"""
"""What is loaded at boot where nothing else can be."""


@dataclass(frozen=True)
class Inside:
    """A host that is a namespace of this machine: the same program, the same shell, another network."""

    before: tuple[str, ...]
    folders: Mapping[str, str]
    name: str = "the firewall"
    is_local: bool = True

    def call(self, verb: str, *words: str, texts: Mapping[str, str] | None = None, seconds: float = SECONDS) -> Reply:
        """What the host's program says. Raises HostError."""
        script, token = composed(verb, words, texts or {}, self.folders)
        return _ran([*self.before, "sh", "-s", "--", "over", ""], script, token, seconds, self.name, {})


class Managed:
    """A managed host in a namespace, to be used in a `with`; `state`, `run` and `root` are its folders.

    It has the minimal ruleset loaded from the start: over none at all an apply takes three seconds to get to know the flows.
    """

    def __init__(self, space: Namespace) -> None:
        self.space = space
        space.load(MINIMAL)
        self._folder = Path(tempfile.mkdtemp(prefix="firewright-kernel-"))
        self.state = self._folder / "state"
        # What is installed for the boot goes to a folder of the test, too.
        self.root, self.run = self._folder / "root", self._folder / "run"
        (self.root / "etc" / "local.d").mkdir(parents=True)
        self.folders = {
            "FIREWRIGHT_STATE": str(self.state),
            "FIREWRIGHT_RUN": str(self.run),
            "FIREWRIGHT_ROOT": str(self.root),
        }
        self.host = Inside(space.before, self.folders)
        self._replaced = 0

    def __enter__(self) -> Managed:
        return self

    def __exit__(self, *reason: object) -> None:
        # Whatever watches or waits there ends when its folder is gone.
        for _ in range(50):
            shutil.rmtree(self._folder, ignore_errors=True)
            if not self._folder.exists():
                return
            time.sleep(0.02)

    def apply(self, text: str, wait: int = 60, how: str = "") -> int:
        """Load a ruleset that is taken back after `wait` seconds; its number. `how` may be `anew`. Raises HostError."""
        reply = self.host.call("apply", "any", str(wait), "-", *([how] if how else []), texts=texts(text))
        return int(reply.line("generation"))

    def confirm(self) -> int:
        """Keep what waits; its number. Raises HostError."""
        self.host.call("confirm", "any", "-")
        return int(self.stored("confirmed"))

    def keep(self, text: str) -> int:
        """Load a ruleset and confirm it."""
        self.apply(text)
        return self.confirm()

    def replace(self, text: str) -> None:
        """The transaction of an apply alone. Raises HostError."""
        path = self._folder / "replaced.nft"
        # An apply gives each generation a number; here it is one that no apply gives.
        self._replaced += 1
        path.write_text(apart(text).replace(PLACE, f".{1_000_000 + self._replaced}"))
        self.host.call("load", str(path))

    def boot(self) -> int:
        """What a start of the host does, as it does it; the code that it ends with."""
        return self.space.try_run("sh", str(self.state / "host.sh"), "boot", environment=self.folders).returncode

    def listed(self) -> str:
        """Our table as nft lists it, without what counts; empty where there is none.

        A listing is made of many answers of the kernel: one during which anything changed is made again.
        """
        while True:
            before = self.space.generation()
            done = self.space.try_run("nft", "-s", "list", *TABLE)
            if self.space.generation() == before:
                return done.stdout if done.returncode == 0 else ""

    def rules(self) -> str:
        """What packets meet: the parts of our table in the order of their names, without what counts and without a generation's number.

        Where names have one, what is not of the generation that the chains on hooks lead to is left out.
        """
        listing = self.listed()
        numbers = set(re.findall(r"^\t\t.*\b(?:goto|jump) \w+\.(\d+)", _hooked(listing), re.MULTILINE))
        number = numbers.pop() if len(numbers) == 1 else ""
        blocks = _BLOCK.findall(listing)
        kept = (one for one in blocks if (found := _NUMBERED.match(one)) is None or found[1] == number)
        own = re.compile(rf"\b([a-z]\w*)\.{number or 'none'}\b")
        return "".join(sorted(own.sub(r"\1", one) for one in kept))

    def stored(self, name: str) -> str:
        """A file of the state; empty where there is none."""
        try:
            return (self.state / name).read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            return ""

    @property
    def is_pending(self) -> bool:
        """Whether something waits to be confirmed."""
        return (self.state / "pending").is_dir()


_BLOCK = re.compile(r"^\t\w.*? \{\n.*?^\t\}\n", re.MULTILINE | re.DOTALL)
_NUMBERED = re.compile(r"\t(?:chain|set|map) \w+\.(\d+) \{")


def _hooked(listing: str) -> str:
    """The chains of a listing that are on hooks."""
    return "".join(re.findall(r"^\tchain \w+ \{\n\t\ttype .*?^\t\}\n", listing, re.MULTILINE | re.DOTALL))


def texts(ruleset: str) -> dict[str, str]:
    """What an apply sends to a host."""
    return {
        "ruleset.nft": apart(ruleset),
        "meta": "policy=gate\n",
        "ends": "",
        "minimal.nft": MINIMAL,
        "host.sh": program(),
    }


def until(is_so: Callable[[], bool], seconds: float = 15.0, pause: float = 0.02) -> bool:
    """Wait for something; whether it came about in time."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
