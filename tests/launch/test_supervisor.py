"""The supervisor with ordinary programs: records, stop, logs, nothing left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_jupyter.contract.jobs import Cause
from aimass_jupyter.host import (
    ProcessIdentity,
    is_alive,
    is_locked,
    read_record,
    send_signal,
    write_record,
)
from tests.launch.conftest import PATIENCE_SECONDS, Launched, until

Command = Callable[..., Launched]
FOREVER = "import time; time.sleep(600)"
IGNORES_TERM = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    f"print('up', flush=True); {FOREVER}"
)
SHEDS_ITS_MARKER = (
    "import subprocess; "
    "print(subprocess.Popen(['sleep', '600'], env={}, start_new_session=True).pid, flush=True)"
)


def test_a_success_is_recorded(command: Command) -> None:
    record = command("print('hello')").run()
    assert (record["code"], record["signal"]) == (0, None)
    assert Cause.model_validate(record["cause"]).code == "finished"
    assert record["started_at"] <= record["ended_at"]


def test_output_goes_to_the_log(command: Command) -> None:
    launched = command("import sys; print('out'); print('err', file=sys.stderr)")
    launched.run()
    assert sorted(launched.log("process.log").split()) == ["err", "out"]


def test_an_error_is_told_by_its_last_line(command: Command) -> None:
    launched = command("for i in range(40): print(i)\nraise ValueError('no such thing')")
    record = launched.run()
    assert record["code"] == 1
    assert record["cause"]["code"] == "error"
    assert record["cause"]["message"] == "ValueError: no such thing"
    assert len(record["cause"]["last_lines"]) == 20


def test_a_neighbour_whose_name_is_no_text_changes_nothing(
    command: Command, oddly_named: subprocess.Popen[bytes]
) -> None:
    assert command("pass").run()["cause"]["code"] == "finished"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("MemoryError()", "out-of-memory"),
        ("OSError(28, 'No space left on device')", "disk-full"),
        ("RuntimeError('other')", "error"),
    ],
)
def test_memory_and_disk_are_told_from_other_errors(
    command: Command, raised: str, code: str
) -> None:
    assert command(f"raise {raised}").run()["cause"]["code"] == code


def test_a_signal_is_recorded(command: Command) -> None:
    record = command("import os; os.kill(os.getpid(), 9)").run()
    assert (record["code"], record["signal"]) == (None, "SIGKILL")
    assert record["cause"]["code"] == "signal"
    assert "SIGKILL" in record["cause"]["message"]


def test_a_program_that_is_not_there(launched: Launched) -> None:
    launched.order({"kind": "command", "argv": ["/no/such/program"]})
    cause = launched.run()["cause"]
    assert cause["code"] == "not-started"
    assert "'/no/such/program'" in cause["message"]


@pytest.mark.parametrize(
    ("launch", "said"),
    [
        ({"kind": "parcel"}, "kind 'parcel' is unknown"),
        ({"kind": "command"}, "argv"),
        ({"kind": "job"}, "spec.json is missing"),
        ({"kind": "command", "argv": ["true"], "marker": "nonsense"}, "is no marker"),
    ],
)
def test_a_wrong_order_is_named(launched: Launched, launch: dict[str, object], said: str) -> None:
    launched.order(launch)
    cause = launched.run()["cause"]
    assert cause["code"] == "not-started"
    assert said in cause["message"]


def test_children_carry_the_marker_and_the_environment(command: Command) -> None:
    code = "import os; print(os.environ['AIMASS_JOB_ID'], os.environ['COLOUR'], os.getcwd())"
    launched = command(code, environment={"COLOUR": "red"}, cwd="/")
    launched.run()
    assert launched.log("process.log").split() == [launched.marker.split("=")[1], "red", "/"]


def test_it_says_who_it_is_and_holds_its_lock(command: Command) -> None:
    launched = command(FOREVER)
    supervisor = launched.start()
    started = until(lambda: read_record(launched.folder / "started.json"))
    identity = ProcessIdentity.from_record(started["identity"])
    assert identity.pid == supervisor.pid
    assert is_alive(identity)
    assert is_locked(launched.folder / "lock")
    assert started["marker"] == launched.marker
    supervisor.terminate()
    supervisor.wait()
    assert not is_locked(launched.folder / "lock")


def test_starting_it_twice_is_harmless(command: Command) -> None:
    launched = command(FOREVER)
    first = launched.start()
    until(launched.processes)
    assert launched.start().wait() == 3
    assert len(launched.processes()) == 1
    first.terminate()
    first.wait()
    assert launched.start().wait() == 3
    assert launched.processes() == []


def test_only_one_of_many_takes_the_folder(command: Command) -> None:
    launched = command("print('once')")
    codes = sorted(supervisor.wait() for supervisor in [launched.start() for _ in range(6)])
    assert codes == [0, 3, 3, 3, 3, 3]
    assert launched.log("process.log") == "once\n"


def test_a_stop_names_who_asked(command: Command) -> None:
    launched = command(FOREVER)
    supervisor = launched.start()
    until(launched.processes)
    write_record(launched.folder / "stop.json", {"by": "ada"})
    supervisor.send_signal(signal.SIGTERM)
    supervisor.wait()
    assert launched.cause["code"] == "stopped"
    assert launched.cause["message"] == "stopped by ada"
    assert launched.exit_record["signal"] == "SIGTERM"


def test_the_file_alone_stops_it(command: Command) -> None:
    launched = command(FOREVER)
    supervisor = launched.start()
    until(launched.processes)
    write_record(launched.folder / "stop.json", {"by": "ada"})
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["code"] == "stopped"


def test_a_stop_before_the_start_starts_nothing(command: Command) -> None:
    launched = command("print('ran')")
    write_record(launched.folder / "stop.json", {"by": "ada"})
    assert launched.run()["cause"]["code"] == "stopped"
    assert launched.log("process.log") == ""


def test_what_ignores_the_stop_is_killed(command: Command) -> None:
    launched = command(IGNORES_TERM, grace_seconds=0.3)
    supervisor = launched.start()
    until(lambda: "up" in launched.log("process.log"))
    supervisor.terminate()
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.exit_record["signal"] == "SIGKILL"
    assert launched.cause["code"] == "stopped"


def test_a_stopped_process_is_killed_too(command: Command) -> None:
    launched = command(FOREVER, grace_seconds=0.3)
    supervisor = launched.start()
    (process,) = until(launched.processes)
    send_signal(process, signal.SIGSTOP)
    supervisor.terminate()
    supervisor.wait(PATIENCE_SECONDS)
    assert not is_alive(process)


def test_what_left_the_session_is_ended(command: Command) -> None:
    code = (
        f"import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True); {FOREVER}"
    )
    launched = command(code)
    supervisor = launched.start()
    processes = until(lambda: len(found := launched.processes()) == 2 and found)
    supervisor.terminate()
    supervisor.wait(PATIENCE_SECONDS)
    assert not any(is_alive(process) for process in processes)


def test_what_shed_its_marker_is_ended(command: Command) -> None:
    launched = command(SHEDS_ITS_MARKER)
    launched.run()
    assert not Path("/proc", launched.log("process.log").strip()).exists()


def test_a_command_that_leaves_a_child_ends_with_it(command: Command) -> None:
    launched = command("import subprocess; subprocess.Popen(['sleep', '600'])")
    assert launched.run()["cause"]["code"] == "finished"
    assert launched.processes() == []


def test_supervising_is_quick_to_start_and_imports_little() -> None:
    code = "import sys, aimass_jupyter.launch.supervisor; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"torch", "numpy", "pydantic", "pyarrow", "asyncio"} & set(modules)


def test_what_an_earlier_attempt_said_is_forgotten(command: Command) -> None:
    launched = command("raise ValueError('now')")
    record = {"rank": 0, "type": "E", "message": "then", "disconnected": False, "time": 1.0}
    write_record(launched.folder / "failure-rank-0.json", record)
    assert launched.run()["cause"]["message"] == "ValueError: now"


@pytest.mark.faults
def test_a_full_disk_is_the_cause_and_is_still_recorded(command: Command) -> None:
    launched = command("open('big', 'wb').write(bytes(1 << 24))")
    cause = launched.run_on_small_disk(megabytes=4)["cause"]
    assert cause["code"] == "disk-full"
    assert "[Errno 28]" in cause["message"]
