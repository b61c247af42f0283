"""A run as it was recorded: the files of its folder, read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from runner.arrays import Array
from runner.errors import ConfigError
from runner.records.document import SCHEMA_VERSION
from runner.records.mapped import mapped
from runner.shell import title_of

if TYPE_CHECKING:
    import pandas as pd

ALLOWED = "the folder of a run that has ended, or its MLflow run"


@dataclass(frozen=True)
class RecordedRun:
    """What a run has left in its folder.

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
        """deviations.parquet: a row a recorded step, backend and tensor."""
        return self._table("deviations.parquet")

    @cached_property
    def updates(self) -> pd.DataFrame | None:
        """updates.parquet, where more than parameters is carried."""
        return self._table("updates.parquet") if (self.folder / "updates.parquet").is_file() else None

    @cached_property
    def drift(self) -> pd.DataFrame | None:
        """drift.parquet, without lockstep."""
        return self._table("drift.parquet") if (self.folder / "drift.parquet").is_file() else None

    @cached_property
    def steps(self) -> Array:
        """The numbers of the recorded steps."""
        return np.unique(self.deviations["step"].to_numpy())

    @property
    def tensors(self) -> list[str]:
        """Loss, prediction, then the parameters, in the network's order."""
        return [row["tensor"] for row in self.verdict["tensors"]]

    @cached_property
    def losses(self) -> dict[str, Array]:
        """Each backend's loss at every recorded step, (steps,)."""
        of_loss = self.deviations[self.deviations["tensor"] == "loss"]
        found = {}
        for name in self.backends[:-1]:
            mine = of_loss[of_loss["backend"] == name]
            found[name] = mine["worst_value"].to_numpy()
            reference = _loss_of_reference(mine)
        return found | {self.reference: reference}

    @cached_property
    def gradients(self) -> Mapping[str, Array] | None:
        """``<backend>/<parameter>``: (recorded steps, *shape), mapped; None where they were not recorded."""
        return self._arrays("gradients.safetensors")

    @cached_property
    def roundings(self) -> Mapping[str, Array] | None:
        """``<question>/<backend>/<parameter>``: roundings of every element (records/elements.py), if they were kept."""
        return self._arrays("roundings.safetensors")

    @cached_property
    def trajectories(self) -> Mapping[str, Array] | None:
        """``<parameter>``: some of its elements over the run (records/trajectories.py), if they were kept."""
        return self._arrays("trajectories.safetensors")

    @cached_property
    def parameters(self) -> dict[str, Array]:
        """``first/<name>`` and ``last/<name>``, in float64; they need not be finite."""
        found = self._arrays("parameters.safetensors") or {}
        return {name: value.astype(np.float64) for name, value in found.items()}

    def _arrays(self, name: str) -> Mapping[str, Array] | None:
        file = self.folder / name
        try:
            return mapped(file) if file.is_file() else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError("RUN", f"{self.folder} ({name}: {error})", ALLOWED) from error

    def _table(self, name: str) -> pd.DataFrame:
        import pandas as pd

        try:
            return pd.read_parquet(self.folder / name)
        except (OSError, ValueError) as error:
            raise ConfigError("RUN", f"{self.folder} ({name}: {error})", ALLOWED) from error


def _loss_of_reference(rows: pd.DataFrame) -> Array:
    """The reference's own loss, (steps,), of which a judged step keeps the float64 twin and the distances from it.

    It lies ``max_abs`` beside the judged side's, on that side on which it is ``reference_error`` from its twin.
    """
    columns = ("worst_value", "max_abs", "worst_reference", "reference_error")
    value, apart, twin, error = (rows[name].to_numpy() for name in columns)
    with np.errstate(invalid="ignore"):
        below, above = value - apart, value + apart
        nearer = np.abs(np.abs(below - twin) - error) <= np.abs(np.abs(above - twin) - error)
    return np.where(np.isnan(error), twin, np.where(nearer, below, above))


def read_run(folder: Path) -> RecordedRun:
    """The run that was recorded in ``folder``.

    Raises:
        ConfigError: There is none, it has not ended, its files cannot be read, or another version wrote them.
    """
    if not folder.is_dir():
        raise ConfigError("RUN", folder, ALLOWED)
    try:
        verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
        environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
        config, overrides = (
            yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")) for name in ("config", "overrides")
        )
    except FileNotFoundError as error:
        raise ConfigError("RUN", f"{folder}, which has no {Path(error.filename).name}", ALLOWED) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError("RUN", f"{folder} ({' '.join(str(error).split())})", ALLOWED) from error
    version = verdict.get("schema") if isinstance(verdict, dict) else None
    if version != SCHEMA_VERSION:
        raise ConfigError("RUN", f"{folder}, a record of version {version}", f"one of version {SCHEMA_VERSION}")
    return RecordedRun(folder, config, overrides, verdict, environment)
