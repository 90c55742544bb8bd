"""Nodes that are reached by OpenSSH. Keys are ours alone: neither the user's agent nor their files.

Each node is known by the host key that was given, or seen, when it was added, under its id; another
key at the same address is refused.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
from pathlib import Path

from aimass_jupyter.contract.clusters import Node
from aimass_jupyter.contract.errors import InvalidRequest, Unavailable
from aimass_jupyter.contract.jobs import NodePlace
from aimass_jupyter.host import write_bytes
from aimass_server.clusters.backend import AGENT

_KEY = "id_ed25519"
_PREFERRED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
_SCAN_SECONDS = 5
_OPTIONS = (
    "BatchMode=yes",
    "ClearAllForwardings=yes",
    "ConnectTimeout=10",
    "ForwardAgent=no",
    "GlobalKnownHostsFile=/dev/null",
    "IdentitiesOnly=yes",
    "PreferredAuthentications=publickey",
    "ServerAliveCountMax=3",
    "ServerAliveInterval=3",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
)


class SshBackend:
    """Machines that let our key in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = folder / _KEY

    async def public_key(self) -> str:
        """Our public key; it is drawn when it is first asked for."""
        public = self._key.with_suffix(".pub")
        if not public.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            kind = ("-q", "-t", "ed25519", "-N", "", "-C", "aimass")
            await _run("ssh-keygen", *kind, "-f", str(self._key))
        return public.read_text().strip()

    async def learn(self, node: Node) -> Node:
        """Take its defaults from here, and the key that it shows if none was given.

        Raises
        ------
        Unavailable
            When nothing answers there.
        """
        known = {
            "user": node.user or getpass.getuser(),
            "python": node.python or sys.executable,
            "host_key": node.host_key or await self._scan(node),
        }
        learnt = node.model_copy(update=known)
        await asyncio.to_thread(self._pin, learnt)
        return learnt

    async def _scan(self, node: Node) -> str:
        """The host key that a node shows now."""
        where = ("-T", str(_SCAN_SECONDS), "-p", str(node.port), node.address)
        try:
            said = await _run("ssh-keyscan", *where)
        except Unavailable as error:
            if "getaddrinfo" not in error.message:
                raise
            raise InvalidRequest(
                f"node '{node.name}': the name '{node.address}' stands for no address here",
                "is it spelt right? its IP address will do, too",
            ) from None
        lines = [line.split(" ", 1) for line in said.splitlines() if not line.startswith("#")]
        keys = {key.split(" ")[0]: key for _, key in lines}
        for kind in (*_PREFERRED, *keys):
            if kind in keys:
                return keys[kind]
        raise Unavailable(
            f"no SSH server answers at {node.address}, port {node.port}",
            "start sshd there, or name its --port",
        )

    def _pin(self, node: Node) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_bytes(self._known_hosts(node), f"{node.id} {node.host_key}\n".encode())

    def _known_hosts(self, node: Node) -> Path:
        return self._folder / f"{node.id}.known_hosts"

    def reach(self, node: Node, ranks: int) -> NodePlace:
        """``ssh`` as the node's user; its words are none of a shell's special ones."""
        if not self._known_hosts(node).exists():
            self._pin(node)
        options = [
            *_OPTIONS,
            f"HostKeyAlias={node.id}",
            f"IdentityFile={self._key}",
            f"UserKnownHostsFile={self._known_hosts(node)}",
        ]
        flags = [word for option in options for word in ("-o", option)]
        who = ["-F", "/dev/null", "-T", "-p", str(node.port), "-l", node.user]
        return NodePlace(
            node=node.name,
            ranks=ranks,
            address=node.address,
            argv=["ssh", *flags, *who, "--", node.address, " ".join((node.python, *AGENT))],
            python=node.python,
            folder=node.folder,
        )


async def _run(program: str, *arguments: str) -> str:
    """What a program of OpenSSH says.

    Raises
    ------
    Unavailable
        When it is not installed, or says why it fails.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            program, *arguments, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError:
        raise Unavailable(
            f"'{program}' is not installed here", "apt-get install openssh-client"
        ) from None
    said, complained = await process.communicate()
    reason = complained.decode(errors="replace").strip().splitlines()
    if process.returncode and not said and reason:
        raise Unavailable(f"{program}: {reason[-1]}", "see docs/operators/clusters.md")
    return said.decode(errors="replace")
