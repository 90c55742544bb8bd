"""What every back-end of clusters must do: say how to reach our agent, and no more is needed."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass_jupyter.contract.clusters import Node
from aimass_jupyter.contract.errors import InvalidRequest, Unavailable
from aimass_jupyter.contract.ids import new_id, utc_now
from aimass_jupyter.contract.jobs import NodePlace
from aimass_server.clusters.backend import Backend, find_backend
from aimass_server.clusters.checking import check
from tests.clusters import plugs
from tests.clusters.hosts import Lan, why_no_hosts

Reached = tuple[Backend, NodePlace]


def _node(address: str, folder: Path) -> Node:
    return Node(
        id=new_id("node"), name="one", cluster="c", cluster_id="clu", address=address, slots=1,
        folder=str(folder), state="ready", created_at=utc_now(),
    )  # fmt: skip


@pytest.fixture
def solo(tmp_path: Path) -> Iterator[Lan]:
    """One host, made when it is started."""
    lan = Lan(tmp_path / "lan")
    yield lan
    lan.end()


@pytest.fixture(params=["local", "ssh", "plugs"])
def reached(
    request: pytest.FixtureRequest, tmp_path: Path, solo: Lan, monkeypatch: pytest.MonkeyPatch
) -> Reached:
    """A back-end, and a node of its kind that it reaches."""
    if request.param == "plugs":
        monkeypatch.syspath_prepend(plugs.install(tmp_path / "site"))
    backend = find_backend(request.param, tmp_path / "backend")
    address = "127.0.0.1"
    if request.param == "ssh":
        if reason := why_no_hosts():
            pytest.skip(reason)
        solo.start("solo")
        solo.hosts[0].let_in(asyncio.run(backend.public_key()))
        address = solo.hosts[0].address
    node = asyncio.run(backend.learn(_node(address, tmp_path / "work")))
    return backend, backend.reach(node, 2)


def _said(place: NodePlace, *messages: dict[str, object]) -> list[dict[str, object]]:
    """What the agent answers."""
    lines = "".join(json.dumps(message) + "\n" for message in messages)
    done = subprocess.run(place.argv, input=lines, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_place_says_all_that_a_launcher_needs(reached: Reached) -> None:
    _, place = reached
    assert (place.node, place.ranks) == ("one", 2)
    assert place.argv
    assert place.python
    assert NodePlace.model_validate_json(place.model_dump_json()) == place


def test_the_agent_answers_and_leaves_when_nobody_listens(reached: Reached) -> None:
    _, place = reached
    question = {"do": "facts", "address": place.address, "folder": place.folder}
    facts, failed = _said(place, question, {"do": "dance"})
    assert facts["interface"]
    assert not facts["listens"]
    assert failed["is"] == "failed"


def test_a_sound_node_has_no_faults(reached: Reached) -> None:
    checked = asyncio.run(check([reached[1]]))
    assert checked.faults == []
    assert int(checked.facts["one"]["cpus"]) >= 1


def test_an_address_that_is_another_machines_is_a_fault(reached: Reached) -> None:
    place = reached[1].model_copy(update={"address": "192.0.2.1"})
    faults = asyncio.run(check([place])).faults
    assert [fault.check for fault in faults] == ["interface"]


def test_what_cannot_be_reached_is_one_line(reached: Reached) -> None:
    place = reached[1].model_copy(update={"argv": ["false"]})
    faults = asyncio.run(check([place])).faults
    assert [(fault.node, fault.check) for fault in faults] == [("one", "reach")]


def test_a_public_key_is_one_line_or_none(reached: Reached) -> None:
    key = asyncio.run(reached[0].public_key())
    assert len(key.splitlines()) <= 1
    assert asyncio.run(reached[0].public_key()) == key


@pytest.mark.parametrize("kind", ["slurmm", "../ssh"])
def test_a_kind_that_nobody_has_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InvalidRequest, match="no kind of cluster"):
        find_backend(kind, tmp_path)


@pytest.mark.parametrize(
    ("module", "name", "why"),
    [
        ("aimass_nowhere", "Plugs", "ModuleNotFoundError: No module named 'aimass_nowhere'"),
        ("tests.clusters.plugs", "Cables", "AttributeError: .* 'Cables'"),
        ("pathlib", "Path", "it has no public_key and no learn and no reach"),
        ("tests.clusters.plugs", "pull", "it has no public_key"),
    ],
)
def test_a_package_whose_kind_does_not_work_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, why: str
) -> None:
    monkeypatch.syspath_prepend(plugs.install(tmp_path / "site", module=module, name=name))
    with pytest.raises(Unavailable, match=why) as refused:
        find_backend("plugs", tmp_path)
    assert plugs.PACKAGE in refused.value.hint
