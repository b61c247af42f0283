"""Whether the parts of a run fit together: numbers the dtype, batches the layers, samples the network and the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from runner.arrays import is_whole
from runner.backends.base import Problem
from runner.checks import check_range
from runner.errors import ConfigError
from runner.losses.base import Loss
from runner.losses.classes import OfClasses
from runner.network import Network
from runner.samples import Learnt, hint_at_classes


def check_ranges(problem: Problem, listed: bool, dtype: np.dtype[Any]) -> None:
    """No number is beyond the range of the dtype; ``listed``: whether the layers stand in the configuration."""
    for key in ("lr", "loss", "optimizer", "schedule", "clip"):
        check_range(key, getattr(problem, key), dtype)
    for i, place in enumerate(problem.network.places):
        try:
            check_range(f"architecture.layers.{i}" if listed else place.name, place.layer, dtype)
        except ConfigError as error:
            raise error if listed else error.of_part("architecture", "a layer") from error


def check_batches(batch_size: int, samples: int, network: Network) -> None:
    """No batch, nor the last one of an epoch, is too small for a layer that takes statistics over it."""
    for size in (batch_size, samples % batch_size or batch_size):
        if size < network.fewest:
            name = next(p.name for p in network.places if size < p.layer.fewest(p.input_shape))
            got = batch_size if size == batch_size else f"{batch_size}, which leaves a batch of {size} of {samples}"
            raise ConfigError("batch_size", got, f"at least {network.fewest} samples a batch: {name} has variances")


def check_values(part: Learnt, network: Network, loss: Loss, target: Mapping[str, Any]) -> None:
    """Tokens lie within the vocabulary, and targets fit the outputs."""
    if network.takes_indices and not is_whole(part.x):
        words = f"whole numbers, which {network.places[0].name} takes: data.tokens=true, where the data has that key"
        raise ConfigError("data", "numbers", words)
    if is_whole(part.x):
        if not network.takes_indices:
            raise ConfigError("architecture", f"{network.places[0].name} first", "a layer that takes tokens: embedding")
        try:
            network.places[0].layer.check_input(part.x)
        except ValueError as error:
            raise ConfigError("data", str(error), "tokens of the vocabulary") from error
    try:
        loss.fits(network.output_shape, part.y)
    except ConfigError as error:
        hint = hint_at_classes(target, part.y) if isinstance(loss, OfClasses) else ""
        raise ConfigError(error.key, error.got, f"{error.allowed}{hint}") from error
