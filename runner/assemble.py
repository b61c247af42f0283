"""Configuration -> everything that a run needs, checked before torch or mlflow is imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

import numpy as np

from runner.arrays import DTYPES, Array, in_dtype
from runner.backends.base import BackendChoice, Problem, State
from runner.building import network_of
from runner.catalog import Catalog
from runner.checks import (
    check_backends,
    check_in_mlflow,
    check_name,
    check_numbers,
    check_objective,
    check_plots,
    check_restorable,
    check_system_metrics,
    check_tracking,
)
from runner.clipping.base import Clip
from runner.clipping.none import NoClip
from runner.config import build, build_named
from runner.data.returned import not_finite
from runner.errors import ConfigError
from runner.fitting import check_batches, check_ranges, check_values
from runner.init.base import Init
from runner.init.returned import drawn_of
from runner.losses.base import Loss
from runner.network import Network
from runner.optimizers.base import Optimizer
from runner.published.table import Published, read_published
from runner.samples import Learnt, load_samples
from runner.schedules.base import Schedule
from runner.schedules.constant import Constant

T = TypeVar("T")


@dataclass(frozen=True)
class Setup:
    """One run, free of its configuration.

    x is (samples, *sample) and y (samples, *out), or class indices, both in the run's dtype or whole numbers (in
    float64 where they lie in a mapped file); so is what is held out, and the parameters of ``initial``. The last of
    ``backends`` is the one that the others are compared to.
    """

    problem: Problem
    x: Array
    y: Array
    held_out: Learnt | None
    initial: State
    backends: Mapping[str, BackendChoice]
    dtype: np.dtype[Any]
    seed: int
    epochs: int
    batch_size: int
    lockstep: bool
    verdict_every: int
    record_every: int
    record_gradients: bool
    record_plots: bool
    record_svg: bool
    record_metrics: str
    record_model: bool
    published: Published | None
    shrink: bool
    checkpoint_every: int | None
    resume: bool
    tracking_uri: str
    tracking_experiment: str
    system_metrics: bool

    @property
    def steps(self) -> int:
        """The number of steps: a batch each, over all epochs."""
        return self.epochs * -(-len(self.x) // self.batch_size)


def assemble(
    config: Mapping[str, Any], catalog: Catalog, given: Mapping[str, BackendChoice | None] | None = None
) -> Setup:
    """Checks ``config`` and makes everything that it describes: one run.

    ``given`` are the backends, in place of those that the configuration names; None stands for the configured one.

    Raises:
        ConfigError: Any key, combination of keys, or file that is wrong.
    """
    check_numbers(config)
    check_objective(config["objective"], config["lockstep"])
    check_plots(config["record"])
    check_in_mlflow(config["record"])
    for key, alone in (("replicas", 1), ("lrs", None)):
        if config[key] != alone:
            words = f"{'null' if alone is None else alone}: this takes one run (python -m runner trains many at once)"
            raise ConfigError(key, config[key], words)
    check_tracking(config["tracking"])
    check_system_metrics(config["tracking"]["system_metrics"])
    dtype = DTYPES[config["dtype"]]
    loss = build(config["loss"], "loss", Loss)
    learnt, held_out = load_samples(config, dtype, loss)
    x, y = learnt.x, learnt.y
    if not config["batch_size"] <= len(x):
        raise ConfigError("batch_size", config["batch_size"], f"from 1 to the number of samples, {len(x)}")
    configured = _backends(config["backend"], catalog)
    backends = configured if given is None else {name: choice or configured[name] for name, choice in given.items()}
    check_backends(backends, dtype)
    network = _network_of(backends, network_of(config["architecture"], x.shape[1:], catalog))
    if config["record"]["model"] and not network.derived:
        allowed = "false: the network is a module of your own, which only its own code can compute"
        raise ConfigError("record.model", "true", allowed)
    if config["checkpoint"]["every"] is not None:
        check_restorable(config["checkpoint"]["every"], backends, network)
    check_batches(config["batch_size"], len(x), network)
    for part in filter(None, (learnt, held_out)):
        check_values(part, network, loss, config["target"])
    problem = _problem(config, network, loss, -(-len(x) // config["batch_size"]))
    check_ranges(problem, config["architecture"]["layers"] is not None, dtype)
    return Setup(
        problem=problem,
        x=x,
        y=y,
        held_out=held_out,
        initial=initial_of(build(config["init"], "init", Init), config["seed"], network, dtype),
        backends=backends,
        dtype=dtype,
        seed=config["seed"],
        epochs=config["epochs"],
        batch_size=config["batch_size"],
        lockstep=config["lockstep"],
        verdict_every=config["verdict"]["every"],
        record_every=config["record"]["every"],
        record_gradients=config["record"]["gradients"],
        record_plots=config["record"]["plots"],
        record_svg=config["record"]["svg"],
        record_metrics=config["record"]["metrics"],
        record_model=config["record"]["model"],
        published=_published(config["record"]["published"], network),
        shrink=config["shrink"],
        checkpoint_every=config["checkpoint"]["every"],
        resume=config["resume"],
        tracking_uri=config["tracking"]["uri"],
        tracking_experiment=config["tracking"]["experiment"],
        system_metrics=config["tracking"]["system_metrics"],
    )


def _problem(config: Mapping[str, Any], network: Network, loss: Loss, steps_per_epoch: int) -> Problem:
    optimizer = build(config["optimizer"], "optimizer", Optimizer)
    clip, schedule = build(config["clip"], "clip", Clip), build(config["schedule"], "schedule", Schedule)
    problem = Problem(
        network=network,
        loss=loss,
        optimizer=optimizer,
        lr=config["lr"],
        threads=config["threads"],
        clip=None if isinstance(clip, NoClip) else clip,
        schedule=None if isinstance(schedule, Constant) else schedule,
        steps_per_epoch=steps_per_epoch,
        steps=steps_per_epoch * config["epochs"],
    )
    try:
        schedule.fits(optimizer, problem.advances)
    except ConfigError as error:
        raise error.below("schedule") from error
    return problem


def _backends(nodes: Mapping[str, Any], catalog: Catalog) -> dict[str, BackendChoice]:
    """The backends under their names; those that bear an alias (``use``) stand first: the last is the reference."""
    made = {}
    for name, node in sorted(nodes.items(), key=lambda item: not _is_alias(item[1])):
        key = f"backend.{name}"
        check_name(key, name)
        if _is_alias(node):
            made[name] = build_named(node, key, BackendChoice, catalog, "backend", "use")
        else:
            made[name] = build(node, key, BackendChoice)
    return made


def _network_of(backends: Mapping[str, BackendChoice], network: Network) -> Network:
    """The configured network; or the one that a backend brings itself, if none needs the project's layers for it."""
    if not any(choice.needs_layers() for choice in backends.values()):
        brought = [_told(name, choice.own_network, network) for name, choice in backends.items()]
        network = next((own for own in brought if own is not None), network)
    for name, choice in backends.items():
        _told(name, choice.fits, network)
    return network


def _told(name: str, ask: Callable[[Network], T], network: Network) -> T:
    try:
        return ask(network)
    except ConfigError as error:
        raise error.below(f"backend.{name}") from error


def _is_alias(node: object) -> bool:
    return isinstance(node, dict) and "use" in node


def initial_of(init: Init, seed: int, network: Network, dtype: np.dtype[Any]) -> State:
    """What a run begins with: the parameters that ``init`` draws, and the layers' running averages.

    Raises:
        ConfigError: They do not fit into memory, or ``init`` draws something else than finite values of their shapes.
    """
    count = sum(prod(p.shape) for p in network.parameters.values())
    if count * DTYPES["float64"].itemsize > sys.maxsize:
        raise ConfigError("architecture", f"{count} parameters", "as many as fit into memory")
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is not finite is told below
            drawn = drawn_of(init.draw(network, seed), network, type(init).__name__)
    except MemoryError as error:
        raise ConfigError("architecture", f"{count} parameters", "as many as fit into memory") from error
    except ConfigError as error:
        raise error.below("init") from error
    with np.errstate(over="ignore"):
        initial = {name: in_dtype(value, dtype) for name, value in (network.buffers | drawn).items()}
    for name, value in drawn.items():
        wrong = value[~np.isfinite(initial[name])]
        if wrong.size:
            got = not_finite(wrong[0], name, dtype)
            raise ConfigError("init", got, "values that are finite in the run's dtype")
    parameters, buffers = ({name: initial[name] for name in names} for names in (network.parameters, network.buffers))
    return State(parameters, buffers)


def _published(path: str | None, network: Network) -> Published | None:
    return None if path is None else read_published("record.published", path, network)
