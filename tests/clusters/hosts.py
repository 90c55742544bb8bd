"""Hosts of their own on this machine: namespaces of network, processes and names, each its sshd.

They hang on one bridge, with the control plane at its other end; a link can be cut.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

_CONFIG = """
Port 22
ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
MaxStartups 100
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""


def why_no_hosts() -> str:
    """Why this machine cannot make hosts; empty when it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "unshare", "ssh", "/usr/sbin/sshd", "ssh-keyscan"):
        if shutil.which(program) is None:
            return f"{program} is not installed (apt-get install openssh-server iproute2)"
    tried = subprocess.run(
        ["unshare", "--net", "--pid", "--mount", "--uts", "--fork", "true"],
        check=False, capture_output=True,
    )  # fmt: skip
    return "namespaces are not allowed here" if tried.returncode else ""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@dataclass
class Host:
    """One host."""

    name: str
    address: str
    folder: Path
    space: str
    link: str
    sshd: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True)
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", ""]
        subprocess.run([*keygen, "-f", str(self.folder / "host_key")], check=True)
        (self.folder / "authorized_keys").touch()
        config = self.folder / "sshd_config"
        config.write_text(_CONFIG.format(address=self.address, folder=self.folder))
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost\n{self.address} {self.name}\n")
        mount = f"mount --bind {self.folder}/hosts /etc/hosts"
        inner = f"hostname {self.name}; {mount}; exec /usr/sbin/sshd -D -e -f {config}"
        spaces = ["--pid", "--mount", "--uts", "--fork", "--kill-child", "--mount-proc"]
        with (self.folder / "sshd.log").open("wb") as log:
            self.sshd = subprocess.Popen(
                ["ip", "netns", "exec", self.space, "unshare", *spaces, "sh", "-c", inner],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection((self.address, 22), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "sshd.log").read_text()
                time.sleep(0.05)

    def let_in(self, public_key: str) -> None:
        (self.folder / "authorized_keys").write_text(public_key + "\n")

    def cut(self) -> None:
        """Pull the plug."""
        ip("link", "set", self.link, "down")

    def mend(self) -> None:
        ip("link", "set", self.link, "up")

    def processes(self, word: str) -> list[str]:
        """The command lines on this host that hold a word, as the host sees them."""
        assert self.sshd is not None
        inside = subprocess.run(
            ["pgrep", "--ns", str(_child(self.sshd.pid)), "--nslist", "pid", "-af", word],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        return [line for line in inside.stdout.splitlines() if "pgrep" not in line]

    def end(self) -> None:
        if self.sshd is not None:
            self.sshd.kill()  # its child goes with it, and with that all of the host
            self.sshd.wait()


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


_lans = itertools.count()


@dataclass
class Lan:
    """Hosts on a bridge."""

    folder: Path
    hosts: list[Host] = field(default_factory=list)

    def __post_init__(self) -> None:
        number = next(_lans)  # several may be there at once
        self._tag = f"{os.getpid() % 10_000:04d}{number:03d}"
        self._net = f"10.{200 + number % 50}.{os.getpid() % 250}"
        self.bridge = f"amb{self._tag}"

    def start(self, *names: str) -> None:
        Path("/run/sshd").mkdir(exist_ok=True)
        ip("link", "add", self.bridge, "type", "bridge")
        ip("address", "add", f"{self._net}.1/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")
        for number, name in enumerate(names):
            self.hosts.append(self._host(number, name))

    def _host(self, number: int, name: str) -> Host:
        space, link = f"am{self._tag}{number}", f"amv{self._tag}{number}"
        host = Host(name, f"{self._net}.{11 + number}", self.folder / name, space, link)
        ip("netns", "add", space)
        ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
        ip("link", "set", link, "master", self.bridge, "up")
        ip("-n", space, "address", "add", f"{host.address}/24", "dev", "eth0")
        ip("-n", space, "link", "set", "eth0", "up")
        ip("-n", space, "link", "set", "lo", "up")
        host.start()
        return host

    def end(self) -> None:
        for host in self.hosts:
            host.end()
            subprocess.run(["ip", "netns", "delete", host.space], check=False)
            subprocess.run(["ip", "link", "delete", host.link], check=False, capture_output=True)
        subprocess.run(["ip", "link", "delete", self.bridge], check=False, capture_output=True)
