"""Where samples come from, what is to be learnt from them, and the last layers and the loss that fit that."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fuzzing.layers import Drawn, Rng, chance, log_int, one_of
from tests.fuzzing.written import CATALOG, Node, written

OF_CLASSES = ("cross_entropy", "nll")
OF_PROBABILITIES = ("bce", "bce_with_logits", "kl_div")
LAST: dict[str, str] = {"bce": "sigmoid", "nll": "log_softmax", "kl_div": "log_softmax"}
"""The layer that makes of any numbers what the loss wants."""

LARGEST_GRID = 64
"""Numbers of an input that is written on the command line."""

SHAPES = 4
"""Classes of data=shapes."""


def draw_loss(rng: Rng, kind: str) -> str:
    """Any where targets of any shape can be had, else one of classes."""
    return str(one_of(rng, CATALOG.names("loss") if kind in ("dense", "image") else OF_CLASSES))


def draw_features(rng: Rng, loss: str, samples: int, grid: bool) -> tuple[int, int, Node]:
    """Features, outputs, and the overrides of samples (features,) with targets that fit the loss."""
    features, noise = log_int(rng, 1, 16), {"target.noise": one_of(rng, [0.01, 1.0])} if chance(rng, 0.3) else {}
    if loss in OF_CLASSES and (loss == "nll" or chance(rng, 0.7)):
        classes = log_int(rng, 1, 8)
        keys: Node = {
            "data.features": features,
            "data.components": classes,
            "data.spread": one_of(rng, [0.3, 3.0, 30.0]),
        }
        return features, classes, {"data": "gaussian_mixture", "target": "given", **keys}
    if loss in (*OF_CLASSES, *OF_PROBABILITIES):
        data = one_of(rng, ["bernoulli", "beta", "uniform", "categorical"])
        if data == "categorical":
            return (
                features,
                features,
                {"data": data, "target": "inputs", "data.features": 1, "data.categories": features},
            )
        if loss.startswith("bce") and chance(rng, 0.4):
            return features, 1, {"data": "normal", "target": "xor", "data.features": features}
        return features, features, {"data": data, "target": "inputs", "data.features": features}
    target = one_of(rng, ["half_sum_of_squares", "sine", "polynomial", "teacher", "linear", "inputs"])
    out = log_int(rng, 1, 5) if target in ("teacher", "linear") else features if target == "inputs" else 1
    wanted: Node = {"target": target, **noise} | ({"target.out": out} if target in ("teacher", "linear") else {})
    if grid and samples * features <= LARGEST_GRID:
        x = np.round(rng.uniform(-1, 1, (samples, features)), 1)
        x[rng.random(samples) < 0.2] = 0
        return features, out, wanted | {"data": "inline", "data.x": x.tolist()}
    wanted["data.features"] = features
    if chance(rng, 0.3):
        return features, out, wanted | {"data": one_of(rng, ["normal", "laplace", "student_t"])}
    low = one_of(rng, [0.0, -1.0, -10.0, 2000.0])
    return features, out, wanted | {"data.low": low, "data.high": low + one_of(rng, [1.0, 2.0, 20.0])}


def draw_images(rng: Rng, loss: str) -> Node:
    """Overrides of samples (1, size, size), of two colours alone where they are to be probabilities too."""
    keys: Node = {"data": "shapes", "data.size": log_int(rng, 8, 12), "target": "given"}
    keys["data.noise"] = 0.0 if loss in OF_PROBABILITIES else one_of(rng, [0.0, 0.1, 1.0])
    return keys | ({} if loss in OF_CLASSES else {"target": "inputs"})


def draw_tokens(rng: Rng) -> tuple[int, Node]:
    """The vocabulary, and the overrides of sequences of tokens."""
    vocabulary = log_int(rng, 2, 9)
    keys = {"data.length": log_int(rng, 2, 10), "data.vocabulary": vocabulary}
    return vocabulary, {"data": "tokens", "target": "given", **keys}


def end_dense(drawn: Drawn, out: int, loss: str) -> None:
    """A linear layer of ``out`` outputs, over one axis, and what the loss wants behind it."""
    if len(drawn.shape) > 1:
        drawn.add("flatten")
    drawn.add("linear", out=out)
    end(drawn, loss)


def end_image(drawn: Drawn, loss: str) -> None:
    """An image of one channel, and what the loss wants behind it."""
    kernel = int(drawn.rng.integers(1, 4))
    drawn.add("conv2d", out_channels=1, groups=1, stride=1, dilation=1, padding="same", kernel_size=kernel)
    end(drawn, loss)


def end(drawn: Drawn, loss: str) -> None:
    """What makes probabilities, or their logarithms; mean squares of those are had sometimes, too."""
    if loss in LAST:
        drawn.add_node({"layer": LAST[loss]})
    elif loss not in OF_CLASSES and chance(drawn.rng, 0.1):
        drawn.add(one_of(drawn.rng, ["softmax", "log_softmax", "layer_norm", "tanh"]))


def loss_keys(rng: Rng, loss: str, outputs: int) -> Node:
    """Random keys of the loss; ``outputs`` is the length of the prediction's last axis."""
    weights = [round(float(w), 2) for w in rng.uniform(0.1, 3, outputs)]
    values: dict[str, list[Any]] = {
        "reduction": ["mean", "sum", *(["batchmean"] if loss == "kl_div" else [])],
        "weight": [None, weights],
        "pos_weight": [None, weights],
        "label_smoothing": [0.0, 0.1, 0.5],
        "delta": [1.0, 0.1],
        "beta": [1.0, 0.1, 0.0],
        "log_target": [False, False, True],
    }
    known = CATALOG.find("loss", loss, "loss").read_text(encoding="utf-8")
    return {f"loss.{key}": one_of(rng, found) for key, found in values.items() if f"\n{key}:" in known}


def as_overrides(keys: Node) -> list[str]:
    """As they are typed."""
    return [f"{key}={written(value)}" for key, value in keys.items()]


def into_axes(drawn: Drawn) -> None:
    """Of an image (1, size, size), two axes: (size, size), or (1, all of it)."""
    drawn.add("flatten", start_dim=1, end_dim=2) if chance(drawn.rng, 0.8) else drawn.add("flatten", start_dim=2)
