"""gradients.safetensors, written step by step, and parameters.safetensors."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from io import FileIO
from math import prod
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from runner.arrays import Array, Shape
from runner.assemble import Setup
from runner.backends.base import Step
from runner.errors import RunError
from runner.records.files import naming, part_of, publish, write_arrays
from runner.records.writer import Hand, at_once
from runner.steps import count_recorded

CODES = {"float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16"}


SHORT = "gradients.safetensors.short"
"""The name, until it is in its place, of the copy of a run that ends early."""

BUFFER = 2**22
"""Bytes of gradients that are gathered before they are handed over to be written."""


class GradientsFile:
    """``<backend>/<parameter>``: (recorded steps, *shape), in the run's dtype.

    The header and the room for all steps are there from the beginning (safetensors has its header first, and the number
    of steps is known): a disk that is too small shows at the start. A run that ends early moves its arrays together and
    cuts the file. The steps are gathered in one of two buffers while ``hand``'s thread writes the other one: the loop
    waits for the disk only where it is slower than the training, and memory stays flat however many steps there are.

    Once it was asked to ``settle``, another process can go on with it, for which ``begun`` steps are there already: the
    file stays as it is until the whole one is in its place, and that of a run that ends early is a copy.

    Raises:
        RunError: The disk has no room for all steps, or the file that was begun is not there.
    """

    def __init__(
        self,
        path: Path,
        backends: list[str],
        shapes: Mapping[str, Shape],
        dtype: np.dtype[Any],
        steps: int,
        hand: Hand = at_once,
        begun: int = 0,
    ) -> None:
        self._path, self._dtype, self._hand, self._kept = path, dtype, hand, begun > 0
        self._shapes = {f"{backend}/{name}": shape for backend in backends for name, shape in shapes.items()}
        self._steps, self._begun, self._gathered, self._written = steps, begun, 0, begun
        header, self._offsets = self._lay_out(steps)
        self._data = len(header)
        size = self._data + sum(map(self._row, self._shapes)) * steps
        self._whole = begun > 0 and path.exists()  # an earlier process has come as far as that
        if begun:
            self._file = self._reopened(path if self._whole else part_of(path), header, size)
        else:
            self._file = part_of(path).open("w+b", buffering=0)
            self._put(0, header)
            self._make_room(size)
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
            self.flush()

    def close(self) -> None:
        """Hands over what was gathered, and the way of the file into its place."""
        self.flush()
        self._hand(self._finish)

    def settle(self) -> int:
        """How many steps are written, once all that was handed over is; they outlast a power cut then."""
        self._kept = True
        os.fsync(self._file.fileno())
        return self._written

    def leave(self) -> None:
        """Leaves the file as it is, for another process to go on with."""
        self._file.close()

    def _reopened(self, path: Path, header: bytes, size: int) -> FileIO:
        try:
            file = path.open("r+b", buffering=0)
        except FileNotFoundError as error:
            raise RunError(f"{path}: gone, which the run goes on from") from error
        if not self._whole and (file.read(len(header)) != header or path.stat().st_size != size):
            file.close()
            raise RunError(f"{path}: damaged, which the run goes on from")
        return file

    def _buffers(self, room: int) -> dict[str, Array]:
        return {name: np.empty((room, *shape), self._dtype) for name, shape in self._shapes.items()}

    def _row(self, name: str) -> int:
        """Bytes that a step takes of an array."""
        return prod(self._shapes[name]) * self._dtype.itemsize

    def flush(self) -> None:
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
        with naming(self._path):
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
            if self._whole:
                part_of(self._path).unlink(missing_ok=True)
                return
            if self._written < self._steps and self._kept:
                self._copy_short()
                return
            if self._written < self._steps:
                self._shorten()
        publish(self._path)

    def _copy_short(self) -> None:
        """Puts a copy of the steps that there are into its place: the same bytes as ``_shorten`` leaves."""
        short = part_of(self._path.with_name(SHORT))
        whole = self._file
        with short.open("w+b", buffering=0) as self._file:
            self._put(0, self._short_header())
            for name in self._shapes:
                begin = self._offsets[name]
                self._move(begin, self._file.tell(), self._written * self._row(name), whole)
        short.replace(self._path)
        part_of(self._path).unlink()

    def _short_header(self) -> bytes:
        """That of the steps that are written, filled up to the length of that of all."""
        header = self._lay_out(self._written)[0][8:].ljust(self._data - 8)
        return len(header).to_bytes(8, "little") + header

    def _shorten(self) -> None:
        """Moves the arrays together, where they lie: the header of fewer steps is no longer, and is filled up."""
        to = self._data
        for name, begin in self._offsets.items():
            self._move(begin, to, self._written * self._row(name), self._file)
            to += self._written * self._row(name)
        self._put(0, self._short_header())
        self._file.truncate(to)

    def _move(self, begin: int, to: int, count: int, source: FileIO, chunk: int = 1 << 24) -> None:
        """Copies bytes of ``source`` into the file; in the same one, towards its beginning."""
        for at in range(0, count, chunk):
            source.seek(begin + at)
            self._put(to + at, source.read(min(chunk, count - at)))


def gradients_file(path: Path, setup: Setup, hand: Hand = at_once, begun: int = 0) -> GradientsFile | None:
    """The file for the gradients of a run, ``begun`` steps of it written; None where they are not to be recorded."""
    if not setup.record_gradients:
        return None
    backends, shapes = list(setup.backends), setup.problem.network.shapes
    return GradientsFile(path, backends, shapes, setup.dtype, count_recorded(setup), hand, begun)


def copy_parameters(path: Path, first: Mapping[str, Array], last: Mapping[str, Array]) -> None:
    """parameters.safetensors: ``first/<name>`` and ``last/<name>`` of every parameter and running average."""
    arrays = {f"first/{name}": value for name, value in first.items()}
    write_arrays(path, arrays | {f"last/{name}": value for name, value in last.items()})
