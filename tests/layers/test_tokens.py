"""Hard cases of embedding and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from runner.arrays import Array
from runner.layers.base import Buffers
from tests.helpers import same_bits
from tests.layers.agreement import agree, drawn
from tests.layers.helpers import Case, make_layer


def embedding(x: Array, delta: Array, seed: int = 0, **keys: Any) -> Case:
    layer = make_layer("embedding", {"num_embeddings": 5, "embedding_dim": 2, **keys})
    weight = np.random.default_rng(seed).standard_normal((5, 2))
    return Case(layer, x, {"weight": weight}, delta)


def test_the_gradients_of_a_token_that_comes_again_add_up_and_one_never_seen_has_none() -> None:
    x = np.array([[3, 3, 0], [3, 1, 0]])
    delta = np.arange(12.0).reshape(2, 3, 2) + 1
    found = agree(embedding(x, delta))
    wanted = np.zeros((5, 2))
    wanted[3], wanted[0], wanted[1] = delta[0, 0] + delta[0, 1] + delta[1, 0], delta[0, 2] + delta[1, 2], delta[1, 1]
    np.testing.assert_array_equal(found["weight"], wanted)


def test_a_gradient_of_the_step_before_is_overwritten() -> None:
    case = embedding(np.array([[1]]), np.ones((1, 1, 2)))
    gradients = {"weight": np.empty((5, 2))}
    made = case.layer.scratch(Buffers(case.x.shape, case.parameters, gradients, np.empty, input_gradient=False))
    for token in (1, 4):
        made.forward(np.array([[token]]))
        made.backward(case.delta)
        np.testing.assert_array_equal(np.flatnonzero(gradients["weight"].any(axis=1)), [token])


def test_one_token_alone() -> None:
    case = embedding(np.array([4]), np.array([[2.0, -1.0]]))
    found = agree(case)
    np.testing.assert_array_equal(found["output"], case.parameters["weight"][[4]])
    np.testing.assert_array_equal(found["weight"][4], [2.0, -1.0])


@pytest.mark.parametrize("padding_idx", [0, 4, -1, -5])
def test_the_row_of_padding_is_read_but_has_no_gradient_and_begins_at_0(padding_idx: int) -> None:
    case = embedding(np.array([[0, 4, 2], [4, 0, 0]]), np.ones((2, 3, 2)), padding_idx=padding_idx)
    found = agree(case)
    np.testing.assert_array_equal(found["output"], case.parameters["weight"][case.x])
    np.testing.assert_array_equal(found["weight"][padding_idx], 0)
    assert found["weight"][2].all()
    law = case.layer.parameters((3,))["weight"].law
    assert law is not None
    values = law(np.random.default_rng(0), (5, 2))
    np.testing.assert_array_equal(np.flatnonzero(~values.any(axis=1)), [padding_idx % 5])


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([[0, 1], [2, 3], [4, 0], [12, 9]], "a token 12 in sample 3, beyond the vocabulary of 5"),
        ([[0, 5]], "a token 5 in sample 0, beyond the vocabulary of 5"),
        ([[0, 4], [1, -1]], "a token -1 in sample 1, below 0"),
        ([0, 4, 7], "a token 7 in sample 2, beyond the vocabulary of 5"),
    ],
)
def test_a_token_that_is_in_no_row_is_told_with_its_sample(x: list[Any], words: str) -> None:
    layer = make_layer("embedding", {"num_embeddings": 5, "embedding_dim": 2})
    with pytest.raises(ValueError, match=words):
        layer.check_input(np.array(x))
    layer.check_input(np.array([[0, 4]]))


@pytest.mark.parametrize(("p", "factor"), [(0.0, 1.0), (1.0, 0.0)])
def test_dropout_of_nothing_and_of_all(p: float, factor: float) -> None:
    case = drawn(make_layer("dropout", {"p": p}), (4,))
    found = agree(case)
    np.testing.assert_array_equal(found["output"], factor * case.x)
    np.testing.assert_array_equal(found["input"], factor * case.delta)
    torch.testing.assert_close(torch.nn.Dropout(p)(torch.tensor(case.x)), torch.tensor(factor * case.x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_sides_of_dropout_use_the_mask_and_divide_by_what_is_kept(dtype: str) -> None:
    case = drawn(make_layer("dropout", {"p": 0.3}), (50,))
    mask = case.masks["mask"]
    found = agree(case, dtype)
    np.testing.assert_array_equal(found["output"] != 0, mask)
    np.testing.assert_array_equal(found["input"] != 0, mask)
    np.testing.assert_allclose(found["output"][mask], case.x[mask] / 0.7, rtol=1e-6)


def test_a_new_mask_in_the_same_array_is_seen_by_the_next_forward() -> None:
    layer, mask = make_layer("dropout", {}), np.array([[True, False]])
    made = layer.scratch(Buffers((1, 2), {}, {}, np.empty, True, masks={"mask": mask}))
    x = np.ones((1, 2))
    np.testing.assert_array_equal(made.forward(x), [[2.0, 0.0]])
    mask[...] = ~mask
    np.testing.assert_array_equal(made.forward(x), [[0.0, 2.0]])
    np.testing.assert_array_equal(made.backward(x), [[0.0, 2.0]])


def test_dropout_in_evaluation_is_the_identity_on_both_sides_and_needs_no_mask() -> None:
    case = drawn(make_layer("dropout", {"p": 0.9}), (4,), training=False)
    found = agree(case)
    assert same_bits(found["output"], case.x)
    assert same_bits(found["input"], case.delta)
    made = case.layer.scratch(Buffers(case.x.shape, {}, {}, np.empty, True, training=False))
    assert same_bits(made.forward(case.x), case.x)


def test_the_twin_of_dropout_draws_by_itself_where_it_is_given_no_mask() -> None:
    twin = make_layer("dropout", {}).torch((1000,))
    y = twin(torch.ones(1, 1000))
    assert 300 < int((y == 0).sum()) < 700
    assert set(y.unique().tolist()) == {0.0, 2.0}
