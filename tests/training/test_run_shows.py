"""What own code shows of itself, read back by TensorBoard's own reader."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.training.engine import connect
from aimass_jupyter.training.place import Place
from aimass_jupyter.training.run import Run


def test_curves_histograms_images_texts_and_parameters(tmp_path: Path) -> None:
    spec = JobSpec(
        id="job_x", name="mine", engine="single", np=1, algorithm="code", params={"width": 3},
        seed=0, python="python",
    )  # fmt: skip
    run = Run(spec, tmp_path, connect("single", Place()))
    pixels = torch.arange(12, dtype=torch.uint8).reshape(3, 4)
    for step in range(3):
        run.log(step, loss__train=1.0 / (step + 1))
        run.histogram(step, weights=torch.ones(5, dtype=torch.bfloat16))
        run.image(step, sample=pixels)
        run.text(step, note="a *word*")
    run.finish()
    guidance = {"histograms": 0, "images": 0, "tensors": 0}
    events = EventAccumulator(str(tmp_path / "tb"), size_guidance=guidance).Reload()
    assert [point.value for point in events.Scalars("loss/train")][:2] == [1.0, 0.5]
    assert [found.histogram_value.num for found in events.Histograms("weights")] == [5, 5, 5]
    shown = Image.open(io.BytesIO(events.Images("sample")[-1].encoded_image_string))
    assert np.array_equal(np.asarray(shown), pixels.numpy())
    assert len(events.Tensors("note")) == 3
    content = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    assert start.hparams["width"].number_value == 3


def test_a_figure_is_taken_as_it_looks(tmp_path: Path) -> None:
    figures = pytest.importorskip("matplotlib.figure", reason="it is the notebook's, not ours")
    figure = figures.Figure(figsize=(3, 2), dpi=50)
    figure.add_subplot().plot([1, 2, 3])
    spec = JobSpec(
        id="job_x", name="mine", engine="single", np=1, algorithm="code", params={}, seed=0,
        python="python",
    )  # fmt: skip
    run = Run(spec, tmp_path, connect("single", Place()))
    run.image(0, plot=figure)
    run.finish()
    (found,) = EventAccumulator(str(tmp_path / "tb")).Reload().Images("plot")
    assert (found.width, found.height) == (150, 100)
