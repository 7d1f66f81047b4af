"""Documents that vendors and providers published: every row is understood, bounded or refused, with exact figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright.model.transport import Transport
from firewright.readers.port_documents import Document, State
from tests.readers.port_documents.documents import document_of, flows

SHARED = Path(__file__).parents[4] / "shared"
FIGURES = {
    "corpora/vendor-docs/azure-vmware-network-checklist.md": (16, 0, 3),
    "corpora/vendor-docs/gitlab-package-defaults.md": (1, 8, 3),
    "corpora/vendor-docs/kubernetes-ports-and-protocols.md": (7, 0, 0),
    "corpora/vendor-docs/rancher-security-group.md": (15, 0, 0),
    "reference/cumulocity-firewall-settings.md": (11, 0, 2),
    "reference/port-description-2003.txt": (0, 0, 26),
    "reference/ukcloud-internet-permitted-ports.md": (35, 0, 0),
}
"""Rows that are understood, bounded and refused."""


def published(name: str) -> Document:
    """A document of the corpora; the test is skipped where they are not."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip("the corpora are not here")
    return document_of(path.suffix[1:], path.read_bytes())


@pytest.mark.parametrize("name", FIGURES)
def test_every_row_of_a_published_document_is_accounted_for(name: str) -> None:
    """Rows in are rows understood, bounded and refused; each that is not understood has a reason with a name."""
    document = published(name)
    assert tuple(document.count(state) for state in State) == FIGURES[name]
    assert all(one.name and one.why for one in document.entries if one.state is not State.UNDERSTOOD)


def test_no_line_of_a_table_is_lost() -> None:
    """Each line of a published table below its head is the place of an entry."""
    for name in FIGURES:
        document = published(name)
        text = (SHARED / name).read_text()
        lines = text.split("\n")
        tables = [n for n, line in enumerate(lines, 1) if line.lstrip().startswith("|")]
        heads = {n for n in tables if n + 1 in tables and set(lines[n].strip()) <= set("|:- ")}
        body = [n for n in tables if n not in heads and n - 1 not in heads]
        assert {*body} <= {one.at.line for one in document.entries}, name


def test_the_providers_list_is_21_flows_in_and_22_out() -> None:
    """The permitted ports of a provider's page are exactly those of its text, each way, and nothing else."""
    document = published("reference/ukcloud-internet-permitted-ports.md")
    ends = {(one.verb.value, one.sources, one.destinations) for one in document.requirements}
    assert ends == {("allow", ("internet",), ("edge-gateway",)), ("allow", ("edge-gateway",), ("internet",))}
    counted = {
        source: sum(
            _width(transport) for one in document.requirements if one.sources == (source,) for transport in one.surely
        )
        for source in ("internet", "edge-gateway")
    }
    assert counted == {"internet": 21, "edge-gateway": 22}
    assert [zone.name for zone in document.questions] == ["edge-gateway"]


def _width(transport: Transport) -> int:
    """How many ports a transport names; one where its protocol has none."""
    if transport.selectors == ((0, 0xFFFF),):
        return 1
    return sum(high - low + 1 for low, high in transport.selectors)


def test_the_products_settings_mean_what_they_say() -> None:
    """SSH for management stays inside, the source that is not named is a question, and 14.400 seconds are 14,400."""
    document = published("reference/cumulocity-firewall-settings.md")
    assert flows(document) == [
        *(f"require any -> external-load-balancer tcp/{port}" for port in (80, 443, 1883, 8883)),
        *(f"require core-node, apama -> internet tcp/{port}" for port in (80, 443, 25)),
        "require server-side-agents-source -> opcua tcp/6670",
        "require opcua -> server-side-agents-destination tcp/80",
        "require server-side-agents-source -> smartrule-apama tcp/8334",
        "require smartrule-apama -> server-side-agents-destination tcp/80",
        "require internal-network -> internal-network tcp/22",
        "require internal-network -> internal-network any",
    ]
    assert [(one.seconds, one.at.line) for one in document.timeouts] == [(14_400, 24), (14_400, 49)]
    assert [(one.name, [at.line for at in one.places]) for one in document.notes] == [("contained-row", [58, 57])]
    assert "server-side-agents-source" in [zone.name for zone in document.questions]
    assert [(one.at.line, one.help) for one in document.refusals] == [
        (38, "it speaks of udp/53, udp/123"),
        (53, "it speaks of any to any"),
    ]


def test_the_page_without_numbers_has_26_suggestions() -> None:
    """Each service of the page of 2003 is refused, with the number that the catalog has for it."""
    document = published("reference/port-description-2003.txt")
    suggested = [one.help.removeprefix("commonly ").rpartition(" (")[0] for one in document.refusals]
    assert suggested == [
        "tcp/20", "tcp/21", "tcp/23", "tcp/25", "tcp/53, udp/53", "tcp/79", "tcp/80", "tcp/110", "tcp/113", "tcp/135",
        "tcp/139, udp/137-138", "tcp/143", "udp/161", "tcp/443", "tcp/445", "tcp/1080", "tcp/1433 (mssql), udp/1434",
        "udp/1900", "tcp/3389", "tcp/4400", "tcp/4480", "tcp/5000", "tcp/5631, udp/5632", "tcp/6588", "tcp/6667", "tcp/8080",
    ]  # fmt: skip
