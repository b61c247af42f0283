"""A drawn case of a layer, and its pass beside autograd, for tests of hard cases."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.arrays import Array, Shape
from runner.comparison.constants import LIMIT
from runner.layers.base import Layer
from tests.helpers import in_roundings
from tests.layers.helpers import Case, by_autograd, by_hand, draw_case, sigma_of_noise


def agree(case: Case, dtype: str = "float64") -> dict[str, Array]:
    """What the pass finds, all of it within rounding of autograd."""
    case = case.rounded(dtype)
    mine, theirs, sigma = by_hand(case, dtype), by_autograd(case), sigma_of_noise(case, dtype)
    assert mine.keys() == theirs.keys()
    for tensor, value in theirs.items():
        assert np.isfinite(mine[tensor]).all(), tensor
        assert in_roundings(mine[tensor].astype(np.float64), value, sigma[tensor], dtype).max() <= LIMIT, tensor
    return mine


def drawn(layer: Layer, shape: Shape, seed: int = 0, batch: int = 3, **how: Any) -> Case:
    return draw_case(layer, np.random.default_rng(seed), batch=batch, shape=shape, **how)
