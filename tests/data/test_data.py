"""Samples, targets, and the seeded streams that they come from."""

from __future__ import annotations

import numpy as np
import pytest

from runner.data.base import Stream, generator
from tests.data.helpers import data, refusal
from tests.helpers import make_setup, same_bits


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


def test_the_target_of_a_run_is_computed_in_double_precision_and_rounded_once() -> None:
    setup = make_setup("dtype=float32")
    exact = make_setup("dtype=float64")
    assert same_bits(setup.y, exact.y.astype(np.float32))


@pytest.mark.parametrize(
    ("x", "y", "key"),
    [
        ([[1.0, 2.0], [3.0]], None, "x"),
        ([], None, "x"),
        ([[]], None, "x"),
        ([[float("nan")]], None, "x"),
        ([[1.0], [2.0]], [[1.0]], "y"),
        ([[1.0]], [[float("inf")]], "y"),
        ([[1.0]], [0, 1], "y"),
        ([[1.0], [2.0]], [0, 1.5], "y"),
        ([[1.0], [2.0]], [True, False], "y"),
        ([1.0, 2.0], None, "x"),
    ],
)
def test_a_malformed_table_is_refused_by_its_key(x: object, y: object, key: str) -> None:
    assert refusal(lambda: data("inline", x=x, y=y)).key == f"data.{key}"


def test_samples_in_the_configuration_are_held_out_too_and_have_no_columns() -> None:
    source = data("inline", x=[[1.0], [2.0], [3.0], [4.0]], y=[1, 2, 3, 4], held_out=0.5)
    parts = source.load(1, ())
    assert parts.held_out is not None
    for part in (parts.train, parts.held_out):
        assert part.y is not None
        assert part.x[:, 0].tolist() == part.y.tolist()
        assert len(part.x) == 2
    assert "'a'" in str(refusal(lambda: source.load(1, ("a",))))
