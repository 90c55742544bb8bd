"""The client: the operation table as Python methods."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
from pydantic import BaseModel, ValidationError

from aimass_jupyter.client import discovery, starting
from aimass_jupyter.client.answers import error_of, not_understood, version_in
from aimass_jupyter.client.discovery import Address
from aimass_jupyter.client.files import refused, send_files
from aimass_jupyter.client.objects import bind
from aimass_jupyter.client.packing import packed
from aimass_jupyter.client.stream import follow
from aimass_jupyter.client.values import as_json, refuse_what_json_lacks
from aimass_jupyter.contract.errors import AimassError, Conflict, InvalidRequest, Unavailable
from aimass_jupyter.contract.events import Event
from aimass_jupyter.contract.ids import ulid
from aimass_jupyter.contract.job_course import JobUpdate
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.operation import Operation
from aimass_jupyter.contract.table import API_ROOT, OPERATIONS
from aimass_jupyter.contract.uploads import Upload
from aimass_jupyter.contract.validation import build

TIMEOUT = httpx.Timeout(connect=5, read=700, write=700, pool=5)
RETRY_SECONDS = 10.0
LONG_POLL_SECONDS = 10.0


def connect(url: str | None = None, token: str | None = None) -> Client:
    """A client of the control plane; one is started on this machine when none is found.

    Raises
    ------
    Unavailable
        When none answers and none can be started.
    """
    if url:
        return Client(Address(url.rstrip("/"), token or ""))
    return Client(_find_or_start(), find=discovery.find)


def _find_or_start() -> Address:
    folder = discovery.data_folder()
    with starting.usable(folder):
        if (found := discovery.find()) is not None:
            return found
        owner = starting.up(folder)
        return Address(owner.url, owner.token_file.read_text().strip())


class Client:
    """A connection to one control plane.

    ``client.<noun>.<verb>(…)`` is the operation ``<noun>.<verb>``; ``import`` is ``import_``.

    Parameters
    ----------
    address
        Where the control plane answers.
    find
        Finds it again when it does not answer there any more, or does not know our token: then
        it was started again.

    Examples
    --------
    >>> client = connect()
    >>> client.datasets.import_("digits")
    >>> job = client.jobs.submit(dataset="digits", algorithm="classification", np=2)
    >>> client.wait(job.id).state
    'succeeded'
    """

    def __init__(self, address: Address, find: Callable[[], Address | None] = lambda: None) -> None:
        self._find = find
        self._http = httpx.Client(timeout=TIMEOUT, trust_env=False)
        self._move_to(address)

    def _move_to(self, address: Address) -> None:
        self._address = address
        self._http.headers["Authorization"] = f"Bearer {address.token}"

    @property
    def url(self) -> str:
        """Where the control plane answers."""
        return self._address.url

    def __getattr__(self, noun: str) -> Namespace:
        if noun not in OPERATIONS.nouns:
            raise AttributeError(
                f"there is no noun '{noun}'; there are {', '.join(OPERATIONS.nouns)}"
            )
        return Namespace(self, noun)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *OPERATIONS.nouns]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, operation: Operation, arguments: dict[str, Any]) -> Any:
        """Run an operation.

        Parameters
        ----------
        arguments
            Values of the request's fields; a local file stands for its bytes.

        Returns
        -------
        pydantic.BaseModel or bytes
            The response; bytes for a download.

        Raises
        ------
        AimassError
            Whatever the control plane, or the check of the arguments, finds wrong.
        """
        if operation.name == "jobs.submit":
            arguments = packed(arguments)
        fields = send_files(self, operation, as_json(arguments))
        if operation.body == "bytes":
            if not fields.get("filename"):
                example = f"for example: {operation.examples[0]}"
                raise InvalidRequest(f"'{operation.name}' needs a file", example)
            path = Path(str(fields["filename"]))
            return self._send_file(operation, fields | {"filename": path.name}, path)
        request = build(operation, fields)
        values = request.model_dump(mode="json", exclude_unset=True)
        response = self._send(operation, values)
        if operation.reply == "bytes":
            return response.content
        return self._read(operation, response)

    def train(
        self,
        source: Callable[[Any], Any] | str | Path | None = None,
        *,
        files: Iterable[str | Path] = (),
        **arguments: Any,
    ) -> Job:
        """Train: a function that takes ``run``, a script, or an algorithm on a dataset.

        Parameters
        ----------
        source
            A function, or the path of a script; none to train an algorithm.
        files
            Files and folders that travel with own code.
        arguments
            Fields of ``jobs.submit``; all others are parameters, ``lr=0.1`` is ``run.params.lr``.

        Examples
        --------
        >>> connect().train(train, dataset="digits", np=2, lr=0.1)
        """
        operation = OPERATIONS["jobs.submit"]
        given = arguments.pop("params", {})
        others = {n: arguments.pop(n) for n in list(arguments) if n not in operation.fields}
        params = {"params": {**given, **others}} if given or others else {}
        source_given = {} if source is None else {"source": source}
        return cast(Job, self.call(operation, packed(source_given | arguments | params, files)))

    def upload(self, path: Path) -> str:
        """Send a file's bytes; returns the upload's id."""
        operation = OPERATIONS["uploads.create"]
        return cast(Upload, self._send_file(operation, {"filename": path.name}, path)).id

    def upload_content(self, filename: str, content: bytes) -> str:
        """Send bytes that lie in no file; returns the upload's id."""
        operation = OPERATIONS["uploads.create"]
        return cast(Upload, self.send_bytes(operation, {"filename": filename}, content)).id

    def send_bytes(
        self, operation: Operation, fields: dict[str, Any], content: Any, **how: Any
    ) -> Any:  # fmt: skip
        """Run an operation that takes bytes.

        Parameters
        ----------
        content
            The bytes, or a file that is open for reading.
        how
            For the exchange, such as ``timeout`` in seconds.
        """
        values = build(operation, fields).model_dump(mode="json", exclude_unset=True)
        rest = {name: v for name, v in values.items() if name not in operation.path_fields}
        path = operation.path_for(values)
        response = self._exchange(operation.method, path, params=rest, content=content, **how)
        return self._read(operation, response)

    def _send_file(self, operation: Operation, fields: dict[str, Any], path: Path) -> Any:
        try:
            file = path.open("rb")
        except OSError as error:
            raise refused(error, path) from error
        with file:
            return self.send_bytes(operation, fields, file)

    def knock(self, path: str, headers: dict[str, str]) -> int:
        """What a path of the server answers, told by its status alone."""
        with self._http.stream("GET", self.url + path, headers=headers, timeout=10) as response:
            return response.status_code

    def wait(self, job: str, on_update: Callable[[JobUpdate], None] = lambda update: None) -> Job:
        """Wait until a job has ended; an interrupt stops the waiting, not the job.

        Parameters
        ----------
        on_update
            Told what is new, as it comes.
        """
        for update in self.updates(job):
            on_update(update)
        return update.job

    def updates(self, job: str) -> Iterator[JobUpdate]:
        """What is new of a job, from its beginning until it has ended and all was told."""
        cursor, gave_up = "", None
        while True:
            try:
                update = cast(
                    JobUpdate,
                    self.jobs.attach(job=job, cursor=cursor, wait_seconds=LONG_POLL_SECONDS),
                )
            except Unavailable:  # the server is being started again
                gave_up = gave_up or time.monotonic() + 60
                if time.monotonic() > gave_up:
                    raise
                time.sleep(1)
                continue
            cursor, gave_up = update.cursor, None
            yield update
            if update.end:
                return

    def follow_events(self, after: int | None = None) -> Iterator[Event]:
        """Follow what happens; reconnects by itself and misses nothing."""
        try:
            yield from follow(self._open_stream, after)
        except ValidationError:
            raise self._not_understood("events.stream") from None

    def _open_stream(self, after: int | None) -> Any:
        self._moved()  # a stream that broke is taken up where the control plane is now
        params = {} if after is None else {"after": str(after)}
        return self._http.stream("GET", self.url + API_ROOT + "/events/stream", params=params)

    def _send(self, operation: Operation, values: dict[str, Any]) -> httpx.Response:
        path = operation.path_for(values)
        rest = {name: v for name, v in values.items() if name not in operation.path_fields}
        # a key, so that a retry cannot do it twice
        headers = {"Idempotency-Key": ulid()} if operation.changes else {}
        if operation.takes_json:
            try:
                return self._exchange(operation.method, path, json=rest, headers=headers)
            except ValueError:
                refuse_what_json_lacks(rest)
                raise
        query = {name: v for name, v in rest.items() if v is not None}
        return self._exchange(operation.method, path, params=query, headers=headers)

    def _exchange(self, method: str, path: str, **content: Any) -> httpx.Response:
        """One exchange; a control plane that was started again meanwhile is asked once more."""
        try:
            response = self._request(method, path, content)
        except httpx.TransportError as error:
            if not _repeatable(content) or not self._moved():
                raise _unreachable(self.url, error) from error
            return self._once_more(method, path, content)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._moved():
            return self._once_more(method, path, content)
        if response.is_error:
            raise error_of(response)
        return response

    def _once_more(self, method: str, path: str, content: dict[str, Any]) -> httpx.Response:
        try:
            response = self._request(method, path, content)
        except httpx.TransportError as error:
            raise _unreachable(self.url, error) from error
        if response.is_error:
            raise error_of(response)
        return response

    def _request(self, method: str, path: str, content: dict[str, Any]) -> httpx.Response:
        if self._http.is_closed:
            raise Conflict("this client has been closed", "aimass_jupyter.connect() gives another")
        try:
            return self._http.request(method, self.url + API_ROOT + path, **content)
        except UnicodeEncodeError as error:
            half = error.object[error.start]
            raise InvalidRequest(
                f"{half!r} is half of a letter, and no text may hold one", "send whole letters"
            ) from None

    def _read(self, operation: Operation, response: httpx.Response) -> BaseModel:
        try:
            answer = operation.response.model_validate_json(response.content)
        except ValidationError:
            raise self._not_understood(operation.name) from None
        bind(answer, self)
        return answer

    def _not_understood(self, operation: str) -> AimassError:
        """The error for an answer of another version; asks for that version."""
        status = self._exchange("GET", OPERATIONS["system.status"].path)
        return not_understood(operation, self.url, version_in(status))

    def _moved(self) -> bool:
        """Whether the control plane is to be found elsewhere, or under another token."""
        found = self._find()
        if found is None or found == self._address:
            return False
        self._move_to(found)
        return True


class Namespace:
    """The operations of one noun, as methods."""

    def __init__(self, client: Client, noun: str) -> None:
        self._client = client
        self._operations = {
            operation.verb.replace("import", "import_"): operation
            for operation in OPERATIONS.nouns[noun]
        }
        self._noun = noun

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        operation = self._operations.get(verb)
        if operation is None:
            verbs = ", ".join(self._operations)
            raise AttributeError(f"'{self._noun}' has no verb '{verb}'; there are {verbs}")
        return _method(self._client, operation)

    def __dir__(self) -> list[str]:
        return list(self._operations)


def _method(client: Client, operation: Operation) -> Callable[..., Any]:
    """An operation as a function with a signature and a docstring of its own."""
    positionals = operation.positionals

    def method(*values: Any, **arguments: Any) -> Any:
        if len(values) > len(positionals):
            raise TypeError(f"{operation.name} takes {len(positionals)} arguments without a name")
        return client.call(operation, dict(zip(positionals, values, strict=False)) | arguments)

    method.__name__ = operation.verb
    method.__doc__ = _docstring(operation)
    method.__signature__ = _signature(operation)  # type: ignore[attr-defined]
    return method


def _signature(operation: Operation) -> inspect.Signature:
    kinds = dict.fromkeys(operation.positionals, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [
        inspect.Parameter(
            name,
            kinds.get(name, inspect.Parameter.KEYWORD_ONLY),
            default=inspect.Parameter.empty if field.is_required() else field.get_default(),
            annotation=field.annotation,
        )
        for name, field in operation.fields.items()
    ]
    parameters.sort(key=lambda p: (p.kind, p.default is not inspect.Parameter.empty))
    return inspect.Signature(parameters, return_annotation=operation.response)


def _docstring(operation: Operation) -> str:
    lines = [f"    {name}: {field.description}" for name, field in operation.fields.items()]
    return "\n".join([operation.help, "", "Parameters:", *lines] if lines else [operation.help])


def _repeatable(content: dict[str, Any]) -> bool:
    """Whether it can be sent once more: a file was read up to somewhere."""
    return isinstance(content.get("content", b""), bytes)


def _unreachable(url: str, error: httpx.TransportError) -> Unavailable:
    return Unavailable(
        f"no control plane answers at {url}: {error}", "start one: aimass up", retry_after=1
    )
