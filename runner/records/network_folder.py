"""A trained network in a folder of its own: its layers as JSON, its parameters as safetensors, and nothing pickled.

The layers stand there as they were made, whatever configuration or architecture has made them. A layer from a user's
own file is kept with that file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from runner import __version__
from runner.arrays import DTYPES, Array
from runner.backends.prediction import AT_ONCE, Predictor
from runner.layers.base import Layer
from runner.layers.placing import call, kind_of
from runner.network import Network, build_network
from runner.records.files import save_arrays, write_text
from runner.records.mapped import mapped
from runner.user_code import file_of_class, load_class

NETWORK, PARAMETERS = "network.json", "parameters.safetensors"


def write_network(
    folder: Path, network: Network, arrays: Mapping[str, Array], dtype: np.dtype[Any], threads: int
) -> None:
    """Writes the network with its parameters and running averages, ``arrays`` by full names."""
    document = {
        "runner": __version__,
        "dtype": dtype.name,
        "threads": threads,
        "at_once": AT_ONCE,
        "input_shape": list(network.input_shape),
        "layers": [_document(place.layer, folder) for place in network.places],
    }
    write_text(folder / NETWORK, json.dumps(document, indent=1))  # a layer's key may be infinite
    save_arrays(folder / PARAMETERS, arrays)


def read_predictor(folder: Path) -> Predictor:
    """What computes the predictions of the network in ``folder``."""
    document = json.loads((folder / NETWORK).read_text(encoding="utf-8"))
    layers = [(f"layers.{i}", _layer(node, folder)) for i, node in enumerate(document["layers"])]
    network = build_network(layers, tuple(document["input_shape"]))
    dtype = DTYPES[document["dtype"]]
    return Predictor(network, mapped(folder / PARAMETERS), dtype, document["at_once"], document["threads"])


def _document(layer: Layer, folder: Path) -> dict[str, Any]:
    """A layer's class, the name that it was chosen by, and its keys; of a user's own class, its file is copied."""
    cls = type(layer)
    place = cls.__module__
    own = file_of_class(cls)
    if own is not None:
        place = f"files/{cls.__module__}/{own.name}"
        write_text(folder / place, own.read_text(encoding="utf-8"))
    keys = {field.name: getattr(layer, field.name) for field in fields(layer)}
    for name in layer.nested:
        if keys[name] is not None:
            keys[name] = [_document(inner, folder) for inner in keys[name]]
    return {"class": f"{place}:{cls.__qualname__}", "layer": kind_of(layer), "keys": keys}


def _layer(node: Mapping[str, Any], folder: Path) -> Layer:
    path = node["class"]
    cls: type[Layer] = load_class("layers", str(folder / path) if path.startswith("files/") else path)
    keys = dict(node["keys"])
    for name in cls.nested:
        if keys[name] is not None:
            keys[name] = [_layer(inner, folder) for inner in keys[name]]
    return call(cls(**keys), node["layer"])
