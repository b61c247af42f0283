"""Gradients that change entirely between points nearby, and elements that are tiny beside their neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.arrays import Array
from tests.own.mlp import Gradients, Mlp, drawn, slope_of

WRONG = {
    "missing factor": {"delta": lambda delta: delta / 2},
    "wrong sign": {"delta": lambda delta: -delta},
    "no slope": {"slope": lambda _, z, a: np.ones_like(a)},
}


def lossy(kind: str, z: Array, a: Array) -> Array:
    """Through float32."""
    return slope_of(kind, z, a).astype(np.float32).astype(a.dtype)


def beside_a_minimum(residual: float) -> tuple[Gradients, Array, Array]:
    rng = np.random.default_rng(3)
    parameters, x = drawn([1, 2, 1], rng), np.array([[0.2], [0.7]])
    prediction = Mlp()(parameters, x, np.zeros((2, 1)))[1]
    return parameters, x, prediction + residual * np.array([[1.0], [-2.0]])


@pytest.mark.parametrize("residual", [1e-5, 1e-7, 1e-9, 1e-11])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_formula_is_one_beside_a_minimum_too(name: str, residual: float, tmp_path: Path) -> None:
    found = Mlp(**WRONG[name]).judged(*beside_a_minimum(residual), tmp_path)  # type: ignore[arg-type]
    assert found.verdict == "mismatch", found
    assert Mlp().judged(*beside_a_minimum(residual), tmp_path).agree


@pytest.mark.parametrize("residual", [1e-3, 1e-5, 1e-7])
def test_lost_digits_beside_a_minimum_are_no_wrong_formula(residual: float, tmp_path: Path) -> None:
    found = Mlp(slope=lossy).judged(*beside_a_minimum(residual), tmp_path)
    assert found.verdict != "mismatch", found


@pytest.mark.parametrize("offset", [1e5, 1e7, 1e8, 1e9])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("name", WRONG)
def test_inputs_far_from_0_hide_no_wrong_formula(name: str, activation: str, offset: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    parameters, x = drawn([1, 3, 1], rng), offset + np.array([[0.0], [1.0], [2.0], [5.0]])
    parameters["input_layer.bias"] -= parameters["input_layer.weight"][:, 0] * (offset + 2.6)
    y = rng.standard_normal((4, 1))
    assert Mlp(activation).judged(parameters, x, y, tmp_path).agree
    found = Mlp(activation, **WRONG[name]).judged(parameters, x, y, tmp_path)  # type: ignore[arg-type]
    assert found.verdict in ("mismatch", "undecided"), found


@pytest.mark.parametrize(("smaller", "off"), [(1e-10, 1e-6), (1e-13, 1e-3), (1e-16, 0.5)])
def test_an_element_is_judged_beside_neighbours_that_are_much_larger(
    smaller: float, off: float, tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    parameters, x, y = drawn([3, 4, 1], rng), rng.standard_normal((6, 3)), rng.standard_normal((6, 1))
    parameters["hidden_layer_1.weight"][0, 1] = smaller

    def spoilt(gradients: Gradients) -> Gradients:
        bias = gradients["input_layer.bias"].copy()
        bias[1] *= 1 + off
        return gradients | {"input_layer.bias": bias}

    assert Mlp().judged(parameters, x, y, tmp_path).agree
    found = Mlp(finish=spoilt).judged(parameters, x, y, tmp_path)
    assert found.verdict == "mismatch", found
    assert found.run.first is not None
    assert (found.run.first.tensor, found.run.first.index) == ("input_layer.bias", (1,))


def test_what_agrees_farther_away_does_not_acquit_what_is_wrong_nearby(tmp_path: Path) -> None:
    """One unit lies on its kink to within rounding; a slope is missing at the others."""
    x = 1e5 + np.array([[0.0], [1.0], [2.0], [5.0]])
    parameters = {
        "input_layer.weight": np.array([[0.5], [-0.3], [0.8]]),
        "input_layer.bias": np.array([-0.5, 0.3, -0.8]) * (1e5 + 2),
        "hidden_layer_1.weight": np.array([[1.0, -0.7, 0.4]]),
        "hidden_layer_1.bias": np.array([0.2]),
    }
    y = np.array([[0.3], [-0.2], [0.5], [0.9]])
    no_slope = Mlp("relu", **WRONG["no slope"]).judged(parameters, x, y, tmp_path)  # type: ignore[arg-type]
    assert not no_slope.agree, no_slope
