"""What a user's own classes return: taken where it is numbers, and told in one line where it is not what is wanted."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array, Shape
from runner.assemble import Setup, assemble
from runner.data.base import Data, Parts, Samples, Target
from runner.data.distributions.base import Independent
from runner.init.base import Init
from runner.network import Network
from runner.user_code import told
from tests.data.helpers import refusal
from tests.helpers import CATALOG, configuration

X = np.array([[0.5, -1.0], [1.5, 2.0], [0.25, 0.75]])
VALUES: dict[str, Any] = {
    "nothing": None,
    "lists": X.tolist(),
    "single": X.astype(np.float32),
    "whole": np.array([0, 1, 0], np.int32),
    "bytes": np.array([0, 1, 1], np.uint8),
    "too large": np.array([0, 1, 2**63], np.uint64),
    "ragged": [[1.0], [1.0, 2.0], [0.0]],
    "text": np.array(["a", "b", "c"]),
    "objects": [{}, {}, {}],
    "two rows": X[:2],
    "number": 1.5,
    "one output": X[:, :1],
    "nan": np.array([[1.0], [np.nan], [0.0]]),
    "beyond": np.array([[1.0], [0.0], [1e39]]),
}


@dataclass(frozen=True, kw_only=True)
class OwnDistribution(Independent):
    kind: str

    def values(self, rng: np.random.Generator, shape: Shape) -> Array:
        if self.kind == "raises":
            raise ValueError("my own message")
        found: Array = VALUES[self.kind]
        return found


@dataclass(frozen=True, kw_only=True)
class OwnData(Data):
    kind: str

    def load(self, seed: int, columns: Any) -> Parts:
        classes: Any = [0, 1, 1]
        kinds: dict[str, Any] = {
            "samples": Samples(X),
            "array": X,
            "bad y": Parts(Samples(X, X[:2])),
            "y": Parts(Samples(X, classes)),
        }
        found: Parts = kinds[self.kind]
        return found


@dataclass(frozen=True, kw_only=True)
class OwnTarget(Target):
    kind: str

    def of(self, samples: Samples, rng: np.random.Generator) -> Array:
        found: Array = np.log(samples.x[:, :1] - 1) if self.kind == "warns" else VALUES[self.kind]
        return found


@dataclass(frozen=True, kw_only=True)
class OwnInit(Init):
    kind: str

    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        name = "hidden_layer_2.bias"
        made: Any = {name: np.ones(p.shape, np.int32) for name, p in network.parameters.items()}
        if self.kind == "nothing":
            made = None
        elif self.kind == "lacks":
            del made[name]
        elif self.kind == "another":
            made["hidden_layer_2.bais"] = [0.0]
        else:
            made[name] = {"shape": [1.0, 2.0], "text": ["a"], "nan": [np.nan], "beyond": [1e39], "right": [1.0]}[
                self.kind
            ]
        found: dict[str, Array] = made
        return found


def own(group: str, kind: str, *overrides: str, **keys: Any) -> Setup:
    config = configuration("data=inline", f"data.x={X.tolist()}", *overrides)
    config[group] = {"_target_": f"{__name__}:Own{keys.pop('cls', group.title())}", "kind": kind, **keys}
    return assemble(config, CATALOG)


def distribution(kind: str, *overrides: str) -> Setup:
    return own("data", kind, *overrides, cls="Distribution", samples=3, features=2, held_out=0.0)


CLASSES = ("loss=cross_entropy", "architecture.out=2")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("nothing", "data: got x from OwnDistribution, None; allowed: an array of numbers"),
        ("ragged", "data: got x from OwnDistribution, lists that are not equally long; allowed: an array of numbers"),
        ("text", "data: got x from OwnDistribution, an array of <U1; allowed: an array of numbers"),
        ("objects", "data: got x from OwnDistribution, [{}, {}, {}]; allowed: an array of numbers"),
        ("two rows", "data: got 2 samples from OwnDistribution; allowed: 3"),
        ("nan", "data: got nan in sample 1; allowed: values that are finite"),
    ],
)
def test_draws_that_are_no_samples_are_told(kind: str, line: str) -> None:
    assert str(refusal(lambda: distribution(kind))).startswith(line)


@pytest.mark.parametrize("kind", ["lists", "single"])
def test_draws_are_taken_as_lists_and_in_another_width(kind: str) -> None:
    setup = distribution(kind, "dtype=float64")
    np.testing.assert_array_equal(setup.x, X)
    assert setup.x.dtype == np.float64


def test_an_own_distributions_error_is_told_as_it_is_with_its_own_line() -> None:
    with pytest.raises(ValueError, match="my own message") as raised:
        distribution("raises")
    assert "test_returned.py, line" in told(raised.value)
    assert 'raise ValueError("my own message")' in told(raised.value)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("array", "data: got array("),
        ("samples", "data: got Samples("),
        ("bad y", "data: got y from OwnData, 2 rows; allowed: a row for each of 3 samples"),
    ],
)
def test_what_is_no_parts_is_told(kind: str, line: str) -> None:
    assert str(refusal(lambda: own("data", kind, held_out=0.0))).startswith(line)


def test_an_own_data_sets_classes_may_be_a_list() -> None:
    setup = own("data", "y", "target=given", *CLASSES, held_out=0.0)
    assert setup.y.dtype == np.int64
    assert setup.y.tolist() == [0, 1, 1]


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("nothing", "target: got y from OwnTarget, None; allowed: an array of numbers"),
        ("two rows", "target: got y from OwnTarget, 2 rows; allowed: a row for each of 3 samples"),
        ("number", "target: got y from OwnTarget, the single number 1.5; allowed: a row for each of 3 samples"),
        ("too large", "target: got y from OwnTarget with 9223372036854775808 in it; allowed: whole numbers to"),
        ("nan", "target: got nan in sample 1; allowed: values that are finite"),
        ("warns", "target: got nan in sample 0; allowed: values that are finite"),
    ],
)
def test_targets_that_are_none_are_told(kind: str, line: str, noise: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert str(refusal(lambda: own("target", kind, noise=noise))).startswith(line)


def test_a_target_beyond_the_runs_dtype_is_told_with_its_sample() -> None:
    line = str(refusal(lambda: own("target", "beyond", noise=0.0)))
    assert line.startswith("target: got 1e+39 in sample 2, beyond the range of float32; allowed:")
    assert own("target", "beyond", "dtype=float64", noise=0.0).y[2, 0] == 1e39


@pytest.mark.parametrize("kind", ["whole", "bytes"])
def test_classes_of_any_width_are_int64(kind: str) -> None:
    y = own("target", kind, *CLASSES, noise=0.0).y
    assert y.dtype == np.int64
    assert y.tolist() == VALUES[kind].tolist()


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("nothing", "init: got None from OwnInit; allowed: an array for each parameter"),
        ("lacks", "init: got no hidden_layer_2.bias from OwnInit; allowed: an array of shape (1,)"),
        ("shape", "init: got hidden_layer_2.bias of shape (2,) from OwnInit; allowed: shape (1,)"),
        ("text", "init: got hidden_layer_2.bias from OwnInit, ['a']; allowed: an array of numbers"),
        ("nan", "init: got nan in hidden_layer_2.bias; allowed: values that are finite"),
        ("beyond", "init: got 1e+39 in hidden_layer_2.bias, beyond the range of float32; allowed: values that are"),
    ],
)
def test_first_parameters_that_do_not_fit_are_told(kind: str, line: str) -> None:
    assert str(refusal(lambda: own("init", kind))).startswith(line)


def test_a_parameter_that_the_network_has_not_is_told_with_the_one_that_is_near() -> None:
    line = str(refusal(lambda: own("init", "another")))
    assert line.startswith("init: got an array hidden_layer_2.bais from OwnInit; allowed: the network's own,")
    assert "did you mean hidden_layer_2.bias?" in line


def test_whole_numbers_and_lists_are_first_parameters_in_the_runs_dtype() -> None:
    initial = own("init", "right").initial.parameters
    assert {value.dtype.name for value in initial.values()} == {"float32"}
    assert all((value == 1).all() for value in initial.values())
