"""How severe a request is hangs on what it opens, and on nothing that is written beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright.catalog.row import Degree, Visibility
from firewright.catalog.services import catalog
from firewright.model.approval_rules import Weight
from firewright.model.request import Wish
from firewright.reports import CheckedRequest
from firewright.workflows.requests.checking import check_wish
from firewright.workflows.requests.estate import read_estate
from tests.workflows.requests.world import NOW, POLICY, wish

ORDER = list(Weight)
SHARED = POLICY.replace("services: {portal: tcp/8443}", "services: {portal: tcp/8443, store: [https, tcp/3306]}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a policy, which is the current one."""
    (tmp_path / "edge.yaml").write_text(SHARED, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(folder: Path, *services: str, **changed: object) -> CheckedRequest:
    """What flows from the internet to tenants would mean."""
    asked: Wish = wish(sources=("internet",), destinations=("tenants",), services=services, **changed)
    return check_wish(read_estate(NOW, folder), asked, NOW)


@pytest.mark.parametrize("beside", ["https", "portal", "tcp/8443", "https, http", "wireguard"])
@pytest.mark.parametrize("port", ["tcp/3306", "tcp/11371", "udp/161", "tcp/23"])
def test_no_name_beside_a_port_makes_it_less_severe(folder: Path, port: str, beside: str) -> None:
    """A port is as severe as it is alone, or more, and for the same reasons, whatever is asked for with it."""
    alone, both = checked(folder, port), checked(folder, *beside.split(", "), port)
    assert ORDER.index(both.severity) >= ORDER.index(alone.severity)
    assert set(alone.why_severe) <= set(both.why_severe)


def test_a_service_of_the_policy_hides_no_port(folder: Path) -> None:
    """A port behind a name of the policy is as severe as the port itself."""
    assert checked(folder, "store").severity == checked(folder, "tcp/3306").severity == Weight.HIGH
    assert any("mysql" in why for why in checked(folder, "store").why_severe)


def test_a_name_of_the_catalog_is_that_service(folder: Path) -> None:
    """What is asked for by a name is advised about by that name only, though other services use its port."""
    assert [one.name for one in checked(folder, "https").advice] == ["https"]


def test_a_reason_is_found_behind_many_rows(folder: Path) -> None:
    """Of many services at once each reason is looked for in all of them, and advice is given of twelve."""
    rows = [row for row in catalog().rows.values() if row.encrypted is not Degree.NO]
    others = [row.name for row in rows if row.visibility is not Visibility.INTERNET][:14]
    assert catalog().rows["http"].visibility is Visibility.INTERNET
    found = check_wish(
        read_estate(NOW, folder), wish(sources=("office",), destinations=("tenants",), services=(*others, "http")), NOW
    )
    assert len(found.advice) == 12
    assert "http is commonly not encrypted" in found.why_severe
