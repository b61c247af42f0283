"""A run with other seeds: what is drawn from the seed is made anew, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from runner.arrays import Shape
from runner.assemble import Setup, initial_of
from runner.config import build
from runner.errors import ConfigError
from runner.fitting import check_values
from runner.init.base import Init
from runner.samples import built_sources, made_samples


def reseeded(setup: Setup, config: Mapping[str, Any], seeds: Iterable[int]) -> Iterator[Setup]:
    """The run of ``config`` with each of these seeds in place of its own; what no seed changes is that of ``setup``.

    Raises:
        ConfigError: As ``assemble``; or a seed makes data of another shape.
    """
    problem, (data, target), init = setup.problem, built_sources(config), build(config["init"], "init", Init)
    for seed in seeds:
        learnt, held_out = made_samples(data, target, seed, setup.dtype, problem.loss)
        for part, first in ((learnt, setup), (held_out, setup.held_out)):
            if part is not None and first is not None:
                _check_shape("data", part.x.shape, first.x.shape, seed)
                _check_shape("target", part.y.shape, first.y.shape, seed)
                check_values(part, problem.network, problem.loss, config["target"])
        initial = initial_of(init, seed, problem.network, setup.dtype)
        yield replace(setup, x=learnt.x, y=learnt.y, held_out=held_out, initial=initial, seed=seed)


def _check_shape(key: str, shape: Shape, wanted: Shape, seed: int) -> None:
    if shape != wanted:
        raise ConfigError(key, f"an array {shape} with seed {seed}", f"{wanted}, as with the first seed")
