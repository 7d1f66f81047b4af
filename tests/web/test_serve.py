"""`firewright serve` as a process: its example, its first account, several processes, proxies, signals, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from shutil import which
from threading import Thread
from typing import Any

import httpx
import pytest

from firewright.cli import _server
from tests.web.conftest import PROFILE

AS_ROOT = ("--as-root",) if os.geteuid() == 0 else ()
PATIENCE = 60


@dataclass
class Server:
    """A server that runs: its process, its address, and the lines of its standard error."""

    process: subprocess.Popen[str]
    url: str
    lines: list[str]
    coming: Queue[str]

    def until(self, pattern: str) -> re.Match[str]:
        """Wait for a line; the match of it."""
        for line in self.lines:
            if found := re.search(pattern, line):
                return found
        while True:
            try:
                line = self.coming.get(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"no line has {pattern!r}: {self.lines}") from None
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found

    def browser(self, **more: Any) -> httpx.Client:
        """A browser that keeps its cookies."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE, **more)

    def end(self) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        while not self.coming.empty():
            self.lines.append(self.coming.get())
        return code


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as place:
        return int(place.getsockname()[1])


@contextmanager
def _serving(folder: Path, state: Path, *words: str, **variables: str) -> Iterator[Server]:
    port = _free_port()
    command = (sys.executable, "-m", "firewright", "serve", *AS_ROOT, "--listen", f"127.0.0.1:{port}", *words)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIREWRIGHT")}
    environment = {**kept, "FIREWRIGHT_STATE_HOME": str(state), **variables}
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    coming: Queue[str] = Queue()
    assert process.stderr is not None
    stream = process.stderr

    def listen() -> None:
        for line in stream:
            coming.put(line)

    Thread(target=listen, daemon=True).start()
    server = Server(process, f"http://127.0.0.1:{port}", [], coming)
    try:
        server.until("Firewright serves")
        _until_it_answers(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _until_it_answers(server: Server) -> None:
    """The socket listens before the processes behind it answer: the first request waits for them."""
    assert httpx.get(f"{server.url}/healthz", timeout=PATIENCE).json() == {"status": "ok"}


def _log_in(server: Server, name: str, password: str) -> httpx.Client:
    browser = server.browser()
    token = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/login").text)[0]
    answer = browser.post("/login", data={"name": name, "password": password, "csrf": token})
    assert answer.status_code == 303, answer.text
    return browser


def test_the_example_starts_with_one_command_and_lets_its_people_in(tmp_path: Path) -> None:
    """Policies, approvals and accounts are there, each person is let in by what a file says and no log, and a signal ends it."""
    with _serving(tmp_path, tmp_path / "state", "--example", "shown") as server:
        server.until("Its database is in")
        kept = tmp_path / "shown/state/passwords.txt"
        people = dict(re.findall(r"^  (\w+) +([a-z0-9-]{19})  ", kept.read_text(), re.MULTILINE))
        assert kept.stat().st_mode & 0o777 == 0o600 and any(str(kept) in line for line in server.lines)
        assert any(
            one.startswith("Made-up accounts, with passwords that are told this once: in ") for one in server.lines
        )
        assert sorted(people) == ["ada", "anna", "arne", "otto", "tom", "vera"]
        assert len(set(people.values())) == 6
        for name, page in (("vera", "/"), ("tom", "/account"), ("ada", "/admin/accounts")):
            browser = _log_in(server, name, people[name])
            assert browser.get(page).status_code == 200
        assert server.browser().get("/readyz").json()["status"] == "ok"
        assert server.end() in (0, -signal.SIGTERM)
    lines = [json.loads(line) for line in server.lines if line.startswith("{")]
    assert {"vera", "tom", "ada"} <= {line["who"] for line in lines} and not [one for one in lines if "fault" in one]
    assert not [password for password in people.values() for line in server.lines if password in line]
    policies = tmp_path / "shown/policies"
    assert (policies / "approvals.yaml").is_file() and (
        tmp_path / "shown/state/firewright.db"
    ).stat().st_mode & 0o077 == 0
    if which("git"):
        found = subprocess.run(("git", "log", "--format=%s"), cwd=policies, capture_output=True, text=True, check=True)
        assert found.stdout == "Begin with the example\n"
    with _serving(tmp_path, tmp_path / "state", "--example", "shown") as server:
        server.until("with the passwords that the first start showed")
        _log_in(server, "vera", people["vera"])


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A folder with one policy."""
    made = tmp_path / "policies"
    made.mkdir()
    (made / "perimeter.yaml").write_text((PROFILE / "provider-perimeter.yaml").read_text())
    return made


def test_the_first_start_makes_a_link_for_the_first_account(policies: Path, tmp_path: Path) -> None:
    """The link, in a file of its owner alone where nobody looks at a terminal, makes an admin, whose session then works."""
    with _serving(policies, tmp_path / "state") as server:
        server.until("The link: in .*first-link.txt, which only you can read")
        kept = tmp_path / "state/first-link.txt"
        found = re.search(r"http://127\.0\.0\.1:\d+(/invitation\?link=\S+)", kept.read_text())
        assert found is not None and kept.stat().st_mode & 0o777 == 0o600
        path = found[1]
        assert not any("invitation" in line for line in server.lines)
        browser = server.browser()
        token = re.findall(r'name="csrf" value="([^"]+)"', browser.get(path).text)[0]
        word = "a long and quiet word"
        form = {"link": path.partition("=")[2], "name": "ada", "password": word, "again": word, "csrf": token}
        assert browser.post("/invitation", data=form).status_code == 303
        assert browser.get("/admin/accounts").status_code == 200
        assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def test_several_processes_are_one_server(policies: Path, tmp_path: Path) -> None:
    """Each answers, a login at one counts at all, and what they counted is added up."""
    with _serving(policies, tmp_path / "state", "--workers", "2") as server:
        for _ in range(40):
            with server.browser() as browser:  # a connection of its own each time
                assert browser.get("/login").status_code == 200
        text = server.browser().get("/metrics").text
        assert 'firewright_web_requests_total{method="GET",route="/login",status="200"} 40.0' in text
        assert server.end() in (0, -signal.SIGTERM)


@pytest.mark.parametrize(("trusted", "seen"), [(("--behind-proxy", "127.0.0.1"), "192.0.2.7"), ((), "127.0.0.1")])
def test_a_proxy_is_believed_only_where_it_is_named(
    policies: Path, tmp_path: Path, trusted: tuple[str, ...], seen: str
) -> None:
    """Where somebody comes from is what a named proxy says; nobody else can say that they are elsewhere."""
    words = (*trusted, "--base-url", "https://firewall.example.net")
    with _serving(policies, tmp_path / "state", *words) as server:
        headers = {"Host": "firewall.example.net", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        answer = server.browser().get("/login", headers=headers)
        assert answer.headers["Set-Cookie"].startswith("__Host-")
        assert json.loads(server.until('"path": "/login"').string)["from"] == seen
        assert server.browser().get("/metrics", headers=headers).status_code == 401


def _refused(folder: Path, *words: str, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIREWRIGHT")}
    environment = {**kept, "FIREWRIGHT_STATE_HOME": str(folder / "state"), **variables}
    command = (sys.executable, "-m", "firewright", "serve", *words)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2 and "Traceback" not in done.stderr and not done.stdout
    return done.stderr


def test_where_no_policies_are_it_says_how(tmp_path: Path) -> None:
    """Neither an empty folder nor one that is not there is served."""
    assert "here are no policies" in _refused(tmp_path, *AS_ROOT)
    assert "firewright serve --example" in _refused(tmp_path, *AS_ROOT)
    assert "there is no folder gone" in _refused(tmp_path, *AS_ROOT, "gone")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused for being root")
def test_root_is_refused_unless_it_is_meant(policies: Path) -> None:
    """A fault in a web application that runs as root would have everything."""
    assert "needs no root" in _refused(policies) and "--as-root" in _refused(policies)


def test_what_cannot_be_is_said_with_a_way_out(policies: Path, tmp_path: Path) -> None:
    """A port that is taken, an address that is none, a database that is none, half a provider: one sentence each, no password."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"another program listens at {where}" in _refused(policies, *AS_ROOT, "--listen", where)
    assert "is no address and port" in _refused(policies, *AS_ROOT, "--listen", "nowhere")
    assert "is no address of a web page" in _refused(policies, *AS_ROOT, "--listen", "127.0.0.1:0", "--base-url", "x")
    assert "is no address" in _refused(policies, *AS_ROOT, "--listen", "127.0.0.1:0", "--behind-proxy", "proxy")
    url = "postgresql://fw:hidden@127.0.0.1:1/none"
    said = _refused(policies, *AS_ROOT, "--listen", "127.0.0.1:0", FIREWRIGHT_DATABASE_URL=url)
    assert "database" in said and "hidden" not in said
    issuer = {"FIREWRIGHT_OIDC_ISSUER": "https://id.example.net"}
    half = _refused(policies, *AS_ROOT, "--listen", "127.0.0.1:0", **issuer)
    assert "half set up" in half and "set FIREWRIGHT_OIDC_CLIENT_ID" in half and "FIREWRIGHT_OIDC_ISSUER" not in half


def test_a_provider_is_set_up_by_the_environment(tmp_path: Path) -> None:
    """Issuer, client, its secret from a file, and what groups give; a grant that gives nothing is told."""
    from firewright.model.account import Grant, Role

    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    told = {
        "FIREWRIGHT_OIDC_ISSUER": "https://id.example.net",
        "FIREWRIGHT_OIDC_CLIENT_ID": "fw",
        "FIREWRIGHT_OIDC_CLIENT_SECRET_FILE": str(secret),
        "FIREWRIGHT_OIDC_MAKES_ACCOUNTS": "yes",
        "FIREWRIGHT_OIDC_GRANTS": "net=operator *; net=viewer *; a b=requester edge/tenant-a",
    }
    options = _server.Options(str(tmp_path), str(tmp_path), "127.0.0.1", 8080, "http://127.0.0.1:8080")
    found = _server.settings_of(options, told).oidc
    assert found is not None and (found.client_secret, found.makes_accounts) == ("hidden", True)
    assert found.grants_of(["net", "a b", "c"]) == (
        Grant(Role.OPERATOR), Grant(Role.REQUESTER, "edge/tenant-a"), Grant(Role.VIEWER),
    )  # fmt: skip
    for bad in ("net", "net=", "=viewer *", "net=emperor *", "net=viewer"):
        with pytest.raises(_server.CannotServe, match="gives nothing"):
            _server.settings_of(options, {**told, "FIREWRIGHT_OIDC_GRANTS": bad})


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is named with the command that installs it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "fastapi" else object())
    with pytest.raises(_server.CannotServe, match="needs more than is installed: fastapi") as refused:
        _server.must_be_installed()
    assert refused.value.way_out == 'pip install "firewright[web]"'


def test_nothing_of_the_web_is_imported_for_help() -> None:
    """Help of the program and of the command comes without the web's libraries."""
    script = (
        "import sys; from click.testing import CliRunner; from firewright.cli.main import firewright as f\n"
        "from click import Context\n"
        "for words in (['--help'], ['serve', '--help'], ['account', '--help']):\n"
        "    try: f.main(words)\n"
        "    except SystemExit as end: assert not end.code\n"
        "heavy = {'fastapi', 'starlette', 'uvicorn', 'sqlalchemy', 'jinja2', 'argon2', 'httpx', 'alembic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run((sys.executable, "-c", script), check=True, capture_output=True, timeout=PATIENCE)
