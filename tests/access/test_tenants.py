"""Two tenants on one server: whatever the one asks over HTTP, nothing of the other's is in it.

All that is physics' has *zirconium* in its name. What is asked for by name or id and is not one's
own must look, to the letter, like what does not exist.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.table import API_ROOT, OPERATIONS
from tests.access.doors import HEADER
from tests.clusters import plugs
from tests.clusters.looking import until
from tests.conftest import Server

ROOT = Path(__file__).parents[2]
SECRET = "zirconium"
ADA, BOB, CAROL = f"{SECRET}-ada", "bob", "carol"

pytestmark = pytest.mark.slow


@dataclass
class Tenants:
    """Ada of physics, who has things, Carol of physics, who lends one, and Bob of biology.

    All are admins.
    """

    ada: Client
    bob: Client
    carol: Client
    http: httpx.Client
    known: dict[str, list[str]] = field(default_factory=dict)

    def ask(self, operation: Operation, path: dict[str, str], fields: dict[str, Any]) -> Any:
        """Bob's request, as it goes over the wire."""
        url = API_ROOT + operation.path.format(**path)
        if operation.body == "bytes":
            return self.http.request(operation.method, url, params=fields, content=b"x")
        if operation.takes_json:
            return self.http.request(operation.method, url, json=fields)
        return self.http.request(operation.method, url, params=fields)


def _enter(server: Server, user: str) -> str:
    """A user signs in, and makes a token."""
    answer = httpx.post(
        f"{server.url}{API_ROOT}/tokens", headers={HEADER: user},
        json={"name": "mine", "role": "admin"}, timeout=60,
    )  # fmt: skip
    return str(answer.raise_for_status().json()["value"])


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    folder = tmp_path_factory.mktemp("tenants")
    paths = [str(plugs.install(folder / "site")), str(ROOT)]
    server = Server(folder / "data", {"PYTHONPATH": os.pathsep.join(paths)})
    of_users = {
        "roles": dict.fromkeys((ADA, BOB, CAROL), "admin"),
        "tenants": {ADA: "physics", BOB: "biology", CAROL: "physics"},
    }
    server.start(
        "--ServerApp.identity_provider_class=tests.access.doors.Doors",
        "--AimassApp.slots=2",
        *(f"--AimassApp.{trait}={u}={v}" for trait, of in of_users.items() for u, v in of.items()),
    )
    try:
        tokens = {user: _enter(server, user) for user in (ADA, BOB, CAROL)}
        ada, bob, carol = (Client(Address(server.url, token)) for token in tokens.values())
        headers = {"Authorization": f"Bearer {tokens[BOB]}"}
        with (
            ada,
            bob,
            carol,
            httpx.Client(base_url=server.url, headers=headers, timeout=60) as http,
        ):
            found = Tenants(ada, bob, carol, http)
            _fill(found, folder)
            yield found
    finally:
        server.stop_everything()


def _runs(client: Client, job_id: str) -> bool:
    return bool(client.jobs.show(job_id).state == "running")


def _used(client: Client, cluster: str) -> Any:
    """Its use, once somebody's is told."""
    usage = client.clusters.usage(cluster)
    return usage.jobs and usage


def _fill(tenants: Tenants, folder: Path) -> None:
    """Give Ada one of each thing, a job that runs, and one that waits."""
    ada, name = tenants.ada, f"{SECRET}-thing"
    dataset = ada.datasets.import_("iris", name=name)
    done = ada.wait(
        ada.jobs.submit(
            dataset=name, algorithm="classification", params={"epochs": 2}, name=name,
            tags=[f"{SECRET}-tag"],
        ).id
    )  # fmt: skip
    assert done.state == "succeeded", done.cause
    run = ada.runs.list().items[0]
    endpoint = ada.endpoints.deploy(name)
    ada.clusters.create(name, kind="plugs")
    tenants.carol.clusters.create(
        "common", kind="plugs", tenants=["biology", f"{SECRET}-chemistry"]
    )
    for number, (cluster, node, lent) in enumerate(
        [(name, name, []), ("common", f"{SECRET}-aside", ["physics"]), ("common", "free", [])]
    ):
        ada.nodes.add(
            cluster, node, address="127.0.0.1", port=1 + number, slots=1, tenants=lent,
            profile=f"{SECRET}-large" if lent else "plain",
            folder=str(folder / f"node-{number}"),
        )  # fmt: skip
    waits = folder / f"{SECRET}.py"
    waits.write_text("import time\nprint('begun', flush=True)\ntime.sleep(3600)\n")
    runs = ada.jobs.submit(waits, np=2, name=f"{SECRET}-runs")
    on_free = ada.jobs.submit(
        waits, name=f"{SECRET}-lent", cluster="common", nodes=["any:2"], engine="torchrun"
    )
    for job in (runs, on_free):
        until(partial(_runs, ada, job.id))
    model, cluster = ada.models.show(name), ada.clusters.show(name)
    node = ada.nodes.show(name, name)
    token = ada.tokens.list().items[0]
    tenants.known = {
        "dataset": [name, dataset.id, f"{name}@1"],
        "job": [name, done.id, runs.id, f"{SECRET}-lent"],
        "run": [name, run.id, done.id],
        "runs": [run.id],
        "experiment": [name],
        "model": [name, model.id, f"{name}@1"],
        "endpoint": [name, endpoint.id],
        "service": [name],
        "cluster": [name, cluster.id],
        "node": [name, node.id],
        "token": [token.id],
        "after": [done.id, f"{SECRET}-runs"],
    }


#: What else an operation cannot do without.
_FIELDS: dict[str, dict[str, Any]] = {
    "jobs.download": {"path": "x"},
    "runs.note": {"notes": "x"},
    "runs.append": {"offset": 0},
    "models.promote": {"alias": "production"},
    "endpoints.predict": {"rows": [{}]},
    "nodes.add": {"node": "x", "address": "127.0.0.1"},
    "jobs.submit": {"algorithm": "classification"},
}


def _askings() -> list[tuple[Operation, str]]:
    """Every operation with each field of its request that names something of a tenant's."""
    own = {"dataset", "job", "run", "runs", "experiment", "model", "endpoint", "service",
           "cluster", "token", "after"}  # fmt: skip
    return [
        (o, name)
        for o in OPERATIONS
        for name in o.request.model_fields
        if name in own and (o.noun, name) != ("events", "after")  # that is a number
    ]


def test_no_operation_that_names_something_is_forgotten() -> None:
    asked = {(operation.name, name) for operation, name in _askings()}
    for operation in OPERATIONS:
        for name in operation.positionals[:1]:
            sent = name in ("filename", "source", "notebook")
            new = sent or operation.verb in ("create", "publish", "start")
            assert new or (operation.name, name) in asked, (operation.name, name)


@pytest.mark.parametrize(
    ("operation", "name"), [pytest.param(o, n, id=f"{o.name}-{n}") for o, n in _askings()]
)
def test_what_is_anothers_looks_like_what_is_not_there(
    tenants: Tenants, operation: Operation, name: str
) -> None:
    if name == "cluster" and operation.name == "clusters.create":
        return  # that names a new one
    for reference in tenants.known[name]:
        nothing = _other(reference)
        answers = [_asked(tenants, operation, name, text) for text in (reference, nothing)]
        told, expected = (
            answer.text.replace(text, "…").replace(text.partition("@")[0], "…")
            for answer, text in zip(answers, (reference, nothing), strict=True)
        )
        assert answers[0].status_code == answers[1].status_code, (told, expected)
        assert told == expected
        assert SECRET not in told
        if f"{{{name}}}" in operation.path:
            assert answers[0].status_code == 404, told


def _other(reference: str) -> str:
    """Something like it that does not exist."""
    if SECRET in reference:
        return reference.replace(SECRET, "argonium")
    return reference[:-4] + ("AAAA" if reference[-4:] != "AAAA" else "BBBB")


def _asked(tenants: Tenants, operation: Operation, name: str, reference: str) -> httpx.Response:
    fields = dict(_FIELDS.get(operation.name, {}))
    listed = operation.request.model_fields[name].annotation == list[str]
    fields[name] = [reference] if listed else reference
    if "{node}" in operation.path:
        fields["node"] = tenants.known["node"][0]
    in_path = re.findall(r"\{(\w+)\}", operation.path)
    path = {key: fields.pop(key) for key in in_path}
    answer: httpx.Response = tenants.ask(operation, path, fields)
    return answer


_LISTS = [o for o in OPERATIONS if o.method == "GET" and "{" not in o.path]


@pytest.mark.parametrize("operation", _LISTS, ids=lambda operation: operation.name)
def test_no_list_or_search_tells_of_another_tenant(tenants: Tenants, operation: Operation) -> None:
    if operation.name == "events.stream":
        return  # it has a test of its own
    fields = {"limit": 500} if "limit" in operation.request.model_fields else {}
    searches: list[dict[str, Any]] = [{}]
    for word in ("search", "name", "tag", "owner", "experiment", "dataset"):
        if word in operation.request.model_fields:
            searches.append({word: f"{SECRET}-thing"})
    if operation.name == "runs.compare":
        return  # it takes runs, and is asked with another's above
    for search in searches:
        answer = tenants.ask(operation, {}, fields | search)
        text = answer.text.replace(f"'{SECRET}-thing'", "")
        assert SECRET not in text, (search, answer.text)
        for known in tenants.known.values():
            assert not any(one in text for one in known if "_" in one)


def test_events_are_told_to_their_tenant_alone(tenants: Tenants) -> None:
    ours = tenants.bob.datasets.import_("wine", name="ours")
    with tenants.http.stream("GET", f"{API_ROOT}/events/stream", params={"after": 0}) as answer:
        told = ""
        for line in answer.iter_lines():
            told += line
            if ours.id in line:
                break
    assert SECRET not in told
    seen = [event.subject for event in tenants.ada.events.list(after=0, limit=500).items]
    assert tenants.known["job"][1] in seen
    assert ours.id not in seen


def test_why_says_that_slots_are_taken_and_not_by_whom(tenants: Tenants) -> None:
    tenants.carol.nodes.drain("common", f"{SECRET}-aside", reason=f"{SECRET} is spilt")
    waits = tenants.bob.jobs.submit(
        dataset=tenants.bob.datasets.import_("wine", name="wine").name,
        algorithm="classification", params={"epochs": 1}, name="waits",
    )  # fmt: skip
    stuck = tenants.bob.jobs.submit(
        dataset="wine", algorithm="classification", params={"epochs": 1}, name="stuck",
        cluster="common",
    )  # fmt: skip
    try:
        for job in (waits, stuck):
            why = tenants.bob.jobs.why(job.id)
            assert why.blockers
            assert SECRET not in why.model_dump_json()
        with pytest.raises(InvalidRequest) as refused:
            tenants.bob.jobs.submit(
                dataset="wine", algorithm="classification", cluster="common", nodes=["x:1"]
            )
        assert SECRET not in str(refused.value)
    finally:
        tenants.carol.nodes.resume("common", f"{SECRET}-aside")
        for job in (waits, stuck):
            tenants.bob.jobs.stop(job.id)


def test_of_a_clusters_use_the_sum_is_told(tenants: Tenants) -> None:
    for cluster, used in (("local", 2), ("common", 1)):
        shown = tenants.bob.clusters.show(cluster)
        assert shown.slots_used == used
        usage = until(partial(_used, tenants.bob, cluster))
        assert [use.name for use in usage.jobs] == ["jobs of other tenants"]
        for told in (shown, usage, tenants.bob.nodes.list(cluster)):
            assert SECRET not in told.model_dump_json()
    assert [node.name for node in tenants.bob.nodes.list("common").items] == ["free"]
    mine = tenants.ada.clusters.usage("common")
    assert f"{SECRET}-lent" in {use.name for use in mine.jobs}


def test_who_borrows_a_cluster_changes_nothing_of_it(tenants: Tenants) -> None:
    for operation in OPERATIONS:
        if operation.noun in ("clusters", "nodes") and operation.changes:
            path = {"cluster": "common", "node": "free"}
            if operation.name != "clusters.create":
                answer = tenants.ask(operation, path, _FIELDS.get(operation.name, {}))
                assert answer.status_code == 403, (operation.name, answer.text)
                assert SECRET not in answer.text


def test_tensorboard_shows_each_tenant_its_own(tenants: Tenants) -> None:
    answer = tenants.http.get("/aimass/tensorboard/data/runs", timeout=90)
    assert answer.status_code == 200
    assert SECRET not in answer.text
