"""Layouts: another order in memory, the same network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load
from torch import Tensor

from aimass_jupyter.algorithms import build_network, hyperparameters_of
from aimass_jupyter.bundle import WEIGHTS, open_member
from aimass_jupyter.contract.jobs import JobSpec
from aimass_jupyter.training.checkpoint import Checkpoints, settings_digest
from aimass_jupyter.training.layout import channels_last, lay_out
from tests.training.conftest import MakeSpec, train_here, with_params

CPU = torch.device("cpu")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("rows", [0, 4])
def test_images_are_the_same_and_convolutions_follow_them(channels: int, rows: int) -> None:
    images = torch.randn(rows, channels, 8, 8)
    laid = channels_last(images)
    assert torch.equal(laid, images)
    outputs = torch.nn.Conv2d(channels, 4, 3)(laid)
    assert not rows or outputs.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("layout", "wanted"), [("contiguous", True), ("channels_last", False)])
def test_a_network_of_images_computes_as_it_is_told(layout: str, wanted: bool) -> None:
    network = build_network(hyperparameters_of("classification", {}), (1, 8, 8), 10)
    seen: list[Tensor] = []
    network[0].register_forward_hook(lambda layer, inputs, outputs: seen.append(outputs))
    lay_out(network, layout, CPU)
    network(torch.randn(4, 1, 8, 8))
    assert seen[0].is_contiguous() is wanted


def test_a_run_goes_on_in_another_layout_and_leaves_the_same(
    make_spec: MakeSpec, tmp_path: Path
) -> None:
    """Numbers are kept in the order of the network, not of the memory."""
    spec = make_spec("digits", epochs=2, batch_norm=True, optimizer="sgd", validation_fraction=0.8)
    wanted = kept_by(with_params(spec, layout="contiguous"), tmp_path)
    max((tmp_path / "checkpoints").iterdir()).unlink()
    found = kept_by(with_params(spec, layout="channels_last"), tmp_path)
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=1e-3)


def kept_by(spec: JobSpec, folder: Path) -> dict[str, Tensor]:
    """Train; all tensors of the model and of the last checkpoint."""
    train_here(spec, folder)
    newest = Checkpoints(folder / "checkpoints").newest()
    assert newest is not None
    assert newest.step == 12
    return load(open_member(folder / "bundle.aimass", WEIGHTS)) | newest.tensors


def test_a_layout_is_no_setting_of_what_is_learnt(make_spec: MakeSpec) -> None:
    """A checkpoint from before there were any is of the same settings."""
    spec = make_spec("digits")
    before = {name: value for name, value in spec.params.items() if name != "layout"}
    assert settings_digest(spec) == settings_digest(spec.model_copy(update={"params": before}))
    assert settings_digest(spec) != settings_digest(with_params(spec, epochs=3))
