"""torch.manual_seed(seed) and a module written by hand give the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from runner.arrays import DTYPES, Shape
from runner.backends.tensors import to_numpy, torch_dtype
from runner.errors import ConfigError
from tests.helpers import make_setup, same_bits
from tests.init.networks import drawn, network_of, opaque
from tests.layers.examples import FOUND


class Residual(nn.Module):
    """Its parts are made in the order in which anyone writes them: the list, then the shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
        self.shortcut = nn.Sequential(nn.Linear(4, 3))


def linear(out: int, **keys: Any) -> dict[str, Any]:
    return {"layer": "linear", "out": out, **keys}


LSTM = {"layer": "lstm", "hidden_size": 7}
EMBEDDING = {"layer": "embedding", "num_embeddings": 20, "embedding_dim": 6}
BY_HAND: dict[str, tuple[list[dict[str, Any]], Shape, Callable[[], nn.Module]]] = {
    "linear": (
        [linear(10), {"layer": "sigmoid"}, linear(10, bias=False), {"layer": "relu"}, linear(1)],
        (2,),
        lambda: nn.Sequential(
            nn.Linear(2, 10), nn.Sigmoid(), nn.Linear(10, 10, bias=False), nn.ReLU(), nn.Linear(10, 1)
        ),
    ),
    "images": (
        [
            {"layer": "conv2d", "out_channels": 8, "kernel_size": 3, "groups": 2, "padding": 1},
            {"layer": "batch_norm2d"},
            {"layer": "relu"},
            {"layer": "max_pool2d", "kernel_size": 2},
            {"layer": "flatten"},
            {"layer": "dropout"},
            linear(3),
            {"layer": "batch_norm1d"},
        ],
        (4, 6, 6),
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, 3, padding=1, groups=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(),
            nn.Linear(72, 3),
            nn.BatchNorm1d(3),
        ),
    ),
    "conv1d": (
        [
            {"layer": "conv1d", "out_channels": 5, "kernel_size": 4, "bias": False},
            {"layer": "group_norm", "num_groups": 5},
        ],
        (3, 9),
        lambda: nn.Sequential(nn.Conv1d(3, 5, 4, bias=False), nn.GroupNorm(5, 5)),
    ),
    "lstm": (
        [EMBEDDING, LSTM, linear(2)],
        (5,),
        lambda: nn.ModuleList([nn.Embedding(20, 6), nn.LSTM(6, 7, batch_first=True), nn.Linear(7, 2)]),
    ),
    "padding": ([{**EMBEDDING, "padding_idx": 3}], (5,), lambda: nn.Sequential(nn.Embedding(20, 6, padding_idx=3))),
    "gru": (
        [{"layer": "gru", "hidden_size": 7, "output": "every"}, {"layer": "rnn", "hidden_size": 3, "bias": False}],
        (4, 6),
        lambda: nn.ModuleList([nn.GRU(6, 7), nn.RNN(7, 3, bias=False)]),
    ),
    "attention": (
        [{"layer": "multi_head_attention", "num_heads": 2}, {"layer": "layer_norm"}, {"layer": "rms_norm"}, linear(2)],
        (5, 8),
        lambda: nn.ModuleList(
            [nn.MultiheadAttention(8, 2, batch_first=True), nn.LayerNorm(8), nn.RMSNorm(8), nn.Linear(8, 2)]
        ),
    ),
    "attention_without_bias": (
        [{"layer": "multi_head_attention", "num_heads": 4, "bias": False}],
        (5, 8),
        lambda: nn.ModuleList([nn.MultiheadAttention(8, 4, bias=False)]),
    ),
    "residual": (
        [
            {"layer": "residual", "layers": [linear(6), {"layer": "relu"}, linear(3)], "shortcut": [linear(3)]},
            linear(1),
        ],
        (4,),
        lambda: nn.Sequential(Residual(), nn.Linear(3, 1)),
    ),
}


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("name", BY_HAND)
def test_a_module_that_is_built_by_hand_after_manual_seed_has_the_same_bits(name: str, seed: int) -> None:
    layers, shape, build = BY_HAND[name]
    mine = drawn("torch_seeded", network_of(layers, shape), seed)
    torch.manual_seed(seed)
    theirs = [p.detach().numpy() for p in build().parameters()]
    assert [value.shape for value in mine.values()] == [value.shape for value in theirs]
    for (key, value), wanted in zip(mine.items(), theirs, strict=True):
        assert value.dtype == np.float64
        assert same_bits(value.astype(np.float32), wanted), key
        assert np.array_equal(value, wanted), key


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_run_begins_with_what_torch_gives_in_float32_converted_to_its_dtype(dtype: str) -> None:
    found = make_setup("init=torch_seeded", "seed=3", f"dtype={dtype}").initial.parameters
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(2, 10), nn.Sigmoid(), nn.Linear(10, 10), nn.Sigmoid(), nn.Linear(10, 1))
    module.to(torch_dtype(DTYPES[dtype]))
    for (key, value), parameter in zip(found.items(), module.parameters(), strict=True):
        assert same_bits(value, to_numpy(parameter)), key


@pytest.mark.parametrize("name", FOUND)
def test_every_layer_has_all_of_its_parameters_drawn(name: str) -> None:
    linear_after = [linear(2)] if name not in ("flatten", "adaptive_avg_pool2d") else [{"layer": "flatten"}, linear(2)]
    for example in FOUND[name]:
        network = network_of([{"layer": name, **example.keys}, *linear_after], example.shape)
        found = drawn("torch_seeded", network)
        assert {key: value.shape for key, value in found.items()} == {k: p.shape for k, p in network.parameters.items()}
        assert all(np.isfinite(value).all() for value in found.values())


def test_torchs_own_generator_is_left_as_it_was() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    drawn("torch_seeded", network_of([linear(2)], (2,)))
    assert torch.equal(torch.rand(3), wanted)


def test_a_seed_beyond_torchs_and_a_module_without_layers_are_refused() -> None:
    network = network_of([linear(2)], (2,))
    with pytest.raises(ConfigError, match=f"seed from 0 to {2**64 - 1}"):
        drawn("torch_seeded", network, 2**64)
    with pytest.raises(ConfigError, match="no layers for"):
        drawn("torch_seeded", opaque((2, 3)))
    with pytest.raises(ConfigError, match=r"^init: got torch_seeded with seed="):
        make_setup("init=torch_seeded", f"seed={2**70}")
