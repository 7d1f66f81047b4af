"""A real sshd on the firewall, with keys of its own and a mount namespace of its own, and what a client needs to come in."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from os import kill
from pathlib import Path

from firewright.live._namespace import die_with_parent
from tests.kernel.managed import until
from tests.kernel.network import FIREWALL, Namespace

_SETTINGS = """Port 22
ListenAddress 0.0.0.0
ListenAddress ::
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""
_CLIENT = """Host gate{family}
  HostName {address}
  HostKeyAlias gate
  User root
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking yes
"""


class Sshd:
    """A server in a namespace, to be used in a `with`; `config` is a file of ssh's, in which it is called gate4 and gate6."""

    def __init__(self, space: Namespace) -> None:
        self.space = space
        self._folder = Path(tempfile.mkdtemp(prefix="firewright-sshd-"))
        self.config = self._folder / "config"

    def __enter__(self) -> Sshd:
        folder = self._folder
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True)
        (folder / "known").write_text("gate " + (folder / "host.pub").read_text())
        (folder / "server").write_text(_SETTINGS.format(folder=folder))
        self.config.write_text(
            "".join(_CLIENT.format(family=one, address=FIREWALL[one], folder=folder) for one in FIREWALL)
        )
        # sshd goes into /run/sshd, which nobody but it gets to see; its own path must be a whole one.
        prepared = 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$0" -D -e -f "$1"'
        words = ("unshare", "-m", "sh", "-c", prepared, shutil.which("sshd") or "sshd", str(folder / "server"))
        self._process = subprocess.Popen(
            [*self.space.before, *words], stdin=subprocess.DEVNULL, stderr=(folder / "log").open("wb"),
            preexec_fn=die_with_parent,
        )  # fmt: skip
        if not until(lambda: "listening on ::" in (folder / "log").read_text()):
            self.close()
            raise RuntimeError((folder / "log").read_text())
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, with every session."""
        self._process.kill()
        self._process.wait()
        self.cut()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def listener(self) -> int:
        """The process that waits for connections."""
        return self._process.pid

    def cut(self) -> int:
        """Kill whatever serves a connection now; how many processes that were."""
        count = 0
        for number in self.space.processes() - {self.listener}:
            with suppress(OSError):
                if Path(f"/proc/{number}/comm").read_text().startswith("sshd"):
                    kill(number, signal.SIGKILL)
                    count += 1
        return count
