"""A server as it is run: `firewright serve` as an account without rights, on loopback, with policies and people of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from firewright.model.account import Grant
from firewright.store import accounts, tokens
from firewright.store.accounts import Account
from firewright.store.database import Store, open_store, sqlite_url

CHROMIUM = "/usr/bin/chromium"
PASSWORD = "a long and quiet word"
PATIENCE = 60
ROOT = Path(__file__).parents[2]
NOBODY = 65534
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""The least costs: how passwords are kept is another test's."""


def needs_chromium() -> None:
    """Skip a test where there is no browser, and say why."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip("chromium is not installed")


@cache
def interpreter() -> tuple[str, str]:
    """A Python of this version that an account without rights can run, and where it finds what we need; skips where there is none."""
    packages = os.pathsep.join((str(ROOT), sysconfig.get_paths()["purelib"]))
    for program in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            words = (program, "-c", "import firewright.cli.main, fastapi, sqlalchemy, argon2, cryptography")
            done = subprocess.run(words, cwd="/", env={"PYTHONPATH": packages}, capture_output=True, **dropped())
        except OSError:
            continue
        if done.returncode == 0:
            return program, packages
    pytest.skip("no Python here can be run by an account without rights")


def dropped() -> dict[str, Any]:
    """What lets a process be an account's without rights, where this one is root's."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


@dataclass
class Site:
    """A folder of policies and a folder of state, both an account's without rights, and the server while it runs."""

    whole: Path
    people: Mapping[str, tuple[Grant, ...]]
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The policies."""
        return self.whole / "policies"

    @property
    def state(self) -> Path:
        """The database and the keys."""
        return self.whole / "state"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Its database."""
        with closing(open_store(sqlite_url(self.state / "firewright.db"))) as store:
            yield store

    def furnish(self, texts: Mapping[str, str]) -> None:
        """Put policies, accounts with passwords, and a token of each, in place."""
        self.folder.mkdir()
        self.state.mkdir(mode=0o700)
        for name, text in texts.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        hashed, now = _QUICK.hash(PASSWORD), datetime.now(UTC)
        with self.store() as store:
            store.migrate()
            with store.writing() as c:
                for name, grants in self.people.items():
                    accounts.add(c, Account(name, name.title(), hashed, grants))
                    self.tokens[name], _ = tokens.make(c, name, "test", grants, now, now + timedelta(hours=1))
        if shutil.which("git"):
            own = ("-c", "user.name=Someone", "-c", "user.email=someone@example.net")
            for words in (("init", "--quiet"), ("add", "."), (*own, "commit", "--quiet", "-m", "Begin")):
                subprocess.run(("git", *words), cwd=self.folder, check=True)
        self.give_away()

    def give_away(self) -> None:
        """Everything belongs to the account without rights."""
        if os.geteuid() == 0:
            for path in (self.whole, *self.whole.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def environment(self, **more: str) -> dict[str, str]:
        """What a program of this site gets."""
        kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV") if name in os.environ}
        calm = {"LC_ALL": "C.UTF-8", "HOME": "/nonexistent", "NO_COLOR": "1", "PYTHONPATH": interpreter()[1]}
        return {**kept, **calm, "FIREWRIGHT_STATE_HOME": str(self.state), **more}

    def start(self) -> None:
        """Let it serve, and wait until it answers; the port stays the same."""
        if not self.port:
            with socket.create_server(("127.0.0.1", 0)) as place:
                self.port = int(place.getsockname()[1])
        words = (interpreter()[0], "-m", "firewright", "serve", str(self.folder), "--listen", f"127.0.0.1:{self.port}")
        with (self.whole / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                words,
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **dropped(),
            )
        transport = httpx.HTTPTransport(retries=0)
        with httpx.Client(transport=transport, timeout=PATIENCE) as client:
            for _ in range(PATIENCE * 20):
                assert self.process.poll() is None, (self.whole / "serve.log").read_text()
                try:
                    assert client.get(f"{self.url}/healthz").status_code == 200
                    return
                except httpx.TransportError:
                    time.sleep(0.05)
        raise AssertionError((self.whole / "serve.log").read_text())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None

    def log_in(self, name: str) -> httpx.Client:
        """A browser without a screen that is logged in; its forms' token is in `csrf`."""
        client = httpx.Client(base_url=self.url, timeout=PATIENCE)
        token = re.findall(r'name="csrf" value="([^"]+)"', client.get("/login").text)[0]
        done = client.post("/login", data={"name": name, "password": PASSWORD, "csrf": token})
        assert done.status_code == 303, done.text
        token = re.findall(r'name="csrf" value="([^"]+)"', client.get("/account").text)[0]
        client.headers["X-CSRF-Token"] = token
        return client

    def firewright(
        self, *words: str, who: str = "", more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """How the program ends, called in the folder as somebody, as the account without rights."""
        named = {"FIREWRIGHT_TOKEN": self.tokens[who]} if who else {}
        return subprocess.run(
            (interpreter()[0], "-m", "firewright", *words), cwd=self.folder, env=self.environment(**named, **(more or {})),
            capture_output=True, text=True, timeout=PATIENCE * 2, stdin=subprocess.DEVNULL, **dropped(),
        )  # fmt: skip


@contextmanager
def site(texts: Mapping[str, str], people: Mapping[str, tuple[Grant, ...]]) -> Iterator[Site]:
    """A site that goes with all that it has; it does not serve yet."""
    whole = Path(tempfile.mkdtemp(prefix="firewright-site-", dir="/tmp"))
    whole.chmod(0o755)
    made = Site(whole, people)
    try:
        made.furnish(texts)
        yield made
    finally:
        made.stop(signal.SIGKILL)
        shutil.rmtree(whole, ignore_errors=True)
