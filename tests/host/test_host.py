"""Identities, locks and records of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aimass_jupyter.host import (
    FileLock,
    identify,
    is_alive,
    is_locked,
    make_durable,
    marked_processes,
    read_record,
    send_signal,
    stop_marked,
    write_record,
)

HOLD = """
import sys, time
from pathlib import Path
from aimass_jupyter.host import FileLock
FileLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_lock_is_held_by_one_and_let_go_by_a_death(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLD,
            str(path),
        ],
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(path)
        assert not FileLock(path).acquire()
        holder.kill()
    assert not is_locked(path)
    with FileLock(path) as lock:
        assert lock.held
        assert is_locked(path)
    assert not is_locked(path)


def test_asking_whether_a_lock_is_held_keeps_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    asking = threading.Event()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            is_locked(path)
            asking.set()

    asker = threading.Thread(target=ask)
    asker.start()
    asking.wait()
    try:
        for _ in range(2000):
            with FileLock(path):
                pass
    finally:
        done.set()
        asker.join()


def test_no_file_is_no_lock(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "none")


def test_a_process_is_known_by_more_than_its_pid() -> None:
    process = subprocess.Popen(["sleep", "60"])
    identity = identify(process.pid)
    assert identity is not None
    assert is_alive(identity)
    assert send_signal(identity, signal.SIGKILL)
    process.wait()
    assert not is_alive(identity)
    assert not send_signal(identity, signal.SIGTERM)
    assert identify(process.pid) is None


def test_a_name_that_the_kernel_cut_in_a_letter_is_no_hindrance(
    oddly_named: subprocess.Popen[bytes],
) -> None:
    identity = identify(oddly_named.pid)
    assert identity is not None
    assert is_alive(identity)


def test_what_left_the_session_and_ignores_term_is_ended_by_its_marker() -> None:
    code = (
        "import os, signal, subprocess, time; os.setsid();"
        "child = subprocess.Popen(['sleep', '60'], env={}, start_new_session=True);"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    mark = f"of-{os.getpid()}"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"AIMASS_TEST_MARK": mark},
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        shed = identify(int(process.stdout.readline()))
        assert shed is not None
        assert [p.pid for p in marked_processes("AIMASS_TEST_MARK", mark)] == [process.pid]
        began = time.monotonic()
        assert stop_marked("AIMASS_TEST_MARK", mark, grace_seconds=0.3) == 1
        assert time.monotonic() - began < 30  # it would end by itself after 60
        assert process.wait() == -signal.SIGKILL
        assert not is_alive(shed), "what shed the marker goes with what started it"


def test_a_record_is_whole_private_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(path, {"a": 1})
    write_record(path, {"a": 2})
    assert read_record(path) == {"a": 2}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["record.json"]
    assert read_record(tmp_path / "none") is None
    with pytest.raises(ValueError, match="Out of range"):
        write_record(path, {"a": float("nan")})
    assert read_record(path) == {"a": 2}


def test_a_record_in_haste_is_whole_too_and_made_durable_later(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_record(path, {"a": 1}, durable=False)
    assert read_record(path) == {"a": 1}
    make_durable(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["record.json"]
    with pytest.raises(FileNotFoundError):
        make_durable(path, tmp_path / "none")
