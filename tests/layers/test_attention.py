"""Hard cases of multi-head attention."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from runner.arrays import Shape
from tests.helpers import same_bits
from tests.layers.agreement import agree, drawn
from tests.layers.helpers import Case, by_hand, make_layer


def attention(shape: Shape, seed: int = 0, **keys: Any) -> Case:
    return drawn(make_layer("multi_head_attention", {"num_heads": 2, **keys}), shape, seed)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("heads", [1, 6])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_with_one_head_and_with_a_head_for_every_feature(dtype: str, heads: int, causal: bool) -> None:
    agree(attention((5, 6), num_heads=heads, causal=causal), dtype)


def test_a_causal_output_does_not_depend_on_later_positions() -> None:
    case = attention((6, 4), causal=True)
    later = case.x.copy()
    later[:, 3:] += 1.0
    output, changed = by_hand(case)["output"], by_hand(replace(case, x=later))["output"]
    assert same_bits(output[:, :3], changed[:, :3])
    assert (output[:, 3:] != changed[:, 3:]).all()
    free = make_layer("multi_head_attention", {"num_heads": 2})
    output, changed = (by_hand(replace(case, layer=free, x=x))["output"] for x in (case.x, later))
    assert (output != changed).all()


def test_the_first_causal_position_attends_to_itself_alone() -> None:
    case = attention((4, 6), causal=True)
    p, x = case.parameters, case.x[:, 0]
    value = x @ p["in_proj_weight"][12:].T + p["in_proj_bias"][12:]
    np.testing.assert_allclose(by_hand(case)["output"][:, 0], value @ p["out_proj.weight"].T + p["out_proj.bias"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("causal", [False, True])
def test_large_scores_do_not_overflow(dtype: str, causal: bool) -> None:
    case = attention((5, 4), causal=causal)
    case.parameters["in_proj_weight"][:8] *= 40  # queries and keys
    projected = case.x @ case.parameters["in_proj_weight"].T
    assert np.abs(projected[..., :4] @ projected[..., 4:8].mT).max() > 1e3
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        by_hand(case, dtype)
    agree(case, dtype)


def test_the_bias_of_the_keys_changes_nothing_and_has_no_gradient() -> None:
    found = agree(attention((5, 4)))
    bias = found["in_proj_bias"]
    assert np.abs(bias[4:8]).max() < 1e-14 < np.abs(bias[:4]).max()


@pytest.mark.parametrize("causal", [False, True])
def test_the_twin_in_evaluation_and_without_autograd_gives_the_same(causal: bool) -> None:
    case = replace(attention((5, 4), causal=causal), training=False)
    agree(case)
    twin = case.layer.torch((5, 4)).to(torch.float64).eval()
    twin.load_state_dict({name: torch.tensor(value) for name, value in case.parameters.items()})
    with torch.no_grad():
        y = twin(torch.tensor(case.x)).numpy()
    np.testing.assert_allclose(by_hand(case)["output"], y, rtol=1e-12)


def test_all_weights_dropped_leave_the_bias_and_none_dropped_change_nothing() -> None:
    all_dropped = attention((3, 4), dropout=1.0)
    found = agree(all_dropped)
    bias = all_dropped.parameters["out_proj.bias"]
    np.testing.assert_array_equal(found["output"], np.broadcast_to(bias, found["output"].shape))
    np.testing.assert_array_equal(found["input"], 0)
    dropping = attention((3, 4), dropout=0.5)
    plain = make_layer("multi_head_attention", {"num_heads": 2})
    dropping.masks["mask"][...] = True
    agree(dropping)
    evaluated = by_hand(replace(dropping, training=False))
    wanted = by_hand(replace(dropping, layer=plain, masks={}))
    assert all(same_bits(evaluated[tensor], wanted[tensor]) for tensor in wanted)


def test_the_twin_with_a_mask_of_all_is_torchs_own_attention() -> None:
    twin = make_layer("multi_head_attention", {"num_heads": 2, "dropout": 1e-9, "causal": True}).torch((5, 4))
    x = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    mine = twin.eval()(x)
    twin.train().mask = torch.ones(3, 2, 5, 5, dtype=torch.bool)
    torch.testing.assert_close(twin(x), mine)
