"""replicas.parquet: the measures of every replica, step, backend and tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from runner.arrays import Array, Shape
from runner.comparison.deviation import Deviation
from runner.comparison.results import Worst
from runner.comparison.tensors import Layout
from runner.records import tables
from runner.records.tables import RowGroups
from runner.records.writer import Hand, at_once
from runner.stacked.judging import Found
from runner.stacked.looked import Looked

SCHEMA = pa.schema([("seed", pa.int64()), ("lr", pa.float64()), *tables.SCHEMA])
"""Columns of deviations.parquet, of a replica; null where a step was not judged."""


class ReplicasTable(RowGroups):
    """Every replica's rows, in the order of replicas but for those that were judged alone, which come after the others.

    Args:
        path: Of the file.
        seeds: Of the replicas.
        rates: Their learning rates.
        reference: The name of the backend that the others are compared to.
        hand: Takes what is to be written.
    """

    def __init__(
        self, path: Path, seeds: Sequence[int], rates: Sequence[float], reference: str, hand: Hand = at_once
    ) -> None:
        super().__init__(path, SCHEMA, hand)
        self._seeds, self._rates, self._reference = np.array(seeds), np.array(rates), reference

    def add(self, step: int, found: Found) -> None:
        """Adds one step's rows."""
        rows = np.flatnonzero(found.by_look)
        for name, looked in found.looked.items():
            columns = _of_look(looked, rows, found.layout, found.judged)
            self._extend(step, rows, {"backend": name, "reference": self._reference, **columns}, found.layout)
        for k, comparisons in found.alone.items():
            for c in comparisons:
                self._extend(step, np.array([k]), tables.columns_of(c), c.layout)

    def _extend(self, step: int, rows: Array, columns: Mapping[str, Any], layout: Layout) -> None:
        """Rows of some replicas, one a tensor; what is no array is the same in all of them."""
        tensors = len(layout.names)
        known = {
            "seed": np.repeat(self._seeds[rows], tensors),
            "lr": np.repeat(self._rates[rows], tensors),
            "step": step,
            "tensor": np.tile(np.array(layout.names, dtype=object), len(rows)),
            **columns,
        }
        self.extend(len(rows) * tensors, known)


def _of_look(looked: Looked, rows: Array, layout: Layout, judged: bool) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(tables.SCHEMA.names)
    found |= _measures("", looked.deviation, looked.precision, rows, layout.shapes)
    if judged:
        found |= _measures("logic_", looked.logic_deviation, looked.logic, rows, layout.shapes)
        found |= {"verdict": "agree", "look": 1, "logic_look": 1}
        found |= {name: getattr(looked, name)[rows].ravel() for name in ("error", "reference_error")}
    return {name: value for name, value in found.items() if name not in ("step", "backend", "reference", "tensor")}


def _measures(prefix: str, deviation: Deviation, worst: Worst, rows: Array, shapes: Sequence[Shape]) -> dict[str, Any]:
    index = np.stack([_typed(worst.index[rows, i], shape) for i, shape in enumerate(shapes)], axis=1)
    columns = {
        "max_abs": deviation.max_abs[rows],
        "max_rel": deviation.max_rel[rows],
        "rms": deviation.rms[rows],
        "roundings": worst.roundings[rows],
        "sigma": worst.sigma[rows],
        "worst_index": index,
        "worst_value": worst.value[rows],
        "worst_reference": worst.reference[rows],
    }
    return {prefix + name: values.ravel() for name, values in columns.items()}


def _typed(index: Array, shape: Shape) -> Array:
    """Places in a flattened tensor of that shape as texts; few of them differ."""
    different, at = np.unique(index, return_inverse=True)
    return np.array([tables.place_of(int(i), shape) for i in different], dtype=object)[at]
