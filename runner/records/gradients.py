"""gradients.safetensors, written step by step, and gradients/<backend>.txt, a person's view of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
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


BUFFER = 2**22
"""Bytes of gradients that are gathered before they are handed to the thread that writes them."""


class GradientsFile:
    """``<backend>/<parameter>``: (recorded steps, *shape), in the run's dtype.

    The header and the room for all steps are written ahead (safetensors has its header first, and the number of steps
    is known); a run that ends early is copied into a shorter file. The steps are gathered in one of two buffers while
    a thread writes the other one: the loop waits for the disk only where it is slower than the training, and memory
    stays flat however many steps there are.
    """

    def __init__(
        self, path: Path, backends: list[str], shapes: Mapping[str, Shape], dtype: np.dtype[Any], steps: int
    ) -> None:
        self._path, self._dtype = path, dtype
        self._shapes = {f"{backend}/{name}": shape for backend in backends for name, shape in shapes.items()}
        self._steps, self._begun, self._gathered = steps, 0, 0
        self._offsets = self._lay_out(part_of(path), steps)
        self._file = part_of(path).open("r+b", buffering=0)
        room = max(1, min(steps, BUFFER // max(1, sum(map(self._row, self._shapes)))))
        self._room, self._spare = (self._buffers(room) for _ in range(2))
        self._thread = ThreadPoolExecutor(1, "gradients")
        self._writing: Future[None] | None = None

    def add(self, steps: Mapping[str, Step]) -> None:
        """Copies one recorded step's gradients of every backend.

        Raises:
            OSError: Steps that were handed over before could not be written.
        """
        for backend, step in steps.items():
            for name, gradient in step.gradients.items():
                self._room[f"{backend}/{name}"][self._gathered] = gradient
        self._gathered += 1
        if self._gathered == len(next(iter(self._room.values()))):
            self._hand_over()

    def close(self) -> None:
        """Writes what was gathered, shortens the file if the run ended early, and puts it in its place."""
        try:
            self._hand_over()
            self._wait()
        finally:
            self._thread.shutdown()
            self._file.close()
        if self._begun < self._steps:
            self._shorten()
        publish(self._path)

    def _buffers(self, room: int) -> dict[str, Array]:
        return {name: np.empty((room, *shape), self._dtype) for name, shape in self._shapes.items()}

    def _row(self, name: str) -> int:
        """Bytes that a step takes of an array."""
        return prod(self._shapes[name]) * self._dtype.itemsize

    def _hand_over(self) -> None:
        """Gives the thread what was gathered, as soon as it is done with what it was given before."""
        self._wait()
        if self._gathered:
            self._writing = self._thread.submit(self._write, self._room, self._begun, self._gathered)
            self._room, self._spare = self._spare, self._room
            self._begun, self._gathered = self._begun + self._gathered, 0

    def _wait(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _write(self, buffers: Mapping[str, Array], begin: int, count: int) -> None:
        for name, buffer in buffers.items():
            self._file.seek(self._offsets[name] + begin * self._row(name))
            content = buffer[:count].reshape(-1).view(np.uint8).data
            while content:
                content = content[self._file.write(content) :]

    def _lay_out(self, path: Path, steps: int) -> dict[str, int]:
        """Writes the header and makes room for ``steps`` steps; where each array begins in the file."""
        header: dict[str, Any] = {}
        at = 0
        for name, shape in self._shapes.items():
            end = at + steps * self._row(name)
            header[name] = {"dtype": CODES[self._dtype.name], "shape": [steps, *shape], "data_offsets": [at, end]}
            at = end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with path.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + at)
        return {name: 8 + len(text) + found["data_offsets"][0] for name, found in header.items()}

    def _shorten(self) -> None:
        full = part_of(self._path)
        short = part_of(full)
        offsets = self._lay_out(short, self._begun)
        with full.open("rb") as source, short.open("r+b") as target:
            for name, offset in self._offsets.items():
                source.seek(offset)
                target.seek(offsets[name])
                _copy(source, target, self._begun * self._row(name))
        short.replace(full)


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
