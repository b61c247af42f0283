"""What is said of a mismatch is true: no cause on the evidence of zeros, no pattern that is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from runner import Verdict, check
from runner.arrays import Array
from tests.own.mlp import Gradients, Mlp

SMALL = ("architecture.hidden=[4,4]", "data.samples=8", "batch_size=4")
Step = tuple[Any, Array, Gradients]


def causes_of(backprop: Callable[..., Any], *overrides: str) -> tuple[Verdict, set[str]]:
    found = check(backprop, *SMALL, *overrides)
    (explanation,) = found.run.explanations.values()
    return found, {cause.name for cause in explanation.causes}


def spoilt(change: Callable[[Any, Array, Gradients], Step]) -> Callable[..., Step]:
    """The right one, its results changed."""
    return lambda parameters, x, y: change(*Mlp()(parameters, x, y))


def named(**changes: Callable[[Array], Array]) -> Callable[[Gradients], Gradients]:
    """Changes the gradients of these parameters, whose dots are two underscores."""
    wanted = {name.replace("__", "."): change for name, change in changes.items()}
    return lambda gradients: gradients | {name: change(gradients[name]) for name, change in wanted.items()}


def test_a_starter_that_returns_zeros_has_no_cause_but_a_pattern() -> None:
    found, causes = causes_of(spoilt(lambda loss, p, g: (0 * loss, 0 * p, {n: 0 * v for n, v in g.items()})))
    assert causes == set()
    assert "every element is 0" in repr(found)
    assert "rounded" not in repr(found)


def test_gradients_that_are_all_0_are_told_as_just_that() -> None:
    found, causes = causes_of(Mlp(finish=lambda g: {n: 0 * v for n, v in g.items()}), "batch_size=1")
    assert causes == {"gradients_forgotten"}
    assert "rounded" not in repr(found)


def test_three_forgotten_biases_are_one_cause() -> None:
    biases = [f"{layer}__bias" for layer in ("input_layer", "hidden_layer_1", "hidden_layer_2")]
    found, causes = causes_of(Mlp(finish=named(**dict.fromkeys(biases, lambda g: 0 * g))))
    assert causes == {"tensor_forgotten + tensor_forgotten + tensor_forgotten"}
    assert "not explained" not in repr(found)


def test_almost_0_is_not_forgotten() -> None:
    """A delta that is centred over the batch sums to 0 but for rounding."""
    _, causes = causes_of(Mlp(delta=lambda delta: delta - delta.mean(axis=0)))
    assert not any("forgotten" in cause or "stops" in cause for cause in causes)


def test_signs_of_one_tensor_are_not_told_of_all() -> None:
    _, causes = causes_of(Mlp(finish=named(hidden_layer_2__weight=np.sign)))
    assert not any("gradient_signs_alone" in cause for cause in causes)


def test_a_cause_in_some_tensors_is_not_one_that_is_done_to_all() -> None:
    """Back through |W| in place of W: sizes are right in one layer and wrong below it."""

    def backprop(parameters: Mapping[str, Array], x: Array, y: Array) -> Step:
        _, _, wrong = Mlp()(
            dict(parameters) | {"hidden_layer_2.weight": abs(parameters["hidden_layer_2.weight"])}, x, y
        )
        loss, p, right = Mlp()(parameters, x, y)
        slope = np.sign(wrong["hidden_layer_1.bias"]) * abs(right["hidden_layer_1.bias"])
        return loss, p, right | {"hidden_layer_1.bias": slope, "input_layer.weight": wrong["input_layer.weight"]}

    _, causes = causes_of(backprop)
    assert not any("gradient_sizes_alone" in cause for cause in causes)


def test_of_mistakes_that_cancel_none_is_named() -> None:
    _, causes = causes_of(Mlp(finish=named(input_layer__bias=lambda g: -g / 4)))
    assert causes
    assert all(cause.count(" + ") <= 1 for cause in causes), causes


def test_one_element_among_others_is_no_other_order() -> None:
    def change(g: Array) -> Array:
        smallest = np.unravel_index(np.abs(g).argmin(), g.shape)
        out = g.copy()
        out[smallest] *= 1.5
        return out

    found, _ = causes_of(Mlp(finish=named(input_layer__weight=change)))
    assert "only the element" in repr(found)
    assert "another order" not in repr(found)


def test_a_sample_that_one_tensor_lacks_is_seen_in_it() -> None:
    def backprop(parameters: Mapping[str, Array], x: Array, y: Array) -> Step:
        loss, p, right = Mlp()(parameters, x, y)
        without = Mlp(delta=lambda delta: delta * (np.arange(len(delta)) != 2)[:, None])(parameters, x, y)[2]
        return loss, p, right | {"hidden_layer_1.weight": without["hidden_layer_1.weight"]}

    found, causes = causes_of(backprop)
    assert causes == set()
    assert "in hidden_layer_1.weight, sample 2 of the batch is left out" in repr(found)


@pytest.mark.parametrize("off", [1e-13, 3e-13])
def test_a_small_deviation_that_stays_is_not_called_random(off: float) -> None:
    found = check(Mlp(finish=named(input_layer__weight=lambda g: g * (1 + off))), *SMALL, dtype="float64")
    assert found.verdict == "imprecise"
    assert "random" not in repr(found)
    assert "much the same around this point, but below 1000 roundings" in repr(found)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_kept_from_the_step_before_is_a_finding(dtype: str) -> None:
    kept: dict[str, Array] = {}

    def backprop(parameters: Mapping[str, Array], x: Array, y: Array) -> Step:
        now = parameters["hidden_layer_2.weight"]
        before = kept.get("weight", now).astype(now.dtype)
        kept["weight"] = now.copy()
        loss, p, right = Mlp()(parameters, x, y)
        stale = Mlp()(dict(parameters) | {"hidden_layer_2.weight": before}, x, y)[2]
        return loss, p, right | {"input_layer.weight": stale["input_layer.weight"]}

    found = check(backprop, *SMALL, dtype=dtype)
    assert found.verdict == "mismatch"
    assert "it keeps something between calls" in repr(found)
    assert found.run.first is not None
    assert found.run.first.step == 1
