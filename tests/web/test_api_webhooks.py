"""Events arrive signed, at least once, where they may; and nowhere else."""

from __future__ import annotations

import hmac
import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from fastapi import FastAPI

from firewright.store import log, outbox
from firewright.store.database import Store
from firewright.store.outbox import Fate
from firewright.web import webhook
from firewright.web.api import webhooks as operations
from firewright.web.app import store_of
from firewright.web.duties import forgetting, webhooks
from firewright.web.running import Running
from tests.web.conftest import Client
from tests.web.described import PREFIX, described, standing, token

NOW = datetime.now(UTC)
PATH = f"{PREFIX}/webhooks"


@dataclass
class Receiver:
    """A receiver on loopback that verifies signatures as the documentation says, and answers what it is told to."""

    url: str = ""
    secrets: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    got: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    delay: Callable[[], object] = bool
    server: Any = None

    def take(self, headers: Any, body: bytes) -> int:
        """Take an event if its signature is good and fresh."""
        told = dict(part.split("=", 1) for part in headers["Webhook-Signature"].split(","))
        said = told["t"].encode() + b"." + body
        codes = [hmac.new(secret.encode(), said, sha256).hexdigest() for secret in self.secrets]
        if not any(hmac.compare_digest(code, told["v1"]) for code in codes):
            self.refused.append("signature")
            return 400
        if abs(int(told["t"]) - datetime.now(UTC).timestamp()) > webhook.WINDOW + 86400:
            self.refused.append("old")
            return 400
        event = json.loads(body)
        assert str(event["number"]) == headers["Webhook-Id"] and event["kind"] == headers["Webhook-Event"]
        self.got.append({**event, "t": int(told["t"]), "host": headers["Host"], "body": body})
        return self.answers.pop(0) if self.answers else 204


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that listens."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = found.take(self.headers, body)
            found.delay()
            self.send_response(status)
            if status in (301, 307):
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

    found.server = server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/hook?to=firewright"
    yield found
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


@pytest.fixture
def admin(store: Store) -> dict[str, str]:
    """Headers of somebody who may everything."""
    return token(store, "program-all")


@pytest.fixture
def parts(app: FastAPI) -> Running:
    """What the duty is given."""
    found: Running = app.state.running
    return found


def _added(client: Client, admin: dict[str, str], receiver: Receiver, **more: Any) -> int:
    answer = client.post(PATH, json={"url": receiver.url, **more}, headers=admin)
    assert answer.status_code == 201, answer.text
    described().hold(answer, "post", PATH)
    receiver.secrets.append(answer.json()["secret"])
    number: int = answer.json()["number"]
    return number


def _queue(store: Store, kind: str = "request.approve", policy: str = "tenant-a-edge", now: datetime = NOW) -> None:
    with store.writing() as c:
        outbox.queue(c, kind, json.dumps({"request": 7, "act": kind}), now, policy)


def test_an_event_that_fails_twice_arrives_at_the_third_try(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running
) -> None:
    """The receiver verifies it each time, answers 500, then sends elsewhere, then takes it; the waits double between."""
    number = _added(client, admin, receiver)
    receiver.answers = [500, 307]
    _queue(store)
    for later in (0, 10, 31, 60, 92):
        webhooks.run(parts, NOW + timedelta(seconds=later))
    assert receiver.refused == [] and len(receiver.got) == 3
    assert len({one["body"] for one in receiver.got}) == 1 and [
        one["t"] - receiver.got[0]["t"] for one in receiver.got
    ] == [0, 31, 92]
    assert receiver.got[0]["data"] == {"request": 7, "act": "request.approve"}
    here = f"{PATH}/{number}/deliveries"
    answer = client.get(here, headers=admin)
    described().hold(answer, "get", here)
    (delivery,) = answer.json()["deliveries"]
    assert (delivery["fate"], delivery["tries"], delivery["due"]) == ("sent", 2, None)
    webhooks.run(parts, NOW + timedelta(hours=1))
    assert len(receiver.got) == 3


def test_the_act_that_it_tells_of_is_sent(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running
) -> None:
    """A request that is made over the API is an event of its kind, to whoever asks for that kind and policy only."""
    policy = "internet-ports-regions-1-2"
    _added(client, admin, receiver, events=["request.submit"], policies=[policy])
    wish = {
        "policy": policy, "from": ["tenants"], "to": ["internet"], "services": ["tcp/11371"], "because": "keys",
        "until": f"{NOW + timedelta(days=30):%Y-%m-%d}",
    }  # fmt: skip
    assert client.post(f"{PREFIX}/requests", json=wish, headers=admin).status_code == 201
    assert client.post(f"{PREFIX}/requests?draft=true", json={**wish, "ticket": "2"}, headers=admin).status_code == 201
    _queue(store, "request.submit", "another")
    webhooks.run(parts, datetime.now(UTC) + timedelta(seconds=1))
    (event,) = receiver.got
    assert (
        event["kind"] == "request.submit" and event["data"]["policy"] == policy and event["data"]["by"] == "program-all"
    )


def test_an_event_is_sent_again_on_demand(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running
) -> None:
    """With the number that it had, so that a receiver knows it; one of another webhook is not found there."""
    number = _added(client, admin, receiver)
    _queue(store)
    webhooks.run(parts, NOW)
    (first,) = receiver.got
    here = f"{PATH}/{number}/deliveries/{first['number']}/again"
    answer = client.post(here, headers=admin)
    described().hold(answer, "post", here)
    assert answer.status_code == 202 and answer.json()["fate"] == "waiting"
    webhooks.run(parts, datetime.now(UTC) + timedelta(seconds=1))
    assert [one["number"] for one in receiver.got] == [first["number"]] * 2
    assert client.post(f"{PATH}/{number}/deliveries/99/again", headers=admin).status_code == 404
    assert client.post(f"{PATH}/99/deliveries/{first['number']}/again", headers=admin).status_code == 404


def test_a_webhook_is_changed_stopped_and_removed(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running
) -> None:
    """A change is held against what was looked at; one that is stopped gets nothing until it goes on; the log has it all."""
    number = _added(client, admin, receiver)
    here = f"{PATH}/{number}"
    shown = client.get(here, headers=admin)
    described().hold(shown, "get", here)
    assert "secret" not in shown.json() and receiver.secrets[0] not in client.get(PATH, headers=admin).text
    stopped = {"url": receiver.url, "is_active": False}
    assert client.put(here, json=stopped, headers=admin).status_code == 428
    changed = client.put(here, json=stopped, headers={**admin, "If-Match": shown.headers["ETag"]})
    described().hold(changed, "put", here)
    assert changed.json()["is_active"] is False
    assert client.put(here, json=stopped, headers={**admin, "If-Match": shown.headers["ETag"]}).status_code == 412
    _queue(store)
    webhooks.run(parts, NOW)
    assert receiver.got == []
    answer = client.delete(here, headers=admin)
    assert answer.status_code == 204
    described().hold(answer, "delete", here)
    assert client.delete(here, headers=admin).status_code == 404
    with store.reading() as c:
        rows = [row.entry for row in log.rows(c, about=f"webhook {number}")]
    assert [one.act for one in rows] == ["webhook.add", "webhook.change", "webhook.remove"]
    assert all("to=firewright" not in str(dict(one.details)) for one in rows)


def test_a_receiver_that_is_gone_is_tried_again_and_given_up(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running
) -> None:
    """Why it failed is kept in words; after the last try nothing is sent any more."""
    receiver.url = "http://127.0.0.1:1/"
    number = _added(client, admin, receiver)
    _queue(store)
    later = NOW
    for _ in range(outbox.TRIES):
        webhooks.run(parts, later)
        later += outbox.LONGEST_WAIT + timedelta(minutes=1)
    with store.reading() as c:
        (delivery,) = outbox.deliveries(c, number)
    assert (delivery.fate, delivery.tries, delivery.due) == (Fate.GIVEN_UP, outbox.TRIES, None)
    assert "127.0.0.1 takes no connection" in delivery.said


def test_a_slow_receiver_delays_no_other(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running, monkeypatch: Any
) -> None:
    """What takes too long is broken off while it still waits, and the other event has arrived by then."""
    over, waits, done = Event(), [True], list[bool]()

    def delay() -> None:
        if waits and waits.pop():
            done.append(over.wait(60))

    numbers = [_added(client, admin, receiver), _added(client, admin, receiver)]
    receiver.delay = delay
    monkeypatch.setattr(webhooks, "SECONDS", 1.0)
    _queue(store)
    webhooks.run(parts, NOW)
    assert done == []
    over.set()
    with store.reading() as c:
        found = [one for number in numbers for one in outbox.deliveries(c, number)]
    assert sorted(one.fate for one in found) == [Fate.SENT, Fate.WAITING]
    assert any(one.said.startswith("no answer within") for one in found)


def test_two_processes_send_it_once(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running
) -> None:
    """What one has taken the other leaves alone, while it is lent."""
    _added(client, admin, receiver)
    for _ in range(30):
        _queue(store)
    threads = [Thread(target=webhooks.run, args=(parts, NOW)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one["number"] for one in receiver.got) == list(range(1, 31))


BAD = (
    "http://169.254.169.254/latest/meta-data", "https://169.254.169.254/", "https://[fe80::1]/", "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::a9fe:a9fe]/", "https://[2002:a9fe:a9fe::1]/", "https://[fd00:ec2::254]/", "https://100.100.100.200/",
    "https://0.0.0.0/", "https://[::]/", "https://224.0.0.1/", "https://255.255.255.255/", "http://hooks.example.net/",
    "http://192.0.2.1/", "ftp://hooks.example.net/", "file:///etc/passwd", "https://", "https://user:word@hooks.example.net/",
    "https://hooks.example.net/#part", "https://hooks.example.net/ x", "https://hooks.example.net:99999/", "hooks.example.net",
    "https://h\u00f6ks.example.net/", "https://hooks.example.net/\n", "gopher://127.0.0.1/",
)  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, dict[str, str]]]:
    """One application for whatever changes nothing, and headers of somebody who may everything."""
    with standing(tmp_path_factory.mktemp("shared")) as app:
        yield Client(app), token(store_of(app), "program-all")


@pytest.mark.parametrize("url", BAD)
def test_what_may_not_be_sent_to_is_refused_when_it_is_said(shared: tuple[Client, dict[str, str]], url: str) -> None:
    """Addresses of the link, of groups and of clouds in every spelling, plain HTTP to elsewhere, and what is no URL."""
    client, admin = shared
    answer = client.post(PATH, json={"url": url}, headers=admin)
    assert answer.status_code == 422 and answer.json()["fields"]["url"], answer.text


@pytest.mark.parametrize("spelling", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"])
def test_another_spelling_of_an_address_is_looked_at_when_it_is_sent(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running, spelling: str
) -> None:
    """Whatever the system's resolver takes for an address, or a name for, is looked at before anything is connected to."""
    receiver.url = f"https://{spelling}/"
    answer = client.post(PATH, json={"url": receiver.url}, headers=admin)
    if answer.status_code == 422:
        return
    _queue(store)
    webhooks.run(parts, NOW)
    with store.reading() as c:
        (delivery,) = outbox.deliveries(c, answer.json()["number"])
    assert "169.254.169.254 is not sent to" in delivery.said or "no address" in delivery.said


@pytest.mark.parametrize(
    ("answers", "is_tls", "is_good"),
    [
        (["192.0.2.1"], True, True),
        (["192.0.2.1", "169.254.169.254"], True, False),
        (["10.0.0.1", "2001:db8::1"], True, True),
        (["10.0.0.1"], False, False),
        (["127.0.0.1", "::1"], False, True),
        (["127.0.0.1", "10.0.0.1"], False, False),
        (["::ffff:127.0.0.1"], False, True),
        (["::127.0.0.1"], False, False),
        ([], True, False),
    ],
)
def test_every_address_of_a_name_is_looked_at(answers: list[str], is_tls: bool, is_good: bool) -> None:
    """One bad address among good ones is enough; without TLS all have to be this machine's."""
    try:
        webhook.check(map(ip_address, answers), is_tls)
    except webhook.BadTarget:
        assert not is_good
    else:
        assert is_good


def test_the_address_that_was_looked_at_is_the_one_that_is_sent_to(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running, monkeypatch: Any
) -> None:
    """A name is resolved once: what it would answer the second time is never asked, and its own name is the Host."""
    asked = []

    async def resolve(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if len(asked) == 1 else "169.254.169.254", port))]

    monkeypatch.setattr(anyio, "getaddrinfo", resolve)
    port = receiver.url.split(":")[2].split("/")[0]
    receiver.url = f"http://localhost:{port}/"
    _added(client, admin, receiver)
    _queue(store)
    webhooks.run(parts, NOW)
    assert asked == ["localhost"] and [one["host"] for one in receiver.got] == [f"localhost:{port}"]


def _certificate(name: str, folder: Path) -> Path:
    """A certificate of its own authority for a name, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = folder / f"{name}.pem"
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + plain)
    return path


@pytest.mark.parametrize(("name", "is_good"), [("hooks.example.net", True), ("other.example.net", False)])
def test_the_certificate_is_held_against_the_name_although_an_address_is_connected_to(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running, monkeypatch: Any,
    tmp_path: Path, name: str, is_good: bool,
) -> None:  # fmt: skip
    """Over TLS the name of the URL is asked for and verified; a certificate of another name, or of nobody known, gets no event."""
    certificate, asked = _certificate(name, tmp_path), list[str]()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_servername_callback(lambda _socket, said, _context: asked.append(str(said)))
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)

    async def resolve(host: str, _port: int, **_: Any) -> Any:
        return [(2, 1, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(anyio, "getaddrinfo", resolve)
    receiver.url = f"https://hooks.example.net:{receiver.server.server_port}/"
    number = _added(client, admin, receiver)
    _queue(store)
    webhooks.run(parts, NOW)
    assert receiver.got == []  # an authority that nobody knows
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    webhooks.run(parts, NOW + timedelta(minutes=5))
    with store.reading() as c:
        (delivery,) = outbox.deliveries(c, number)
    assert set(asked) == {"hooks.example.net"}
    assert bool(receiver.got) is is_good and (delivery.fate is Fate.SENT) is is_good
    assert is_good or "certificate verify failed" in delivery.said.lower()


def test_plain_http_to_elsewhere_is_a_setting(client: Client, admin: dict[str, str], app: FastAPI) -> None:
    """Whoever starts the server may allow it; the addresses of clouds stay refused."""
    app.state.running = replace(app.state.running, settings=replace(app.state.running.settings, allow_http=True))
    assert client.post(PATH, json={"url": "http://hooks.example.net/"}, headers=admin).status_code == 201
    assert client.post(PATH, json={"url": "http://169.254.169.254/"}, headers=admin).status_code == 422


def test_there_are_so_many_webhooks_at_most(client: Client, admin: dict[str, str], monkeypatch: Any) -> None:
    """One more is refused."""
    monkeypatch.setattr(operations, "MOST", 1)
    body = {"url": "https://hooks.example.net/"}
    assert [client.post(PATH, json=body, headers=admin).status_code for _ in range(2)] == [201, 409]


def test_what_is_over_is_forgotten_after_its_time(
    client: Client, admin: dict[str, str], receiver: Receiver, store: Store, parts: Running
) -> None:
    """Events that were sent go after thirty days, those that wait stay; answers under a key go after a day."""
    number = _added(client, {**admin, "Idempotency-Key": "old"}, receiver)
    _queue(store)
    webhooks.run(parts, NOW)
    _queue(store)
    forgetting.run(parts, NOW + timedelta(days=31))
    with store.reading() as c:
        assert [one.fate for one in outbox.deliveries(c, number)] == [Fate.WAITING]
    again = client.post(PATH, json={"url": receiver.url}, headers={**admin, "Idempotency-Key": "old"})
    assert "Idempotency-Replayed" not in again.headers
