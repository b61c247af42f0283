"""A training step of larger architectures: scratch against torch eager."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.timing import Line, medians, ratio, time_in_turn
from runner.assemble import Setup, assemble
from runner.backends.scratch import ScratchBackend
from runner.backends.tensors import to_torch
from runner.catalog import Catalog
from runner.compose import compose_config

NETS = {
    "lenet, batch 64": ("experiment=digits_lenet", "batch_size=64"),
    "transformer_small, batch 16": ("experiment=digits_transformer", "batch_size=16"),
}


def architecture_steps() -> Iterator[Line]:
    """Each on its data's first batch, with its experiment's optimizer, float32, one thread."""
    for name, overrides in NETS.items():
        setup = assemble(compose_config(overrides), Catalog())
        times = time_in_turn([_scratch(setup), _eager(setup)], 20)
        ours, theirs = times.T
        seconds = dict(zip(("scratch", "eager"), medians(times), strict=True))
        yield Line(name, {"over eager": ratio(theirs, ours)}, seconds)


def _scratch(setup: Setup) -> Callable[[], object]:
    backend = ScratchBackend("scratch", setup.problem, setup.dtype)
    backend.load(setup.initial)
    x, y = setup.x[: setup.batch_size], setup.y[: setup.batch_size]
    draws = setup.problem.network.draw(np.random.default_rng(1), len(x))

    def step() -> None:
        backend.step(x, y, draws=draws)
        backend.update()

    return step


def _eager(setup: Setup) -> Callable[[], object]:
    """As a torch user writes it, in training mode."""
    module = setup.problem.network.torch()
    module.load_state_dict({name: torch.tensor(value) for name, value in setup.initial.parameters.items()})
    optimizer = setup.problem.optimizer.torch(module.parameters(), setup.problem.lr)
    x, y = (to_torch(value[: setup.batch_size]) for value in (setup.x, setup.y))

    def step() -> None:
        optimizer.zero_grad()
        setup.problem.loss.torch(module(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step
