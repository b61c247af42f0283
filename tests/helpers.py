"""What the numeric tests share: configuration in process, recorders that keep or drop, layers run alone."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from runner.arrays import Array
from runner.assemble import Setup, assemble
from runner.backends.base import Step
from runner.catalog import Catalog
from runner.comparison.results import Comparison
from runner.comparison.summary import Disagreement
from runner.config import register, resolved
from runner.evaluation import Epoch
from runner.experiment import run_experiment
from runner.outcome import Outcome, Record, Silent
from runner.paths import CONF

FAULTS = Path(__file__).parent / "faults" / "conf"
CATALOG = Catalog([FAULTS, CONF])
GROUPS = CATALOG.groups()
VALUE = re.compile(r"(?!hydra)[a-z_.]+=")
"""How an override begins that sets a value, unless it makes a choice."""


@cache
def chosen(choices: tuple[str, ...]) -> DictConfig:
    """What Hydra composes, the deliberately wrong backends among its choices."""
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", [f"hydra.searchpath=[file://{FAULTS}]", *choices])


@cache
def composed(overrides: tuple[str, ...]) -> DictConfig:
    """The same as ``chosen``, sooner: Hydra sets values after it has made the choices, and those are often the same."""
    values = tuple(word for word in overrides if VALUE.match(word) and word.partition("=")[0] not in GROUPS)
    config = copy.deepcopy(chosen(tuple(word for word in overrides if word not in values)))
    ConfigLoaderImpl._apply_overrides_to_config(OverridesParser.create().parse_overrides(list(values)), config)
    return config


def configuration(*overrides: str) -> dict[str, Any]:
    return copy.deepcopy(resolved(composed(overrides)))


def make_setup(*overrides: str) -> Setup:
    return assemble(configuration(*overrides), CATALOG)


def with_parameters(setup: Setup, changed: Mapping[str, Array]) -> Setup:
    """The same run from other initial parameters."""
    parameters = {
        name: changed.get(name, value).astype(setup.dtype) for name, value in setup.initial.parameters.items()
    }
    return dataclasses.replace(setup, initial=dataclasses.replace(setup.initial, parameters=parameters))


@dataclass
class Kept(Silent):
    """Keeps every record, its arrays copied."""

    begun: list[int] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    updates: list[Comparison] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    def progress(self, step: int) -> None:
        self.begun.append(step)

    def write(self, record: Record) -> None:
        steps = {name: copied(step) for name, step in record.steps.items()}
        self.records.append(Record(record.step, steps, record.comparisons, record.distances))

    def write_update(self, step: int, comparisons: list[Comparison]) -> None:
        self.updates += comparisons

    def write_epoch(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)

    @property
    def comparisons(self) -> list[Comparison]:
        return [comparison for record in self.records for comparison in record.comparisons]


def copied(step: Step) -> Step:
    return Step(np.array(step.loss), np.array(step.prediction), {k: np.array(v) for k, v in step.gradients.items()})


def run(*overrides: str) -> Outcome:
    return run_experiment(make_setup(*overrides), Silent())


def kept(setup: Setup) -> tuple[Outcome, Kept]:
    recorder = Kept()
    return run_experiment(setup, recorder), recorder


def first_of(outcome: Outcome) -> Disagreement:
    first = outcome.verdict.first
    assert first is not None, outcome.verdict
    return first


def in_roundings(u: Array, g: Array, sigma: Array, dtype: str) -> Array:
    """|u - g| in units of sigma and a unit roundoff of the value."""
    unit = sigma + np.finfo(dtype).eps / 2 * np.abs(g) + np.finfo(dtype).smallest_subnormal
    return np.asarray(np.abs(u - g) / unit)


def same_bits(a: Array, b: Array) -> bool:
    """Equal shape, dtype and bits; NaN equals itself, and -0 does not equal 0."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
