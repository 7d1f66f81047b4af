"""`metrics`: what Prometheus reads is what is so, resets included, and a host that does not answer is never an old number."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.client import HTTPConnection

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from firewright.live.metrics_endpoint import BadEndpoint, endpoint, is_loopback, parse_endpoint
from firewright.reports._metrics import CONTENT_TYPE, Family, exposition, samples_in
from tests.cli.running import run
from tests.workflows.steward import Done, needs_host, play
from tests.workflows.stewarded import END, OTHER, ruleset


def firewright(*words: str) -> tuple[str, ...]:
    """A step that runs the program."""
    return ("firewright", *words)


Numbers = Mapping[str, Mapping[tuple[str, ...], float]]


def numbers(text: str) -> Numbers:
    """Every sample as Prometheus' own parser reads it: by name, then by rule and line where it has them."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(value for name, value in sample.labels.items() if name not in ("policy", "firewall", "by"))
            found.setdefault(sample.name.removeprefix("firewright_"), {})[labels] = sample.value
    return found


@pytest.fixture(scope="module")
def measured() -> list[Done]:
    """A host that is measured again and again."""
    needs_host()
    record = f"{END} 4 input - - 6 6 8080 8080 0 65535\n"
    where = ("-o", "HERE/host.prom")
    return play(
        firewright("metrics"),
        ("apply", ruleset(), 60, {"ends": str(END)}, record),
        firewright("metrics"),
        ("confirm", "1"),
        ("send", 999, 5),
        firewright("metrics", *where),
        ("read", "host.prom"),
        ("sleep", 1.1),
        ("nft", ruleset()),
        ("send", 999, 2),
        firewright("metrics", *where),
        ("read", "host.prom"),
        ("nft", "insert rule inet firewright to_local_v6 tcp dport 99 accept"),
        ("apply", ruleset(OTHER), 60),
        ("confirm", "2"),
        ("nft", "delete table inet firewright"),
        firewright("metrics", *where),
        ("read", "host.prom"),
        ("nft", ruleset(OTHER)),
        ("write", "state/generations/2/ruleset.nft", "table inet firewright {\n}\n"),
        firewright("metrics", *where),
        ("read", "host.prom"),
        firewright("metrics", "nobody.invalid", *where),
        ("read", "host.prom"),
    )  # fmt: skip


def closed(found: Numbers, name: str) -> float:
    """What was measured of what no rule opens."""
    return next(value for labels, value in found[name].items() if labels[0].startswith("closed: "))


def test_a_host_that_nobody_manages_has_no_firewall(measured: list[Done]) -> None:
    """Without a generation there is no drift to speak of, and that there is no firewall is a number."""
    found = numbers(measured[0].out)
    assert measured[0].code == 0
    assert found["no_firewall"][()] == 1 and found["generation"][()] == 0 and "drift" not in found
    assert found["finding"] == {("no-firewall", "error"): 1}


def test_what_waits_is_measured(measured: list[Done]) -> None:
    """Whether something waits, for how long, and whether its watchdog is alive."""
    found = numbers(measured[2].out)
    assert found["pending"][()] == 1 and 0 < found["pending_seconds"][()] <= 60 and found["watchdog"][()] == 1
    assert found["no_firewall"][()] == 0 and found["drift"][()] == 0


def test_each_line_has_its_counter_and_its_beginning(measured: list[Done]) -> None:
    """Counters are labelled by rule, file and line, and begin when the generation was loaded."""
    found = numbers(measured[6].out)
    assert measured[5].code == 0 and not measured[5].out
    assert {labels[1:3] for labels in found["rule_packets_total"] if labels[1]} == {
        ("web.yaml", str(n)) for n in range(6, 10)
    }
    assert closed(found, "rule_packets_total") == 5 and closed(found, "rule_bytes_total") == 5 * 29
    assert closed(found, "rule_packets_created") == found["observation_start_timestamp_seconds"][()] > 0
    assert found["ends_coming"][()] == 1 and found["next_end_timestamp_seconds"][()] == END and found["timer"][()] == 1
    assert found["boot_way"][()] == 1 and found["journal_whole"][()] == 1 and found["pending"][()] == 0
    assert "watchdog" not in found and "pending_seconds" not in found
    assert sum(found["boot_state"].values()) == 1
    assert 0 <= found["load_age_seconds"][()] <= found["generation_age_seconds"][()] < 60


def test_a_counter_that_went_back_begins_anew(measured: list[Done]) -> None:
    """Where the table was loaded by somebody else, the counter's beginning moves and the reset is counted."""
    before, after = numbers(measured[6].out), numbers(measured[11].out)
    assert closed(after, "rule_packets_total") == 2
    assert closed(after, "rule_packets_created") > closed(before, "rule_packets_created")
    assert after["counter_resets_total"][()] >= 1 and before["counter_resets_total"][()] == 0
    assert after["observation_start_timestamp_seconds"] == before["observation_start_timestamp_seconds"]
    assert after["drift"][()] == 0


def test_a_table_that_is_gone_is_drift_without_counters(measured: list[Done]) -> None:
    """Nothing was counted by what is not there, and both alarms are on."""
    found = numbers(measured[17].out)
    assert measured[16].code == 0
    assert found["drift"][()] == 1 and found["no_firewall"][()] == 1 and found["generation"][()] == 2
    assert "rule_packets_total" not in found


def test_what_is_not_known_is_no_number(measured: list[Done]) -> None:
    """Where drift cannot be known there is no number for it, the scrape is no success, and errors are counted on."""
    changed, unknown = numbers(measured[21].out), numbers(measured[23].out)
    assert measured[20].code == 2 and "generation-changed" in measured[20].err
    assert "drift" not in changed and changed["scrape_success"][()] == 0 and changed["scrape_errors_total"][()] == 1
    assert measured[22].code == 2 and "nobody.invalid" in measured[22].err
    assert unknown == {"scrape_success": {("nobody.invalid",): 0}, "scrape_errors_total": {("nobody.invalid",): 1}}


@given(st.text(), st.floats(allow_nan=False), st.text(max_size=20))
def test_any_text_survives_as_a_label(label: str, value: float, says: str) -> None:
    """Whatever a label holds is read again as it was, by Prometheus' parser and by ours; a line stays a line."""
    text = exposition([Family("firewright_x", "gauge", says, (((("a", label), ("b", "2")), value),))])
    (family,) = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"a": label, "b": "2"} and family.samples[0].value == value
    if label.isprintable():  # what other lines end at is no end for Prometheus
        assert samples_in(text) == {("firewright_x", (("a", label), ("b", "2"))): value}


def test_what_prometheus_would_refuse_is_not_made() -> None:
    """Names of other characters, counters without their ending, and the same labels twice are refused."""
    for name, kind, samples in (
        ("Bad-Name", "gauge", ()),
        ("a", "counter", ()),
        ("a_total", "gauge", ()),
        ("a", "gauge", ((("b", "1"),), 1.0) and (((("b", "1"),), 1.0), ((("b", "1"),), 2.0))),
    ):
        with pytest.raises(ValueError, match=name):
            Family(name, kind, "", samples)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("127.0.0.1:9469", ("127.0.0.1", 9469)),
        ("[::1]:0", ("::1", 0)),
        (":80", ("127.0.0.1", 80)),
        ("localhost:80", ("127.0.0.1", 80)),
        ("80", ("127.0.0.1", 80)),
        ("[2001:db8::1]:80", ("2001:db8::1", 80)),
    ],
)
def test_endpoints_are_addresses_and_ports(text: str, where: tuple[str, int]) -> None:
    """An address of either family and a port; without an address it is this machine."""
    assert parse_endpoint(text) == where
    assert is_loopback(where[0]) is (where[0] in ("127.0.0.1", "::1"))


@pytest.mark.parametrize("text", ["", "127.0.0.1", "::1:80", "host:80", "127.0.0.1:65536", "127.0.0.1:-1", "[::1]"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    """Names, ports that are none, and IPv6 without its brackets."""
    with pytest.raises(BadEndpoint):
        parse_endpoint(text)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_endpoint_answers_one_path(address: str) -> None:
    """`/metrics` is made anew for each who asks, HEAD has no body, and everything else is not there; in both families."""
    asked: list[int] = []

    def page() -> str:
        asked.append(1)
        return f"a {len(asked)}\n"

    with endpoint(address, 0, page, CONTENT_TYPE) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for verb, path, code, body in (
            ("GET", "/metrics", 200, b"a 1\n"),
            ("HEAD", "/metrics", 200, b""),
            ("GET", "/metrics?x=1", 200, b"a 3\n"),
        ):
            link = HTTPConnection(address, server.server_address[1], timeout=10)
            link.request(verb, path)
            answer = link.getresponse()
            assert (answer.status, answer.read()) == (code, body)
            assert answer.getheader("Content-Type") == CONTENT_TYPE
            link.close()
        for verb, path, code in (("GET", "/", 404), ("POST", "/metrics", 501)):
            link = HTTPConnection(address, server.server_address[1], timeout=10)
            link.request(verb, path)
            assert link.getresponse().status == code
            link.close()
        server.shutdown()


def test_others_reach_it_only_where_that_was_said() -> None:
    """An address that others reach is refused without --public, and two ways at once are."""
    for words in (
        ("--listen", "0.0.0.0:0"),
        ("--listen", "[::]:0"),
        ("--listen", "x"),
        ("--listen", ":1", "-o", "x.prom"),
    ):
        done = run("metrics", *words)
        assert done.exit_code == 2 and not done.stdout, words
    assert "--public" in run("metrics", "--listen", "0.0.0.0:0").stderr


def test_an_endpoint_that_is_stopped_ends_with_130() -> None:
    """It says where it listens, and ends like everything that is interrupted."""
    words = [sys.executable, "-m", "firewright", "metrics", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as going:
        assert going.stderr is not None
        assert going.stderr.readline().startswith("listening on http://127.0.0.1:")
        going.send_signal(signal.SIGINT)
        assert going.wait(30) == 130
