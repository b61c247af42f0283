"""Configuration -> many runs that differ in their seed alone, stacked; what cannot be stacked is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from runner.arrays import DTYPES, Array
from runner.assemble import Setup, assemble
from runner.backends.base import Backend, Problem, State
from runner.catalog import Catalog
from runner.checks import check_numbers, check_range
from runner.data.base import Stream, generator
from runner.errors import ConfigError
from runner.samples import Learnt
from runner.schedules.plateau import Plateau
from runner.stacked.seeds import reseeded
from runner.steps import rows_of_batches
from runner.user_code import is_ours


@dataclass(frozen=True)
class Stack:
    """As many runs as ``seeds``; ``first`` is the first of them.

    Each of the others differs in its seed, its data, its first parameters and its learning rate alone. ``rates`` are
    the learning rates, equal ones side by side. x is (replicas, samples, *sample), y (replicas, samples, *out); so is
    what is held out. Every array of ``initial`` has the axis of replicas in front.
    """

    first: Setup
    seeds: tuple[int, ...]
    rates: tuple[float, ...]
    x: Array
    y: Array
    held_out: Learnt | None
    initial: State

    @property
    def problem(self) -> Problem:
        """What is computed of all replicas."""
        differ = len(set(self.rates)) > 1
        return replace(self.first.problem, rates=self.rates if differ else ())

    def backends(self) -> dict[str, Backend]:
        """The run's backends, each for all replicas."""
        problem, dtype, replicas = self.problem, self.first.dtype, len(self.seeds)
        return {n: c.make_stacked(n, problem, dtype, replicas) for n, c in self.first.backends.items()}

    def draws(self) -> Iterator[Mapping[str, Array]]:
        """The random numbers of one training step after the other, (replicas, batch, *shape) each."""
        network = self.first.problem.network
        rngs = [generator(seed, Stream.MASKS) for seed in self.seeds] if network.masks else []
        for rows in rows_of_batches(self.first):
            drawn = [network.draw(rng, rows.stop - rows.start) for rng in rngs]
            yield {name: np.stack([d[name] for d in drawn]) for name in network.masks}


def stack_of(config: Mapping[str, Any], catalog: Catalog) -> Stack:
    """As many runs of ``config`` as its ``replicas``, with the seeds from its ``seed``, each as ``assemble`` makes it.

    Where it has ``lrs``, so many with the first of them, and then as many with each of the others.

    Raises:
        ConfigError: As ``assemble``; or what is configured cannot be stacked.
    """
    check_numbers(config)
    _check_seeds(config["seed"], config["replicas"])
    rates = [config["lr"]] if config["lrs"] is None else config["lrs"]
    check_range("lr" if config["lrs"] is None else "lrs", rates, DTYPES[config["dtype"]])
    first = assemble({**config, "replicas": 1, "lrs": None, "lr": rates[0]}, catalog)
    check_stacks(first)
    seeded = [first, *reseeded(first, config, range(first.seed + 1, first.seed + config["replicas"]))]
    return stacked([replace(s, problem=replace(s.problem, lr=lr)) for lr in rates for s in seeded])


def _check_seeds(seed: int, replicas: int) -> None:
    """A column of seeds has 64 bits."""
    largest = np.iinfo(np.int64).max - (replicas - 1)
    if seed > largest:
        raise ConfigError("seed", seed, f"at most {largest}, with replicas={replicas}")


def stacked(setups: Sequence[Setup]) -> Stack:
    """The runs of these setups, one after the other; those of one learning rate are side by side."""
    first = setups[0]
    held_out = None
    if first.held_out is not None:
        parts = [setup.held_out for setup in setups if setup.held_out is not None]
        held_out = Learnt(np.stack([part.x for part in parts]), np.stack([part.y for part in parts]))
    parameters, buffers = (
        {name: np.stack([getattr(setup.initial, kind)[name] for setup in setups]) for name in names}
        for kind, names in (("parameters", first.initial.parameters), ("buffers", first.initial.buffers))
    )
    return Stack(
        first,
        tuple(setup.seed for setup in setups),
        tuple(setup.problem.lr for setup in setups),
        np.stack([setup.x for setup in setups]),
        np.stack([setup.y for setup in setups]),
        held_out,
        State(parameters, buffers),
    )


def check_stacks(setup: Setup) -> None:
    """Raises ConfigError, in one line, where a run cannot be one of a stack."""
    found = refusal(setup)
    if found is not None:
        raise found


def refusal(setup: Setup) -> ConfigError | None:
    """Why a run cannot be one of a stack; None where it can."""
    beside = "beside replicas above 1"
    for key, wanted in (("shrink", setup.shrink), ("record.model", setup.record_model)):
        if wanted:
            return ConfigError(key, "true", f"false {beside}: it is about one run")
    if setup.checkpoint_every is not None:
        return ConfigError("checkpoint.every", setup.checkpoint_every, f"null {beside}: it is about one run")
    if setup.published is not None:
        return ConfigError("record.published", "a table", f"null {beside}: it is about one run")
    if not setup.lockstep:
        return ConfigError("lockstep", "false", f"true {beside}: the drift of a run is measured by itself")
    for name, choice in setup.backends.items():
        if not choice.stacks:
            got = f"{type(choice).__name__}, which computes one run"
            return ConfigError(f"backend.{name}", got, f"scratch or torch {beside}")
    problem = setup.problem
    if isinstance(problem.schedule, Plateau):
        return ConfigError("schedule", "plateau", f"one that moves all runs alike {beside}, and not by their losses")
    for key in ("optimizer", "schedule", "clip"):
        part = getattr(problem, key)
        if part is not None and not is_ours(part):
            got = f"{type(part).__name__}, which is not the project's own"
            return ConfigError(key, got, f"the project's own {beside}")
    if isinstance(setup.x, np.memmap):
        got = "samples that are read from a file a batch at a time"
        return ConfigError("data", got, f"samples that fit into memory {beside}")
    return None
