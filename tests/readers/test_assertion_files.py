"""People's own assertions: read with their places, resolved against their policy, never about nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from firewright.diagnostic import Report
from firewright.model.address import AddressSet
from firewright.model.transport import parse_transport
from firewright.readers.policy_yaml.assertions import Expectation, PolicyTests, load
from firewright.source import Source

POLICY = """
zones: {tenants: [198.51.100.0/24, "2001:db8:10::/48"], core: {fill-in: the core}}
options: {web: no}
services: {standard: [https, ssh]}
rules:
  - {from: internet, to: tenants, allow: standard, when: web}
  - {within: core, allow: any}
"""


def loaded(folder: Path, text: str, name: str = "policy.test.yaml") -> PolicyTests:
    """The tests of a text beside POLICY."""
    (folder / "policy.yaml").write_text(POLICY)
    (folder / name).write_text(text)
    report = Report()
    found = load(folder / name, report)
    assert found is not None, report.diagnostics
    return found


def test_a_question_is_resolved_and_placed(tmp_path: Path) -> None:
    """Zones, addresses and services of a question are looked up in the policy; each knows its place."""
    text = "tests:\n  - from: [internet, 192.0.2.1]\n    to: tenants\n    service: [standard, tcp/8443]\n    except: [ssh]\n"
    text += "    expect: closed\n    because: only by the web\n    name: web-only\n    at: 2027-04-01\n"
    (one,) = loaded(tmp_path, text).assertions
    assert [end.word for end in one.sources] == ["internet", "192.0.2.1"]
    assert one.sources[0].zone is not None
    assert one.sources[1].zone is None
    assert one.sources[1].addresses == AddressSet.of("192.0.2.1")
    assert [term.word for term in one.terms] == ["standard", "tcp/8443"]
    assert one.terms[0].names == ("https", "ssh")
    assert one.excepted[0].transports == parse_transport("tcp/22")
    assert (one.expect, one.because, one.name, one.day) == (
        Expectation.CLOSED,
        "only by the web",
        "web-only",
        date(2027, 4, 1),
    )
    assert one.at[1:3] == (2, 5)
    assert one.sources[1].at[1:3] == (2, 22)
    assert one.terms[1].at[1:3] == (4, 25)


def test_a_test_without_a_name_is_called_by_its_question(tmp_path: Path) -> None:
    """The label of a test is its name, or what it asks."""
    found = loaded(tmp_path, "tests:\n  - {from: any, to: tenants, service: any, except: ssh, expect: closed}\n")
    assert found.assertions[0].label == "any -> tenants any except ssh"


def test_values_for_the_tests_only(tmp_path: Path) -> None:
    """A file of tests answers questions and sets options of its policy, for itself."""
    text = "policy: policy.yaml\nset: {web: yes}\nfill-in: {core: [10.0.0.0/24]}\n"
    text += "tests:\n  - {from: core, to: core, service: ssh, expect: allowed}\n"
    found = loaded(tmp_path, text, "web-on.test.yaml")
    assert found.policy.options["web"].value
    assert found.policy.zones["core"].addresses == AddressSet.of("10.0.0.0/24")


def test_an_exception_by_source_port_leaves_the_rest(tmp_path: Path) -> None:
    """What is excepted only from one source port leaves the other ports to ask about."""
    text = "tests:\n  - {from: any, to: tenants, service: udp, except: {udp: any, source-port: 53}, expect: closed}\n"
    assert len(loaded(tmp_path, text).assertions) == 1


def test_every_expectation_can_be_written(tmp_path: Path) -> None:
    """The words of the grammar are the expectations."""
    listed = "".join(f"  - {{from: any, to: tenants, service: ssh, expect: {word}}}\n" for word in Expectation)
    assert [one.expect for one in loaded(tmp_path, "tests:\n" + listed).assertions] == list(Expectation)


def test_a_question_about_nothing_is_an_error(tmp_path: Path) -> None:
    """A test that no packet could fail is refused: unfilled zones, two families, services that are all excepted."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    for question in (
        "from: core, to: any, service: ssh",
        "from: 10.0.0.1, to: '2001:db8:10::1', service: ssh",
        "from: any, to: 198.51.100.1, service: icmpv6",
        "from: any, to: tenants, service: standard, except: [tcp/22, tcp/400-500]",
        "from: any, to: tenants, service: ssh, except: any",
        "from: any, to: tenants, service: any, except: protocol/0-255",
    ):
        (tmp_path / "policy.test.yaml").write_text(f"tests:\n  - {{{question}, expect: closed}}\n")
        report = Report()
        assert load(tmp_path / "policy.test.yaml", report) is None, question
        assert next(said.name for said in report.sorted()) in ("empty-question", "unfilled-zone"), question


def test_tests_without_a_policy_are_refused(tmp_path: Path) -> None:
    """A text that is not called like a file of tests must say which policy it is about; a missing file is said."""
    report = Report()
    text = "tests:\n  - {from: any, to: local, service: ssh, expect: closed}\n"
    assert load(Source(str(tmp_path / "assertions.yaml"), text), report) is None
    assert load(tmp_path / "nothing.test.yaml", report) is None
    assert [said.name for said in report.diagnostics] == ["no-policy", "unreadable-file"]
