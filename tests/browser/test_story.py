"""The whole story of a request, in a real browser, on a real server without rights, and in the kernels of real machines.

A tenant asks for what is permitted already and is told so; asks for something else until a time of this day, somebody else approves,
the file is there, an operator plans, applies and confirms, a probe from the tenant's machine verifies. Then its end passes: the
kernel closes it though no program of ours runs any more, the next plan says so, the request has expired, and the log is whole.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from firewright.model.account import Grant, Role
from tests.browser.site import CHROMIUM, PASSWORD, Site, needs_chromium, site
from tests.story.machines import Machine, Machines, needs_machines, until

PROFILE = Path(__file__).parents[2] / "firewright/profiles/provider-perimeter/provider-perimeter.yaml"
NAME = "internet-ports-regions-1-2"
OUTSIDE = ("172.17.0.2", "fd17::2")
"""The container's machine: for the perimeter it is the internet."""
PEOPLE = {
    "tom": (Grant(Role.REQUESTER, f"{NAME}/tenants"),),
    "anna": (Grant(Role.APPROVER),),
    "otto": (Grant(Role.OPERATOR),),
}
APPROVALS = "owners: {tenants: [anna]}\napprove: {low: {count: 1}, medium: {count: 1, of: either}, high: {count: 2}}\n"
_MANAGED = """
  - {from: operations, to: local, require: [ssh, ping], because: managed over it}
  - {from: local, to: any, allow: any, because: the machine itself asks for names and the time}
"""


def perimeter() -> str:
    """The provider's policy as it is shipped, with the addresses of these machines in the place of those for documentation."""
    text = PROFILE.read_text(encoding="utf-8")
    zones = '  tenants: [10.30.0.0/24, "fd30::/64"]\n  operations: [10.20.0.0/24, "fd20::/64"]\n'
    before, _, rest = text.partition("  tenants: [")
    _, _, rest = rest.partition("\nfirewalls:")  # what is no address of the internet stands for some of it here
    text = f"{before}{zones}\nfirewalls:{rest}"
    forged, _, rest = text.partition("  - name: no-forged-sources")
    return forged + rest.partition("\n\n")[2] + _MANAGED


@pytest.fixture
def machines() -> Iterator[Machines]:
    """The perimeter between the tenant's machine and the internet's, which answers; nothing was applied yet."""
    needs_machines()
    with Machines() as made:
        made.host.run("nft", "flush", "ruleset")
        made.container.talk("serve", "1688", "11371")
        yield made


@pytest.fixture
def served() -> Iterator[Site]:
    """The web application, with the policy and the people."""
    needs_chromium()
    with site({"perimeter.yaml": perimeter(), "approvals.yaml": APPROVALS}, PEOPLE) as made:
        made.start()
        yield made


def _opens(machine: Machine, port: int) -> list[bool]:
    """Whether a machine gets a TCP connection to the internet's machine, in each family."""
    tried = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 0.7)"
    return [machine.try_run("python3", "-c", tried, one, str(port)).code == 0 for one in OUTSIDE]


class Person:
    """Somebody before a browser of their own."""

    def __init__(self, playwright: Any, served: Site, name: str) -> None:
        self.browser = playwright.chromium.launch(executable_path=CHROMIUM)
        self.page = self.browser.new_page()
        self.page.set_default_timeout(30_000)
        self.url = served.url
        self.page.goto(f"{self.url}/login")
        self.page.locator("input[name=name]").fill(name)
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in", exact=True).click()
        self.page.wait_for_url(lambda url: "/login" not in url)

    def fill(self, **fields: str) -> None:
        """Fill the form in which something is asked for."""
        self.page.goto(f"{self.url}/requests/new")
        for name, text in fields.items():
            self.page.locator(f"#{name}").fill(text)

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def reads(self, text: str) -> None:
        """Wait until the page says something."""
        self.page.get_by_text(text).first.wait_for()


def test_a_request_from_its_first_question_to_its_end(machines: Machines, served: Site) -> None:
    """Asked, answered, approved by another, written, applied, probed, over; and every step can be shown to an auditor."""
    from playwright.sync_api import sync_playwright

    tenant, flow = machines.third, {"sources": "tenants", "destinations": "internet", "because": "keys are fetched"}

    def operator(*words: str, on: Machine | None = None) -> Any:
        environment = {"FIREWRIGHT_SSH_CONFIG": str(machines.host.config), "FIREWRIGHT_TOKEN": served.tokens["otto"],
                       "FIREWRIGHT_STATE_HOME": str(served.state)}  # fmt: skip
        machine = on or machines.admin
        return machine.try_run("env", "-C", str(served.folder), *_PROGRAM, *words, environment=environment)

    begun = time.monotonic()
    applied = operator("apply", "web1", "-p", "perimeter.yaml", "--confirm")
    assert applied.code == 0, applied.said
    # from asking to the end: time for a person who clicks, a plan, an apply, and a probe, on a machine as busy as this one
    lasts = timedelta(seconds=int(30 + 5 * (time.monotonic() - begun)))
    assert _opens(tenant, 1688) == [True, True] and _opens(tenant, 11371) == [False, False]

    with sync_playwright() as playwright:
        tom = Person(playwright, served, "tom")
        tom.fill(**flow, services="tcp/1688")
        tom.press("What would it mean?")
        tom.reads("No change is necessary")
        told = tom.page.locator("#check").inner_text()
        assert "perimeter.yaml:" in told and "the published list, outbound" in told
        tom.press("Submit")
        tom.reads("no change is necessary")

        end = datetime.now(UTC).replace(microsecond=0) + lasts
        tom.fill(**flow, services="tcp/11371", until=end.replace(tzinfo=None).isoformat())
        tom.press("What would it mean?")
        tom.reads("This is closed now, and to be decided.")
        told = tom.page.locator("#check").inner_text()
        assert "tenants → internet tcp/11371" in told and "256 IPv4" in told and "perimeter" in told
        tom.press("Submit")
        tom.reads("Request 1 is submitted.")
        assert tom.page.get_by_role("button", name="Approve exactly this").count() == 0

        anna = Person(playwright, served, "anna")
        anna.page.goto(f"{served.url}/requests?box=waiting")
        anna.page.get_by_role("link", name="tenants → internet tcp/11371").click()
        text = anna.page.locator("pre").last.inner_text()
        assert not (served.folder / "exceptions").exists()
        anna.press("Approve exactly this")
        anna.reads("Request 1 is approved.")
        tom.browser.close()
        anna.browser.close()

    path = served.folder / "exceptions/request-1.yaml"
    assert path.read_text() == text + ("" if text.endswith("\n") else "\n")
    if which("git"):
        words = ("git", "-c", "safe.directory=*", "log", "-1", "--format=%an: %s", "--name-only")
        shown = subprocess.run(words, cwd=served.folder, capture_output=True, text=True, check=True).stdout
        assert shown.startswith("anna: Open tenants -> internet tcp/11371") and "exceptions/request-1.yaml" in shown

    planned = operator("plan", "web1", "-p", "perimeter.yaml", "--format", "json")
    assert planned.code == 0 and "11371" in planned.out and "request-1" in planned.out, planned.said
    applied = operator("apply", "web1", "-p", "perimeter.yaml", "--confirm")
    assert applied.code == 0 and "request 1 is implemented" in applied.said, applied.said
    assert _opens(tenant, 11371) == [True, True]
    verified = operator("verify", "1", *OUTSIDE, on=tenant)
    assert verified.code == 0, verified.said
    held = [tenant.talk("hold", one, "11371") for one in OUTSIDE]
    assert datetime.now(UTC) < end, "this machine is too busy for the end that was asked for"

    served.stop()
    asleep = _ours(machines)
    assert all(line.endswith("host.sh ends") for line in asleep.values()), (
        "all that is ours sleeps until open flows end"
    )
    machines.host.sh("".join(f"kill -STOP {number}\n" for number in asleep))
    while datetime.now(UTC) < end - timedelta(seconds=4):
        assert _opens(tenant, 11371) == [True, True]
        time.sleep(1)
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 1)
    assert _opens(tenant, 11371) == [False, False], "the kernel closes it by itself"
    assert _opens(tenant, 1688) == [True, True]
    machines.host.sh("".join(f"kill -CONT {number}\n" for number in asleep))
    assert until(lambda: all(_asks(one) == "silent" for one in held), 15, 1), "open flows end too"

    planned = operator("plan", "web1", "-p", "perimeter.yaml")
    assert planned.code == 0 and "ended" in planned.said and "request-1" in planned.said, planned.said
    assert served.firewright("exceptions", "--settle", who="otto").returncode == 0
    shown = json.loads(served.firewright("requests", "1", "--format", "json", who="tom").stdout)
    assert shown["state"] == "expired"
    acts = [row["act"].removeprefix("request.") for row in shown["history"]]
    assert acts == ["submit", "approve", "implement", "verify", "expire"]
    assert served.firewright("log", "verify", who="otto").returncode == 0


_PROGRAM = (sys.executable, "-m", "firewright")


def _asks(held: subprocess.Popen[str]) -> str:
    """Whether a question over a connection that is kept open is answered."""
    assert held.stdin is not None and held.stdout is not None
    held.stdin.write("\n")
    held.stdin.flush()
    return held.stdout.readline().strip()


def _ours(machines: Machines) -> dict[int, str]:
    """The programs on the perimeter that are ours, of whatever kind, by their numbers."""
    script = """for one in /proc/[0-9]*; do
        echo "${one#/proc/} $(tr '\\0' ' ' <$one/cmdline 2>/dev/null)"; done"""
    pairs = [line.strip().partition(" ") for line in machines.host.sh(script).splitlines()]
    return {int(number): words for number, _, words in pairs if "firewright" in words and "sshd" not in words}
