"""Tables and arrays that are what the rest of the record says, or a line that tells where they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import shortened
from runner.records.trajectories import ELEMENTS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_table(file: Path, schema: pa.Schema) -> pd.DataFrame:
    """A parquet file that has at least the columns of ``schema``.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no such file, or a column is missing or holds texts in place of numbers or the reverse.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _check_columns(pq.read_schema(file), schema)
        return pd.read_parquet(file)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def read_rows(
    file: Path, schema: pa.Schema, columns: Sequence[str], tensor: str | None = None, places: Array | None = None
) -> pd.DataFrame:
    """Some columns of a parquet file, of all rows, of those of one tensor, or of those at ``places`` (sorted).

    No more than that is ever in memory: table growth of docs/performance.md.

    Raises:
        OSError: It cannot be read.
        ValueError: As in ``read_table``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [field.name for field in schema if not _is_number(field.type)]
    names = list(dict.fromkeys([*columns, *(["tensor"] if tensor is not None else [])]))
    found, begin = [], 0
    try:
        _check_columns(pq.read_schema(file), schema)
        with pq.ParquetFile(file, read_dictionary=texts) as source:
            found.append(source.schema_arrow.empty_table().select(names))
            for batch in source.iter_batches(columns=names):
                rows = pa.Table.from_batches([batch])
                if tensor is not None:
                    rows = rows.filter(pa.compute.equal(rows["tensor"], tensor))
                if places is not None:
                    first, last = np.searchsorted(places, [begin, begin + len(batch)])
                    rows = rows.take(places[first:last] - begin)
                found.append(rows)
                begin += len(batch)
        whole: pd.DataFrame = pa.concat_tables(found).select(columns).to_pandas()
        pa.default_memory_pool().release_unused()
        return whole
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _check_columns(found: pa.Schema, schema: pa.Schema) -> None:
    for field in schema:
        if field.name not in found.names:
            raise ValueError(f"no column {field.name}")
        kind = found.field(field.name).type
        if _is_number(kind) is not _is_number(field.type):
            raise ValueError(f"column {field.name} is of type {kind}, not {field.type}")


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def check_rows(table: pd.DataFrame, backends: Sequence[str], tensors: Sequence[str], judged_steps: int) -> None:
    """Takes a table of deviations that has, of every step, a row a judged backend and tensor.

    Raises:
        ValueError: Rows are missing, or are of other backends, tensors or judged steps than the verdict.
    """
    for column, names in (("backend", backends), ("tensor", tensors)):
        strange = set(table[column].unique()) ^ set(names)
        if len(table) and strange:
            raise ValueError(f"its {column}s are not those of verdict.json: {shortened(sorted(map(str, strange)))}")
    steps = table["step"].nunique()
    wanted = steps * len(backends) * len(tensors)
    if len(table) != wanted:
        raise ValueError(f"{len(table)} rows where its {steps} steps have {wanted}")
    judged = table.loc[table["logic_worst_index"].notna(), "step"].nunique()
    if judged != judged_steps:
        raise ValueError(f"{judged} judged steps, where verdict.json has {judged_steps}")


def check_arrays(arrays: Mapping[str, Array], shapes: Mapping[str, Shape]) -> None:
    """Takes exactly the arrays that ``shapes`` names.

    Raises:
        ValueError: One is missing or has another shape, or there is one more.
    """
    for name, shape in shapes.items():
        if name not in arrays:
            raise ValueError(f"no {name}")
        if arrays[name].shape != shape:
            raise ValueError(f"{name} is of shape {arrays[name].shape}, not {shape}")
    for name in arrays:
        if name not in shapes:
            raise ValueError(f"{name}, which is nothing of this run")


def parameter_shapes(found: Mapping[str, Array], names: Sequence[str]) -> dict[str, Shape]:
    """Of the arrays of parameters.safetensors, by ``found``, those that are there: each of ``names``, before and after.

    It is the file itself that has the shapes, and the names of running averages of which no update was judged.
    """
    first = {key.removeprefix("first/"): array.shape for key, array in found.items() if key.startswith("first/")}
    return {f"{part}/{name}": first.get(name, ()) for name in [*names, *first] for part in ("first", "last")}


def trajectory_shapes(found: Mapping[str, Array], shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Of the arrays of trajectories.safetensors, whose ``steps`` are ``found``, by the shapes of the parameters."""
    points = found["steps"].size if "steps" in found else 0
    counts = {name: min(ELEMENTS, prod(shape)) for name, shape in shapes.items()}
    of_each = {key: shape for name, n in counts.items() for key, shape in ((name, (points, n)), (f"at/{name}", (n,)))}
    return {"steps": (points,), **of_each}


OF_LOSS = ("worst_value", "max_abs", "worst_reference", "reference_error")


def loss_of_reference(rows: pd.DataFrame) -> Array:
    """The reference's own loss, (steps,), of which a judged step keeps the float64 twin and the distances from it.

    It lies ``max_abs`` beside the judged side's, on that side on which it is ``reference_error`` from its twin.
    """
    value, apart, twin, error = (rows[name].to_numpy() for name in OF_LOSS)
    with np.errstate(invalid="ignore"):
        below, above = value - apart, value + apart
        nearer = np.abs(np.abs(below - twin) - error) <= np.abs(np.abs(above - twin) - error)
    return np.where(np.isnan(error), twin, np.where(nearer, below, above))
