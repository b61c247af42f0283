"""What every way to clip in conf/clip must satisfy; a new one joins by existing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from runner.arrays import DTYPES, Array, eps
from runner.backends.tensors import to_numpy, to_torch
from runner.clipping.base import Clip
from runner.comparison.noisy import NoisyArray, empty_noisy, noise
from runner.config import build
from runner.errors import ConfigError
from tests.helpers import CATALOG, same_bits

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "norm": [{"max_norm": 0.1}, {"max_norm": 100.0}, {"norm_type": np.inf}, {"norm_type": np.inf, "max_norm": 0.5}],
    "value": [{"clip_value": 0.3}, {"clip_value": 0.0}],
}

CLIPS = [(name, keys) for name in CATALOG.names("clip") for keys in [{}, *VARIANTS.get(name, [])]]

every_clip = pytest.mark.parametrize(("name", "keys"), CLIPS, ids=[f"{n}-{k}" for n, k in CLIPS])

SHAPES = [(7, 5), (7,), (3, 7), (1,)]
"""Of the parameters that one flat vector holds."""
SIZE = sum(int(np.prod(shape)) for shape in SHAPES)


def make_clip(name: str, keys: Mapping[str, Any]) -> Clip:
    defaults = OmegaConf.to_container(OmegaConf.load(CATALOG.find("clip", name, "clip")))
    assert isinstance(defaults, dict)
    return build({**defaults, **keys}, "clip", Clip)


def by_hand(clip: Clip, gradients: Array) -> Array:
    clipped = np.copy(gradients, subok=True)
    clip.scratch(clipped)()
    return clipped


def by_torch(clip: Clip, gradients: Array) -> Array:
    ends = np.cumsum([int(np.prod(shape)) for shape in SHAPES])[:-1]
    parts = [part.reshape(shape) for part, shape in zip(np.split(gradients.copy(), ends), SHAPES, strict=True)]
    parameters = [torch.nn.Parameter(to_torch(np.zeros_like(part))) for part in parts]
    clipper = clip.torch(iter(parameters))
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.grad = to_torch(part)
    clipper()
    return np.concatenate([to_numpy(parameter.grad).ravel() for parameter in parameters if parameter.grad is not None])


def test_every_way_is_there_and_none_that_is_not_is_tried() -> None:
    assert {"none", "norm", "value"} <= set(CATALOG.names("clip"))
    assert set(VARIANTS) <= set(CATALOG.names("clip"))


@every_clip
@pytest.mark.parametrize("dtype", list(DTYPES))
@pytest.mark.parametrize("size", [0.0, 1e-4, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("seed", range(3))
def test_gradients_equal_torchs_within_rounding(
    name: str, keys: Mapping[str, Any], dtype: str, size: float, seed: int
) -> None:
    gradients = (size * np.random.default_rng(seed).standard_normal(SIZE)).astype(DTYPES[dtype])
    with np.errstate(over="ignore"):
        mine, theirs = (f(make_clip(name, keys), gradients) for f in (by_hand, by_torch))
    assert mine.dtype == DTYPES[dtype]
    off, size_of = np.abs(mine.astype(np.float64) - theirs), np.abs(theirs.astype(np.float64))
    least = float(np.finfo(np.float16).smallest_subnormal) if dtype == "float16" else 0.0
    assert (off <= 4 * eps(DTYPES[dtype]) * size_of + least).all()


@every_clip
@pytest.mark.parametrize(
    ("dtype", "size"), [("float64", 1e-30), ("float64", 1e30), ("float32", 1e-30), ("float32", 1e30)]
)
def test_gradients_of_any_size(name: str, keys: Mapping[str, Any], dtype: str, size: float) -> None:
    """Where the squares overflow, torch's norm is infinite too, and nothing is left."""
    gradients = (size * np.random.default_rng(0).standard_normal(SIZE)).astype(dtype)
    with np.errstate(all="ignore"):
        mine, theirs = (f(make_clip(name, keys), gradients) for f in (by_hand, by_torch))
    np.testing.assert_allclose(mine, theirs, rtol=8 * float(np.finfo(dtype).eps))


@every_clip
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_treated_as_torch_treats_it(name: str, keys: Mapping[str, Any], value: float) -> None:
    gradients = np.random.default_rng(0).standard_normal(SIZE)
    gradients[3] = value
    with np.errstate(all="ignore"):
        mine, theirs = (f(make_clip(name, keys), gradients) for f in (by_hand, by_torch))
    np.testing.assert_allclose(mine, theirs, rtol=1e-14)


@every_clip
@pytest.mark.parametrize("dtype", list(DTYPES))
def test_each_replica_has_its_own_norm(name: str, keys: Mapping[str, Any], dtype: str) -> None:
    rng = np.random.default_rng(1)
    sizes = rng.uniform(0.01, 5, (2, 3, 1))
    gradients = (sizes * rng.standard_normal((2, 3, SIZE))).astype(DTYPES[dtype])
    together = by_hand(make_clip(name, keys), gradients)
    for place in np.ndindex(2, 3):
        alone = by_hand(make_clip(name, keys), gradients[place]).astype(np.float64)
        apart = np.abs(together[place].astype(np.float64) - alone)
        assert (apart <= 2 * eps(DTYPES[dtype]) * np.abs(alone)).all()


def test_noise_reaches_what_is_scaled_and_leaves_what_is_cut_off() -> None:
    gradients = empty_noisy((2, SIZE), np.dtype(np.float64))
    gradients[...] = np.random.default_rng(0).standard_normal((2, SIZE))
    for keys in ({}, {"norm_type": np.inf}):
        plain = by_hand(make_clip("norm", keys), np.asarray(gradients))
        moved = np.zeros(plain.shape, bool)
        for k in range(4):
            with noise(1e-12, k):
                shaken = by_hand(make_clip("norm", keys), gradients)
            assert isinstance(shaken, NoisyArray)
            moved |= np.asarray(shaken) != plain
            np.testing.assert_allclose(np.asarray(shaken), plain, rtol=1e-10)
        assert moved.all()
    with noise(1e-12, 1):
        shaken = by_hand(make_clip("value", {}), gradients)
    np.testing.assert_array_equal(np.asarray(shaken), by_hand(make_clip("value", {}), np.asarray(gradients)))


@every_clip
def test_replicas_cost_no_call_more(name: str, keys: Mapping[str, Any]) -> None:
    def calls(replicas: int) -> int:
        clip, counted = make_clip(name, keys).scratch(np.ones((replicas, 5))), 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            clip()
        finally:
            sys.setprofile(None)
        return counted

    assert calls(1) == calls(1000)


@pytest.mark.parametrize("name", ["none", "norm", "value"])
def test_gradients_within_bounds_keep_their_bits(name: str) -> None:
    gradients = np.array([0.3, -0.4, 0.0])
    assert same_bits(by_hand(make_clip(name, {}), gradients), gradients)


def test_a_long_gradient_is_scaled_to_the_norm_less_torchs_small_number() -> None:
    clipped = by_hand(make_clip("norm", {}), np.array([3.0, -4.0]))
    np.testing.assert_allclose(clipped, np.array([3.0, -4.0]) / (5 + 1e-6), rtol=1e-15)
    clipped = by_hand(make_clip("norm", {"norm_type": np.inf}), np.array([3.0, -4.0]))
    np.testing.assert_allclose(clipped, np.array([3.0, -4.0]) / (4 + 1e-6), rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "keys", "key"),
    [
        ("norm", {"max_norm": -1.0}, "max_norm"),
        ("norm", {"max_norm": float("nan")}, "max_norm"),
        ("norm", {"norm_type": 1.0}, "norm_type"),
        ("value", {"clip_value": -1.0}, "clip_value"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_key(name: str, keys: Mapping[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_clip(name, keys)
    assert refused.value.key == f"clip.{key}"
