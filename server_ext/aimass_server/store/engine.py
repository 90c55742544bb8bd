"""Runs functions over connections: one writer thread with group commit, a small pool of readers.

Before 3.51.3 SQLite could damage a WAL database that two connections wrote at once, so there is
one writer. A caller is answered after the commit that holds its write is on disk.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError

from aimass_jupyter.contract.errors import InsufficientStorage, Unavailable
from aimass_server.store.migrate import migrate

T = TypeVar("T")

READERS = 4
MAX_GROUP = 64
BUSY_SECONDS = 5
#: A larger file is not read whole at each start: a control plane is to answer soon, however many
#: runs it keeps, and SQLite before 3.41 cannot be stopped in the middle of a table.
CHECKED_BYTES = 1 << 26


@dataclass
class _Write:
    work: Callable[[Connection], Any]
    done: Future[Any]


class Store:
    """The database of one control plane.

    Parameters
    ----------
    path
        The SQLite file.
    on_commit
        Called on the writer thread after each commit, to wake whoever follows the events.
    """

    def __init__(self, path: Path, on_commit: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._on_commit = on_commit
        self._engine = _engine(path)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="aimass-read")
        self._queue: queue.Queue[_Write | None] = queue.Queue(maxsize=10_000)
        self._writer = threading.Thread(target=self._run, name="aimass-write", daemon=True)

    def open(self) -> None:
        """Migrate to the newest schema and start the writer.

        Raises
        ------
        Unavailable
            When the file is damaged or newer than this program.
        """
        try:
            with self._engine.connect() as connection:
                _check_integrity(connection, self.path)
                migrate(connection)
        except DatabaseError as error:
            if "full" in str(error.orig):
                raise InsufficientStorage(
                    f"no database could be made in {self.path.parent}: {error.orig}",
                    "free some space on that disk",
                ) from error
            raise Unavailable(
                f"the database {self.path} cannot be opened: {error.orig}",
                "restore it from a backup, or move it away to begin with an empty one",
            ) from error
        self._writer.start()

    def close(self) -> None:
        """Finish what is queued and close."""
        if self._writer.is_alive():
            self._queue.put(None)
            self._writer.join()
        self._readers.shutdown()
        self._engine.dispose()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a reading function on a snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a writing function in a transaction; returns when it is durable."""
        pending = _Write(work, Future())
        try:
            self._queue.put_nowait(pending)
        except queue.Full:
            raise Unavailable("too many changes are waiting", retry_after=1) from None
        result: T = await asyncio.wrap_future(pending.done)
        return result

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.connect() as connection:
                return work(connection)
        except OperationalError as error:
            raise _as_aimass_error(error) from error

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, ended = self._gather(first)
            self._commit(group)
            if ended:
                return

    def _gather(self, first: _Write) -> tuple[list[_Write], bool]:
        """The writes that are waiting now; they share one commit."""
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
        return group, False

    def _commit(self, group: list[_Write]) -> None:
        """Do a group of writes in one transaction; those that were given up are left out."""
        group = [write for write in group if write.done.set_running_or_notify_cancel()]
        results: list[tuple[_Write, Any]] = []
        try:
            with self._engine.connect() as connection:
                connection.execute(text("BEGIN IMMEDIATE"))
                results = [
                    (write, result) for write in group for result in _attempt(connection, write)
                ]
                connection.commit()
        except Exception as error:  # noqa: BLE001 - handed to everybody of the group
            for write in group:
                if not write.done.done():
                    write.done.set_exception(_as_aimass_error(error))
            return
        for write, result in results:
            write.done.set_result(result)
        self._on_commit()


def _attempt(connection: Connection, write: _Write) -> list[Any]:
    """Run one write in a savepoint, so that its failure leaves the others of the group alone."""
    try:
        with connection.begin_nested():
            return [write.work(connection)]
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to who asked for the write
        write.done.set_exception(error)
        return []


def _as_aimass_error(error: Exception) -> Exception:
    """Tell a full disk and a busy or read-only database from a fault of ours."""
    if not isinstance(error, OperationalError):
        return error
    reason = str(error.orig)
    if "full" in reason or "disk I/O" in reason:
        return InsufficientStorage(f"nothing was stored: {reason}", "free space on the disk")
    return Unavailable(f"the database cannot be written now: {reason}", retry_after=2)


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,  # an error must not log what was to be stored
        pool_size=READERS + 1,
    )
    event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: Any, _record: Any) -> None:
    """Set the PRAGMAs and see that they took."""
    connection.isolation_level = None  # transactions begin where we say so
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name}={value}").fetchall()
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        if found != value:
            raise RuntimeError(f"SQLite kept {name}={found}, wanted {value}")


def _check_integrity(connection: Connection, path: Path) -> None:
    """Look for damage; in a large file it is found when it is read."""
    if path.stat().st_size > CHECKED_BYTES:
        return
    found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
    if found != "ok":
        raise Unavailable(
            f"the database {path} is damaged: {found}",
            "restore it from a backup, or move it away to begin with an empty one",
        )
