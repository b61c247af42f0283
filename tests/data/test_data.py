"""Samples, targets, and the seeded streams that they come from."""

from __future__ import annotations

import numpy as np
import pytest

from runner.data.base import Samples, Stream, generator
from runner.data.distributions import Uniform
from runner.data.inline import Inline
from runner.data.targets import Given, HalfSumOfSquares
from runner.errors import ConfigError
from tests.helpers import make_setup, same_bits


def uniform(**changed: object) -> Uniform:
    values: dict[str, object] = {"samples": 100, "features": 2, "low": 0.0, "high": 1.0} | changed
    return Uniform(**values)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_data_and_parameters_and_another_seed_others() -> None:
    one, same, other = make_setup("seed=4"), make_setup("seed=4", "lr=0.5"), make_setup("seed=5")
    assert same_bits(one.x, same.x)
    assert same_bits(one.y, same.y)
    for name, value in one.initial.parameters.items():
        assert same_bits(value, same.initial.parameters[name])
        assert not np.isin(value, other.initial.parameters[name]).any()
    assert not np.isin(one.x, other.x).any()


@pytest.mark.parametrize("change", ["data.samples=7", "data.features=2", "data.high=3", "target=half_sum_of_squares"])
def test_what_is_drawn_for_the_data_leaves_the_initial_parameters_alone(change: str) -> None:
    plain, changed = make_setup(), make_setup(change)
    for name, value in plain.initial.parameters.items():
        assert same_bits(value, changed.initial.parameters[name]), name


def test_another_architecture_leaves_the_data_alone() -> None:
    assert same_bits(make_setup().x, make_setup("architecture.hidden=[3,3,3]", "architecture.activation=relu").x)


def test_data_and_parameters_are_drawn_from_streams_that_have_nothing_in_common() -> None:
    data, init = (generator(1, stream).uniform(size=4000) for stream in (Stream.DATA, Stream.INIT))
    assert abs(np.corrcoef(data, init)[0, 1]) < 5 / np.sqrt(4000)
    assert not np.isin(data, init).any()
    assert len({int(stream) for stream in Stream}) == len(Stream)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_dtypes_start_from_the_same_numbers(dtype: str) -> None:
    double, run = make_setup("dtype=float64"), make_setup(f"dtype={dtype}")
    assert same_bits(run.x, double.x.astype(dtype))
    assert same_bits(run.y, double.y.astype(dtype))
    for name, value in double.initial.parameters.items():
        assert same_bits(run.initial.parameters[name], value.astype(dtype))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, -1.0), (5.0, 5.5)])
@pytest.mark.parametrize("seed", [1, 2])
def test_features_are_uniform_from_low_to_high_and_independent(low: float, high: float, seed: int) -> None:
    n = 20000
    x = uniform(samples=n, features=3, low=low, high=high).draw(generator(seed, Stream.DATA)).x
    assert x.shape == (n, 3)
    assert x.dtype == np.float64
    assert x.min() >= low
    assert x.max() < high
    unit = (x - low) / (high - low)
    assert np.abs(unit.mean(axis=0) - 0.5).max() < 5 * np.sqrt(1 / 12 / n), f"seed {seed}"
    assert np.abs(unit.var(axis=0) - 1 / 12).max() < 5 * np.sqrt(1 / 180 / n), f"seed {seed}"
    assert np.abs(np.corrcoef(unit.T) - np.eye(3)).max() < 5 / np.sqrt(n), f"seed {seed}"
    assert np.abs(np.sort(unit[:, 0]) - (np.arange(n) + 0.5) / n).max() < 2 / np.sqrt(n), f"seed {seed}"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"samples": 0}, "samples"),
        ({"features": -1}, "features"),
        ({"low": 1.0}, "low"),
        ({"low": float("nan")}, "low"),
        ({"high": float("inf")}, "high"),
        ({"low": -1.7e308, "high": 1.7e308}, "high"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused_by_its_key(changed: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        uniform(**changed).check()
    assert raised.value.key == key


@pytest.mark.parametrize("features", [1, 2, 5])
def test_the_target_is_half_the_sum_of_squares(features: int) -> None:
    x = np.random.default_rng(features).standard_normal((6, features))
    y = HalfSumOfSquares().of(Samples(x))
    assert y.shape == (6, 1)
    np.testing.assert_allclose(y[:, 0], [sum(v * v for v in row) / 2 for row in x.tolist()], rtol=1e-14)


def test_the_target_of_a_run_is_computed_in_double_precision_and_rounded_once() -> None:
    setup = make_setup("dtype=float32")
    exact = make_setup("dtype=float64")
    assert same_bits(setup.y, exact.y.astype(np.float32))


def test_given_targets_are_those_of_the_data_and_must_be_there() -> None:
    data = Inline(x=[[1.0, 2.0], [3.0, 4.0]], y=[[5.0], [6.0]])
    data.check()
    samples = data.draw(generator(1, Stream.DATA))
    np.testing.assert_array_equal(samples.x, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(Given().of(samples), [[5], [6]])
    with pytest.raises(ConfigError) as raised:
        Given().of(Samples(samples.x))
    assert raised.value.below("target").key == "target"


@pytest.mark.parametrize(
    ("x", "y", "key"),
    [
        ([[1.0, 2.0], [3.0]], None, "x"),
        ([], None, "x"),
        ([[]], None, "x"),
        ([[float("nan")]], None, "x"),
        ([[1.0], [2.0]], [[1.0]], "y"),
        ([[1.0]], [[float("inf")]], "y"),
    ],
)
def test_a_malformed_table_is_refused_by_its_key(x: list[list[float]], y: list[list[float]] | None, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Inline(x=x, y=y).check()
    assert raised.value.key == key
