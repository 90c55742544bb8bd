"""Attacks on the control plane's routes. The numbers are those of the list of attacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.table import API_ROOT, OPERATIONS
from aimass_server.access.policy import RIGHTS
from tests.conftest import Server

OPERATION_NAMES = [operation.name for operation in OPERATIONS]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url + API_ROOT, trust_env=False, timeout=60) as http:
        yield http


@pytest.fixture(scope="module")
def tokens(client: Client) -> dict[str, str]:
    return {
        role: client.tokens.create(f"attack-{role}", role=role).value
        for role in ("viewer", "author", "admin")
    }


def _path(operation: Operation) -> str:
    return operation.path_for(dict.fromkeys(operation.path_fields, "x"))


def _rows(client: Client) -> tuple[int, ...]:
    return (len(client.jobs.list().items), len(client.datasets.list().items))


@pytest.mark.parametrize("method", METHODS)
def test_01_no_route_answers_without_credentials(
    http: httpx.Client, client: Client, method: str
) -> None:
    before = _rows(client)
    for path in {_path(operation) for operation in OPERATIONS} | {"/openapi.json"}:
        answer = http.request(method, path, content=b'{"argv":["id"]}')
        assert answer.status_code in (401, 405), f"{method} {path}: {answer.status_code}"
    assert _rows(client) == before


@pytest.mark.parametrize("method", METHODS)
def test_a_route_that_is_not_there_is_said_to_be_so(
    http: httpx.Client, tokens: dict[str, str], method: str
) -> None:
    assert http.request(method, "/jobz").status_code == 401
    known = http.request(method, "/jobz", headers={"Authorization": f"Bearer {tokens['viewer']}"})
    assert known.status_code == 404
    assert method == "HEAD" or known.json()["hint"] == "did you mean '/jobs'?"


def test_01_tensorboard_wants_a_login_too(server: Server) -> None:
    for path in ("/aimass/tensorboard/", "/aimass/tensorboard/data/runs"):
        answer = httpx.get(server.url + path, trust_env=False, timeout=60)
        assert answer.status_code in (302, 401, 403)
        assert answer.status_code != 302 or "/login" in answer.headers["location"]


@pytest.mark.parametrize("name", OPERATION_NAMES)
@pytest.mark.parametrize("role", ["viewer", "author"])
def test_01_a_role_has_its_rights_and_no_others(
    http: httpx.Client, tokens: dict[str, str], role: Any, name: str
) -> None:
    operation = OPERATIONS[name]
    if operation.reply == "events":
        return  # an open stream is tried on its own
    answer = http.request(
        operation.method,
        _path(operation),
        headers={"Authorization": f"Bearer {tokens[role]}"},
        content=b"{" if operation.changes else None,  # never well-formed: nothing is done
    )
    allowed = operation.permission in RIGHTS[role]
    assert (answer.status_code != 403) == allowed, answer.text
    assert answer.status_code < 500


def test_02_no_handler_of_ours_leaves_the_question_of_identity_open(server: Server) -> None:
    assert "without @allow_unauthenticated" not in server.log


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Mode": "no-cors"}])
def test_03_a_foreign_page_with_a_cookie_changes_nothing(
    server: Server, client: Client, method: str, headers: dict[str, str]
) -> None:
    before = _rows(client)
    with _logged_in(server) as browser:
        answer = browser.request(
            method,
            server.url + API_ROOT + "/jobs",
            headers={"Origin": "http://evil.test", "Content-Type": "text/plain"} | headers,
            content=json.dumps({"dataset": "iris", "algorithm": "classification"}),
        )
    assert answer.status_code in (403, 405)
    assert _rows(client) == before


def test_03_a_cookie_without_the_xsrf_header_changes_nothing(server: Server) -> None:
    with _logged_in(server) as browser:
        answer = browser.post(server.url + API_ROOT + "/jobs", json={})
    assert answer.status_code == 403


def test_04_another_host_name_is_refused(http: httpx.Client, tokens: dict[str, str]) -> None:
    headers = {"Host": "evil.test:8888", "Authorization": f"Bearer {tokens['admin']}"}
    assert http.get("/whoami", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "source",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "file://localhost/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%252e%252e%252f",
        "..\\..\\x",
        "http://h/../../etc",
        "models:/m/../../x",
        "\0",
        "",
        "upload_../../../etc/passwd",
    ],
)
def test_05_the_server_opens_no_path_that_a_client_names(
    http: httpx.Client, tokens: dict[str, str], source: str
) -> None:
    answer = http.post("/datasets", json={"source": source}, headers=_bearer(tokens))
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text


def test_05_an_upload_has_a_file_name_and_no_path(
    http: httpx.Client, tokens: dict[str, str]
) -> None:
    for name in ("../x", "/etc/passwd", "a\\b", "a\0b", ""):
        answer = http.post(
            "/uploads", params={"filename": name}, content=b"x", headers=_bearer(tokens)
        )
        assert answer.status_code == 422, name


@pytest.mark.parametrize(
    "body",
    [
        {"np": "2;touch /tmp/canary"},
        {"np": 0},
        {"np": -1},
        {"np": 10**9},
        {"engine": "sh"},
        {"name": "../../x\n"},
        {"name": "-c"},
        {"seed": -1},
        {"params": {"epochs": "1;id"}},
        {"params": {"__class__": 1}},
        {"env": {"LD_PRELOAD": "x"}},
        {"owner": "ada", "role": "admin", "state": "succeeded"},
    ],
)
def test_14_a_job_takes_no_word_that_could_reach_a_shell(
    http: httpx.Client, tokens: dict[str, str], client: Client, body: dict[str, Any]
) -> None:
    client.datasets.import_("iris")
    whole = {"dataset": "iris", "algorithm": "classification"} | body
    answer = http.post("/jobs", json=whole, headers=_bearer(tokens))
    assert answer.status_code == 422, answer.text
    assert answer.json()["hint"] or answer.json()["errors"]


def test_13_an_author_changes_nothing_of_another(client: Client, server: Server) -> None:
    """The shared server's admin is one user; a second user is one that the store knows of."""
    dataset = client.datasets.import_("wine")
    with httpx.Client(base_url=server.url + API_ROOT, trust_env=False, timeout=60) as http:
        viewer = client.tokens.create("attack-13", role="viewer").value
        answer = http.delete(
            f"/datasets/{dataset.name}", headers={"Authorization": f"Bearer {viewer}"}
        )
    assert answer.status_code == 403
    assert client.datasets.show("wine").id == dataset.id


def test_13_nobody_hands_out_more_rights_than_they_have(
    http: httpx.Client, tokens: dict[str, str]
) -> None:
    answer = http.post(
        "/tokens",
        json={"name": "more", "role": "admin"},
        headers={"Authorization": f"Bearer {tokens['author']}"},
    )
    assert answer.json()["role"] == "author"


def test_18_a_token_in_the_address_is_refused(http: httpx.Client, tokens: dict[str, str]) -> None:
    answer = http.get("/whoami", params={"token": tokens["admin"]})
    assert answer.status_code == 401


def test_18_no_token_is_in_the_log(
    http: httpx.Client, tokens: dict[str, str], server: Server
) -> None:
    http.get("/jobs/nothing", headers=_bearer(tokens))
    http.post("/datasets", json={"source": tokens["admin"]}, headers=_bearer(tokens))
    assert not any(token in server.log for token in tokens.values())
    assert server.token not in server.log


def test_18_a_secret_that_is_shown_once_is_not_stored(client: Client, server: Server) -> None:
    token = client.tokens.create("not-stored", role="viewer").value
    # the log before the database: what moves from the one to the other meanwhile is in both
    files = sorted(server.folder.glob("aimass.db*"), reverse=True)
    stored = b"".join(path.read_bytes() for path in files)
    assert b"not-stored" in stored
    assert token.encode() not in stored


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"np": NaN}',
        b'{"np": Infinity}',
        b'{"np": 1, "np": 2}',
        b"[]",
        b"\xff",
        b'"x"',
        b"{",
    ],
)
def test_19_a_crooked_body_is_the_senders_fault(
    http: httpx.Client, tokens: dict[str, str], content: bytes
) -> None:
    answer = http.post("/jobs", content=content, headers=_bearer(tokens))
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("path", ["/events", "/events/stream"])
@pytest.mark.parametrize("after", [2**63, 10**20, -1, "x"])
def test_19_a_sequence_number_has_a_limit(
    http: httpx.Client, tokens: dict[str, str], path: str, after: int | str
) -> None:
    answer = http.get(path, params={"after": after}, headers=_bearer(tokens))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('[{"a": "\\ud800"}]', "lone surrogate"),
        ('[{"\\udfff": 1}]', "lone surrogate"),
        ('[{"a": ' + "[" * 400 + "]" * 400 + "}]", "nested"),
        ('[{"a": ' + '{"b": ' * 400 + "1" + "}" * 400 + "}]", "nested"),
    ],
)
def test_19_what_no_answer_could_repeat_is_the_senders_fault(
    http: httpx.Client, tokens: dict[str, str], rows: str, said: str
) -> None:
    body = f'{{"rows": {rows}}}'.encode()
    answer = http.post("/endpoints/x/predict", content=body, headers=_bearer(tokens))
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]


def test_19_a_stream_has_a_head(http: httpx.Client, tokens: dict[str, str]) -> None:
    answer = http.head("/events/stream", headers=_bearer(tokens))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_19_a_page_has_a_limit(http: httpx.Client, tokens: dict[str, str]) -> None:
    answer = http.get("/jobs", params={"limit": 10**9}, headers=_bearer(tokens))
    assert answer.status_code == 422


def test_19_a_crooked_page_token_is_told(http: httpx.Client, tokens: dict[str, str]) -> None:
    for token in ("x", "' or 1=1--", "💥"):
        answer = http.get("/jobs", params={"next_token": token}, headers=_bearer(tokens))
        assert answer.status_code == 422


def test_16_an_error_is_json_and_is_not_sniffed(http: httpx.Client, tokens: dict[str, str]) -> None:
    name = "<img src=x onerror=alert(1)>"
    answer = http.get(f"/jobs/{name}", headers=_bearer(tokens))
    assert answer.status_code == 404
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("token", ["aimass_", "aimass_x", "aimass_" + "A" * 43, "aimass_'--"])
def test_11_a_token_that_was_never_made_is_refused(http: httpx.Client, token: str) -> None:
    answer = http.get("/whoami", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_11_a_revoked_token_is_refused_at_once(http: httpx.Client, client: Client) -> None:
    token = client.tokens.create("short", role="viewer")
    headers = {"Authorization": f"Bearer {token.value}"}
    assert http.get("/whoami", headers=headers).status_code == 200
    client.tokens.revoke(token.id)
    assert http.get("/whoami", headers=headers).status_code == 401


def _bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['admin']}"}


@contextmanager
def _logged_in(server: Server) -> Iterator[httpx.Client]:
    """A browser with a Jupyter login cookie."""
    found = re.search(r"token=([0-9a-f]+)", server.log)
    assert found
    with httpx.Client(trust_env=False, follow_redirects=False, timeout=60) as browser:
        answer = browser.get(f"{server.url}/login?token={found[1]}")
        assert answer.status_code in (200, 302)
        assert browser.cookies
        yield browser
