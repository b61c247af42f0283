"""Drawn samples: their laws, their shapes, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from runner.arrays import Array
from runner.data.base import Stream, generator
from runner.paths import CONF
from tests.data.helpers import data, drawn, every, refusal, y_of
from tests.helpers import same_bits

N = 20000
SEEDS = [1, 2]
CONTINUOUS: list[tuple[str, dict[str, float], Any]] = [
    ("uniform", {"low": 0.0, "high": 1.0}, stats.uniform()),
    ("uniform", {"low": -3.0, "high": -1.0}, stats.uniform(-3, 2)),
    ("uniform", {"low": 5.0, "high": 5.5}, stats.uniform(5, 0.5)),
    ("normal", {"mean": -2.0, "std": 3.0}, stats.norm(-2, 3)),
    ("lognormal", {"mean": 1.0, "sigma": 0.25}, stats.lognorm(0.25, scale=np.e)),
    ("laplace", {"loc": 2.0, "scale": 0.5}, stats.laplace(2, 0.5)),
    ("student_t", {"df": 9.0}, stats.t(9)),
    ("exponential", {"scale": 2.5}, stats.expon(scale=2.5)),
    ("beta", {"a": 2.0, "b": 5.0}, stats.beta(2, 5)),
]
DRAWN = [name for name in every("data") if (CONF / "data" / f"{name}.yaml").read_text().count("\nsamples: ")]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "keys", "law"), CONTINUOUS)
def test_features_follow_their_law_and_are_independent(name: str, keys: dict[str, float], law: Any, seed: int) -> None:
    x = drawn(name, seed, samples=N, features=3, **keys).x
    assert x.shape == (N, 3)
    assert x.dtype == np.float64
    mean, variance, kurtosis = law.stats(moments="mvk")
    deviation = np.sqrt(variance)
    unit = (x - mean) / deviation
    assert np.abs(unit.mean(axis=0)).max() < 5 / np.sqrt(N), f"seed {seed}"
    assert np.abs(np.square(unit).mean(axis=0) - 1).max() < 5 * np.sqrt((kurtosis + 2) / N), f"seed {seed}"
    assert np.abs(np.corrcoef(unit.T) - np.eye(3)).max() < 5 / np.sqrt(N), f"seed {seed}"
    for feature in x.T:
        assert stats.kstest(feature, law.cdf).pvalue > 1e-5, f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("p", [0.0, 0.2, 1.0])
def test_bernoulli_is_1_as_often_as_it_should_be(p: float, seed: int) -> None:
    x = drawn("bernoulli", seed, samples=N, features=2, p=p).x
    assert x.dtype == np.float64
    assert set(np.unique(x)) <= {0.0, 1.0}
    assert np.abs(x.mean(axis=0) - p).max() <= 5 * np.sqrt(p * (1 - p) / N), f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("probabilities", [None, [0.7, 0.0, 0.3]])
def test_categories_are_one_hot_and_as_frequent_as_they_should_be(probabilities: list[float] | None, seed: int) -> None:
    x = drawn("categorical", seed, samples=N, features=2, categories=3, probabilities=probabilities).x
    assert x.shape == (N, 6)
    each = x.reshape(N, 2, 3)
    assert np.array_equal(each.sum(axis=2), np.ones((N, 2)))
    assert set(np.unique(x)) == {0.0, 1.0}
    p = np.array(probabilities or [1 / 3] * 3)
    assert (np.abs(each.mean(axis=0) - p) <= 5 * np.sqrt(p * (1 - p) / N)).all(), f"seed {seed}"
    joint = (each[:, 0, :, np.newaxis] * each[:, 1, np.newaxis, :]).mean(axis=0)
    assert np.abs(joint - np.outer(p, p)).max() < 5 * np.sqrt(0.25 / N), f"seed {seed}"


def test_probabilities_that_are_rounded_are_taken_as_they_are_meant() -> None:
    x = drawn("categorical", 1, categories=3, probabilities=[0.333333, 0.333333, 0.333333]).x
    assert x.shape == (100, 6)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mixture_lies_around_the_centres_of_its_classes(seed: int) -> None:
    samples = drawn("gaussian_mixture", seed, samples=N, features=3, components=4, spread=10.0, std=0.5)
    y = y_of(samples)
    assert y.dtype == np.int64
    share = np.bincount(y) / N
    assert np.abs(share - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / N), f"seed {seed}"
    for k in range(4):
        cloud = samples.x[y == k]
        error = 5 * 0.5 / np.sqrt(2 * len(cloud))
        assert np.abs(cloud.std(axis=0) - 0.5).max() < error, f"seed {seed}"


def test_the_centres_of_a_mixture_are_as_far_apart_as_it_says() -> None:
    centres = [drawn("gaussian_mixture", seed, spread=10.0, std=1e-9, components=1).x[0] for seed in range(300)]
    assert abs(np.std(centres) / 10 - 1) < 5 / np.sqrt(2 * 600)


def test_moons_without_noise_are_half_circles_in_turn() -> None:
    samples = drawn("two_moons", 1, samples=N, noise=0.0)
    y = y_of(samples)
    np.testing.assert_array_equal(y, np.arange(N) % 2)
    outer, inner = samples.x[y == 0], samples.x[y == 1]
    np.testing.assert_allclose(np.hypot(*outer.T), 1)
    np.testing.assert_allclose(np.hypot(*(inner - [1.0, 0.5]).T), 1)
    assert outer[:, 1].min() >= 0
    assert inner[:, 1].max() <= 0.5
    for angle in (np.arctan2(outer[:, 1], outer[:, 0]), np.arctan2(0.5 - inner[:, 1], 1 - inner[:, 0])):
        assert stats.kstest(angle / np.pi, "uniform").pvalue > 1e-5


@pytest.mark.parametrize(("arms", "turns"), [(2, 1.0), (3, 0.4)])
def test_spirals_without_noise_turn_as_often_as_they_should(arms: int, turns: float) -> None:
    samples = drawn("spirals", 1, samples=900, arms=arms, turns=turns, noise=0.0)
    y = y_of(samples)
    np.testing.assert_array_equal(np.bincount(y), 900 // arms)
    r, angle = np.hypot(*samples.x.T), np.arctan2(samples.x[:, 1], samples.x[:, 0]) / (2 * np.pi)
    off = (angle - turns * r - y / arms + 0.5) % 1 - 0.5
    assert np.abs(off * r).max() < 1e-12
    assert r.max() < 1


@pytest.mark.parametrize("name", ["two_moons", "spirals", "shapes"])
def test_noise_has_the_standard_deviation_that_it_says(name: str) -> None:
    quiet, noisy = (drawn(name, 3, samples=2000, noise=noise) for noise in (0.0, 0.3))
    np.testing.assert_array_equal(y_of(quiet), y_of(noisy))
    noise = (noisy.x - quiet.x).ravel()
    assert abs(noise.std() / 0.3 - 1) < 5 / np.sqrt(2 * noise.size)
    assert abs(noise.mean()) < 5 * 0.3 / np.sqrt(noise.size)


@pytest.mark.parametrize("size", [8, 20])
def test_shapes_lie_in_the_image_and_look_like_their_kind(size: int) -> None:
    samples = drawn("shapes", 2, samples=2000, size=size, noise=0.0)
    x, y = samples.x, y_of(samples)
    assert x.shape == (2000, 1, size, size)
    assert set(np.unique(x)) == {0.0, 1.0}
    assert np.abs(np.bincount(y) / 2000 - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 2000)
    images: Array = x[:, 0]
    rows, columns = np.any(images, axis=2), np.any(images, axis=1)
    fill = images.sum(axis=(1, 2)) / (rows.sum(axis=1) * columns.sum(axis=1))
    assert fill[y == 0].min() == 1  # a square fills the box around it
    assert np.median(fill[y == 2]) < 0.7 < np.median(fill[y == 1])  # a cross leaves more of it than a disc
    assert fill[y == 1].min() < 1
    upside_down = images[:, ::-1]
    widest = np.argmax(images.sum(axis=2), axis=1), size - 1 - np.argmax(upside_down.sum(axis=2), axis=1)
    last = size - 1 - np.argmax(rows[:, ::-1], axis=1)
    assert np.array_equal(widest[1][y == 3], last[y == 3])  # a triangle stands on its longest row


def test_the_class_of_tokens_is_the_most_frequent_one() -> None:
    samples = drawn("tokens", 4, samples=3000, length=9, vocabulary=5)
    x, y = samples.x, y_of(samples)
    assert x.dtype == y.dtype == np.int64
    assert x.shape == (3000, 9)
    assert np.abs(np.bincount(x.ravel()) / x.size - 0.2).max() < 5 * np.sqrt(0.2 * 0.8 / x.size)
    for row, found in zip(x.tolist(), y.tolist(), strict=True):
        assert found == min(set(row), key=lambda token: (-row.count(token), token))


@pytest.mark.parametrize("name", DRAWN)
def test_a_seed_gives_the_same_samples_again_and_another_seed_others(name: str) -> None:
    one, same, other = drawn(name, 4), drawn(name, 4), drawn(name, 5)
    assert same_bits(one.x, same.x)
    assert not np.array_equal(one.x, other.x)
    if one.y is not None:
        assert same_bits(one.y, y_of(same))
    assert one.x.flags.c_contiguous


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_comes_of_the_data_stream_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Stream] = []

    def noted(seed: int, stream: Stream) -> np.random.Generator:
        asked.append(stream)
        return generator(seed, stream)

    for module in ("distributions.base", "split"):
        monkeypatch.setattr(f"runner.data.{module}.generator", noted)
    data(name).load(1, ())
    assert asked == [Stream.DATA]
    data(name, held_out=0.2).load(1, ())
    assert asked == [Stream.DATA, Stream.DATA, Stream.SPLIT]


def test_uniform_numbers_are_those_that_they_have_always_been() -> None:
    expected: Array = np.random.default_rng(np.random.SeedSequence(1, spawn_key=(0,))).uniform(0.0, 1.0, (100, 2))
    assert same_bits(drawn("uniform", 1).x, expected)


@pytest.mark.parametrize("name", DRAWN)
def test_drawn_samples_have_no_columns_by_name(name: str) -> None:
    assert "price" in str(refusal(lambda: data(name).load(1, ("price",))))
