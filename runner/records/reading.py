"""A run as it was recorded: the files of its folder, read back, each held against what the others say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array, Shape
from runner.comparison.tensors import PARAMETER
from runner.errors import ConfigError, shortened
from runner.records.confined import check_confined
from runner.records.contents import CONFIG, ENVIRONMENT, OVERRIDES, VERDICT
from runner.records.document import SCHEMA_VERSION
from runner.records.elements import EDGES, QUESTIONS
from runner.records.forms import check_form
from runner.records.mapped import mapped
from runner.records.plain_yaml import read_plain
from runner.records.readable import ALLOWED, document, reading
from runner.records.whole import (
    OF_LOSS,
    check_arrays,
    check_rows,
    loss_of_reference,
    parameter_shapes,
    read_rows,
    read_table,
    trajectory_shapes,
)
from runner.shell import title_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

DEVIATIONS = "deviations.parquet"

BUFFER = "buffers/"
"""What the names of running averages begin with among the updates."""


@dataclass(frozen=True)
class RecordedRun:
    """What a run has left in its folder. Tables and arrays are read when they are asked for.

    A file that is missing though it was kept, or is not whole, is told by a ConfigError that names it.

    Attributes:
        folder: The run folder.
        config: The whole configuration (config.yaml).
        overrides: As they were typed (overrides.yaml).
        verdict: verdict.json.
        environment: environment.json.
    """

    folder: Path
    config: Mapping[str, Any]
    overrides: list[str]
    verdict: Mapping[str, Any]
    environment: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The overrides, as the run's name."""
        return title_of(self.overrides)

    @property
    def backends(self) -> list[str]:
        """Their names; the last is the reference."""
        return list(self.verdict["backends"])

    @property
    def reference(self) -> str:
        return self.backends[-1]

    @property
    def question(self) -> str:
        """``logic`` or ``precision``, by whose roundings the run is shown: where it failed, or else its precision."""
        verdict, numbers = self.verdict["verdict"], ("logic_roundings", "precision_roundings")
        logic, precision = (self.verdict[name] or 0.0 for name in numbers)
        failed = verdict in ("mismatch", "undecided") or (verdict == "imprecise" and logic >= precision)
        return "logic" if failed else "precision"

    @cached_property
    def deviations(self) -> pd.DataFrame:
        """deviations.parquet: a row a recorded step, judged backend and tensor."""
        from runner.records.tables import SCHEMA

        found = self._table(DEVIATIONS, SCHEMA)
        with reading(self.folder, DEVIATIONS):
            check_rows(found, self.backends[:-1], self.tensors, self.verdict["judged_steps"])
        return found

    def rows(self, columns: Sequence[str], tensor: str | None = None, places: Array | None = None) -> pd.DataFrame:
        """Some columns of deviations.parquet; of one tensor, or of the rows at ``places``, if no more is wanted.

        What is drawn is read so: the whole table of many steps would be the most that a run has in memory.
        """
        if "deviations" not in self.__dict__:
            self._check_table  # noqa: B018  (once)
            return self._read_rows(columns, tensor, places)
        table = self.deviations if tensor is None else self.deviations[self.deviations["tensor"] == tensor]
        return (table if places is None else table.iloc[places])[list(columns)]

    @cached_property
    def _check_table(self) -> None:
        found = self._read_rows(["step", "backend", "tensor", "logic_worst_index"], None, None)
        with reading(self.folder, DEVIATIONS):
            check_rows(found, self.backends[:-1], self.tensors, self.verdict["judged_steps"])

    def _read_rows(self, columns: Sequence[str], tensor: str | None, places: Array | None) -> pd.DataFrame:
        from runner.records.tables import SCHEMA

        with reading(self.folder, DEVIATIONS):
            return read_rows(self.folder / DEVIATIONS, SCHEMA, columns, tensor, places)

    @cached_property
    def updates(self) -> pd.DataFrame | None:
        """updates.parquet, where more than parameters is carried."""
        from runner.records.tables import SCHEMA

        carried = [row["tensor"] for row in self.verdict["updates"] if not row["tensor"].startswith(PARAMETER)]
        return self._table("updates.parquet", SCHEMA) if carried else None

    @cached_property
    def drift(self) -> pd.DataFrame | None:
        """drift.parquet, without lockstep: the rows of all parameters as one vector, which are those that are drawn."""
        from runner.comparison.drift import ALL
        from runner.records.drift import SCHEMA

        if not self.verdict["drift"]:
            return None
        with reading(self.folder, "drift.parquet"):
            return read_rows(self.folder / "drift.parquet", SCHEMA, SCHEMA.names, ALL)

    @cached_property
    def steps(self) -> Array:
        """The numbers of the recorded steps."""
        return np.unique(self.rows(["step"])["step"].to_numpy())

    @property
    def tensors(self) -> list[str]:
        """Loss, prediction, then the parameters, in the network's order."""
        return [row["tensor"] for row in self.verdict["tensors"]]

    @cached_property
    def losses(self) -> dict[str, Array]:
        """Each backend's loss at every recorded step, (steps,)."""
        of_loss = self.rows(["backend", *OF_LOSS], "loss")
        found = {}
        for name in self.backends[:-1]:
            mine = of_loss[of_loss["backend"] == name]
            found[name] = mine["worst_value"].to_numpy()
            reference = loss_of_reference(mine)
        return found | {self.reference: reference}

    @cached_property
    def gradients(self) -> Mapping[str, Array] | None:
        """``<backend>/<parameter>``: (recorded steps, *shape), mapped; None where they were not to be recorded."""
        if not self.config["record"]["gradients"]:
            return None
        rows = (len(self.steps),)
        shapes = {f"{b}/{name}": rows + shape for b in self.backends for name, shape in self._shapes.items()}
        return self._arrays("gradients.safetensors", lambda _: shapes)

    @cached_property
    def roundings(self) -> Mapping[str, Array] | None:
        """``<question>/<backend>/<parameter>``: roundings of every element (records/elements.py), if they were kept."""
        if not (self.config["record"].get("plots") and self.verdict["judged_steps"]):
            return None
        table = self.rows(["backend", "logic_worst_index"])
        judged = set(table["backend"][table["logic_worst_index"].notna()])
        keys = [f"{question}/{backend}" for backend in judged for question in QUESTIONS]
        shapes = {f"counts/{key}": EDGES.shape for key in keys}
        shapes |= {f"{key}/{name}": shape for key in keys for name, shape in self._shapes.items()}
        return self._arrays("roundings.safetensors", lambda _: shapes)

    @cached_property
    def trajectories(self) -> Mapping[str, Array] | None:
        """``<parameter>``: some of its elements over the run (records/trajectories.py), if they were kept."""
        if not (self.config["record"].get("plots") and len(self.steps)):
            return None
        return self._arrays("trajectories.safetensors", lambda found: trajectory_shapes(found, self._shapes))

    @cached_property
    def kept_parameters(self) -> Mapping[str, Array]:
        """``first/<name>`` and ``last/<name>`` of every parameter and running average, mapped."""
        carried = [row["tensor"] for row in self.verdict["updates"]]
        names = [*self.parameter_names, *(name.removeprefix(BUFFER) for name in carried if name.startswith(BUFFER))]
        return self._arrays("parameters.safetensors", lambda found: parameter_shapes(found, names))

    @cached_property
    def parameters(self) -> dict[str, Array]:
        """Those in float64; they need not be finite."""
        return {name: value.astype(np.float64) for name, value in self.kept_parameters.items()}

    @property
    def parameter_names(self) -> list[str]:
        """In the network's order."""
        return [name for name in self.tensors if name not in ("loss", "prediction")]

    @property
    def _shapes(self) -> dict[str, Shape]:
        """Of every parameter, in the network's order."""
        return {name: self.kept_parameters[f"last/{name}"].shape for name in self.parameter_names}

    def _arrays(self, name: str, shapes: Callable[[Mapping[str, Array]], Mapping[str, Shape]]) -> Mapping[str, Array]:
        """All arrays of a file, which are those that ``shapes`` names once it has seen them."""
        with reading(self.folder, name):
            found = mapped(self.folder / name)
            check_arrays(found, shapes(found))
        return found

    def _table(self, name: str, schema: pa.Schema) -> pd.DataFrame:
        with reading(self.folder, name):
            return read_table(self.folder / name, schema)


def read_run(folder: Path) -> RecordedRun:
    """The run that was recorded in ``folder``.

    Raises:
        ConfigError: There is none, it has not ended, its files cannot be read or lead elsewhere, another version wrote
            them, or it is one of many replicas.
    """
    if not folder.is_dir():
        raise ConfigError("RUN", folder, ALLOWED)
    check_confined(folder)
    _check_has_ended(folder)
    verdict = document(folder, "verdict.json", json.loads, {})
    version = verdict.get("schema")
    if type(version) is not int or version != SCHEMA_VERSION:
        got = f"{folder}, a record of version {shortened(version)}"
        raise ConfigError("RUN", got, f"one of version {SCHEMA_VERSION}")
    if "replicas" in verdict:
        got = f"{folder}, which has {shortened(verdict['replicas'])} replicas"
        alone = "a replica is run alone by its seed=..., replicas=1 and, where there are lrs, lr=... lrs=null"
        raise ConfigError("RUN", got, f"the folder of one run; {alone}")
    with reading(folder, "verdict.json"):
        check_form(verdict, VERDICT)
    return RecordedRun(
        folder,
        config=document(folder, "config.yaml", read_plain, CONFIG),
        overrides=document(folder, "overrides.yaml", read_plain, OVERRIDES),
        verdict=verdict,
        environment=document(folder, "environment.json", json.loads, ENVIRONMENT),
    )


def _check_has_ended(folder: Path) -> None:
    """Tells what a process that was killed has left, or one that still runs has written so far."""
    if (folder / "verdict.json").exists() or not (parts := sorted(folder.glob("*.parts"))):
        return
    tables = " and ".join(f"{part.name} ({len(list(part.iterdir()))} parts)" for part in parts)
    got = f"{folder}, whose run was killed or goes on: it has no verdict, and rows up to then in {tables}"
    raise ConfigError("RUN", got, f"{ALLOWED}; pandas.read_parquet reads a folder of parts")
