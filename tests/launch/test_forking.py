"""Forks: whatever their parent has, they begin as a fresh process would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aimass_jupyter.contract.errors import Failed
from aimass_jupyter.host import marked_processes
from aimass_jupyter.launch.freshness import Freshness
from aimass_jupyter.launch.marking import ROOM, marked
from aimass_jupyter.launch.order import Marker

LEAVES_TRACES = """
import json, os, random, signal, sys
from pathlib import Path
import numpy, torch
from aimass_jupyter.launch.forking import Newborn, fork
from aimass_jupyter.launch.preload import use_threads

folder = Path(sys.argv[1])
secret = open(folder / 'secret', 'w')
os.environ['TRACE'] = 'left'
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
random.seed(1), numpy.random.seed(1), torch.manual_seed(1)

def tell(name):
    found = {
        'environment': dict(os.environ), 'cwd': os.getcwd(),
        'name': Path('/proc/self/comm').read_text().strip(),
        'descriptors': sorted(
            int(d.name) for d in list(Path('/proc/self/fd').iterdir()) if d.exists()
        ),
        'term': signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        'child': signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL,
        'blocked': len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        'random': random.random(), 'numpy': numpy.random.random(), 'torch': float(torch.rand(())),
    }
    use_threads(2)
    found['threads'] = torch.get_num_threads()
    (folder / name).write_text(json.dumps(found))

for name in ('first', 'second'):
    newborn = Newborn('aimass-' + name, {'OWN': name}, folder)
    fork(newborn, lambda name=name: tell(name))
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""
FORKS_MARKED = """
import os, sys
from aimass_jupyter.launch.marking import marked
from aimass_jupyter.launch.order import Marker

with marked(Marker.parse(sys.argv[1])):
    pid = os.fork()
    if not pid:
        sys.stdin.read()
        os._exit(0)
print(pid, flush=True)
os.waitpid(pid, 0)
"""
ENDS = """
import atexit, os, sys, threading, time, weakref
import torch.library  # its finalizers are left alone, not those of others
from pathlib import Path
from aimass_jupyter.launch.forking import Newborn, fork

def end():
    print('said', end='')
    file = open('file', 'w')
    file.write('never closed')
    globals()['kept'] = file
    atexit.register(lambda: Path('at-exit').touch())
    globals()['finalizer'] = weakref.finalize(file, lambda: Path('finalized').touch())
    threading.Thread(target=lambda: (time.sleep(0.2), Path('thread').touch())).start()
    sys.exit(7)

pid = fork(Newborn('child', dict(os.environ), Path.cwd()), end)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What two forks of a process that left traces found."""
    folder = tmp_path_factory.mktemp("forks")
    subprocess.run([sys.executable, "-c", LEAVES_TRACES, str(folder)], check=True, timeout=60)
    return [json.loads((folder / name).read_text()) for name in ("first", "second")]


def test_a_fork_has_its_own_environment_folder_and_name(forks: list[dict[str, Any]]) -> None:
    assert [fork["environment"]["OWN"] for fork in forks] == ["first", "second"]
    assert all("TRACE" not in fork["environment"] for fork in forks)
    assert [fork["name"] for fork in forks] == ["aimass-first", "aimass-second"]
    assert Path(forks[0]["cwd"], "first").exists()


def test_a_fork_has_no_open_file_of_its_parent(forks: list[dict[str, Any]]) -> None:
    assert {tuple(fork["descriptors"]) for fork in forks} == {(0, 1, 2)}


def test_a_fork_has_no_signal_handler_of_its_parent(forks: list[dict[str, Any]]) -> None:
    for fork in forks:
        assert fork["term"]
        assert fork["child"]
        assert fork["blocked"] == 0


@pytest.mark.parametrize("library", ["random", "numpy", "torch"])
def test_no_two_forks_draw_the_same(forks: list[dict[str, Any]], library: str) -> None:
    first, second = forks
    assert first[library] != second[library]


def test_a_fork_may_use_threads_though_its_parent_has_one(forks: list[dict[str, Any]]) -> None:
    assert [fork["threads"] for fork in forks] == [2, 2]


def test_a_fork_ends_as_the_interpreter_does(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert done.stdout == "said7\n"
    assert (tmp_path / "file").read_text() == "never closed"
    assert (tmp_path / "at-exit").exists()
    assert (tmp_path / "finalized").exists()
    assert (tmp_path / "thread").exists()


def test_a_fork_is_born_with_the_marker_and_its_parent_has_none(tmp_path: Path) -> None:
    marker = Marker(ROOM.name, f"job_{os.urandom(13).hex().upper()}")
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS_MARKED, str(marker)], env=os.environ | {ROOM.name: ROOM.value},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout
        child = int(process.stdout.readline())
        assert [found.pid for found in marked_processes(marker.name, marker.value)] == [child]
        assert process.pid in [found.pid for found in marked_processes(ROOM.name, ROOM.value)]
        assert process.stdin
        process.stdin.close()


@pytest.mark.parametrize("value", [f"job_{'1' * 26}", "short"])
def test_a_process_without_room_says_so(value: str) -> None:
    with (
        pytest.raises(Failed, match=f"no room for {ROOM.name}={value}"),
        marked(Marker(ROOM.name, value)),
    ):
        pass


def test_an_edited_module_and_a_new_package_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    fresh = Freshness.now()
    assert fresh.lost() == ""
    (tmp_path / "package-1.0.dist-info").mkdir()
    os.utime(tmp_path, ns=(1, 1))
    assert str(tmp_path) in fresh.lost()
