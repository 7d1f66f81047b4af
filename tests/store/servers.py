"""A PostgreSQL server of the tests' own: in a temporary folder, on a unix socket, as an account without rights."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), Path("/usr/local/bin"))


_ROOM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
"""Where the server lies: in memory where that can be; in a short path, for a socket's has at most 107 bytes."""


def missing() -> str:
    """Why no server can be started here; empty where one can."""
    if not (BINARIES / "initdb").exists():
        return "PostgreSQL's server is not installed"
    if os.geteuid() == 0 and not _servant():
        return "PostgreSQL does not run as root, and there is no other account to run it as"
    return ""


class Server:
    """A server that runs until `stop`; `database` makes databases on it."""

    def __init__(self, password: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fw-pg-", dir=_ROOM))
        self.data = self.folder / "data"
        self._count = 0
        secret = self.folder / "password"
        secret.write_text(password or "Q")
        how = "scram-sha-256" if password else "trust"
        if os.geteuid() == 0:
            servant = pwd.getpwnam(_servant())
            for path in (self.folder, secret):
                os.chown(path, servant.pw_uid, servant.pw_gid)
        self._run(
            "initdb", "-D", self.data, "-U", "owner", "-A", how, "--pwfile", secret, "-E", "UTF8", "--no-locale", "-N"
        )
        self.start()

    def start(self) -> None:
        """Let it run (again)."""
        options = f"-k {self.folder} -c listen_addresses='' -c shared_buffers=16MB -c max_connections=60 -c fsync=off"
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "30", "-l", self.folder / "log", "-o", options, "start")

    def halt(self) -> None:
        """Stop it at once, as a fallen machine would."""
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """Stop it and leave nothing of it."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres", password: str = "Q") -> str:
        """The URL of a database on it."""
        return f"postgresql://owner:{password}@/{database}?host={self.folder}"

    def database(self, like: str = "template0", coding: str = "UTF8") -> str:
        """The URL of a new database: an empty one, or one like that with a URL, which nobody uses meanwhile."""
        self._count += 1
        name, model = f"case{self._count}", like.partition("?")[0].rpartition("/")[2]
        self._run("createdb", "-h", self.folder, "-U", "owner", "-T", model, "-E", coding, name)
        return self.url(name)

    def drop(self, url: str) -> None:
        """Leave nothing of a database on it, whoever still uses it."""
        name = url.partition("?")[0].rpartition("/")[2]
        self._run("dropdb", "-h", self.folder, "-U", "owner", "--force", "--if-exists", name)

    def _run(self, program: str, *words: object) -> None:
        command = [str(BINARIES / program), *map(str, words)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", _servant(), "--", *command]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PGPASSWORD": "Q"}
        done = subprocess.run(
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, capture_output=program != "pg_ctl", timeout=60
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {(done.stderr or b'').decode()}")


def _servant() -> str:
    names = {one.pw_name for one in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), "")
