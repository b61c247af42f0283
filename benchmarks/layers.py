"""Each layer's forward and backward, scratch against torch, at a small and at a large shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from benchmarks.timing import Line, Ratio, ratio, time_in_turn
from runner.arrays import Array, Shape, in_dtype
from runner.building import build_layer
from runner.catalog import Catalog
from runner.layers.base import Buffers, Layer

SINGLE = np.dtype(np.float32)
VOCABULARY = 10_000
ELEMENTWISE: tuple[Shape, Shape] = ((1, 10), (64, 4096))
IMAGES: tuple[Shape, Shape] = ((1, 4, 8, 8), (32, 16, 32, 32))
SEQUENCES: tuple[Shape, Shape] = ((1, 8, 8), (32, 32, 64))
NESTED = [{"layer": "linear", "out": 64}, {"layer": "relu"}, {"layer": "linear", "out": 64}]

SHAPES: dict[str, tuple[Mapping[str, Any], tuple[Shape, Shape]]] = {
    "linear": ({"out": 128}, ((1, 16), (128, 512))),
    "conv1d": ({"out_channels": 32, "kernel_size": 3, "padding": 1}, ((1, 4, 16), (32, 16, 256))),
    "conv2d": ({"out_channels": 32, "kernel_size": 3, "padding": 1}, IMAGES),
    "max_pool2d": ({"kernel_size": 2}, IMAGES),
    "avg_pool2d": ({"kernel_size": 2}, IMAGES),
    "adaptive_avg_pool2d": ({"output_size": 4}, IMAGES),
    "batch_norm2d": ({}, ((2, 4, 8, 8), (32, 16, 32, 32))),
    "batch_norm1d": ({}, ((4, 10), (256, 1024))),
    "group_norm": ({"num_groups": 4}, IMAGES),
    "layer_norm": ({}, ((1, 16), (512, 512))),
    "rms_norm": ({}, ((1, 16), (512, 512))),
    "flatten": ({}, IMAGES),
    "embedding": ({"num_embeddings": VOCABULARY, "embedding_dim": 64}, ((1, 8), (32, 64))),
    "multi_head_attention": ({"num_heads": 4}, ((1, 8, 16), (8, 64, 64))),
    "rnn": ({"hidden_size": 128}, SEQUENCES),
    "lstm": ({"hidden_size": 128}, SEQUENCES),
    "gru": ({"hidden_size": 128}, SEQUENCES),
    "dropout": ({"p": 0.5}, ELEMENTWISE),
    "residual": ({"layers": NESTED}, ((1, 64), (256, 64))),
    "sequential": ({"layers": NESTED}, ((1, 64), (256, 64))),
}
"""Keys, and the small and the large shape (batch, *sample); every other layer is timed as an activation."""


def layer_steps() -> Iterator[Line]:
    """Each layer in float32, one thread: how many times as long scratch takes as torch."""
    catalog = Catalog()
    for name in catalog.names("layer"):
        keys, shapes = SHAPES.get(name, ({}, ELEMENTWISE))
        layer = build_layer({"layer": name, **keys}, name, catalog)
        found = {size: _timed(layer, shape) for size, shape in zip(("small", "large"), shapes, strict=True)}
        ratios = {f"{size}, over torch": times for size, (times, _) in found.items()}
        yield Line(name, ratios, {f"torch, {size}": seconds for size, (_, seconds) in found.items()})


def _timed(layer: Layer, shape: Shape) -> tuple[Ratio, float]:
    rng = np.random.default_rng(0)
    whole = layer.takes_indices
    x = rng.integers(0, VOCABULARY, shape) if whole else rng.standard_normal(shape).astype(np.float32)
    delta = rng.standard_normal((shape[0], *layer.output_shape(shape[1:]))).astype(np.float32)
    masks = {key: mask.draw(rng, shape[0]) for key, mask in layer.masks(shape[1:]).items()}
    pair = [_scratch(layer, x, delta, masks), _torch(layer, x, delta, masks)]
    once = time_in_turn(pair, 1, rounds=1).max()
    scratch, theirs = time_in_turn(pair, max(1, min(2000, int(0.02 / once)))).T
    return ratio(scratch, theirs), float(np.median(theirs))


def _scratch(layer: Layer, x: Array, delta: Array, masks: Mapping[str, Array]) -> Callable[[], object]:
    rng, sample = np.random.default_rng(1), x.shape[1:]
    parameters = {key: p.draw(rng).astype(np.float32) for key, p in layer.parameters(sample).items()}
    gradients = {key: np.empty_like(value) for key, value in parameters.items()}
    state = {key: in_dtype(value, SINGLE) for key, value in layer.buffers(sample).items()}

    def empty(wanted: Shape) -> Array:
        return np.empty(wanted, SINGLE)

    backwards = not layer.takes_indices
    made = layer.scratch(Buffers(x.shape, parameters, gradients, empty, backwards, state=state, masks=masks))

    def step() -> None:
        made.forward(x)
        made.backward(delta)

    return step


def _torch(layer: Layer, x: Array, delta: Array, masks: Mapping[str, Array]) -> Callable[[], object]:
    module = layer.torch(x.shape[1:])
    for key, mask in masks.items():
        owner, _, local = key.rpartition(".")
        setattr(module.get_submodule(owner), local, torch.from_numpy(mask))
    given, back = torch.from_numpy(x), torch.from_numpy(delta)
    if not layer.takes_indices:
        given.requires_grad_()
    wanted = [*module.parameters(), *([] if layer.takes_indices else [given])]

    def step() -> None:
        torch.autograd.grad(module(given), wanted, back)

    return step
