"""A run written as an experiment file: the way back from a setup to the configuration that gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import yaml

from runner.arrays import Array, is_whole
from runner.assemble import Setup
from runner.catalog import Catalog
from runner.layers.base import Layer

OWN = "own_"
"""Before the name of a choice that is written for a user's own layer: none of the program's begins like that."""


class NotWritableError(Exception):
    """A part of the run was handed over by a Python program: no file can name it."""


def experiment(setup: Setup, parameters: str) -> dict[str, Any]:
    """The experiment file's content; ``parameters`` is the path of the file that they are read from.

    Only the program's own choices are named; a user's own class is written in full.

    Raises:
        NotWritableError: A backend, a layer, the loss or the optimizer is made of what no file can hold.
    """
    problem = setup.problem
    loss, loss_keys = _choice("loss", problem.loss)
    optimizer, optimizer_keys = _choice("optimizer", problem.optimizer)
    moved = {"schedule": problem.schedule, "clip": problem.clip}
    extra = {group: _choice(group, made) for group, made in moved.items() if made is not None}
    chosen: dict[str, Any] = {
        "data": "inline",
        "target": "given",
        "architecture": "sequential",
        "init": "file",
        "loss": loss,
        "optimizer": optimizer,
        **{group: name for group, (name, _) in extra.items()},
        "backend": [],
    }
    return {
        "defaults": [{f"override /{group}": name} for group, name in chosen.items()],
        "lr": problem.lr,
        "seed": setup.seed,
        "epochs": setup.epochs,
        "batch_size": setup.batch_size,
        "dtype": setup.dtype.name,
        "lockstep": setup.lockstep,
        "threads": problem.threads,
        "data": {"x": _numbers(setup.x), "y": _numbers(setup.y), "tokens": is_whole(setup.x)},
        "architecture": {"layers": _layers(setup)},
        "init": {"path": parameters},
        **({"loss": loss_keys} if loss_keys else {}),
        **({"optimizer": optimizer_keys} if optimizer_keys else {}),
        **{group: keys for group, (_, keys) in extra.items() if keys},
        "backend": {name: _node(choice) for name, choice in setup.backends.items()},
        "verdict": {"every": setup.verdict_every},
        "record": {"every": setup.record_every, "gradients": setup.record_gradients, "published": None},
        "tracking": {"uri": setup.tracking_uri, "experiment": setup.tracking_experiment},
    }


def own_layers(setup: Setup) -> dict[str, dict[str, Any]]:
    """A choice for each kind of layer that is not the program's own, under its name."""
    layers = [layer for place in setup.problem.network.places for layer in _with_inner(place.layer)]
    own = [layer for layer in layers if layer.derived and _name("layer", layer) is None]
    return {_layer_name(layer): _node(layer) for layer in own}


def _layers(setup: Setup) -> list[dict[str, Any]]:
    """The list of layers; where a module brings its own network, one that it does not fit, so that it does so again."""
    network = setup.problem.network
    if not network.derived:
        return [{"layer": "linear", "out": 1} for _ in range(2 if len(network.parameters) == 2 else 1)]
    return [_layer(place.layer) for place in network.places]


def _layer(layer: Layer) -> dict[str, Any]:
    node = {"layer": _layer_name(layer), **_keys(layer)}
    return {key: value for key, value in node.items() if (key, value) != ("name", None)}


def _with_inner(layer: Layer) -> Iterator[Layer]:
    """The layer, and all that lie in its lists."""
    yield layer
    for name in layer.nested:
        for inner in getattr(layer, name) or []:
            yield from _with_inner(inner)


def _layer_name(layer: Layer) -> str:
    return _name("layer", layer) or f"{OWN}{type(layer).__name__.lower()}"


def _choice(group: str, made: object) -> tuple[str | None, dict[str, Any]]:
    """The program's own choice of that class, and its keys; or none, and the whole node."""
    name = _name(group, made)
    return (name, _node(made)) if name is None else (name, _keys(made))


def _name(group: str, made: object) -> str | None:
    catalog = Catalog()
    files = {name: catalog.find(group, name, group) for name in catalog.names(group)}
    targets = {name: yaml.safe_load(file.read_text(encoding="utf-8"))["_target_"] for name, file in files.items()}
    return next((name for name, target in targets.items() if target == _target(made)), None)


def _target(made: object) -> str:
    return f"{type(made).__module__}.{type(made).__qualname__}"


def _node(made: Any) -> dict[str, Any]:
    return {"_target_": _target(made), **_keys(made)}


def _keys(made: Any) -> dict[str, Any]:
    keys = {f.name: getattr(made, f.name) for f in fields(made)}
    for name in made.nested if isinstance(made, Layer) else ():
        keys[name] = keys[name] and [_layer(inner) for inner in keys[name]]
    if not all(map(_is_plain, keys.values())):
        raise NotWritableError
    return keys


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


def _numbers(values: Array) -> list[Any]:
    """Nested lists of whole numbers, or of the shortest decimals that give back the same numbers of their dtype."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    if is_whole(values):
        return [int(v) for v in values]
    kind = values.dtype.type
    return [short if kind(short := float(str(v))) == v else float(v) for v in values]
