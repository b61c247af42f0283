"""Configuration -> everything that a run needs, checked before torch or mlflow is imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np

from runner.architectures.base import Architecture
from runner.arrays import DTYPES, Array, Shape
from runner.backends.base import BackendChoice, Problem, State
from runner.catalog import Catalog
from runner.config import build, build_named
from runner.data.base import Data, Stream, Target, generator
from runner.errors import ConfigError, choices
from runner.init.base import Init
from runner.layers.base import Layer
from runner.losses.base import Loss
from runner.network import Network, build_network
from runner.optimizers.base import Optimizer
from runner.published.table import Published, read_published

T = TypeVar("T")

SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https")
LONGEST_NAME = 500
"""MLflow's limit."""
MOST_THREADS = 1024


@dataclass(frozen=True)
class Setup:
    """One run, free of its configuration.

    x is (samples, features) and y (samples, out), both in the run's dtype, and so are the parameters of
    ``initial``. The last of ``backends`` is the one that the others are compared to.
    """

    problem: Problem
    x: Array
    y: Array
    initial: State
    backends: Mapping[str, BackendChoice]
    dtype: np.dtype[Any]
    epochs: int
    batch_size: int
    lockstep: bool
    verdict_every: int
    record_every: int
    record_gradients: bool
    published: Published | None
    shrink: bool
    tracking_uri: str
    tracking_experiment: str

    @property
    def steps(self) -> int:
        """The number of steps: a batch each, over all epochs."""
        return self.epochs * -(-len(self.x) // self.batch_size)


def assemble(
    config: Mapping[str, Any], catalog: Catalog, given: Mapping[str, BackendChoice | None] | None = None
) -> Setup:
    """Checks ``config`` and makes everything that it describes.

    ``given`` are the backends, in place of those that the configuration names; None stands for the configured one.

    Raises:
        ConfigError: Any key, combination of keys, or file that is wrong.
    """
    _check_numbers(config)
    _check_tracking(config["tracking"])
    dtype = DTYPES[config["dtype"]]
    x, y = _samples(config, dtype)
    if not config["batch_size"] <= len(x):
        raise ConfigError("batch_size", config["batch_size"], f"from 1 to the number of samples, {len(x)}")
    configured = _backends(config["backend"], catalog)
    backends = configured if given is None else {name: choice or configured[name] for name, choice in given.items()}
    network = _network_of(backends, _network(config["architecture"], x.shape[1:], catalog))
    if network.output_shape != y.shape[1:]:
        raise ConfigError("architecture", f"an output of shape {network.output_shape}", f"the target's, {y.shape[1:]}")
    loss, optimizer = build(config["loss"], "loss", Loss), build(config["optimizer"], "optimizer", Optimizer)
    return Setup(
        problem=Problem(network, loss, optimizer, config["lr"], config["threads"]),
        x=x,
        y=y,
        initial=State(_initial(config, network, dtype)),
        backends=backends,
        dtype=dtype,
        epochs=config["epochs"],
        batch_size=config["batch_size"],
        lockstep=config["lockstep"],
        verdict_every=config["verdict"]["every"],
        record_every=config["record"]["every"],
        record_gradients=config["record"]["gradients"],
        published=_published(config["record"]["published"], network),
        shrink=config["shrink"],
        tracking_uri=config["tracking"]["uri"],
        tracking_experiment=config["tracking"]["experiment"],
    )


def _check_numbers(config: Mapping[str, Any]) -> None:
    if not (isfinite(config["lr"]) and config["lr"] >= 0):
        raise ConfigError("lr", config["lr"], "a finite number from 0")
    if config["seed"] < 0:
        raise ConfigError("seed", config["seed"], "a whole number from 0")
    for key in ("epochs", "batch_size", "threads"):
        if config[key] < 1:
            raise ConfigError(key, config[key], "a whole number from 1")
    if config["threads"] > MOST_THREADS:
        raise ConfigError("threads", config["threads"], f"a whole number from 1 to {MOST_THREADS}")
    for group in ("verdict", "record"):
        if config[group]["every"] < 1:
            raise ConfigError(f"{group}.every", config[group]["every"], "a whole number from 1")
    if config["dtype"] not in DTYPES:
        raise ConfigError("dtype", config["dtype"], choices(DTYPES, config["dtype"]))


def _check_tracking(tracking: Mapping[str, Any]) -> None:
    uri, key, name = tracking["uri"], "tracking.uri", tracking["experiment"]
    allowed = f"an MLflow tracking URI: {', '.join(SCHEMES)}, e.g. sqlite:///outputs/mlflow.db"
    try:
        parts = urlsplit(uri)
        scheme, _ = parts.scheme, parts.port
    except ValueError as error:
        raise ConfigError(key, f"{uri!r} ({error})", allowed) from error
    if scheme.partition("+")[0] not in SCHEMES or scheme.startswith("sqlite+"):
        raise ConfigError(key, repr(uri), allowed)
    if scheme == "sqlite":
        path = Path(uri.partition(":///")[2].partition("?")[0])
        if not uri.partition(":///")[2]:
            raise ConfigError(key, repr(uri), "sqlite:///PATH of a file")
        if path.exists() and not _is_sqlite(path):
            raise ConfigError(key, f"{uri}, which is no sqlite file", "a file that MLflow made, or a new one")
        blocked = next((p for p in path.parents if p.exists() and not p.is_dir()), None)
        if blocked is not None:
            raise ConfigError(key, f"{uri}, where {blocked} is a file", "a path whose folders can be made")
    elif not parts.netloc:
        raise ConfigError(key, repr(uri), allowed)
    if not name.strip() or len(name) > LONGEST_NAME:
        raise ConfigError("tracking.experiment", repr(name), f"a name of at most {LONGEST_NAME} characters")


def _is_sqlite(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")


def _samples(config: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Array, Array]:
    data = build(config["data"], "data", Data)
    target = build(config["target"], "target", Target)
    rng = generator(config["seed"], Stream.DATA)
    try:
        samples = data.draw(rng)
    except ConfigError as error:
        raise error.below("data") from error
    with np.errstate(over="ignore"):
        try:
            y = target.of(samples)
        except ConfigError as error:
            raise error.below("target") from error
        x, y = samples.x.astype(dtype), y.astype(dtype)
    for key, values in (("data", x), ("target", y)):
        if not np.isfinite(values).all():
            raise ConfigError(
                key, f"values beyond the range of {dtype.name}", "values that are finite in the run's dtype"
            )
    x.flags.writeable = y.flags.writeable = False  # all backends are given the same arrays
    return x, y


def _network(node: object, input_shape: Shape, catalog: Catalog) -> Network:
    architecture = build(node, "architecture", Architecture)
    try:
        nodes = [(f"architecture.{key}", node) for key, node in architecture.specification()]
    except ConfigError as error:
        raise error.below("architecture") from error
    if not nodes:
        raise ConfigError("architecture.layers", "an empty list", "at least one layer")
    layers = [(key, build_named(node, key, Layer, catalog, "layer", "layer")) for key, node in nodes]
    return build_network(layers, input_shape)


def _backends(nodes: Mapping[str, Any], catalog: Catalog) -> dict[str, BackendChoice]:
    """The backends under their names; those that bear an alias (``use``) stand first: the last is the reference."""
    made = {}
    for name, node in sorted(nodes.items(), key=lambda item: not _is_alias(item[1])):
        key = f"backend.{name}"
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


def _initial(config: Mapping[str, Any], network: Network, dtype: np.dtype[Any]) -> dict[str, Array]:
    init = build(config["init"], "init", Init)
    count = sum(prod(p.shape) for p in network.parameters.values())
    if count * dtype.itemsize > sys.maxsize:
        raise ConfigError("architecture", f"{count} parameters", "as many as fit into memory")
    try:
        drawn = init.draw(network, generator(config["seed"], Stream.INIT))
    except MemoryError as error:
        raise ConfigError("architecture", f"{count} parameters", "as many as fit into memory") from error
    except ConfigError as error:
        raise error.below("init") from error
    with np.errstate(over="ignore"):
        initial = {name: value.astype(dtype) for name, value in drawn.items()}
    for name, value in initial.items():
        if not np.isfinite(value).all():
            raise ConfigError(
                "init", f"{name} beyond the range of {dtype.name}", "values that are finite in the run's dtype"
            )
    return initial


def _published(path: str | None, network: Network) -> Published | None:
    return None if path is None else read_published("record.published", path, network)
