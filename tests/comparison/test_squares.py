"""What is within 30 roundings of 0 is so when it is squared too, though squares part by the square of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array
from tests.comparison.plain import Function, Parameters, judge, told


def squares(offset: float, factor: float = 1.0) -> Function:
    """s is 0 but for rounding at the size of ``offset``, as a gradient beneath a normalisation; v is its square."""

    def function(p: Parameters, x: Array, y: Array) -> Mapping[str, Any]:
        w = p["w"]
        s = ((w + offset) - offset) - w
        return {"g": factor * w, "s": s, "v": s * s}

    return function


@pytest.mark.parametrize("seed", range(3))
def test_a_square_of_what_is_zero_but_for_rounding_agrees(seed: int) -> None:
    w = np.random.default_rng(seed).uniform(1, 2, 50)
    empty = np.empty(0)
    found = judge(squares(1e5), squares(1e3), {"w": w}, empty, empty)
    assert found.verdict == "agree", f"seed {seed}: {told(found)}"
    wrong = judge(squares(1e5, 1 + 1e-9), squares(1e3), {"w": w}, empty, empty)
    assert wrong.verdict == "mismatch", f"seed {seed}: {told(wrong)}"
