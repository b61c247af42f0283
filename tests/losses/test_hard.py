"""Losses by known numbers, far out, at their kinks; which targets fit, what counts as a hit, what keys refuse."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import torch

from runner.arrays import Array
from runner.errors import ConfigError
from tests.helpers import first_of, run
from tests.losses.helpers import by_autograd, by_hand, make_loss


def test_sse_is_a_sum_and_mse_its_mean() -> None:
    p, y = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 0.0], [0.0, 1.0]])
    assert by_hand(make_loss("sse"), p, y, "float64")[0] == 1 + 4 + 9 + 16
    assert by_hand(make_loss("mse"), p, y, "float64")[0] == (1 + 4 + 9 + 16) / 4
    assert by_hand(make_loss("mse", {"reduction": "sum"}), p, y, "float64")[0] == 1 + 4 + 9 + 16


def both(name: str, keys: dict[str, Any], p: Array, y: Array, dtype: str) -> tuple[tuple[Array, ...], ...]:
    with np.errstate(all="ignore"):
        mine = by_hand(make_loss(name, keys), p, y, dtype)
    return mine, by_autograd(make_loss(name, keys), p, y, dtype)


KINKS = [
    ("l1", {}, [0.0, -0.0, 1.0, -2.0]),
    ("huber", {"delta": 2.0}, [2.0, -2.0, 0.0, 2.5, -1.5, -7.0]),
    ("smooth_l1", {"beta": 2.0}, [2.0, -2.0, 0.0, 2.5, -1.5, -7.0]),
    ("smooth_l1", {"beta": 0.0}, [0.0, -0.0, 1.0, -2.0]),
]


@pytest.mark.parametrize(("name", "keys", "errors"), KINKS, ids=lambda v: str(v))
def test_at_a_kink_the_gradient_is_the_one_that_torch_takes(
    name: str, keys: dict[str, Any], errors: list[float]
) -> None:
    p = np.array(errors).reshape(-1, 1)
    mine, theirs = both(name, keys, p, np.zeros_like(p), "float64")
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=4e-16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bce_is_cut_off_where_torch_cuts_it_off(dtype: str) -> None:
    least = float(np.finfo(dtype).smallest_subnormal)
    p = np.array([[0.0, 0.0, 1.0, 1.0, 0.0, least, 1e-30, 1 - 2.0**-20, 1e-13]])
    y = np.array([[0.0, 1.0, 0.0, 1.0, 0.25, 0.25, 1.0, 0.0, 0.5]])
    for a, b in zip(*both("bce", {}, p, y, dtype), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, rtol=8 * float(np.finfo(dtype).eps))


def test_predictions_that_are_no_probabilities_make_bce_nan_on_both_sides() -> None:
    for value in (1.5, -0.1, np.nan):
        mine, theirs = both("bce", {}, np.array([[value, 0.5]]), np.array([[0.5, 1.0]]), "float64")
        assert np.isnan(mine[0])
        assert np.isnan(theirs[0])


def test_a_run_whose_predictions_are_no_probabilities_is_told_so_in_words() -> None:
    outcome = run("loss=bce", "data.samples=12")
    assert outcome.verdict.verdict == "diverged"
    finding = first_of(outcome).finding
    assert finding.startswith("a prediction, -0.0")
    assert finding.endswith("let the network end in a sigmoid, or take bce_with_logits")


def test_probabilities_and_other_losses_are_told_of_no_such_thing() -> None:
    assert make_loss("bce").undefined_at(np.array([0.0, 1.0, 0.5, np.nan])) == ""
    assert "1.5" in make_loss("bce").undefined_at(np.array([[0.5], [1.5]]))
    assert make_loss("mse").undefined_at(np.array([-3.0])) == ""


FAR = [-1e4, -800.0, -100.0, -87.0, -40.0, -1.0, -1e-8, -1e-30, 0.0, 1e-30, 1e-8, 1.0, 40.0, 87.0, 100.0, 800.0, 1e4]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("keys", [{}, {"pos_weight": [3.0]}], ids=str)
@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
def test_logits_far_out_are_as_exact_as_those_of_torch(dtype: str, keys: dict[str, Any], target: float) -> None:
    weight = keys.get("pos_weight", [1.0])[0]
    for logit in np.array(FAR, dtype).astype(np.float64):
        mine, theirs = both("bce_with_logits", keys, np.array([[logit]]), np.array([[target]]), dtype)
        with mpmath.workdps(60):
            x = mpmath.mpf(logit)
            s, other = 1 / (1 + mpmath.exp(-x)), 1 / (1 + mpmath.exp(x))
            loss = weight * target * mpmath.log1p(mpmath.exp(-x)) + (1 - target) * mpmath.log1p(mpmath.exp(x))
            exact = (loss, (1 - target) * s - weight * target * other)
            errors = [
                [float(abs(mpmath.mpf(float(v.item())) - e)) for v, e in zip(w, exact, strict=True)]
                for w in (mine, theirs)
            ]
        terms = (max(abs(logit), 1.0), 1 + weight)
        for own, its, term in zip(*errors, terms, strict=True):
            assert own <= 2 * its + 4 * float(np.finfo(dtype).eps) * term, logit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("keys", [{}, {"label_smoothing": 0.1}, {"weight": [1.0, 2.0, 0.5]}], ids=str)
def test_logits_far_apart_overflow_no_cross_entropy(dtype: str, keys: dict[str, Any]) -> None:
    p = np.array(
        [[1e4, 0.0, -1e4], [800.0, 799.0, 0.0], [-1e30, -1e30, -1e30], [1e-30, 0.0, -1e-30], [90.0, -90.0, 0.0]]
    )
    for y in (np.array([2, 0, 1, 1, 0]), np.eye(3)[[0, 0, 1, 2, 1]]):
        for a, b in zip(*both("cross_entropy", keys, p, y, dtype), strict=True):
            np.testing.assert_allclose(a, b, rtol=8 * float(np.finfo(dtype).eps), atol=4 * float(np.finfo(dtype).eps))


def test_a_small_cross_entropy_keeps_its_digits() -> None:
    p, y = np.array([[30.0, 0.0], [0.0, 25.0]]), np.array([0, 1])
    value = by_hand(make_loss("cross_entropy"), p, y, "float64")[0]
    np.testing.assert_allclose(value, by_autograd(make_loss("cross_entropy"), p, y)[0], rtol=1e-3)


def test_a_probability_of_0_adds_nothing_to_the_divergence() -> None:
    p, y = np.log(np.array([[0.25, 0.75], [0.5, 0.5]])), np.array([[0.0, 1.0], [1e-310, 1.0]])
    for reduction in ("mean", "sum", "batchmean"):
        for a, b in zip(*both("kl_div", {"reduction": reduction}, p, y, "float64"), strict=True):
            np.testing.assert_allclose(a, b, rtol=4e-16)


def test_batchmean_is_that_of_torch() -> None:
    rng = np.random.default_rng(0)
    p, y = np.log(rng.uniform(0.1, 1, (4, 3))), rng.uniform(0.1, 1, (4, 3))
    theirs = torch.nn.functional.kl_div(torch.tensor(p), torch.tensor(y), reduction="batchmean")
    np.testing.assert_allclose(by_hand(make_loss("kl_div", {"reduction": "batchmean"}), p, y, "float64")[0], theirs)


CLASSES = np.array([0, 1, 4, 7, 2])
WEIGHT = {"weight": [1.0, 2.0]}
UNFIT: list[tuple[str, dict[str, Any], tuple[int, ...], Array, str]] = [
    (
        "cross_entropy",
        {},
        (5,),
        CLASSES,
        "target: got a class index 7 in sample 3; allowed: from 0 to 4: the network has 5 outputs",
    ),
    (
        "nll",
        {},
        (8,),
        np.array([[1, -1]]),
        "architecture: got an output of shape (8,); allowed: (2,), that of the class",
    ),
    ("nll", {}, (2, 8), np.array([[1, -1]]), "target: got a class index -1 in sample 0; allowed: from 0 to 7"),
    ("nll", {}, (2,), np.ones((1, 2)), "target: got numbers; allowed: class indices: this loss takes no probabilities"),
    ("cross_entropy", {}, (), CLASSES, "architecture: got an output without an axis"),
    (
        "cross_entropy",
        WEIGHT,
        (5,),
        CLASSES,
        "architecture: got an output of 5 classes; allowed: 2, as many as loss.weight",
    ),
    (
        "cross_entropy",
        {},
        (2,),
        np.array([[0.5, 0.5], [1.5, -0.5]]),
        "target: got 1.5 in sample 1; allowed: class indices, or",
    ),
    ("cross_entropy", {}, (3,), np.ones((1, 2)), "architecture: got an output of shape (3,)"),
    (
        "cross_entropy",
        {"ignore_index": 0},
        (2,),
        np.full((1, 2), 0.5),
        "target: got numbers; allowed: class indices, as loss.ignore_index is 0",
    ),
    ("nll", {"ignore_index": 9}, (2,), np.array([9, -100]), "target: got a class index -100 in sample 1"),
    ("bce", {}, (1,), np.array([[0.5], [-0.25]]), "target: got -0.25 in sample 1; allowed: numbers from 0 to 1"),
    ("bce", {}, (1,), np.array([[np.nan]]), "target: got nan in sample 0; allowed: numbers from 0 to 1"),
    ("bce_with_logits", {}, (1,), np.array([[2.0]]), "target: got 2 in sample 0; allowed: numbers from 0 to 1"),
    (
        "bce_with_logits",
        {"pos_weight": [1.0, 2.0]},
        (1,),
        np.array([[1.0]]),
        "architecture: got an output of shape (1,)",
    ),
    ("kl_div", {}, (1,), np.array([[-2.0]]), "target: got -2 in sample 0; allowed: numbers from 0, or loss.log_target"),
    ("mse", {}, (3,), CLASSES, "target: got class indices of shape ()"),
    ("bce", {}, (3,), CLASSES, "target: got class indices of shape ()"),
]


@pytest.mark.parametrize(("name", "keys", "output", "y", "words"), UNFIT, ids=lambda v: str(v)[:40])
def test_targets_that_do_not_fit_are_refused_in_words(
    name: str, keys: dict[str, Any], output: tuple[int, ...], y: Array, words: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        make_loss(name, keys).fits(output, y)
    assert str(raised.value).startswith(words)


REFUSED = [
    ("mse", {"reduction": "average"}, "loss.reduction: got average; allowed: mean, sum"),
    ("nll", {"reduction": "batchmean"}, "loss.reduction: got batchmean; allowed: mean, sum"),
    ("kl_div", {"reduction": "none"}, "loss.reduction: got none; allowed: mean, batchmean, sum"),
    ("huber", {"delta": 0.0}, "loss.delta: got 0.0; allowed: a number above 0"),
    ("smooth_l1", {"beta": -1.0}, "loss.beta: got -1.0; allowed: a number from 0"),
    ("cross_entropy", {"label_smoothing": 1.5}, "loss.label_smoothing: got 1.5; allowed: a number from 0 to 1"),
    (
        "cross_entropy",
        {"weight": [1.0, -1.0]},
        "loss.weight: got [1.0, -1.0]; allowed: a list of numbers from 0, or null",
    ),
    (
        "bce_with_logits",
        {"pos_weight": [float("nan")]},
        "loss.pos_weight: got [nan]; allowed: a list of numbers from 0",
    ),
]


@pytest.mark.parametrize(("name", "keys", "words"), REFUSED, ids=lambda v: str(v)[:40])
def test_a_value_out_of_range_is_refused_by_its_key(name: str, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make_loss(name, keys)
    assert str(raised.value).startswith(words)


def test_a_hit_is_the_right_class() -> None:
    p = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    wanted = [True, False, True]
    for name, y in (
        ("cross_entropy", np.array([1, 2, 2])),
        ("nll", np.array([1, 2, 2])),
        ("cross_entropy", np.eye(3)[[1, 2, 2]]),
    ):
        hits = make_loss(name).hits(p, y)
        assert hits is not None
        assert hits.tolist() == wanted
    y = np.array([[1.0], [1.0], [0.0], [0.0]])
    for name, q in (
        ("bce", np.array([[0.6], [0.5], [0.5], [0.51]])),
        ("bce_with_logits", np.array([[0.1], [0.0], [0.0], [0.1]])),
    ):
        hits = make_loss(name).hits(q, y)
        assert hits is not None
        assert hits.tolist() == [[True], [False], [True], [False]]
    assert make_loss("mse").hits(p, p) is None
    assert make_loss("kl_div").hits(p, p) is None


def test_what_is_ignored_is_neither_a_hit_nor_a_miss() -> None:
    p = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7]])
    for name in ("cross_entropy", "nll"):
        for y, keys in (([1, -100, 0, -100], {}), ([1, 2, 0, 2], {"ignore_index": 2})):
            hits = make_loss(name, keys).hits(p, np.array(y))
            assert hits is not None
            assert hits.tolist() == [True, False]


@pytest.mark.parametrize("name", ["cross_entropy", "nll"])
def test_a_mean_of_nothing_is_nan_and_a_sum_0(name: str) -> None:
    p, y = np.log(np.array([[0.25, 0.75], [0.5, 0.5]])), np.array([-100, -100])
    for loss, _ in both(name, {}, p, y, "float64"):
        assert np.isnan(loss)
    for loss, gradient in both(name, {"reduction": "sum"}, p, y, "float64"):
        assert loss == 0
        assert not gradient.any()


def test_what_is_ignored_may_be_impossible() -> None:
    p, y = np.array([[-np.inf, 0.0], [-1.0, -0.5]]), np.array([-100, 1])
    for a, b in zip(*both("nll", {}, p, y, "float64"), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["cross_entropy", "nll"])
def test_after_a_batch_with_some_ignored_all_count_again(name: str) -> None:
    loss, p = make_loss(name), np.log(np.array([[0.25, 0.75], [0.5, 0.5], [0.125, 0.875]]))
    made = loss.scratch(p.shape, np.empty)
    for y in (np.array([0, 1, 1]), np.array([-100, 1, 0]), np.array([1, 1, 0])):
        value = made.forward(p, y).copy()
        gradient, (wanted, slope) = made.backward(), by_autograd(loss, p, y)
        np.testing.assert_allclose(value, wanted, rtol=1e-14)
        np.testing.assert_allclose(gradient, slope, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("keys", [{}, {"weight": [0.5, 2.0, 1.0]}, {"label_smoothing": 0.1}], ids=str)
def test_a_pass_takes_indices_and_probabilities_in_turn(keys: dict[str, Any]) -> None:
    rng = np.random.default_rng(4)
    loss, p = make_loss("cross_entropy", keys), rng.standard_normal((4, 3))
    made = loss.scratch(p.shape, np.empty)
    for y in (np.array([0, 2, 1, 1]), np.full((4, 3), 1 / 3), np.array([1, 1, 0, 2])):
        value = made.forward(p, y).copy()
        gradient, (wanted, slope) = made.backward(), by_autograd(loss, p, y)
        np.testing.assert_allclose(value, wanted, rtol=1e-14)
        np.testing.assert_allclose(gradient, slope, rtol=1e-13, atol=1e-15)
