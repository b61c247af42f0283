"""What a run learns from, as MLflow's datasets: where it comes from, and a digest of the samples themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array
from runner.assemble import Setup
from runner.data.store import blocks_of
from runner.paths import resolve_path
from runner.records.files import utf8

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

DIGEST = 16
"""Hexadecimal digits; MLflow takes 36."""
LONGEST_VALUE = 500
LONGEST_NAME = 500


def dataset_inputs(setup: Setup, config: Mapping[str, Any]) -> list[DatasetInput]:
    """The samples that are learnt from, in the context ``training``; what is held out in that of its name.

    They are made by hand, of what is known: MLflow's own classes would read the samples through for a profile.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name = f"data={choice_of(config['data'])} target={choice_of(config['target'])}"
    kind, source = _source(config)
    parts = {"training": (setup.x, setup.y)}
    if setup.held_out is not None:
        parts["held_out"] = (setup.held_out.x, setup.held_out.y)
    return [
        DatasetInput(
            Dataset(utf8(name)[:LONGEST_NAME], digest(x, y), kind, json.dumps(source), _schema(x, y), _profile(x, y)),
            [InputTag("mlflow.data.context", context)],
        )
        for context, (x, y) in parts.items()
    ]


def choice_of(node: Mapping[str, Any]) -> str:
    """The name of the class's module, which is that of its choice in conf/; of ``FILE.py:NAME`` the class's own."""
    place, _, name = str(node["_target_"]).rpartition(":")
    return name if place else name.split(".")[-2]


def digest(x: Array, y: Array) -> str:
    """A digest of the samples' bytes; of a mapped file they are read piece by piece."""
    made = hashlib.sha256()
    for array in (x, y):
        made.update(f"{array.dtype.name}{array.shape}".encode())
        for part in blocks_of(array):
            made.update(np.ascontiguousarray(array[part]).view(np.uint8).data)
    return made.hexdigest()[:DIGEST]


def _source(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """MLflow's type of source, and the source: the file, or else the keys that the samples were made of."""
    data = config["data"]
    if isinstance(data.get("path"), str):
        return "local", {"uri": utf8(str(resolve_path(data["path"]).absolute()))}
    keys = {f"{part}.{key}": value for part in ("data", "target") for key, value in config[part].items()}
    tags = {key: utf8(str(value)) for key, value in {**keys, "seed": config["seed"]}.items()}
    return "code", {"tags": {k: v if len(v) <= LONGEST_VALUE else "see config.yaml" for k, v in tags.items()}}


def _schema(x: Array, y: Array) -> str:
    """In the form that mlflow.data.schema.TensorDatasetSchema reads."""
    specs = [{"dtype": array.dtype.name, "shape": [-1, *array.shape[1:]]} for array in (x, y)]
    features, targets = (json.dumps([{"type": "tensor", "tensor-spec": spec}]) for spec in specs)
    return json.dumps({"mlflow_tensorspec": {"features": features, "targets": targets}})


def _profile(x: Array, y: Array) -> str:
    sizes = {"num_rows": len(x), "num_features": prod(x.shape[1:]), "num_targets": prod(y.shape[1:])}
    return json.dumps({**sizes, "num_elements": int(x.size)})
