"""replicas.parquet: the measures of every replica, step, backend and tensor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from runner.arrays import Array
from runner.comparison.results import Comparison
from runner.records.tables import RowGroups
from runner.records.writer import Hand, at_once
from runner.stacked.judging import Found
from runner.stacked.look import Looked

DEVIATIONS = ("max_abs", "max_rel", "rms")
LOGIC = ("logic_max_abs", "logic_roundings")
ERRORS = ("error", "reference_error")

SCHEMA = pa.schema(
    [("seed", pa.int64()), ("step", pa.int64())]
    + [(name, pa.string()) for name in ("backend", "reference", "tensor", "verdict")]
    + [(name, pa.float64()) for name in (*DEVIATIONS, "roundings")]
    + [("look", pa.int8())]
    + [(name, pa.float64()) for name in LOGIC]
    + [("logic_look", pa.int8())]
    + [(name, pa.float64()) for name in ERRORS]
)
"""Columns of deviations.parquet, of a replica; null where a step was not judged."""


class ReplicasTable(RowGroups):
    """Every replica's rows, in the order of seeds but for those that were judged alone, which come after the others."""

    def __init__(self, path: Path, seeds: range, reference: str, hand: Hand = at_once) -> None:
        super().__init__(path, SCHEMA, hand)
        self._seeds, self._reference = np.array(seeds), reference

    def add(self, step: int, found: Found) -> None:
        """Adds one step's rows."""
        rows = np.flatnonzero(found.by_look)
        for name, looked in found.looked.items():
            self._extend(step, name, found.layout.names, rows, _of_look(looked, rows, found.judged))
        for k, comparisons in found.alone.items():
            for c in comparisons:
                self._extend(step, c.backend, c.layout.names, np.array([k]), _of_comparison(c))

    def _extend(
        self, step: int, backend: str, tensors: tuple[str, ...], rows: Array, columns: Mapping[str, Array | object]
    ) -> None:
        """Rows of some replicas, one a tensor; what is no array is the same in all of them."""
        known = {
            "seed": np.repeat(self._seeds[rows], len(tensors)),
            "step": step,
            "backend": backend,
            "reference": self._reference,
            "tensor": np.tile(np.array(tensors, dtype=object), len(rows)),
            **columns,
        }
        self.extend(len(rows) * len(tensors), known)


def _of_look(looked: Looked, rows: Array, judged: bool) -> dict[str, Array | object]:
    measures = (*DEVIATIONS, "roundings", *LOGIC, *ERRORS)
    look = (
        {"verdict": "agree", "look": 1, "logic_look": 1} if judged else dict.fromkeys(("verdict", "look", "logic_look"))
    )
    return {**{name: getattr(looked, name)[rows].ravel() for name in measures}, **look}


def _of_comparison(c: Comparison) -> dict[str, Array | object]:
    """Of a step that is not judged, what is not known is null."""
    found: dict[str, Array | object] = {name: getattr(c.deviation, name) for name in DEVIATIONS}
    found |= {"verdict": c.verdict, "roundings": c.precision.roundings, "look": c.precision_look or None}
    found["logic_max_abs"] = None if c.logic_deviation is None else c.logic_deviation.max_abs
    found["logic_roundings"] = None if c.logic is None else c.logic.roundings
    return found | {"logic_look": c.logic_look or None, "error": c.error, "reference_error": c.reference_error}
