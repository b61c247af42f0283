"""gradients/<backend>.txt, a person's view of gradients.safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from runner.arrays import Array
from runner.records.files import write_text
from runner.records.mapped import mapped
from runner.records.writer import Hand, at_once


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

    def state(self) -> tuple[int, int, int]:
        """The numbers of the first and the last recorded step, and how many were recorded."""
        return self._first, self._last, self._count

    def go_on_from(self, state: tuple[int, int, int]) -> None:
        """Takes what ``state`` gave."""
        self._first, self._last, self._count = state

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
