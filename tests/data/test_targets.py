"""Targets: what y is, and for which samples there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runner.data import store
from runner.data.base import Parts, Samples, Stream, generator
from tests.data.helpers import data, every, refusal, target
from tests.helpers import same_bits

FORMULAS = ["half_sum_of_squares", "linear", "polynomial", "sine", "teacher", "xor"]


def points(features: int = 3, n: int = 40) -> Samples:
    return Samples(np.random.default_rng(features).standard_normal((n, features)))


def y_at(name: str, samples: Samples, seed: int = 1, **changed: Any) -> Any:
    return target(name, **changed).make(Parts(samples), seed)[0]


def test_every_formula_is_here() -> None:
    assert sorted([*FORMULAS, "column", "given", "inputs"]) == every("target")


@pytest.mark.parametrize("features", [1, 2, 5])
def test_half_the_sum_of_squares(features: int) -> None:
    x = points(features).x
    y = y_at("half_sum_of_squares", Samples(x))
    assert y.shape == (40, 1)
    np.testing.assert_allclose(y[:, 0], [sum(v * v for v in row) / 2 for row in x.tolist()], rtol=1e-14)


def test_a_linear_target_of_fixed_numbers() -> None:
    y = y_at(
        "linear",
        Samples(np.array([[1.0, 2.0], [3.0, -1.0]])),
        out=2,
        weights=[[1, 0.5], [2, 0.0]],
        bias=[10, 20.0],
    )
    assert y.tolist() == [[15.0, 20.5], [11.0, 21.5]]


def test_a_linear_target_of_drawn_numbers_is_linear_in_x() -> None:
    x = points().x
    y = y_at("linear", Samples(x), out=2)
    design = np.column_stack([x, np.ones(len(x))])
    solution, residual, _, _ = np.linalg.lstsq(design, y, rcond=None)
    assert residual.max() < 1e-25
    assert np.abs(solution).min() > 1e-3
    fixed = y_at("linear", Samples(x), out=2, bias=[0.0, 0.0])
    np.testing.assert_allclose(y - fixed, np.broadcast_to(solution[-1], y.shape))


def test_sines() -> None:
    y = y_at("sine", Samples(np.array([[0.25, 0.75], [0.25, 0.0], [1 / 12, 1 / 12]])))
    np.testing.assert_allclose(y, [[0], [1], [1]], atol=1e-15)
    np.testing.assert_allclose(y_at("sine", Samples(np.array([[0.5]])), frequency=1.0), [[np.sin(0.5)]])


@pytest.mark.parametrize("degree", [1, 3])
def test_a_polynomial_has_powers_up_to_its_degree_and_no_products(degree: int) -> None:
    x = points(2).x
    y = y_at("polynomial", Samples(x), degree=degree)
    design = np.column_stack([np.ones(len(x)), *(x**k for k in range(1, degree + 1))])
    solution, _, _, _ = np.linalg.lstsq(design, y, rcond=None)
    np.testing.assert_allclose(design @ solution, y, atol=1e-11)
    assert np.abs(solution).min() > 1e-3


def test_xor_of_signs_and_of_bits() -> None:
    signs = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert y_at("xor", Samples(signs)).tolist() == [[0], [1], [1], [0]]
    assert y_at("xor", Samples((signs + 1) / 2)).tolist() == [[0], [1], [1], [0]]
    assert y_at("xor", Samples(np.array([[1.0, 1.0, 1.0]]))).tolist() == [[1]]


def test_a_teacher_is_a_network_of_tanh() -> None:
    x = points().x
    y = y_at("teacher", Samples(x), seed=5, hidden=7, out=2)
    rng = generator(5, Stream.TARGET)
    w_1, b_1 = rng.normal(0, 3**-0.5, (3, 7)), rng.standard_normal(7)
    w_2, b_2 = rng.normal(0, 7**-0.5, (7, 2)), rng.standard_normal(2)
    np.testing.assert_allclose(y, np.tanh(x @ w_1 + b_1) @ w_2 + b_2, rtol=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_both_parts_have_the_same_formula_and_another_seed_another_one(name: str) -> None:
    samples = points()
    train, held_out = target(name).make(Parts(samples, samples), 1)
    assert held_out is not None
    assert same_bits(train, held_out)
    assert same_bits(train, y_at(name, samples))
    drawn = name in ("linear", "polynomial", "teacher")
    assert np.array_equal(train, y_at(name, samples, seed=2)) != drawn


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_does_not_depend_on_the_blocks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = points(n=300)
    whole = y_at(name, samples)
    monkeypatch.setattr(store, "BLOCK", 500)
    monkeypatch.setattr(store, "IN_MEMORY", 1000)
    blocks = y_at(name, samples)
    assert isinstance(blocks, np.memmap)
    np.testing.assert_allclose(blocks, whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*FORMULAS, "inputs"])
def test_noise_is_normal_and_from_a_stream_of_its_own(name: str) -> None:
    samples = points(n=4000)
    noise = y_at(name, samples, noise=0.5) - y_at(name, samples)
    assert abs(noise.std() / 0.5 - 1) < 5 / np.sqrt(2 * noise.size)
    np.testing.assert_allclose(noise, 0.5 * generator(1, Stream.NOISE).standard_normal(noise.shape), atol=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_wants_rows_of_features(name: str) -> None:
    images, tokens = Samples(np.zeros((4, 1, 8, 8))), Samples(np.zeros((4, 5), np.int64))
    assert "(1, 8, 8)" in str(refusal(lambda: y_at(name, images)).below("target"))
    assert "target: got tokens" in str(refusal(lambda: y_at(name, tokens)).below("target"))


def test_the_inputs_themselves_of_any_shape() -> None:
    images = np.random.default_rng(1).normal(size=(3, 1, 8, 8))
    assert same_bits(y_at("inputs", Samples(images)), images)
    refusal(lambda: y_at("inputs", Samples(np.zeros((4, 5), np.int64))))


def test_given_targets_are_those_of_the_data_and_must_be_there() -> None:
    samples = data("inline", x=[[1.0, 2.0], [3.0, 4.0]], y=[[5.0], [6.0]]).load(1, ()).train
    np.testing.assert_array_equal(samples.x, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(y_at("given", samples), [[5], [6]])
    assert refusal(lambda: y_at("given", points())).below("target").key == "target"


def test_given_classes_take_no_noise() -> None:
    samples = data("inline", x=[[1.0], [3.0]], y=[2, 0]).load(1, ()).train
    y = y_at("given", samples)
    assert y.dtype == np.int64
    assert y.tolist() == [2, 0]
    assert refusal(lambda: y_at("given", samples, noise=0.1)).key == "noise"


def named(train: list[Any], held_out: list[Any]) -> Parts:
    made = [
        Samples(np.zeros((len(v), 1)), None, {"kind": np.array(v), "size": np.arange(1.0 * len(v))})
        for v in (train, held_out)
    ]
    return Parts(made[0], made[1])


@pytest.mark.parametrize(
    ("train", "held_out", "expected"),
    [
        (["b", "d", "b"], ["a", "d"], ([1, 2, 1], [0, 2])),
        ([10.0, 2.0, -1.0], [2.0, 5.0], ([3, 1, 0], [1, 2])),
        (["bb", "a"], ["ccc", "bb"], ([1, 0], [2, 1])),
    ],
)
@pytest.mark.parametrize("block", [1, 2**22])
def test_classes_are_the_distinct_values_of_all_samples(
    train: list[Any], held_out: list[Any], expected: Any, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BLOCK", block)
    y, other = target("column", name="kind", classes=True).make(named(train, held_out), 1)
    assert other is not None
    assert y.dtype == other.dtype == np.int64
    assert (y.tolist(), other.tolist()) == expected


def test_columns_side_by_side() -> None:
    y, other = target("column", name=["size", "kind"]).make(named([7.0, 8.0], [9.0]), 1)
    assert y.tolist() == [[0, 7], [1, 8]]
    assert other is not None
    assert other.tolist() == [[0, 9]]
    assert target("column", name=3).columns() == ("3",)


def test_text_is_a_target_only_as_classes() -> None:
    assert refusal(lambda: target("column", name="kind").make(named(["a"], ["b"]), 1)).key == "classes"
    noisy = target("column", name="kind", classes=True, noise=0.1)
    assert refusal(lambda: noisy.make(named(["a"], ["b"]), 1)).key == "noise"


@pytest.mark.parametrize(
    ("name", "changed", "key"),
    [
        ("half_sum_of_squares", {"noise": -1.0}, "noise"),
        ("sine", {"noise": float("nan")}, "noise"),
        ("sine", {"frequency": float("inf")}, "frequency"),
        ("polynomial", {"degree": 0}, "degree"),
        ("teacher", {"hidden": 0}, "hidden"),
        ("teacher", {"out": 0}, "out"),
        ("linear", {"out": 0}, "out"),
        ("linear", {"weights": []}, "weights"),
        ("linear", {"weights": [[1.0], [1.0, 2.0]]}, "weights"),
        ("linear", {"weights": [[float("nan")]]}, "weights"),
        ("linear", {"weights": [1.0]}, "weights"),
        ("linear", {"weights": [["a"]]}, "weights"),
        ("linear", {"bias": [1.0, 2.0]}, "bias"),
        ("linear", {"bias": [float("inf")]}, "bias"),
        ("column", {"name": []}, "name"),
        ("column", {"name": ["a", "a"]}, "name"),
        ("column", {"name": ""}, "name"),
        ("column", {"name": True}, "name"),
        ("column", {"name": ["a", "b"], "classes": True}, "name"),
    ],
)
def test_values_that_make_no_sense_are_refused_by_their_key(name: str, changed: dict[str, Any], key: str) -> None:
    assert refusal(lambda: target(name, **changed)).key == f"target.{key}"


def test_weights_must_fit_the_features() -> None:
    assert refusal(lambda: y_at("linear", points(3), weights=[[1.0], [2.0]])).key == "weights"
