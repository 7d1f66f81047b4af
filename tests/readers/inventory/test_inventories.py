"""Inventories in, hosts out: `<case>/<inventory>` beside `<case>/expected`, and laws that hold of any text.

FIREWRIGHT_UPDATE=1 rewrites what is expected; a review reads the difference.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firewright.diagnostic import Report
from firewright.document import Scalar
from firewright.readers.inventory import HOST_LIMIT, INVENTORIES, Inventory, read_inventory
from firewright.readers.inventory._names import expanded, is_destination, without_port
from firewright.readers.policy_yaml.complaint import Complaints
from firewright.reports import Findings, Look
from firewright.reports.text import REPORT
from firewright.source import Source

HERE = Path(__file__).parent
CASES = sorted(path for path in HERE.iterdir() if path.is_dir() and not path.name.startswith("__"))
SAME = {
    "fleet.yaml": """
policy: web.yaml
user: admin
hosts:
  web[01:12].example: {port: 2222}
  db1: {ssh: 10.0.0.7, policy: db.yaml, firewall: core, labels: {role: database, region: eu}}
  here: {local: yes}
groups:
  web: {hosts: ["web[01:12].example"], identity: /etc/keys/web}
  shop: {groups: [web, db], firewall: edge}
  db: {hosts: [db1]}
""",
    "fleet.yml": """
all:
  vars: {firewright_policy: web.yaml, ansible_user: admin}
  children:
    shop:
      children:
        web:
          hosts:
            web[01:12].example:2222:
          vars: {ansible_ssh_private_key_file: /etc/keys/web}
        db:
          hosts:
            db1:
              ansible_host: 10.0.0.7
              firewright_policy: db.yaml
              firewright_firewall: core
              firewright_labels: {role: database, region: eu}
      vars: {firewright_firewall: edge}
  hosts:
    here: {ansible_connection: local}
""",
    "hosts": """
[web]
web[01:12].example:2222
[web:vars]
ansible_ssh_private_key_file=/etc/keys/web
[db]
db1 ansible_host=10.0.0.7 firewright_policy=db.yaml firewright_firewall=core firewright_labels="role=database, region=eu"
[ungrouped]
here ansible_connection=local
[shop:children]
web
db
[shop:vars]
firewright_firewall=edge
[all:vars]
firewright_policy=web.yaml
ansible_user=admin
""",
}
"""One fleet in every format."""


def read(path: str, text: str, format: str = "") -> tuple[Inventory | None, Report]:
    """What a text says as an inventory, and what is said of it."""
    report = Report()
    return read_inventory(Source(path, text), report, format), report


def told(inventory: Inventory | None, report: Report) -> Iterator[str]:
    """An inventory and its complaints, as they are kept beside it."""
    if inventory is not None:
        yield f"batch {inventory.batch or '-'}, canary {inventory.canary or '-'}"
        for host in inventory.hosts:
            where = (
                "this machine" if host.is_local else f"{host.user or '-'}@{host.destination} port {host.port or '-'}"
            )
            labels = " ".join(f"{key}={','.join(values)}" for key, values in host.labels.items())
            yield f"{host.name} ({host.at.line}:{host.at.column}): {where}, key {host.identity or '-'}"
            yield f"  policy {host.policy or '-'}, firewall {host.firewall or '-'}, labels {labels or '-'}"
            yield f"  groups {' '.join(host.groups) or '-'}"
        for name, members in inventory.groups.items():
            yield f"group {name}: {' '.join(members)}"
    yield REPORT[Findings](Findings(tuple(report.sorted()), report.sources), Look()).rstrip("\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_inventory_is_read_as_it_is_kept(case: Path) -> None:
    """What is read from an inventory, and what is said of it, is what is kept beside it."""
    (path,) = (path for path in case.iterdir() if path.name != "expected")
    inventory, report = read(path.name, path.read_text())
    said = "\n".join(told(inventory, report)) + "\n"
    assert (inventory is None) == report.has_errors()
    if os.environ.get("FIREWRIGHT_UPDATE") == "1":
        (case / "expected").write_text(said)
    assert said == (case / "expected").read_text()


def test_every_format_has_its_cases() -> None:
    """Each format reads some kept inventory, and refuses some other."""
    read_by: set[tuple[str, bool]] = set()
    for case in CASES:
        (path,) = (path for path in case.iterdir() if path.name != "expected")
        source = Source(path.name, path.read_text())
        (name,) = (name for name, one in INVENTORIES.all() if one.fits(source))
        read_by.add((name, read(path.name, path.read_text())[0] is not None))
    assert read_by == {(name, is_read) for name in INVENTORIES.names() for is_read in (True, False)}


def test_one_fleet_is_the_same_in_every_format() -> None:
    """Whatever the format, the same fleet is the same hosts with the same policies, reached alike."""
    read_as = {path: read(path, text)[0] for path, text in SAME.items()}
    hosts = [
        {host.name: (host, frozenset(host.groups) - {"ungrouped"}) for host in one.hosts}
        for one in read_as.values()
        if one
    ]
    assert len(hosts) == 3
    for name, (host, groups) in hosts[0].items():
        for other in hosts[1:]:
            same, same_groups = other[name]
            assert groups == same_groups
            for field in ("destination", "port", "user", "identity", "is_local", "policy", "firewall", "labels"):
                assert getattr(host, field) == getattr(same, field), (name, field)
    assert len(hosts[0]) == 14


TEXTS = st.text(alphabet="abz019[]:{}-_=#;'\"\n \t.,*&!@%$/", max_size=120)


@given(TEXTS | st.text(max_size=60), st.sampled_from(["a.yaml", "a.yml", "hosts", "a.ini", "a.json"]))
@example("[a]\n[:", "hosts")
@example("all: {hosts: {a: {ansible_port: '\u0663'}}}", "a.yml")
@example("hosts: {'': {}}", "a.yaml")
@example("hosts: {a[1:2][a:b]: }", "a.yaml")
def test_no_text_breaks_a_reader(text: str, path: str) -> None:
    """Any text is an inventory whose every host ssh can be given, or an error with a place in the text and a way out."""
    inventory, report = read(path, text)
    errors = [one for one in report.diagnostics if one.severity == "error"]
    if inventory is None:
        assert errors
        assert all(one.at.path == path and one.at.line >= 1 for one in errors)
    else:
        assert not errors
        assert inventory.hosts
        assert all(is_destination(host.destination) and 0 <= host.port < 65536 for host in inventory.hosts)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 9), st.sampled_from([0, 3]))
def test_a_range_has_every_number_from_end_to_end(first: int, last: int, step: int, width: int) -> None:
    """A range of numbers is what counting says, with as many digits as its ends have; upside down it is an error."""
    report = Report()
    text = f"h[{first:0{width}}:{last:0{width}}:{step}].x"
    names = expanded(Scalar(text, "hosts", 1, 1), Complaints(report))
    wanted = tuple(f"h{number:0{width}}.x" for number in range(first, last + 1, step))
    assert names == wanted
    assert report.has_errors() == (not wanted)


@pytest.mark.parametrize(
    "text", ["h[0:99999999]", "h[0:999][0:999]", "h[1:2:0]", "h[:]", "h[1:]", "h[a:zz]", "h[]", "h[1]"]
)
def test_no_range_is_longer_than_an_inventory(text: str) -> None:
    """A range of more hosts than an inventory may have, and one that is none, is an error and builds no list."""
    report = Report()
    assert expanded(Scalar(text, "hosts", 1, 1), Complaints(report)) == ()
    assert [one.name for one in report.diagnostics] == ["bad-range"]
    assert HOST_LIMIT < 10**6


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("web1:2222", "web1", "2222"),
        ("web[01:20].example:2222", "web[01:20].example", "2222"),
        ("web[01:20].example", "web[01:20].example", ""),
        ("[fd00::1]:2222", "fd00::1", "2222"),
        ("[fd00::1]", "fd00::1", ""),
        ("fd00::1", "fd00::1", ""),
        ("fd00::1:2222", "fd00::1:2222", ""),
    ],
)
def test_a_port_behind_a_host_is_no_part_of_its_name(text: str, host: str, port: str) -> None:
    """HOST:PORT is told from a range and from an IPv6 address, as Ansible does."""
    bare, found = without_port(Scalar(text, "hosts", 1, 1))
    assert (bare.text, found) == (host, port)


@pytest.mark.parametrize(
    "text", ["-oProxyCommand=x", "a b", "a;b", "a$(b)", "a\nb", "root@-x", "@x", "x@", "a/b", "", "%x", "ssh://x"]
)
def test_nothing_that_ssh_would_take_for_an_option_is_a_host(text: str) -> None:
    """A destination is HOST or USER@HOST: no option, no space, nothing of a shell's."""
    assert not is_destination(text)
