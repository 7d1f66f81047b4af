"""What else can stand against an apply: the tables of others, a table of our name, the policy itself, and what the kernel says."""

from __future__ import annotations

import pytest

from tests.story.machines import Done, Machines

_STRANGE = """table inet firewright {
	set mine {
		type ipv4_addr
		elements = { 10.99.0.1 }
	}
	chain mine {
		type filter hook input priority filter; policy accept;
		tcp dport 23 counter drop
	}
}
"""
_STOPS_PAGES = (
    "table inet other {\n chain c {\n  type filter hook input priority 5; tcp dport { 80, 443 } drop\n }\n}\n"
)
_STOPS_SSH = (
    "table inet other {\n chain c {\n  type filter hook input priority 5\n"
    "  ct state established accept\n  tcp dport 22 %s\n }\n}\n"
)
_ADMIN = {"SSH_CONNECTION": "10.20.0.2 50000 10.20.0.1 22"}


def _apply(machines: Machines, name: str, *words: str) -> Done:
    return machines.firewright("apply", "web1", "-p", f"{name}.yaml", *words)


def test_a_table_that_somebody_else_made_with_our_name_is_theirs(machines: Machines) -> None:
    """It is not replaced unasked; with --force it is, and what takes that back brings theirs back, byte for byte."""
    host = machines.host
    host.run("nft", "-f", "-", given=_STRANGE)
    before = host.listed()
    done = _apply(machines, "web")
    assert done.code == 1, done.said
    assert "error[strange-table]: somebody else made a table inet firewright there" in done.out
    assert "now: a table of our name that somebody else made" in done.out
    assert (host.listed(), host.state.exists()) == (before, False)
    assert _apply(machines, "web", "--force").code == 0
    assert "mine" not in host.listed("table", "inet", "firewright")
    assert machines.firewright("rollback", "web1").code == 0
    assert host.listed() == before


def test_a_table_that_stops_what_the_policy_requires_stands_against_it(machines: Machines) -> None:
    """Where tables of others stop everything that a rule requires it is refused with the rule; with --force it is applied."""
    host = machines.host
    host.run("nft", "-f", "-", given=_STOPS_PAGES)
    before = host.listed()
    done = _apply(machines, "web")
    assert done.code == 1, done.said
    for family in ("IPv4", "IPv6"):
        message = (
            f"error[neighbour-stops]: tables of others stop everything that require: http, https requires over {family}"
        )
        assert message in done.out
    assert "stops any -> local tcp/80, tcp/443" in done.out
    assert (host.listed(), host.state.exists()) == (before, False)
    forced = _apply(machines, "web", "--force", "--confirm")
    assert forced.code == 0, forced.said
    assert host.listed().startswith(before)


def test_a_table_that_stops_ssh_stands_against_it(machines: Machines) -> None:
    """A session that could not be opened again because of another table is no way in; a limit of another table is told."""
    host = machines.host
    host.run("nft", "-f", "-", given=_STOPS_SSH % "limit rate over 5/minute burst 100 packets drop")
    limited = machines.firewright("plan", "web1", "-p", "web.yaml")
    assert limited.code == 0, limited.said
    assert "warning[neighbour-stops]: table inet other may stop new ssh connections like this one" in limited.out
    assert "way in  open as far as this table goes" in limited.out
    host.run("nft", "delete", "table", "inet", "other")

    # Nobody gets in any more when this is there; whoever is in already, here by a shell of the host, is told.
    host.run("nft", "-f", "-", given=_STOPS_SSH % "drop")
    before = host.listed()
    done = machines.firewright("apply", "-p", "web.yaml", on=host, environment=_ADMIN)
    assert done.code == 1, done.said
    assert "error[neighbour-stops]: table inet other stops new ssh connections like this one" in done.out
    assert "proved open" not in done.out
    assert (host.listed(), host.state.exists()) == (before, False)


def test_a_confirmation_needs_a_connection_that_gets_in(machines: Machines) -> None:
    """Forced past a table that stops ssh, `--confirm` says that it cannot, ends with 2, and what was there before comes back."""
    host = machines.host
    host.sh("mkdir -p /var/lib/firewright")
    done = machines.firewright("apply", "-p", "web.yaml", "--confirm", on=host, environment=_ADMIN)
    assert done.code == 2, done.said
    assert "this machine: applied generation 1" in done.out
    assert "error[same-connection]" in done.err
    assert host.is_pending
    assert machines.firewright("confirm", on=host, environment=_ADMIN).code == 2
    new = {"SSH_CONNECTION": "10.20.0.2 50001 10.20.0.1 22"}
    assert machines.firewright("confirm", on=host, environment=new).code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("-p", "examples.yaml"), 2, "error[documentation-address]: administrators has addresses of examples"),
        (("-p", "unmanaged.yaml"), 1, "error[no-management]: local requires no way into the machine itself"),
        (("-p", "web.yaml", "-p", "more.yaml"), 2, "error[several-firewalls]: one firewall goes to a host, and 2 are"),
        ((), 2, "error[several-firewalls]"),
        (("-p", "nothing.yaml"), 2, "error[unreadable]: there is no file nothing.yaml"),
        (("-p", "web.yaml", "--firewall", "edge"), 2, "edge"),
        (("-p", "web.yaml", "--wait", "4"), 2, "error: invalid value for '--wait'"),
        (("-p", "web.yaml", "--enforce", "7d"), 2, "error: --enforce goes with --audit"),
    ],
)
def test_a_policy_that_is_not_fit_for_a_host_is_refused(
    untouched: Machines, words: tuple[str, ...], code: int, said: str
) -> None:
    """Addresses of examples, no way in, more firewalls than one: each is told, and nothing reaches the host."""
    done = untouched.firewright("apply", "web1", *words)
    assert done.code == code, done.said
    assert said in done.said


def test_what_the_kernel_does_not_take_is_taken_back(machines: Machines) -> None:
    """Where the load fails though the dry run went well, it is said what nft said, and nothing is pending."""
    host = machines.host
    before = host.listed()
    # As in a kernel that lacks something outside of namespaces: a load that names the policy fails.
    host.equip(instead={"nft": """if [ "$1" = -f ] && [ "$(readlink /proc/self/ns/net)" = "$(readlink /proc/1/ns/net)" ] &&
        grep -q 'comment "policy web' "$2"; then echo "Error: Could not process rule: Cannot allocate memory" >&2; exit 1; fi
        exec $FULL/sbin/nft "$@" """})  # fmt: skip
    done = _apply(machines, "web")
    assert (done.code, done.out) == (2, ""), done.said
    assert done.err.startswith("error[refused]: web1: the kernel of the host did not take the ruleset: ")
    assert "Cannot allocate memory" in done.err
    assert (host.listed(), host.is_pending) == (before, False)
    assert host.stored("generations/1/state") == "rolled back: nft did not load it"
    assert machines.firewright("confirm", "web1").code == 2


def test_what_runs_is_proved_and_else_taken_back(machines: Machines) -> None:
    """Where a host lists something else than what was sent, it is rolled back at once with a packet that shows it, and exit code 3."""
    host = machines.host
    before = host.listed()
    host.equip(instead={"nft": """if [ "$1" = -f ]; then sed -i 's/tcp dport { 80, 443 }/tcp dport { 80, 444 }/' "$2"; fi
        exec $FULL/sbin/nft "$@" """})  # fmt: skip
    done = _apply(machines, "web")
    assert done.code == 3, done.said
    assert "web1: rolled back generation 1" in done.out
    assert "what runs would drop tcp " in done.out or "what runs would accept tcp " in done.out
    assert "the ruleset from before is back" in done.out
    assert (host.listed(), host.is_pending) == (before, False)
