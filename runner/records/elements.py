"""roundings.safetensors: by how many roundings each element of a gradient is off at most, and how often by how many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from runner.arrays import Array
from runner.comparison.results import Comparison
from runner.comparison.tensors import Layout
from runner.records.files import write_arrays
from runner.records.writer import Hand, at_once

EDGES = np.concatenate([[0.0], np.logspace(-3, 20, 24 * 4 - 3)])
"""Edges of the classes that are counted, in roundings: exactly 0 and below 1e-3, then four a decade."""

QUESTIONS = ("logic", "precision")


@dataclass(frozen=True)
class ElementsState:
    """What was gathered so far, a question and backend each: (parameters,) and (len(EDGES),)."""

    largest: dict[str, Array]
    counts: dict[str, Array]


class ElementRoundings:
    """``<question>/<backend>/<parameter>``: (shape), the largest over all judged steps, in roundings.

    ``counts/<question>/<backend>``: (len(EDGES),), of all these elements and steps; the last counts what is beyond.
    """

    def __init__(self, path: Path, hand: Hand = at_once) -> None:
        self._path, self._hand = path, hand
        self._layout: Layout | None = None
        self._largest: dict[str, Array] = {}
        self._counts: dict[str, Array] = {}

    def add(self, comparisons: Sequence[Comparison]) -> None:
        """One judged step's."""
        for c in comparisons:
            if c.elements is None:
                continue
            self._layout = c.layout
            for question, roundings in zip(QUESTIONS, c.elements, strict=True):
                self._keep(f"{question}/{c.backend}", roundings[c.layout.gradients])

    def _keep(self, key: str, roundings: Array) -> None:
        if key not in self._largest:
            self._largest[key] = np.zeros(len(roundings))
            self._counts[key] = np.zeros(len(EDGES), np.int64)
        np.fmax(self._largest[key], roundings, out=self._largest[key])
        places = np.searchsorted(EDGES, roundings, "right") - 1
        self._counts[key] += np.bincount(places, minlength=len(EDGES))

    def state(self) -> ElementsState:
        """What ``go_on_from`` needs; its arrays belong to this."""
        return ElementsState(self._largest, self._counts)

    def go_on_from(self, state: ElementsState, layout: Layout) -> None:
        """Takes what ``state`` gave; ``layout`` is that of a step of any batch size."""
        self._largest, self._counts = dict(state.largest), dict(state.counts)
        self._layout = layout if state.largest else None

    def close(self) -> None:
        """Hands over the writing of the file, if a step was judged."""
        if self._layout is None:
            return
        arrays = {f"counts/{key}": counts for key, counts in self._counts.items()}
        for key, largest in self._largest.items():
            arrays |= {f"{key}/{name}": value for name, value in _by_tensor(self._layout, largest).items()}
        self._hand(partial(write_arrays, self._path, arrays))


def _by_tensor(layout: Layout, gradients: Array) -> Mapping[str, Array]:
    begin = layout.gradients.start
    shapes = dict(zip(layout.names, layout.shapes, strict=True))
    return {
        name: gradients[place.start - begin : place.stop - begin].reshape(shapes[name])
        for name, place in layout.slices().items()
        if place.start >= begin
    }
