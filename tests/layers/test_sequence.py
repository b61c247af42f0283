"""The layers over sequences and tokens: where their parameters lie, how they begin, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
import torch

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers
from tests.layers.agreement import drawn
from tests.layers.example import Example
from tests.layers.examples.sequence import EXAMPLES
from tests.layers.helpers import by_hand, make_layer

RECURRENT = ["rnn", "lstm", "gru"]
ALL = [(name, example) for name, examples in EXAMPLES.items() for example in examples]

every_example = pytest.mark.parametrize(("name", "example"), ALL, ids=[f"{name}-{example}" for name, example in ALL])


@every_example
def test_parameters_and_gradients_of_replicas_may_be_views_of_one_flat_vector_each(name: str, example: Example) -> None:
    layer = make_layer(name, example.keys)
    case = drawn(layer, example.shape, replicas=(2, 3), vocabulary=example.vocabulary)

    def views(values: dict[str, Array]) -> dict[str, Array]:
        """The values beside other numbers in one array (2, 3, size)."""
        flat, at, found = np.full((2, 3, 5 + sum(v[0, 0].size for v in values.values())), np.nan), 2, {}
        for key, value in values.items():
            size = value[0, 0].size
            found[key] = flat[..., at : at + size].reshape(value.shape)
            assert np.shares_memory(found[key], flat)
            found[key][...] = value
            at += size
        return found

    gradients = views({key: np.full_like(value, np.nan) for key, value in case.parameters.items()})
    made = layer.scratch(
        Buffers(case.x.shape, views(case.parameters), gradients, np.empty, True, case.replicas, masks=case.masks)
    )
    found = {"output": made.forward(case.x), "input": made.backward(case.delta)}
    assert all(array.flags.c_contiguous for array in found.values())
    wanted = by_hand(case)
    for key in wanted:
        np.testing.assert_allclose((found | gradients)[key], wanted[key], rtol=1e-13, atol=1e-15, err_msg=key)


@every_example
def test_parameters_are_drawn_from_the_laws_that_torch_draws_them_from(name: str, example: Example) -> None:
    big: dict[str, Any] = {"num_embeddings": 300, "embedding_dim": 40, "hidden_size": 60, "num_heads": 4}
    layer = replace(make_layer(name, example.keys), **{key: big[key] for key in example.keys if key in big})
    shape = (*example.shape[:-1], 48)
    torch.manual_seed(1)
    state, rng = layer.torch(shape).state_dict(), np.random.default_rng(1)
    for key, parameter in layer.parameters(shape).items():
        mine, theirs = parameter.draw(rng), state[key].numpy()
        assert mine.shape == theirs.shape
        assert np.ptp(mine) == pytest.approx(np.ptp(theirs), rel=0.25), key
        assert mine.std() == pytest.approx(theirs.std(), rel=0.15), key
        np.testing.assert_array_equal(np.flatnonzero(~mine.any(axis=-1)), np.flatnonzero(~theirs.any(axis=-1)), key)


@pytest.mark.parametrize(
    ("name", "keys", "words"),
    [
        (
            "embedding",
            {"num_embeddings": 0, "embedding_dim": 2},
            "num_embeddings: got 0; allowed: a whole number from 1",
        ),
        ("embedding", {"num_embeddings": 3, "embedding_dim": 0}, "embedding_dim: got 0"),
        ("embedding", {"num_embeddings": 3, "embedding_dim": 1, "padding_idx": 3}, "padding_idx: got 3; .* -3 to 2"),
        ("dropout", {"p": -0.1}, "p: got -0.1; allowed: a number from 0 to 1"),
        ("dropout", {"p": 1.5}, "p: got 1.5"),
        ("multi_head_attention", {"num_heads": 0}, "num_heads: got 0"),
        ("multi_head_attention", {"num_heads": 1, "dropout": 2.0}, "dropout: got 2.0"),
        ("lstm", {"hidden_size": 0}, "hidden_size: got 0; allowed: a whole number from 1"),
        ("gru", {"hidden_size": 1, "output": "lst"}, "output: got lst; allowed: last, every .*mean last"),
        ("rnn", {"hidden_size": 1, "nonlinearity": "sigmoid"}, "nonlinearity: got sigmoid; allowed: tanh, relu"),
    ],
)
def test_values_out_of_range_are_refused(name: str, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_layer(name, keys)


@pytest.mark.parametrize("shape", [(6,), (2, 3, 4), ()])
@pytest.mark.parametrize("name", [*RECURRENT, "multi_head_attention"])
def test_a_sample_of_another_number_of_axes_does_not_fit(name: str, shape: Shape) -> None:
    keys = {"num_heads": 1} if name == "multi_head_attention" else {"hidden_size": 2}
    with pytest.raises(ValueError, match="an input of 2 axes"):
        make_layer(name, keys).output_shape(shape)


def test_the_features_are_a_multiple_of_the_heads() -> None:
    with pytest.raises(ValueError, match=r"an input of 2 axes \(positions, features\), .* a multiple of 4 heads"):
        make_layer("multi_head_attention", {"num_heads": 4}).output_shape((5, 6))
    assert prod(make_layer("multi_head_attention", {"num_heads": 3}).output_shape((5, 6))) == 30
