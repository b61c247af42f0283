"""gradients.safetensors, written step by step, and gradients/<backend>.txt, a person's view of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from runner.arrays import Array, Shape
from runner.assemble import Setup
from runner.backends.base import Step
from runner.experiment import count_recorded
from runner.records.files import part_of, publish, write_arrays, write_text

CODES = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16"}


class GradientsFile:
    """``<backend>/<parameter>``: (recorded steps, *shape), in the run's dtype.

    The header and the room for all steps are written ahead (safetensors has its header first, and the number of steps
    is known), so that memory stays flat; a run that ends early is copied into a shorter file.
    """

    def __init__(
        self, path: Path, backends: list[str], shapes: Mapping[str, Shape], dtype: np.dtype[Any], steps: int
    ) -> None:
        self._path, self._dtype = path, dtype
        self._shapes = {f"{backend}/{name}": shape for backend in backends for name, shape in shapes.items()}
        self._steps, self._written = steps, 0
        self._arrays = self._map(part_of(path), steps)

    def add(self, steps: Mapping[str, Step]) -> None:
        """Copies one recorded step's gradients of every backend."""
        for backend, step in steps.items():
            for name, gradient in step.gradients.items():
                self._arrays[f"{backend}/{name}"][self._written] = gradient
        self._written += 1

    def close(self) -> None:
        """Shortens the file if the run ended early, and puts it in its place."""
        self._arrays.clear()
        if self._written < self._steps:
            self._shorten()
        publish(self._path)

    def _map(self, path: Path, steps: int) -> dict[str, Array]:
        """Writes the header for ``steps`` steps and maps each array of the file into memory."""
        header: dict[str, Any] = {}
        at = 0
        for name, shape in self._shapes.items():
            end = at + steps * prod(shape) * self._dtype.itemsize
            header[name] = {"dtype": CODES[self._dtype.name], "shape": [steps, *shape], "data_offsets": [at, end]}
            at = end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with path.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + at)
        if steps == 0:
            return {}
        return {
            name: np.memmap(path, self._dtype, "r+", 8 + len(text) + header[name]["data_offsets"][0], (steps, *shape))
            for name, shape in self._shapes.items()
        }

    def _shorten(self) -> None:
        full = part_of(self._path)
        short = part_of(full)
        whole = self._map_existing(full)
        self._map(short, self._written)
        with full.open("rb") as source, short.open("r+b") as target:
            target.seek(8 + int.from_bytes(target.read(8), "little"))
            for offset, row in whole:
                source.seek(offset)
                _copy(source, target, self._written * row)
        short.replace(full)

    def _map_existing(self, path: Path) -> list[tuple[int, int]]:
        """Where each array begins in the file, and the bytes that a step takes of it."""
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        return [
            (8 + length + header[name]["data_offsets"][0], prod(shape) * self._dtype.itemsize)
            for name, shape in self._shapes.items()
        ]


def _copy(source: Any, target: Any, count: int, chunk: int = 1 << 24) -> None:
    while count > 0:
        block = source.read(min(chunk, count))
        target.write(block)
        count -= len(block)


class GradientsText:
    """Every gradient of the first and the last recorded step under its name, rounded to 5 decimals.

    Two backends' files are equal where they agree to 5 decimals, so that `diff` shows what differs.
    """

    def __init__(self, folder: Path, backends: list[str]) -> None:
        self._folder = folder
        self._first: dict[str, str] = {}
        self._last: dict[str, str] = {}
        self._copies: dict[str, dict[str, Array]] = {name: {} for name in backends}
        self._step = 0

    def add(self, step: int, steps: Mapping[str, Step]) -> None:
        """Keeps a copy of the step's gradients until the next one."""
        self._step = step
        for backend, s in steps.items():
            for name, gradient in s.gradients.items():
                kept = self._copies[backend].get(name)
                if kept is None:
                    self._copies[backend][name] = np.array(gradient)
                else:
                    kept[...] = gradient
        if not self._first:
            self._first = {backend: self._render(backend) for backend in steps}

    def close(self) -> None:
        """Writes a file a backend."""
        for backend, first in self._first.items():
            last = self._render(backend)
            write_text(self._folder / f"{backend}.txt", first if last == first else f"{first}\n{last}")

    def _render(self, backend: str) -> str:
        lines = [f"step {self._step}"]
        for name, gradient in self._copies[backend].items():
            lines += ["", name]
            rows = np.atleast_2d(gradient)
            lines += [" ".join(_number(v) for v in row) for row in rows.reshape(-1, rows.shape[-1])]
        return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    text = f"{value:9.5f}"
    return f"{0:9.5f}" if float(text) == 0 else text


def gradients_file(path: Path, setup: Setup) -> GradientsFile | None:
    """The file for the gradients of a run; None where they are not to be recorded."""
    if not setup.record_gradients:
        return None
    return GradientsFile(path, list(setup.backends), setup.problem.network.shapes, setup.dtype, count_recorded(setup))


def copy_parameters(path: Path, first: Mapping[str, Array], last: Mapping[str, Array]) -> None:
    """parameters.safetensors: ``first/<name>`` and ``last/<name>`` of every parameter and running average."""
    arrays = {f"first/{name}": value for name, value in first.items()}
    write_arrays(path, arrays | {f"last/{name}": value for name, value in last.items()})
