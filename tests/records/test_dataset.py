"""The data of a run as MLflow's datasets."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import mlflow.data
import numpy as np
import pytest
from mlflow.data.schema import TensorDatasetSchema
from mlflow.entities import DatasetInput

from runner.arrays import DTYPES
from runner.assemble import assemble
from runner.data import store
from runner.paths import CONF
from runner.records.dataset import choice_of, dataset_inputs, digest
from tests.helpers import CATALOG, configuration


def inputs_of(*overrides: str) -> list[DatasetInput]:
    config = configuration(*overrides)
    return dataset_inputs(assemble(config, CATALOG), config)


def contexts(inputs: list[DatasetInput]) -> list[str]:
    return [tag.value for made in inputs for tag in made.tags if tag.key == "mlflow.data.context"]


def test_the_samples_that_are_learnt_from_are_one_dataset_and_those_held_out_another() -> None:
    alone, both = inputs_of(), inputs_of("data.held_out=0.25")
    assert (contexts(alone), contexts(both)) == (["training"], ["training", "held_out"])
    assert {made.dataset.name for made in both} == {"data=uniform target=half_sum_of_squares"}
    assert len({made.dataset.digest for made in [*alone, *both]}) == 3
    profiles = [json.loads(made.dataset.profile or "") for made in both]
    assert [(p["num_rows"], p["num_features"], p["num_targets"]) for p in profiles] == [(75, 2, 1), (25, 2, 1)]


def test_the_schema_is_one_that_mlflow_reads() -> None:
    (made,) = inputs_of("experiment=digits_lenet", "data.held_out=0")
    schema = TensorDatasetSchema.from_dict(json.loads(made.dataset.schema or ""))
    assert schema.features.inputs[0].shape == (-1, 1, 8, 8)
    assert (schema.targets.inputs[0].shape, schema.targets.inputs[0].type) == ((-1,), np.dtype(np.int64))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_digest_is_that_of_the_samples_bytes(dtype: str) -> None:
    first, again, other = (inputs_of(f"dtype={dtype}", f"seed={seed}")[0].dataset.digest for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_digest_tells_shapes_targets_and_a_single_bit_apart() -> None:
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    changed = x.copy()
    changed[3, 1] = np.nextafter(changed[3, 1], 9)
    found = [digest(x, y), digest(changed, y), digest(x, y[::-1].copy()), digest(x.reshape(6, 1, 2), y)]
    assert len(set(found)) == len(found)


def test_the_digest_of_a_mapped_file_is_that_of_the_same_array_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BLOCK", 1000)
    rng = np.random.default_rng(0)
    x, y = rng.random((999, 3)), rng.random((999, 1))
    lying = np.memmap(tmp_path / "x", x.dtype, "w+", shape=x.shape)
    lying[...] = x
    assert digest(lying, y) == digest(x, y)


def test_the_source_of_a_file_is_its_path_and_of_a_distribution_its_keys(tmp_path: Path) -> None:
    np.save(tmp_path / "table.npy", np.random.default_rng(0).random((20, 3)))
    (made,) = inputs_of(
        "data=npy", f"data.path={os.path.relpath(tmp_path / 'table.npy')}", "target=column", "target.name=2"
    )
    assert Path(mlflow.data.get_source(made).to_dict()["uri"]).resolve() == (tmp_path / "table.npy").resolve()
    assert made.dataset.name == "data=npy target=column"
    (made,) = inputs_of("data.low=-0.5", "seed=4")
    tags = mlflow.data.get_source(made).to_dict()["tags"]
    assert (tags["data.low"], tags["seed"]) == ("-0.5", "4")


def test_data_written_into_the_configuration_is_not_repeated_in_the_source() -> None:
    x = [[i / 1000, 0.5] for i in range(500)]
    (made,) = inputs_of("data=inline", f"data.x={x}", "data.y=null")
    tags = mlflow.data.get_source(made).to_dict()["tags"]
    assert (tags["data.x"], tags["data.y"]) == ("see config.yaml", "None")


@pytest.mark.parametrize("group", ["data", "target"])
def test_a_choice_is_known_by_its_class(group: str) -> None:
    from omegaconf import OmegaConf

    for file in sorted((CONF / group).glob("*.yaml")):
        node: Any = OmegaConf.load(file)
        assert choice_of(node) == file.stem
    assert choice_of({"_target_": "/some/where/my.py:Mine"}) == "Mine"
