"""What could lock somebody out of a managed host, leave it open, or say more than was done: each was possible once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firewright.analysis.management import parse_connection
from firewright.live.session import connection
from tests.story.machines import Done, Machines, needs_machines, program, surroundings, until
from tests.story.policies import ALL

_BOOT = ("sh", "/var/lib/firewright/host.sh", "boot")
_BEHIND_A_ROUTER = """policy: web
zones:
  administrators: [10.50.0.0/24]
firewalls:
  local: {default: drop, interfaces: {administrators: eth0}}
rules:
  - {from: administrators, to: local, require: [ssh, ping], because: administration}
  - {from: local, to: any, require: [dns, ntp, https], because: "names, the time, updates"}
"""
_CUTTING = '''
import sys
from firewright.live.host import Ssh, program

addresses = ", ".join(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(300_000))
ruleset = f"""table inet firewright
delete table inet firewright
table inet firewright {{
	set large {{
		type ipv4_addr
		elements = {{ {addresses} }}
	}}

	chain input {{
		type filter hook input priority filter; policy drop;
		drop
	}}
}}
"""
texts = {"ruleset.nft": ruleset, "minimal.nft": ruleset, "ends": "\\n", "meta": "policy=x\\n", "host.sh": program()}
Ssh("web1", config=sys.argv[1]).call("apply", "any", "5", "-", "kept", texts=texts, seconds=100)
'''

_TUNNEL = """
import fcntl, os, select, socket, struct, sys

name, own, other = sys.argv[1:4]
tunnel = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tunnel, 0x400454CA, struct.pack("16sH", name.encode(), 0x1001))
outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
outside.bind((own, 51820))
print("serving", flush=True)
while True:
    for ready in select.select([tunnel, outside], [], [])[0]:
        if ready is outside:
            os.write(tunnel, outside.recv(2000))
            continue
        outside.sendto(os.read(tunnel, 2000), (other, 51820))
"""
_THROUGH_A_TUNNEL = """policy: web
zones:
  administrators: [10.77.0.0/24]
firewalls:
  local: {default: drop}
rules:
  - {from: administrators, to: local, require: [ssh, ping], because: administration}
  - {from: any, to: local, WIREGUARD}
  - {from: local, to: any, require: [dns, ntp, https], because: "names, the time, updates"}
"""


@pytest.fixture
def machines() -> Iterator[Machines]:
    """An admin, a third machine and the managed host, to which nothing was applied yet."""
    needs_machines()
    with Machines() as made:
        for name, text in ALL.items():
            made.policy(f"{name}.yaml", text)
        yield made


def _apply(machines: Machines, name: str, *words: str) -> Done:
    return machines.firewright("apply", "web1", "-p", f"{name}.yaml", *words)


def _keep(machines: Machines, name: str) -> None:
    done = _apply(machines, name, "--confirm")
    assert done.code == 0, done.said


def _has_table(machines: Machines) -> bool:
    return bool(machines.host.listed("table", "inet", "firewright"))


def test_a_session_between_link_local_addresses_keeps_the_name_of_its_interface(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The interface in SSH_CONNECTION is the one that the way back in is proved by, so no letter of it gets lost."""
    said = "fe80::2%enp0s31f6 50000 fe80::1%enp0s31f6 22"
    monkeypatch.setenv("SSH_CONNECTION", said)
    assert connection() == said
    found = parse_connection(connection())
    assert found is not None
    assert found.interfaces == ("enp0s31f6",)


def test_what_does_not_run_any_more_is_not_confirmed(machines: Machines) -> None:
    """Where somebody emptied the kernel while a generation waited, a connection that gets in proves nothing about it."""
    assert _apply(machines, "web").code == 0
    machines.host.run("nft", "flush", "ruleset")
    done = machines.firewright("confirm", "web1")
    assert done.code == 2
    assert "error[changed]: web1: what runs there is not what waits to be confirmed" in done.err
    assert machines.host.is_pending
    assert machines.host.stored("confirmed") == ""


def test_a_session_from_before_the_load_confirms_nothing(machines: Machines) -> None:
    """A second session that was open all the time is told that it proves nothing; one that is new confirms."""
    host = machines.host
    ssh = ("ssh", "-F", str(host.config), "web1", "read go; exec " + " ".join((*program(host.folder), "confirm")))
    # On the host the program is called with what it needs to be found.
    named = [f"{name}={value}" for name, value in surroundings({}).items() if name in ("PATH", "PYTHONPATH")]
    words = (*ssh[:-1], ssh[-1].replace("exec ", f"exec env {' '.join(named)} "))
    old = machines.admin.start(*words, stderr=-2)
    assert until(lambda: ":22" in host.run("ss", "-tn", "state", "established"))
    assert _apply(machines, "web").code == 0
    said, _ = old.communicate("go\n", timeout=30)
    assert "error[same-connection]" in said
    assert "open before the ruleset was loaded" in said
    assert host.is_pending
    new = machines.admin.try_run(*words, given="go\n")
    assert new.code == 0, new.said
    assert host.stored("confirmed") == "1"


def test_a_connection_that_hangs_does_not_stop_the_watchdog(machines: Machines) -> None:
    """A ruleset that cuts off its own connection, and is longer than what that can hold, is taken back all the same."""
    host = machines.host
    script = host.folder / "cut.py"
    script.write_text(_CUTTING)
    machines.admin.start(sys.executable, str(script), str(host.config))
    assert until(lambda: _has_table(machines), 60, 0.2)
    assert until(lambda: not _has_table(machines), 40, 0.5), host.run("ps", "-ef")
    assert until(lambda: host.stored("generations/1/state").startswith("rolled back: nobody confirmed it in 5 s"))


def test_the_watchdog_takes_back_though_nothing_can_be_locked(machines: Machines) -> None:
    """Where /run is full, or a lock has nobody's name in it, nobody else can take the lock either: the deadline is kept."""
    host = machines.host
    assert _apply(machines, "web", "--wait", "5").code == 0
    host.sh(
        "mount -t tmpfs -o size=4k none /run/firewright; : >/run/firewright/lock; head -c 9k /dev/zero >/run/firewright/full || true"
    )
    assert until(lambda: not _has_table(machines), 60, 0.5)


def test_a_boot_with_a_read_only_disk_loads_what_was_confirmed(machines: Machines) -> None:
    """A disk with errors, which the kernel lets nobody write to, leaves no host without its firewall."""
    host = machines.host
    _keep(machines, "web")
    before = host.listed("table", "inet", "firewright")
    host.power_off()
    host.boot()
    host.sh("mount --bind /var/lib/firewright /var/lib/firewright; mount -o remount,ro,bind /var/lib/firewright")
    booted = host.try_run(*_BOOT)
    assert booted.code == 0, booted.said
    assert host.listed("table", "inet", "firewright") == before


def test_what_boots_a_host_leaves_alone_what_waits(machines: Machines) -> None:
    """Called while the host runs, as by a restart of its network, the boot disarms no watchdog."""
    host = machines.host
    assert _apply(machines, "web", "--wait", "6").code == 0
    booted = host.try_run(*_BOOT)
    assert (booted.code, booted.err) == (0, "generation 1 waits to be confirmed, so nothing was loaded\n")
    assert host.is_pending
    assert until(lambda: not _has_table(machines), 30, 0.2)
    assert host.stored("generations/1/state") == "rolled back: nobody confirmed it in 6 s"


def test_a_return_loads_only_what_was_stored_and_takes_nobodys_place(machines: Machines) -> None:
    """A generation whose file was changed is not called proved, and a stranger's table is replaced by force only."""
    host = machines.host
    _keep(machines, "web")
    _keep(machines, "more")
    host.sh("nft delete table inet firewright; nft add table inet firewright; nft add chain inet firewright own")
    done = machines.firewright("rollback", "web1", "--to", "1")
    assert done.code == 1
    assert "somebody else made a table inet firewright there" in done.out
    ruleset = host.state / "generations" / "1" / "ruleset.nft"
    ruleset.write_text(re.sub(r"\b443\b", "4433", ruleset.read_text()))
    done = machines.firewright("rollback", "web1", "--to", "1", "--force")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[generation-changed]: web1: the file of generation 1 is not what was stored")
    assert "chain own" in host.listed("table", "inet", "firewright")
    done = machines.firewright("rollback", "web1", "--to", "2", "--force")
    assert done.code == 0, done.said
    assert "chain own" not in host.listed("table", "inet", "firewright")


def test_a_client_behind_a_router_comes_by_the_interface_of_its_route(machines: Machines) -> None:
    """The way back in is proved by the interface that the client is reached by, not by that of the default route."""
    host, third = machines.host, machines.third
    machines.policy("behind.yaml", _BEHIND_A_ROUTER)
    third.sh("ip address add 10.50.0.9/32 dev lo")
    host.sh("ip route add default via 10.20.0.2; ip route add 10.50.0.0/24 via 10.30.0.2")
    config = host.configured("web1", "10.30.0.1")
    config.write_text(f"BindAddress 10.50.0.9\n{config.read_text()}")
    words = ("plan", "web1", "-p", "behind.yaml")
    done = machines.firewright(*words, on=third, environment={"FIREWRIGHT_SSH_CONFIG": str(config)})
    assert done.code == 1, done.said
    assert "error[management-cut]: this would cut off" in done.out
    assert "10.50.0.9 to 10.30.0.1 port 22" in done.out
    assert "proved open" not in done.out
    host.sh("ip route replace 10.50.0.0/24 via 10.20.0.2")
    done = machines.firewright(
        "plan", "web1", "-p", "behind.yaml", "--ssh-config", str(_loose(machines, config)), on=third
    )
    assert "management-cut" not in done.out


def _loose(machines: Machines, config: Path) -> Path:
    """The same, where the host's answers find their way by the other link."""
    machines.admin.sh("sysctl -q -w net.ipv4.ip_forward=1; ip route add 10.50.0.9 via 10.20.0.1")
    return config


def test_a_tunnel_that_would_end_with_the_confirmation_stops_the_plan(machines: Machines) -> None:
    """Over a VPN that ends on the host a new session gets in until the VPN's own flow is ended: that is told before the load."""
    if not Path("/dev/net/tun").exists():
        pytest.skip("this kernel has no /dev/net/tun")
    host, admin = machines.host, machines.admin
    script = host.folder / "tunnel.py"
    script.write_text(_TUNNEL)
    for one, own, other, inner in (
        (host, "10.20.0.1", "10.20.0.2", "10.77.0.1"),
        (admin, "10.20.0.2", "10.20.0.1", "10.77.0.2"),
    ):
        tunnel = one.start(sys.executable, str(script), "tun0", own, other)
        assert tunnel.stdout is not None
        assert tunnel.stdout.readline() == "serving\n"
        one.sh(
            f"echo 1 >/proc/sys/net/ipv6/conf/tun0/disable_ipv6; ip address add {inner}/24 dev tun0; ip link set tun0 up"
        )
    # The flows of the tunnel are tracked, as they are where anything was ever applied.
    host.run(
        "nft", "add table inet tracking { chain input { type filter hook input priority 9; ct state new accept; }; }"
    )
    environment = {"FIREWRIGHT_SSH_CONFIG": str(host.configured("web1", "10.77.0.1"))}
    for words, code in (("allow: https", 1), ("require: udp/51820", 0)):
        machines.policy("vpn.yaml", _THROUGH_A_TUNNEL.replace("WIREGUARD", words))
        done = machines.firewright("plan", "web1", "-p", "vpn.yaml", environment=environment)
        assert done.code == code, done.said
        said = "this session comes through a tunnel (tun0), and what may carry it would be cut off: udp 10.20.0.2:51820"
        assert (said in done.out) == bool(code)


def test_a_host_that_lost_its_state_takes_the_next_generation(machines: Machines) -> None:
    """Where the folder of the state is gone and the ruleset still runs, no name of the next one is a name of this one."""
    host = machines.host
    _keep(machines, "web")
    host.sh("rm -rf /var/lib/firewright")
    _keep(machines, "more")
    assert "9000" in host.listed("table", "inet", "firewright")
    assert host.stored("confirmed") == "2"


def test_a_session_of_which_nothing_is_known_is_not_called_safe(machines: Machines) -> None:
    """Over a server of ssh that does not tell who connects, nobody can tell what a policy cuts off."""
    host = machines.host
    settings = host.folder / "server"
    settings.write_text(f'{settings.read_text()}ForceCommand unset SSH_CONNECTION; sh -c "$SSH_ORIGINAL_COMMAND"\n')
    host.sh("kill -HUP $(pgrep -o -f '[s]shd.*-D')")
    assert until(lambda: (host.folder / "log").read_text().count("listening on ::") > 1)
    done = machines.firewright("plan", "web1", "-p", "cut.yaml")
    assert done.code == 1
    assert "error[management-unknown]: " in done.out
    assert "nothing of this session can be cut off" not in done.out


def test_what_cannot_be_brought_back_is_not_replaced(machines: Machines) -> None:
    """Where nft does not list the table that runs, there is nothing to return to, so nothing is loaded."""
    host = machines.host
    _keep(machines, "web")
    before = host.listed()
    host.equip(
        instead={
            "nft": 'if [ "$*" = "list table inet firewright" ] && [ -e /run/broken ]; then exit 1; fi; exec $FULL/sbin/nft "$@"'
        }
    )
    host.sh(": >/run/broken")
    done = machines.firewright("apply", "web1", "-p", "more.yaml", "--force")
    host.sh("rm /run/broken")
    assert done.code != 0, done.said
    assert host.listed() == before
    assert not host.is_pending


def test_what_was_taken_back_before_it_was_proved_is_not_called_applied(machines: Machines) -> None:
    """Where loading and proving take longer than was given to confirm, the run says that it was rolled back."""
    # The host is slow to say what it loaded.
    machines.host.equip(
        instead={
            "nft": '''case "$1 $2" in "list table") if [ -e /var/lib/firewright/pending/armed ]; then sleep 7; fi;; esac
exec $FULL/sbin/nft "$@"'''
        }
    )
    done = _apply(machines, "web", "--wait", "5")
    assert done.code == 3, done.said
    assert "rolled back generation 1" in done.out
    assert "its 5 s were over before it was proved" in done.out
    assert not _has_table(machines)
