"""Ranks that die, and jobs that go on all the same: from the newest checkpoint, in one curve."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable

import pytest

from aimass_jupyter.host import ProcessIdentity, read_beats, read_notices, read_record, send_signal
from tests.launch.conftest import PATIENCE_SECONDS, Launched, until

pytestmark = [pytest.mark.slow, pytest.mark.faults]

Job = Callable[..., Launched]
STEPS_AN_EPOCH = 23  # of the 1,437 rows to train on, 64 a step
EPOCHS = 20  # a second or so: not over before it is harmed


def steps_done(launched: Launched) -> int:
    """What the newest checkpoint says."""
    names = [path.name for path in (launched.folder / "checkpoints").glob("step-*")]
    return int(max(names).split("-")[1].split(".")[0]) if names else 0


def ended(launched: Launched) -> None:
    """Fail at once when it ended before it should."""
    assert not (launched.folder / "exit.json").exists(), launched.exit_record


def kill_rank(launched: Launched, number: int) -> tuple[ProcessIdentity, int, float]:
    """Kill a rank in the middle; who it was, how far the job was, when."""
    rank = launched.rank(number)  # looked for before: the job does not wait for us
    until(lambda: steps_done(launched) > 40 or ended(launched))
    done = steps_done(launched)
    send_signal(rank, signal.SIGKILL)
    return rank, done, time.monotonic()


def curve(launched: Launched) -> list[int]:
    """The steps of its loss, as TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(launched.folder / "tb"), {"scalars": 0})
    accumulator.Reload()
    return [point.step for point in accumulator.Scalars("loss/train")]


@pytest.mark.parametrize(
    ("engine", "np", "victim"), [("horovod", 2, 1), ("torchrun", 2, 0), ("single", 1, 0)]
)
def test_a_killed_rank_costs_at_most_one_interval(
    job: Job, engine: str, np: int, victim: int
) -> None:
    options = {"max_restarts": 2, "checkpoint_steps": 10}
    launched = job(engine, np, epochs=EPOCHS, architecture="linear", options=options)
    supervisor = launched.start()
    killed, done, at = kill_rank(launched, victim)
    until(lambda: (launched.folder / "restarts.json").exists())
    until(lambda: launched.rank(victim) != killed)
    until(lambda: steps_done(launched) > done + 10)
    assert time.monotonic() - at < 30
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["code"] == "finished", launched.cause
    restarts = read_record(launched.folder / "restarts.json")
    assert restarts is not None
    assert restarts["restarts"] == 1
    assert f"rank {victim} SIGKILL" in restarts["failures"][0]["message"]
    (notice,) = read_notices(launched.folder)
    assert f" on from the newest checkpoint: rank {victim} SIGKILL" in notice
    went_on = re.search(
        r"going on from the checkpoint after step ([\d,]+)", launched.log("rank-0.log")
    )
    assert went_on is not None
    assert int(went_on[1].replace(",", "")) >= done - 10
    assert curve(launched) == list(range(EPOCHS * STEPS_AN_EPOCH))


def test_restarts_end(job: Job) -> None:
    launched = job("horovod", 2, epochs=100_000, architecture="linear", options={"max_restarts": 1})
    supervisor = launched.start()
    first = kill_rank(launched, 0)[0]
    until(lambda: (launched.folder / "restarts.json").exists())
    until(lambda: launched.rank(0) != first)
    kill_rank(launched, 1)
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["code"] == "signal"
    assert "it is not started again: --max-restarts is 1" in launched.log("launcher.log")
    assert launched.processes() == []


def test_what_would_fail_again_is_not_tried_again(job: Job) -> None:
    launched = job("horovod", 2, label="no such column", options={"max_restarts": 5})
    launched.run()
    assert "no column" in launched.cause["message"]
    assert not (launched.folder / "restarts.json").exists()
    assert "the same would happen again" in launched.log("launcher.log")


def test_a_loss_that_is_no_number_ends_the_job_and_names_the_step(job: Job) -> None:
    launched = job(
        "torchrun", 2, optimizer="sgd", learning_rate=100.0, weight_decay=10.0, epochs=50,
        options={"max_restarts": 3},
    )  # fmt: skip
    launched.run()
    assert launched.cause["code"] == "not-a-number", launched.cause
    assert re.match(
        r"the loss of step [\d,]+ became (nan|inf) on rank [01]", launched.cause["message"]
    )
    assert not (launched.folder / "bundle.aimass").exists()
    assert not (launched.folder / "restarts.json").exists()


def test_an_elastic_job_goes_on_with_the_rank_that_is_left(job: Job) -> None:
    """torchrun: the world is made anew, one rank smaller, and no row is lost by it."""
    options = {"min_np": 1, "max_np": 2, "checkpoint_steps": 10}
    launched = job("torchrun", 2, epochs=EPOCHS, architecture="linear", options=options)
    supervisor = launched.start()
    kill_rank(launched, 1)
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["code"] == "finished", launched.cause
    assert "rank 0 of 1 on cpu" in launched.log("rank-0.log")
    assert curve(launched) == list(range(EPOCHS * STEPS_AN_EPOCH))


@pytest.mark.parametrize("engine", ["horovod", "torchrun"])
def test_a_stopped_rank_is_named_and_the_job_ends(job: Job, engine: str) -> None:
    options = {"stall_seconds": 4, "max_restarts": 0}
    launched = job(engine, 2, epochs=100_000, architecture="linear", options=options)
    supervisor = launched.start()
    until(lambda: steps_done(launched) > 40 or ended(launched))
    send_signal(launched.rank(1), signal.SIGSTOP)
    (notice,) = until(lambda: read_notices(launched.folder))
    assert re.match(r"stalled: (.* waits for )?rank 1 on \S+(; rank 1)? is stopped", notice)
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["code"] == "stalled", launched.cause
    assert launched.cause["rank"] == 1
    said = r"[\w'] of step [\d,]+ waits for rank 1 on \S+; rank 1 is stopped"
    assert re.search(said, launched.cause["message"]), launched.cause
    assert "the stack of every rank" in launched.log("launcher.log")
    assert "most recent call first" in launched.log("launcher.log")
    assert launched.processes() == []


def test_a_rank_that_goes_on_in_time_is_left_alone(job: Job) -> None:
    options = {"stall_seconds": 20}
    launched = job("horovod", 2, epochs=100_000, architecture="linear", options=options)
    supervisor = launched.start()
    until(lambda: steps_done(launched) > 40 or ended(launched))
    rank = launched.rank(0)
    send_signal(rank, signal.SIGSTOP)
    until(lambda: read_notices(launched.folder))
    send_signal(rank, signal.SIGCONT)
    before = steps_done(launched)
    until(lambda: steps_done(launched) > before)
    (notice,) = until(lambda: [n for n in read_notices(launched.folder) if "stood still" in n])
    assert re.match(r"stood still for \d+ s: rank 0 on \S+ is stopped", notice)
    assert read_notices(launched.folder) == [notice]
    supervisor.terminate()
    supervisor.wait(PATIENCE_SECONDS)


def test_a_stalled_job_is_restarted_when_it_may_be(job: Job) -> None:
    options = {"stall_seconds": 4, "max_restarts": 1, "checkpoint_steps": 10}
    launched = job("horovod", 2, epochs=EPOCHS, architecture="linear", options=options)
    supervisor = launched.start()
    rank = launched.rank(1)
    until(lambda: steps_done(launched) > 40 or ended(launched))
    send_signal(rank, signal.SIGSTOP)
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.cause["code"] == "finished", launched.cause
    restarts = read_record(launched.folder / "restarts.json")
    assert restarts is not None
    assert restarts["failures"][0]["code"] == "stalled"
    assert curve(launched) == list(range(EPOCHS * STEPS_AN_EPOCH))


def test_horovod_elastic_goes_on_in_the_rank_that_is_left(job: Job) -> None:
    """Not started again: the same process goes on, with what it holds, and no step is lost."""
    options = {"min_np": 1, "max_np": 2}
    launched = job("horovod", 2, epochs=80, architecture="linear", options=options)
    supervisor = launched.start()
    until(lambda: steps_done(launched) > 40 or ended(launched))
    survivor = launched.rank(1)
    send_signal(launched.rank(0), signal.SIGKILL)
    alone = [(0, survivor.pid)]
    until(
        lambda: (
            [(beat.rank, beat.pid) for beat in read_beats(launched.folder)] == alone
            or ended(launched)
        )
    )
    supervisor.wait(PATIENCE_SECONDS)
    assert "rank 0 of 1 on cpu" in launched.log("rank-0.log")
    assert launched.cause["code"] == "finished", launched.cause
    assert "those that are left go on: rank 0 SIGKILL" in read_notices(launched.folder)[0]
    assert curve(launched) == list(range(80 * STEPS_AN_EPOCH))


def test_horovod_elastic_takes_in_a_new_rank(job: Job) -> None:
    options = {"min_np": 1, "max_np": 2, "max_restarts": 1}
    launched = job("horovod", 2, epochs=100_000, architecture="linear", options=options)
    supervisor = launched.start()
    until(lambda: steps_done(launched) > 40 or ended(launched))
    send_signal(launched.rank(1), signal.SIGKILL)
    until(lambda: "rank 0 of 1 on cpu" in launched.log("rank-0.log"))
    until(lambda: launched.log("rank-0.log").count("rank 0 of 2 on cpu") == 2)
    done = steps_done(launched)
    until(lambda: steps_done(launched) > done + 20)
    supervisor.terminate()
    supervisor.wait(PATIENCE_SECONDS)
    assert launched.processes() == []
