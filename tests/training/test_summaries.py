"""Every kind of summary, read back by TensorBoard's own reader and plug-ins."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.pr_curve import metadata as pr_metadata
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.util.tensor_util import make_ndarray

from aimass_jupyter.evaluation import classification_report
from aimass_jupyter.evaluation.separation import threshold_counts
from aimass_jupyter.training.events import EventWriter
from aimass_jupyter.training.summaries import as_bytes, png


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0, "histograms": 0}).Reload()


def test_tensorboard_reads_a_histogram(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    writer = EventWriter(tmp_path)
    writer.histogram("weights/0", np.append(values, [math.nan, math.inf]), 3)
    writer.histogram("nothing", np.array([]), 3)
    writer.close()
    (found,) = read(tmp_path).Histograms("weights/0")
    told = found.histogram_value
    assert (found.step, told.num, sum(told.bucket)) == (3, 1000, 1000)
    assert (told.min, told.max) == (values.min(), values.max())
    assert told.sum == pytest.approx(values.sum(dtype=np.float64))
    counts, edges = np.histogram(values.astype(np.float64), 30)
    assert told.bucket_limit == pytest.approx(list(edges[1:]))
    assert told.bucket == list(counts)
    assert read(tmp_path).Histograms("nothing")[0].histogram_value.num == 0


@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 3, 4])),
    )
)
def test_an_image_is_what_another_library_decodes(pixels: Any) -> None:
    decoded = np.asarray(Image.open(io.BytesIO(png(pixels))))
    assert np.array_equal(decoded.reshape(pixels.shape), pixels)


def test_tensorboard_reads_an_image_and_a_wrong_shape_is_told(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    writer.image("samples/first", np.linspace(0, 1, 12).reshape(3, 4), 7)
    with pytest.raises(ValueError, match=r"not \(2, 2, 9\)"):
        writer.image("samples/first", np.zeros((2, 2, 9)), 8)
    writer.close()
    (found,) = read(tmp_path).Images("samples/first")
    assert (found.step, found.width, found.height) == (7, 4, 3)
    shown = np.asarray(Image.open(io.BytesIO(found.encoded_image_string)))
    assert np.array_equal(shown, as_bytes(np.linspace(0, 1, 12).reshape(3, 4))[:, :, 0])


def test_an_image_may_have_its_channels_first_and_may_be_a_mask() -> None:
    last = np.random.default_rng(1).random((6, 8, 3))
    assert np.array_equal(as_bytes(np.moveaxis(last, 2, 0)), as_bytes(last))
    assert as_bytes(np.array([[True, False]]))[:, :, 0].tolist() == [[255, 0]]


def test_the_text_plug_in_reads_a_text(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    writer.text("notes/first", "a **bold** <script>", 1)
    writer.close()
    events = read(tmp_path)
    assert "notes/first" in events.PluginTagToContent(text_metadata.PLUGIN_NAME)
    (found,) = events.Tensors("notes/first")
    assert make_ndarray(found.tensor_proto).tolist() == [b"a **bold** <script>"]


def test_the_pr_curve_plug_in_reads_a_curve(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    positive = rng.random(500) < 0.3
    scores = np.clip(0.3 * positive + 0.7 * rng.random(500), 0, 1)
    rows = threshold_counts(scores, positive, 11)
    writer = EventWriter(tmp_path)
    writer.pr_curve("precision_recall/yes", rows, 5)
    writer.close()
    events = read(tmp_path)
    content = events.PluginTagToContent(pr_metadata.PLUGIN_NAME)["precision_recall/yes"]
    assert pr_metadata.parse_plugin_metadata(content).num_thresholds == 11
    told = make_ndarray(events.Tensors("precision_recall/yes")[0].tensor_proto)
    for at, threshold in enumerate(np.linspace(0, 1, 11)):
        said = np.floor(scores * 10) / 10 >= threshold - 1e-9
        right, wrong = (said & positive).sum(), (said & ~positive).sum()
        assert told[:4, at].tolist() == [right, wrong, (~said & ~positive).sum(),
                                         (~said & positive).sum()]  # fmt: skip
        assert told[5, at] == pytest.approx(right / positive.sum())


def test_the_hparams_plug_in_reads_how_a_run_began_and_ended(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    params = {"epochs": 3, "rate": 0.5, "batch_norm": True, "optimizer": "adamw", "clip": None}
    writer.begin(params, "digits")
    writer.end(succeeded=False)
    writer.close()
    contents = read(tmp_path).PluginTagToContent("hparams")
    parse = plugin_data_pb2.HParamsPluginData.FromString
    start = parse(contents["_hparams_/session_start_info"]).session_start_info
    assert start.group_name == "digits"
    assert start.hparams["epochs"].number_value == 3
    assert start.hparams["batch_norm"].bool_value is True
    assert start.hparams["optimizer"].string_value == "adamw"
    assert start.hparams["clip"].string_value == ""
    end = parse(contents["_hparams_/session_end_info"]).session_end_info
    assert end.status == 2  # failure
    assert end.end_time_secs >= start.start_time_secs


def test_a_report_draws_each_class_and_of_two_the_second() -> None:
    three = np.eye(3)[[0, 1, 2, 0]]
    assert set(classification_report(three, np.array([0, 1, 2, 1]), "abc").separations) == set(
        "abc"
    )
    two = np.array([[0.9, 0.1], [0.2, 0.8]])
    report = classification_report(two, np.array([0, 1]), ["no", "yes"])
    assert list(report.separations) == ["yes"]
    assert "separations" not in report.as_record()
    many = np.full((2, 50), 0.02)
    assert (
        classification_report(many, np.array([0, 1]), [str(i) for i in range(50)]).separations == {}
    )


def test_a_value_too_large_for_a_float_is_infinite_and_a_step_may_be_any_integer(
    tmp_path: Path,
) -> None:
    writer = EventWriter(tmp_path)
    for step, value in ((-5, 1e300), (2**40, -1e300), (1, 1.0)):
        writer.add("loss", value, step)
    writer.close()
    points = read(tmp_path).Scalars("loss")
    assert {(point.step, point.value) for point in points} >= {(1, 1.0)}
    assert math.inf in [point.value for point in points]


def test_a_large_summary_is_written_at_once(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    (path,) = tmp_path.iterdir()
    writer.text("words", "x" * 90_000, 0)
    writer.flush()
    assert path.stat().st_size > 90_000
    writer.close()
