"""A random right configuration from a seed: one step, judged in process."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cache
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np

from runner.assemble import Setup, assemble
from runner.catalog import Catalog
from tests.helpers import configuration, with_parameters

MOST_WORK = 2e7
"""Multiplications of one forward pass: what is larger gets a smaller batch."""

LARGEST_GRID = 64
"""Numbers of an input that is written on the command line."""


@dataclass(frozen=True)
class Case:
    """Overrides as a person types them, and what is done with the initial parameters."""

    seed: int
    overrides: tuple[str, ...]
    scale: float
    grid: bool
    zero_biases: bool

    def setup(self) -> Setup:
        """The run, its parameters scaled, on a grid of tenths, or with zero biases."""
        choices = [o for o in self.overrides if _is_choice(o)]
        config = configuration(*choices, *(["data.x=[[0]]"] if "data=inline" in choices else []))
        for override in self.overrides:
            if not _is_choice(override):
                _set(config, *override.split("=", 1))
        made = assemble(config, Catalog())
        changed = {name: value.astype(np.float64) * self.scale for name, value in made.initial.parameters.items()}
        if self.grid:
            changed = {name: np.round(value, 1) for name, value in changed.items()}
        if self.zero_biases:
            changed = {name: value * (not name.endswith("bias")) for name, value in changed.items()}
        return with_parameters(made, changed)

    def command(self, folder: Path) -> str:
        """What replays it on the command line; its parameters are written below ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.seed}.npz"
        np.savez(path, allow_pickle=False, **self.setup().initial.parameters)
        return shlex.join(["python", "-m", "runner", *self.overrides, "init=file", f"init.path={path}"])


def random_case(seed: int, widest: int = 300, deepest: int = 30) -> Case:
    """Depth to ``deepest``, widths to ``widest``, scale 0.03 to 10, batch to 256, both dtypes, losses, activations."""
    rng = np.random.default_rng(seed)
    depth, base, batch = _log_int(rng, 1, deepest), _log_int(rng, 1, widest), _log_int(rng, 1, 256)
    widths = [int(np.clip(round(base * exp(rng.normal(0, 0.3))), 1, widest)) for _ in range(depth)]
    features = _log_int(rng, 1, 16)
    work = sum(a * b for a, b in zip([features, *widths], [*widths, 1], strict=True))
    batch = max(1, min(batch, int(MOST_WORK / work)))
    scale = exp(rng.uniform(log(0.03), log(10)))
    grid, zero_biases, bias = rng.random() < 0.15, rng.random() < 0.1, rng.random() > 0.1
    kinds = list(rng.choice(_activations(), 1 if rng.random() < 0.6 else len(_activations())))
    layers = []
    for width in widths:
        layers += [f"{{layer: linear, out: {width}, bias: {str(bias).lower()}}}", f"{{layer: {rng.choice(kinds)}}}"]
    layers.append("{layer: linear, out: 1}")
    overrides = [
        f"architecture.layers=[{', '.join(layers)}]",
        f"batch_size={batch}",
        f"dtype={rng.choice(['float32', 'float64'])}",
        f"loss={rng.choice(Catalog().names('loss'))}",
        f"seed={seed}",
    ]
    return Case(seed, tuple(overrides + _data(rng, batch, features, grid)), scale, grid, zero_biases)


def _data(rng: np.random.Generator, batch: int, features: int, grid: bool) -> list[str]:
    low = float(rng.choice([0.0, -1.0, -10.0, 2000.0]))
    high = low + float(rng.choice([1.0, 2.0, 20.0]))
    if not grid or batch * features > LARGEST_GRID:
        return [f"data.samples={batch}", f"data.features={features}", f"data.low={low}", f"data.high={high}"]
    x = np.round(rng.uniform(-1, 1, (batch, features)), 1)
    x[rng.random(batch) < 0.2] = 0
    return ["data=inline", f"data.x={x.tolist()}"]


def _log_int(rng: np.random.Generator, low: int, high: int) -> int:
    return int(exp(rng.uniform(log(low), log(high + 1))))


@cache
def _activations() -> list[str]:
    """Every layer that needs no key and keeps the shape: new ones join by existing."""
    catalog = Catalog()
    return [name for name in catalog.names("layer") if "???" not in catalog.find("layer", name, "").read_text()]


def _is_choice(override: str) -> bool:
    return override.split("=", 1)[0] in ("data", "loss")


def _set(config: dict[str, Any], key: str, text: str) -> None:
    """Sets one key without Hydra, which takes a tenth of a second."""
    import yaml

    *groups, last = key.split(".")
    node = config
    for group in groups:
        node = node[group]
    node[last] = yaml.safe_load(text)
