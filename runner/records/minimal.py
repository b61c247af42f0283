"""The smallest case that was found of a mismatch, as files that replay it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import yaml

from runner.arrays import Array, in_dtype, is_narrow
from runner.assemble import Setup, assemble
from runner.backends.base import FormError
from runner.catalog import Catalog
from runner.comparison.sides import HIGH
from runner.compose import compose_config
from runner.data.base import Stream, generator
from runner.errors import ConfigError
from runner.outcome import Outcome
from runner.paths import CONF
from runner.records.files import part_of, publish, write_text, write_yaml
from runner.shell import shell_line
from runner.shrink.document import NotWritableError, experiment, own_layers
from runner.shrink.search import failure_in, shrink
from runner.steps import batches

NAME = "minimal"
ARRAYS = ("parameters.npz", "data.npz", "gradients.npz")

README = """\
{words}

    {command}

replays it from the folder that the run was started in, if a user's own code still lies where it lay.

experiment/minimal.yaml   the case: samples, targets, layers and both backends
parameters.npz            its parameters, an array under each name
data.npz                  x (samples, features) and y (samples, outputs)
gradients.npz             <backend>/<parameter>: what each side gives in float64, at the last step; a side that raises
                          or returns something else than gradients has none
"""


@dataclass(frozen=True)
class Minimal:
    """What came of the search: in words, and the folder and the command of the case; null where there is none."""

    words: str
    folder: str | None = None
    command: str | None = None


def minimal_case(setup: Setup, outcome: Outcome, folder: Path) -> Minimal | None:
    """Searches a small case of a mismatch and writes it into the run's ``folder``; None if none was wanted."""
    if not setup.shrink or outcome.verdict.verdict != "mismatch":
        return None
    small = shrink(setup, outcome)
    if small is None:
        return Minimal("none: neither the step alone nor the steps up to it fail in this way when they are run again")
    words = f"{_size(small)} (from {_plural(len(setup.x), 'sample')}, layers {_widths(setup)})"
    place = folder / NAME
    write_arrays(small, place)
    try:
        write_experiment(small, place)
    except NotWritableError:
        words += f"; its arrays are in {place}, with no command: a backend was handed over by a Python program"
        return Minimal(words, str(place))
    words += _replayed(small, place)
    command = shell_line(["python", "-m", "runner", "--config-dir", str(place), f"experiment={NAME}"])
    write_text(place / "README.txt", README.format(words=f"Minimal case: {words}.", command=command))
    return Minimal(words, str(place), command)


def minimal_files(folder: Path) -> list[Path]:
    """What may lie below the run's ``folder``."""
    place = folder / NAME
    names = [f"experiment/{NAME}.yaml", "README.txt", *ARRAYS]
    return [*(place / name for name in names), *sorted((place / "layer").glob("*.yaml"))]


def write_arrays(setup: Setup, place: Path) -> None:
    """The three files of arrays."""
    place.mkdir(parents=True, exist_ok=True)
    data = {"x": setup.x, "y": setup.y}
    for name, arrays in zip(ARRAYS, (setup.initial.parameters, data, _gradients(setup)), strict=True):
        with ZipFile(part_of(place / name), "w") as archive:  # np.savez has argument names that a parameter may bear
            for key, value in arrays.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, _saved(value), allow_pickle=False)
        publish(place / name)


def write_experiment(setup: Setup, place: Path) -> None:
    """The experiment file, and a choice for each layer of the user's own.

    Raises:
        NotWritableError: A part of the run can be named by no file.
    """
    document, layers = experiment(setup, str(place / ARRAYS[0])), own_layers(setup)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=None)
    write_text(place / "experiment" / f"{NAME}.yaml", f"# @package _global_\n{text}")
    for name, node in layers.items():
        write_yaml(place / "layer" / f"{name}.yaml", node)


def _replayed(setup: Setup, place: Path) -> str:
    """Nothing if the files give the same failure, else what they give."""
    overrides = [f"experiment={NAME}"]
    try:
        again = assemble(compose_config(overrides, place), Catalog([place, CONF]))
    except ConfigError as error:
        return f"; its files cannot be replayed: {error}"
    failure, wanted = failure_in(again), failure_in(setup)
    return "" if wanted is not None and wanted.again(failure) else "; replayed from its files, it does not fail so"


def _gradients(setup: Setup) -> Mapping[str, Array]:
    """What each side gives in float64 at the last step, under ``<backend>/<parameter>``."""
    sides = {name: choice.make(name, setup.problem, HIGH) for name, choice in setup.backends.items()}
    reference, state, found = list(sides.values())[-1], setup.initial, dict[str, Array]()
    network, rng = setup.problem.network, generator(setup.seed, Stream.MASKS)
    with np.errstate(all="ignore"):
        for x, y in batches(setup):
            found, draws = {}, network.draw(rng, len(x))
            for name, side in sides.items():
                side.load(state)
                try:
                    step = side.step(in_dtype(x, HIGH), in_dtype(y, HIGH), draws=draws)
                except FormError:
                    continue
                found |= {f"{name}/{parameter}": np.array(value) for parameter, value in step.gradients.items()}
            reference.update()
            state = reference.state()
    return found


def _saved(value: Array) -> Array:
    """.npz knows no bfloat16."""
    return value.astype(np.float32) if is_narrow(value.dtype) else value


def _size(setup: Setup) -> str:
    steps = f"{_plural(setup.steps, 'step')}, " if setup.steps > 1 else ""
    return f"{steps}{_plural(len(setup.x), 'sample')}, layers {_widths(setup)}"


def _widths(setup: Setup) -> str:
    """The features, and the width after each layer with parameters, as in 2-10-10-1."""
    network = setup.problem.network
    shapes = [network.input_shape, *(place.output_shape for place in network.places if place.parameters)]
    return "-".join("x".join(map(str, shape)) for shape in shapes)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
