"""A run's last parameters are a state_dict of the equal torch.nn.Module, which then predicts what the run predicts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from runner.arrays import Array
from runner.backends.base import Backend
from runner.steps import batches
from tests.helpers import make_setup

from .process import run

COMMON = ["dtype=float64", "data.samples=12", "batch_size=4", "epochs=2", "lr=0.01", "record.gradients=false"]
IMAGES = [
    "data=shapes",
    "data.size=8",
    "target=given",
    "loss=cross_entropy",
    "architecture=sequential",
    "architecture.layers=[{layer: conv2d,out_channels: 3,kernel_size: 3},{layer: batch_norm2d,name: norm},"
    "{layer: relu},{layer: flatten},{layer: linear,out: 4}]",
]
TOKENS = [
    "data=tokens",
    "data.length=5",
    "data.vocabulary=8",
    "target=given",
    "loss=cross_entropy",
    "architecture=sequential",
    "architecture.layers=[{layer: embedding,num_embeddings: 8,embedding_dim: 4},"
    "{layer: multi_head_attention,num_heads: 2},{layer: lstm,hidden_size: 6},{layer: linear,out: 8}]",
]


class Images(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.input_layer, self.norm = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3)
        self.hidden_layer_2 = nn.Linear(108, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z: torch.Tensor = self.hidden_layer_2(torch.relu(self.norm(self.input_layer(x))).flatten(1))
        return z


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.input_layer, self.hidden_layer_1 = nn.Embedding(8, 4), nn.MultiheadAttention(4, 2, batch_first=True)
        self.hidden_layer_2, self.hidden_layer_3 = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        e = self.input_layer(x)
        z: torch.Tensor = self.hidden_layer_3(self.hidden_layer_2(self.hidden_layer_1(e, e, e)[0])[0][:, -1])
        return z


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.input_layer, self.hidden_layer_1, self.hidden_layer_2 = (
            nn.Linear(2, 10),
            nn.Linear(10, 10),
            nn.Linear(10, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z: torch.Tensor = self.hidden_layer_2(torch.sigmoid(self.hidden_layer_1(torch.sigmoid(self.input_layer(x)))))
        return z


CASES: dict[str, tuple[list[str], Callable[[], nn.Module]]] = {
    "plain": ([], Plain),
    "tokens": (TOKENS, Tokens),
    "images": (IMAGES, Images),
}


def learnt(overrides: list[str]) -> tuple[Backend, Array, Array]:
    """The program's own pass at the end of the same run, and all of its samples."""
    setup = make_setup(*overrides)
    backend = setup.backends["scratch"].make("scratch", setup.problem, setup.dtype)
    backend.load(setup.initial)
    for x, y in batches(setup):
        backend.step(x, y, draws={})
        backend.update()
    return backend, setup.x, setup.y


@pytest.mark.parametrize("name", CASES)
def test_the_last_parameters_load_with_strict_and_predict_what_the_run_predicts(name: str, place: Path) -> None:
    overrides, build = CASES[name]
    done = run(place, *COMMON, *overrides, "record.plots=false")
    assert (done.code, done.err) == (0, "")
    state = load_file(done.run_folder / "parameters.safetensors")
    module = build().double()
    module.load_state_dict(
        {key.removeprefix("last/"): value for key, value in state.items() if key.startswith("last/")}, strict=True
    )
    backend, x, y = learnt([*COMMON, *overrides])
    wanted = backend.step(x, y, draws={}, training=False).prediction
    found = module.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)
