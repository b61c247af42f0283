"""gradients.safetensors, written step by step, and gradients/<backend>.txt, a person's view of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from math import prod
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from runner.arrays import Array, Shape
from runner.assemble import Setup
from runner.backends.base import Step
from runner.errors import RunError
from runner.experiment import count_recorded
from runner.records.files import part_of, publish, write_arrays, write_text
from runner.records.mapped import mapped
from runner.records.writer import Hand, at_once

CODES = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16"}


BUFFER = 2**22
"""Bytes of gradients that are gathered before they are handed over to be written."""


class GradientsFile:
    """``<backend>/<parameter>``: (recorded steps, *shape), in the run's dtype.

    The header and the room for all steps are there from the beginning (safetensors has its header first, and the number
    of steps is known): a disk that is too small shows at the start. A run that ends early moves its arrays together and
    cuts the file. The steps are gathered in one of two buffers while ``hand``'s thread writes the other one: the loop
    waits for the disk only where it is slower than the training, and memory stays flat however many steps there are.

    Raises:
        RunError: The disk has no room for all steps.
    """

    def __init__(
        self,
        path: Path,
        backends: list[str],
        shapes: Mapping[str, Shape],
        dtype: np.dtype[Any],
        steps: int,
        hand: Hand = at_once,
    ) -> None:
        self._path, self._dtype, self._hand = path, dtype, hand
        self._shapes = {f"{backend}/{name}": shape for backend in backends for name, shape in shapes.items()}
        self._steps, self._begun, self._gathered, self._written = steps, 0, 0, 0
        header, self._offsets = self._lay_out(steps)
        self._data = len(header)
        self._file = part_of(path).open("w+b", buffering=0)
        self._put(0, header)
        self._make_room(self._data + sum(map(self._row, self._shapes)) * steps)
        room = max(1, min(steps, BUFFER // max(1, sum(map(self._row, self._shapes)))))
        self._room = self._buffers(room)
        self._spare: SimpleQueue[dict[str, Array]] = SimpleQueue()
        self._spare.put(self._buffers(room))

    def add(self, steps: Mapping[str, Step]) -> None:
        """Copies one recorded step's gradients of every backend."""
        for backend, step in steps.items():
            for name, gradient in step.gradients.items():
                self._room[f"{backend}/{name}"][self._gathered] = gradient
        self._gathered += 1
        if self._gathered == len(next(iter(self._room.values()))):
            self._hand_over()

    def close(self) -> None:
        """Hands over what was gathered, and the way of the file into its place."""
        self._hand_over()
        self._hand(self._finish)

    def _buffers(self, room: int) -> dict[str, Array]:
        return {name: np.empty((room, *shape), self._dtype) for name, shape in self._shapes.items()}

    def _row(self, name: str) -> int:
        """Bytes that a step takes of an array."""
        return prod(self._shapes[name]) * self._dtype.itemsize

    def _hand_over(self) -> None:
        """Hands over what was gathered, and goes on in the other buffer as soon as that is written."""
        if self._gathered:
            self._hand(partial(self._write, self._room, self._begun, self._gathered))
            self._begun, self._gathered = self._begun + self._gathered, 0
            self._room = self._spare.get()

    def _write(self, buffers: dict[str, Array], begin: int, count: int) -> None:
        """Writes some steps, unless those before could not be written: what is kept has no gap."""
        try:
            if begin != self._written:
                return
            for name, buffer in buffers.items():
                content = buffer[:count].reshape(-1).view(np.uint8).data
                self._put(self._offsets[name] + begin * self._row(name), content)
            self._written += count
        finally:
            self._spare.put(buffers)

    def _put(self, at: int, content: bytes | memoryview) -> None:
        self._file.seek(at)
        view = memoryview(content)
        while view:
            view = view[self._file.write(view) :]

    def _make_room(self, size: int) -> None:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file.fileno(), 0, size)
            self._file.truncate(size)
        except OSError as error:
            self._file.close()
            words = f"{self._path}: no room for {size / 1e9:.3g} GB ({error.strerror})"
            raise RunError(f"{words}; record.every=N keeps less, record.gradients=false nothing of it") from error

    def _lay_out(self, steps: int) -> tuple[bytes, dict[str, int]]:
        """The header of a file of so many steps, and where in the file each array begins."""
        header: dict[str, Any] = {}
        at = 0
        for name, shape in self._shapes.items():
            end = at + steps * self._row(name)
            header[name] = {"dtype": CODES[self._dtype.name], "shape": [steps, *shape], "data_offsets": [at, end]}
            at = end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        begin = 8 + len(text)
        offsets = {name: begin + found["data_offsets"][0] for name, found in header.items()}
        return len(text).to_bytes(8, "little") + text, offsets

    def _finish(self) -> None:
        with self._file:
            if self._written < self._steps:
                self._shorten()
        publish(self._path)

    def _shorten(self) -> None:
        """Moves the arrays together, where they lie: the header of fewer steps is no longer, and is filled up."""
        header, offsets = self._lay_out(self._written)
        padded = header[8:].ljust(self._data - 8)
        for name, offset in offsets.items():
            to = offset + self._data - len(header)
            self._move(self._offsets[name], to, self._written * self._row(name))
        self._put(0, len(padded).to_bytes(8, "little") + padded)
        self._file.truncate(self._data + self._written * sum(map(self._row, self._shapes)))

    def _move(self, begin: int, to: int, count: int, chunk: int = 1 << 24) -> None:
        """Moves bytes of the file towards its beginning."""
        for at in range(0, count, chunk):
            self._file.seek(begin + at)
            self._put(to + at, self._file.read(min(chunk, count - at)))


class GradientsText:
    """Every gradient of the first and the last recorded step under its name, rounded to 5 decimals.

    Two backends' files are equal where they agree to 5 decimals, so that `diff` shows what differs. They are made of
    ``gradients``, the file of gradients, once that is in its place.
    """

    def __init__(self, folder: Path, gradients: Path, hand: Hand = at_once) -> None:
        self._folder, self._gradients, self._hand = folder, gradients, hand
        self._first = self._last = self._count = 0

    def add(self, step: int) -> None:
        """Notes the number of a recorded step."""
        self._first, self._last, self._count = (self._first if self._count else step), step, self._count + 1

    def close(self) -> None:
        """Hands over the writing of a file a backend."""
        if self._count:
            self._hand(partial(self._write, self._first, self._last, self._count))

    def _write(self, first: int, last: int, count: int) -> None:
        """Nothing where the file of gradients could not be written to its end."""
        by_backend: dict[str, dict[str, Array]] = {}
        for key, value in mapped(self._gradients).items():
            if len(value) != count:
                return
            backend, _, name = key.partition("/")
            by_backend.setdefault(backend, {})[name] = value
        for backend, gradients in by_backend.items():
            texts = [_rendered(first, gradients, 0), _rendered(last, gradients, -1)]
            write_text(self._folder / f"{backend}.txt", "\n".join(texts[: 1 if first == last else 2]))


def _rendered(step: int, gradients: Mapping[str, Array], at: int) -> str:
    lines = [f"step {step}"]
    for name, values in gradients.items():
        lines += ["", name]
        rows = np.atleast_2d(values[at])
        lines += [" ".join(_number(v) for v in row) for row in rows.reshape(-1, rows.shape[-1])]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    text = f"{value:9.5f}"
    return f"{0:9.5f}" if float(text) == 0 else text


def gradients_file(path: Path, setup: Setup, hand: Hand = at_once) -> GradientsFile | None:
    """The file for the gradients of a run; None where they are not to be recorded."""
    if not setup.record_gradients:
        return None
    backends, shapes = list(setup.backends), setup.problem.network.shapes
    return GradientsFile(path, backends, shapes, setup.dtype, count_recorded(setup), hand)


def copy_parameters(path: Path, first: Mapping[str, Array], last: Mapping[str, Array]) -> None:
    """parameters.safetensors: ``first/<name>`` and ``last/<name>`` of every parameter and running average."""
    arrays = {f"first/{name}": value for name, value in first.items()}
    write_arrays(path, arrays | {f"last/{name}": value for name, value in last.items()})
