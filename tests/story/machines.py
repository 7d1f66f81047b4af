"""Machines of a story: each a process with a network, mounts and a name of its own, which go when the test goes.

    admin  10.20.0.2  fd20::2 --.
    third  10.30.0.2  fd30::2 --+-- 10.20.0.1, 10.30.0.1, 172.17.0.1 and fd20::1, fd30::1, fd17::1 of web1 -- container 172.17.0.2  fd17::2

web1 is a managed host: a real sshd, processes that are all gone after a reboot, and folders of its own in the place of /etc, /run,
/var/lib and /tmp, so that nothing of this machine is ever touched. It hands 8080 on to its container, as Docker does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from firewright.live._namespace import die_with_parent

ROOT = Path(__file__).parents[2]
PUBLISHED = """
table ip publisher {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname != "docker0" tcp dport 8080 dnat to 172.17.0.2:80
		iifname != "docker0" udp dport 8080 dnat to 172.17.0.2:80
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ip daddr 172.17.0.2 oifname "docker0" tcp dport 80 accept
		ip daddr 172.17.0.2 oifname "docker0" udp dport 80 accept
	}
}
table ip6 publisher {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname != "docker0" tcp dport 8080 dnat to [fd17::2]:80
		iifname != "docker0" udp dport 8080 dnat to [fd17::2]:80
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ip6 daddr fd17::2 oifname "docker0" tcp dport 80 accept
		ip6 daddr fd17::2 oifname "docker0" udp dport 80 accept
	}
}
"""
"""What publishes the container's port: two tables that are nobody's but their maker's."""
ADDRESSES = {"admin": ("10.20.0", "fd20:"), "third": ("10.30.0", "fd30:"), "container": ("172.17.0", "fd17:")}
LINKS = {"admin": "eth0", "third": "eth1", "container": "docker0"}
_OF_A_SYSTEM = (
    *("passwd", "group", "shadow", "gshadow", "nsswitch.conf", "pam.d", "pam.conf", "security", "login.defs", "environment"),
    *("sudoers", "sudoers.d", "sudo.conf", "ld.so.cache", "ld.so.conf", "alternatives", "iproute2", "protocols", "services"),
    *("localtime", "hosts", "shells", "default"),
)  # fmt: skip
"""What programs want to find in /etc."""
_SERVER = """Port 22
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""
_CLIENT = """Host {name}
  HostName {address}
  User {user}
Host *
  HostKeyAlias web1
  IdentityFile {folder}/{key}
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/{known}
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
"""


@cache
def obstacle() -> str:
    """Why there can be no such machines here, or an empty text."""
    for program in ("unshare", "nsenter", "mount", "ip", "nft", "conntrack", "ssh", "sshd", "ssh-keygen"):
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            return f"{program} is not installed"
    if os.geteuid() != 0:
        return "a managed host is root's, and this test is not root"
    tried = subprocess.run(["unshare", "-nmupf", "nft", "list", "ruleset"], capture_output=True, text=True)
    return f"no namespaces: {tried.stderr.strip()}" if tried.returncode else ""


def needs_machines(*programs: str) -> None:
    """Skip a test where there can be no such machines, and say why."""
    if why := obstacle():
        pytest.skip(why)
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that it wrote."""
        return self.out + self.err


class Machine:
    """A machine that lives as long as this value is open; `before` are the words that take a command into it.

    `state` is its /var/lib/firewright as it is seen from outside.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._started: list[subprocess.Popen[str]] = []
        self._holder = _held(["unshare", "-nmu", "--propagation", "private"], "net")
        self.pid = self._holder.pid
        self.before: tuple[str, ...] = _entering(self.pid, "--net", "--mount", "--uts")
        self.run("hostname", name)
        self.folder = Path(tempfile.mkdtemp(prefix="firewright-story-"))
        self.folder.chmod(0o755)
        self.state = Path("/proc", str(self.pid), "root", "var/lib/firewright")
        self._furnish()
        # Addresses of links are there at once, without a second of asking whether somebody else has them.
        self.sh("echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; ip link set lo up")

    def _furnish(self) -> None:
        """Put folders of its own in the place of those that this machine has."""
        kept = " ".join(f"/etc/{one}" for one in _OF_A_SYSTEM)
        self.sh(f"""mkdir {self.folder}/etc
            for one in {kept}; do if [ -e "$one" ]; then cp -a "$one" {self.folder}/etc/; fi; done
            mkdir -p {self.folder}/etc/network/if-pre-up.d
            echo '127.0.0.1 localhost admin third container web1' >{self.folder}/etc/hosts
            : >{self.folder}/etc/resolv.conf
            echo 'operator:x:4000:4000::/:/bin/sh' >>{self.folder}/etc/passwd
            echo 'operator:*:20000:0:99999:7:::' >>{self.folder}/etc/shadow
            echo 'root:x:0:0:root:/:/bin/sh' >{self.folder}/etc/passwd.new
            grep -v ^root: {self.folder}/etc/passwd >>{self.folder}/etc/passwd.new
            mv {self.folder}/etc/passwd.new {self.folder}/etc/passwd
            mount --bind {self.folder}/etc /etc
            mount -t tmpfs none /var && mkdir -m 755 /var/lib
            mount -t tmpfs none /run
        """)

    def run(self, *words: str, given: str = "") -> str:
        """What a command prints in here. Raises AssertionError with what it said where it fails."""
        done = self.try_run(*words, given=given)
        assert done.code == 0, f"{self.name}: {' '.join(words[:6])}: {done.said}"
        return done.out

    def sh(self, script: str) -> str:
        """What a script prints in here. Raises AssertionError where it fails."""
        return self.run("sh", "-e", given=script)

    def try_run(self, *words: str, given: str = "", environment: Mapping[str, str] | None = None) -> Done:
        """How a command ends in here."""
        done = subprocess.run(
            [*self.before, *words], input=given, capture_output=True, text=True, timeout=120, cwd="/",
            env=surroundings(environment or {}),
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **more: object) -> subprocess.Popen[str]:
        """A command that goes on in here, with pipes to its standard input and output."""
        given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, **more}
        one: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
            [*self.before, *words], text=True, preexec_fn=die_with_parent, env=surroundings({}), **given
        )
        self._started.append(one)
        return one

    def talk(self, *words: str) -> subprocess.Popen[str]:
        """A conversation of `talking.py`, once it has begun."""
        one = self.start(sys.executable, str(Path(__file__).with_name("talking.py")), *words)
        assert one.stdout is not None
        assert one.stdout.readline().strip() in ("serving", "asking", "holding"), words
        return one

    def listed(self, *what: str) -> str:
        """The ruleset, or a part of it, as nft lists it without what counts, whatever programs are in here; empty where there is none."""
        words = (*_entering(self.pid, "--net"), "nft", "-s", "list", *(what or ("ruleset",)))
        return subprocess.run(words, capture_output=True, text=True, env=surroundings({})).stdout

    def close(self) -> None:
        """Let it go, with all that was started in it."""
        for one in self._started:
            one.kill()
            one.wait()
            for pipe in (one.stdin, one.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
        self._holder.kill()
        self._holder.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Host(Machine):
    """The managed host; `config` is a file of ssh's that names it web1."""

    def __init__(self) -> None:
        super().__init__("web1")
        self._boot: subprocess.Popen[bytes] | None = None
        self._sshd: subprocess.Popen[str] | None = None
        for name in ("host", "user", "other"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.folder / name)], check=True
            )
        for known, key in (("known", "host"), ("known-wrong", "other")):
            (self.folder / known).write_text(f"web1 {(self.folder / f'{key}.pub').read_text()}")
        (self.folder / "server").write_text(_SERVER.format(folder=self.folder))
        self.config = self.configured("web1", "10.20.0.1")
        self.boot()

    def configured(self, name: str, address: str, user: str = "root", key: str = "user", known: str = "known") -> Path:
        """A file of ssh's that names this host."""
        path = self.folder / f"config-{name}-{user}-{key}-{known}"
        path.write_text(_CLIENT.format(name=name, address=address, user=user, key=key, known=known, folder=self.folder))
        return path

    def boot(self) -> None:
        """Start: every process is a new one, /run is empty, and the kernel gives the start a name that it never gave before."""
        (self.folder / "boot_id").write_text(f"{uuid.uuid4()}\n")
        words = ("unshare", "-pf", "--kill-child", "--mount-proc", "--propagation", "private")
        self._boot = _held([*_entering(self.pid, "--net", "--mount", "--uts"), *words], "pid_for_children")
        init = _child_of(self._boot.pid)
        self.before = _entering(init, "--net", "--mount", "--uts", "--pid")
        self.sh(f"""mount -t tmpfs none /run && mkdir -m 755 /run/sshd
            mount --bind {self.folder}/boot_id /proc/sys/kernel/random/boot_id""")
        self.serve()

    def equip(
        self, only: Sequence[str] = (), without: Sequence[str] = (), instead: Mapping[str, str] | None = None
    ) -> None:
        """Have only some programs (beside busybox and sshd), or all but some, or scripts in the place of some; until it is started anew."""
        folder = self.folder / "programs"
        self.sh(f"mkdir -p {folder}/bin {folder}/sbin {self.folder}/usr; mount --bind /usr {self.folder}/usr")
        if only:
            self.sh(f"""for one in $(busybox --list); do ln -s {self.folder}/usr/bin/busybox {folder}/bin/"$one"; done
                for one in {" ".join(only)} sshd; do rm -f {folder}/bin/"$one"
                    for place in bin sbin; do if [ -e {self.folder}/usr/$place/"$one" ]; then
                        ln -s {self.folder}/usr/$place/"$one" {folder}/$place/; fi; done; done""")
        else:
            self.sh(f"for one in bin sbin; do cp -rs {self.folder}/usr/$one/. {folder}/$one/; done")
        for name in without:
            self.sh(f"rm -f {folder}/bin/{name} {folder}/sbin/{name}")
        for name, script in (instead or {}).items():
            self.sh(f"rm -f {folder}/bin/{name} {folder}/sbin/{name}")
            (folder / "bin" / name).write_text(f"#!/bin/sh\nFULL={self.folder}/usr\n{script}\n")
            (folder / "bin" / name).chmod(0o755)
        self.sh(f"mount --bind {folder}/sbin /usr/sbin; mount --bind {folder}/bin /usr/bin")

    def serve(self) -> None:
        """Have sshd listen."""
        log = self.folder / "log"
        sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin") or "sshd"
        self._sshd = self.start(
            sshd, "-D", "-E", str(log), "-f", str(self.folder / "server"), stdout=subprocess.DEVNULL
        )
        assert until(lambda: log.exists() and "listening on ::" in log.read_text()), "sshd does not listen"

    def power_off(self) -> None:
        """Let every process die at once, and what only the kernel's memory holds."""
        assert self._boot is not None
        self._boot.kill()
        self._boot.wait()
        (self.folder / "log").unlink(missing_ok=True)
        self.before = _entering(self.pid, "--net", "--mount", "--uts")
        self.run("nft", "flush", "ruleset")
        self.try_run("conntrack", "-F")

    def cut(self) -> None:
        """Kill whatever serves an ssh connection now."""
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (path / "ns" / "net").readlink() == Path(f"/proc/{self.pid}/ns/net").readlink():
                    command = (path / "cmdline").read_bytes()
                    if command.startswith(b"sshd: ") and b"[listener]" not in command:
                        os.kill(int(path.name), 9)

    def stored(self, name: str) -> str:
        """A file of the state; empty where there is none."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return (self.state / name).read_text().strip()
        return ""

    @property
    def is_pending(self) -> bool:
        """Whether something waits to be confirmed."""
        return (self.state / "pending").is_dir()

    def close(self) -> None:
        """Let it go, with all that was started in it."""
        if self._boot is not None:
            self._boot.kill()
            self._boot.wait()
        super().close()


class Machines:
    """The four of them, to be used in a `with`."""

    def __init__(self) -> None:
        self._all: list[Machine] = []

    def __enter__(self) -> Machines:
        try:
            self.admin, self.third, self.container = (self._made(Machine(name)) for name in LINKS)
            self.host = Host()
            self._made(self.host)
            for other in (self.admin, self.third, self.container):
                self._joined(other)
            self.host.sh("""echo 1 >/proc/sys/net/ipv4/ip_forward
                echo 1 >/proc/sys/net/ipv6/conf/all/forwarding""")
            self.host.run("nft", "-f", "-", given=PUBLISHED)
            self.container.talk("serve", "80")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def _made(self, one: Machine) -> Machine:
        self._all.append(one)
        return one

    def _joined(self, other: Machine) -> None:
        link, (v4, v6) = LINKS[other.name], ADDRESSES[other.name]
        # Its own processes do not see that other machine's number.
        outside = _entering(self.host.pid, "--net")
        words = ("ip", "link", "add", link, "type", "veth", "peer", "name", "up0", "netns", str(other.pid))
        subprocess.run([*outside, *words], check=True)
        self.host.sh(f"""ip link set {link} up
            ip address add {v4}.1/24 dev {link}
            ip address add {v6}:1/64 dev {link} nodad""")
        other.sh(f"""ip link set up0 up
            ip address add {v4}.2/24 dev up0
            ip address add {v6}:2/64 dev up0 nodad
            ip route add default via {v4}.1
            ip -6 route add default via {v6}:1""")

    def close(self) -> None:
        """Take all of them away."""
        while self._all:
            self._all.pop().close()

    def firewright(self, *words: str, on: Machine | None = None, environment: Mapping[str, str] | None = None) -> Done:
        """How the program ends, called on the admin's machine in the folder with the policies, with web1 in ssh's configuration."""
        given = {"FIREWRIGHT_SSH_CONFIG": str(self.host.config), **(environment or {})}
        return (on or self.admin).try_run(*program(self.host.folder), *words, environment=given)

    def policy(self, name: str, text: str) -> None:
        """Put a policy where the program is called."""
        (self.host.folder / name).write_text(text, encoding="utf-8")

    @contextmanager
    def traffic(self) -> Iterator[dict[str, tuple[int, int]]]:
        """The container's traffic from the third machine meanwhile; afterwards by kind how often was asked and answered."""
        counted: dict[str, tuple[int, int]] = {}
        asking = self.third.talk("ask", "8080", "10.30.0.1", "fd30::1")
        yield counted
        out, _ = asking.communicate(timeout=60)
        counted.update({name: tuple(pair) for name, pair in json.loads(out).items()})


def program(folder: Path) -> tuple[str, ...]:
    """The words that call the program in a folder."""
    return ("env", "-C", str(folder), sys.executable, "-m", "firewright")


def surroundings(more: Mapping[str, str]) -> dict[str, str]:
    """An environment in which nothing of this machine's settings shows."""
    kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV") if name in os.environ}
    calm = {"LC_ALL": "C", "COLUMNS": "100", "HOME": "/nonexistent", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    return {**kept, **calm, **more}


def until(is_so: Callable[[], bool], seconds: float = 20.0, pause: float = 0.02) -> bool:
    """Wait for something; whether it came about in time."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def _held(words: Sequence[str], namespace: str) -> subprocess.Popen[bytes]:
    """A process that holds the namespaces that some words make, once it has them."""
    holder = subprocess.Popen(
        [*words, "sleep", "infinity"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent
    )
    own = Path(f"/proc/self/ns/{namespace}").readlink()
    ready = until(lambda: _link(f"/proc/{holder.pid}/ns/{namespace}") not in (None, own) or holder.poll() is not None)
    if not ready or holder.poll() is not None:
        raise RuntimeError(f"no namespace was made: {words}")
    # A program that was just started by the one that made the namespaces has them whole.
    until(lambda: b"sleep" in _command(holder.pid) if namespace == "net" else _child_of(holder.pid, patience=0) > 0)
    return holder


def _child_of(number: int, patience: float = 10.0) -> int:
    """The first child of a process, once it runs what it was started for; 0 where there is none."""
    end = time.monotonic() + patience
    while True:
        with suppress(OSError):
            children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
            if children and _command(int(children[0])).startswith(b"sleep"):
                return int(children[0])
        if time.monotonic() >= end:
            return 0
        time.sleep(0.01)


def _command(number: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{number}/cmdline").read_bytes()
    return b""


def _link(path: str) -> Path | None:
    with suppress(OSError):
        return Path(path).readlink()
    return None


def _entering(number: int, *namespaces: str) -> tuple[str, ...]:
    names = {"--net": "net", "--mount": "mnt", "--uts": "uts", "--pid": "pid"}
    return ("nsenter", *(f"{one}=/proc/{number}/ns/{names[one]}" for one in namespaces), "--")
