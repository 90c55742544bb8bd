"""Each fault that keeps a node from being used, really caused, is one line that names it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimass_jupyter.contract.clusters import Fault, Node
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import NodePlace
from aimass_server.clusters.backend import AGENT
from aimass_server.clusters.checking import check
from aimass_server.clusters.ssh import SshBackend
from tests.clusters.hosts import Host, Lan, ip

pytestmark = pytest.mark.slow

#: An agent on a node whose clock is ahead.
AHEAD = (
    "import time; real = time.time; time.time = lambda: real() + 100; "
    "from aimass_jupyter.launch.nodes.agent import main; main()"
)
#: Takes both ports of a range of two.
HOLD = (
    "import socket, sys; a = sys.argv[1]; "
    "held = [socket.create_server((a, p)) for p in (65000, 65001)]; print(1, flush=True); "
    "sys.stdin.read()"
)


@pytest.fixture
def places(lan: Lan, tmp_path: Path) -> list[NodePlace]:
    """How two hosts are reached."""

    async def reach(host: Host) -> NodePlace:
        backend = SshBackend(tmp_path)
        host.let_in(await backend.public_key())
        node = Node(
            id=new_id("node"), name=host.name, cluster="c", cluster_id="clu", slots=1,
            address=host.address, folder=str(host.folder / "checked"), state="ready",
            created_at=utc_now(),
        )  # fmt: skip
        return backend.reach(await backend.learn(node), 1)

    return [asyncio.run(reach(host)) for host in lan.hosts[:2]]


def faults(places: list[NodePlace], engine: str = "") -> list[Fault]:
    found = asyncio.run(check(places, engine)).faults
    return sorted(found, key=lambda fault: fault.node)  # they are told as they are heard


def told(found: list[Fault]) -> list[tuple[str, str]]:
    return [(fault.node, fault.check) for fault in found]


def running(place: NodePlace, command: Callable[[str], str]) -> NodePlace:
    """The place, its agent run by another command there."""
    agent = " ".join((sys.executable, *AGENT))
    assert place.argv[-1] == agent
    return place.model_copy(update={"argv": [*place.argv[:-1], command(agent)]})


def test_sound_hosts_have_no_faults(places: list[NodePlace]) -> None:
    assert faults(places, "horovod") == []


def test_a_clock_that_is_ahead(places: list[NodePlace]) -> None:
    first, second = places
    found = faults([first, running(second, lambda _: f'{sys.executable} -c "{AHEAD}"')])
    assert told(found) == [("beta", "clock")]
    assert re.fullmatch(r"its clock is \+1\d\d s off; set up NTP", found[0].message)


def test_another_version_of_a_package(places: list[NodePlace], tmp_path: Path) -> None:
    about = tmp_path / "site" / "torch-0.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 0.1\n")
    first, second = places
    found = faults([first, running(second, lambda a: f"env PYTHONPATH={about.parent} {a}")])
    assert told(found) == [("beta", "packages")]
    assert found[0].message.startswith("torch is 0.1, ")
    assert found[0].message.endswith(" on 'alpha'")


def test_a_disk_that_is_full(places: list[NodePlace]) -> None:
    first, second = places
    Path(second.folder).mkdir(exist_ok=True)
    mount = f"mount -t tmpfs -o size=8m none {second.folder}"
    found = faults([first, running(second, lambda a: f"unshare -m sh -c '{mount}; exec {a}'")])
    assert told(found) == [("beta", "disk")]
    assert "only 8 MB are free" in found[0].message


def test_no_port_to_listen_on(places: list[NodePlace], lan: Lan) -> None:
    with no_ports(lan.hosts[1]):
        found = faults(places)
    assert told(found) == [("beta", "port")]
    assert f"no port of {lan.hosts[1].address} can be listened on" in found[0].message
    assert faults(places) == []


@contextmanager
def no_ports(host: Host) -> Iterator[None]:
    """Leave a host two ports to choose from, and take both."""
    inside = ["ip", "netns", "exec", host.space]
    ports = Path("/proc/sys/net/ipv4/ip_local_port_range")
    before = subprocess.check_output([*inside, "cat", str(ports)], text=True).strip()
    write = [*inside, "sh", "-c", f'echo "$1" > {ports}', "-"]
    subprocess.run([*write, "65000 65001"], check=True)
    holder = subprocess.Popen(
        [*inside, sys.executable, "-c", HOLD, host.address],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"1\n"
        yield
    finally:
        holder.communicate()
        subprocess.run([*write, before], check=True)


def test_nodes_that_do_not_reach_each_other(places: list[NodePlace], lan: Lan) -> None:
    for host in lan.hosts[:2]:
        ip("link", "set", host.link, "type", "bridge_slave", "isolated", "on")
    try:
        found = faults(places)
    finally:
        for host in lan.hosts[:2]:
            ip("link", "set", host.link, "type", "bridge_slave", "isolated", "off")
    assert told(found) == [("alpha", "connect"), ("beta", "connect")]
    assert "it does not reach node 'beta'" in found[0].message


def test_a_name_that_stands_for_another_address(places: list[NodePlace], lan: Lan) -> None:
    hosts = lan.hosts[1].folder / "hosts"
    before = hosts.read_text()
    hosts.write_text("127.0.0.1 localhost beta\n")
    try:
        assert faults(places) == []  # it matters to Horovod alone
        found = faults(places, "horovod")
    finally:
        hosts.write_text(before)
    assert told(found) == [("beta", "name")]
    assert f"the line '{lan.hosts[1].address} beta' in its /etc/hosts" in found[0].message


def test_a_host_that_is_away_and_one_at_another_address(places: list[NodePlace], lan: Lan) -> None:
    wrong = places[0].model_copy(update={"address": "192.0.2.1"})
    lan.hosts[1].cut()
    try:
        found = faults([wrong, places[1]])
    finally:
        lan.hosts[1].mend()
    assert told(found) == [("alpha", "interface"), ("beta", "reach")]
