"""`python -m runner export RUN FILE`: gradients and deviations of a recorded run, for other programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import BFLOAT16, Array
from runner.commands.locate import RUN_HELP, found_run, parse_words
from runner.errors import AGREE, ConfigError, RunError, printable
from runner.records.files import part_of, publish, remove_parts, save_arrays
from runner.records.reading import RecordedRun

if TYPE_CHECKING:
    import pyarrow as pa

USAGE = f"""\
python -m runner export RUN FILE [tracking.uri=URI]

Writes the gradients and the deviations of a recorded run. What FILE ends in says how:

  .csv, .parquet       FILE has a row an element: step, backend, parameter, index, value (a float64, which holds every
                       dtype exactly); deviations.parquet goes, as it is, into a file beside it, NAME-deviations
  .npz, .safetensors   step: (recorded steps,); BACKEND/PARAMETER: (recorded steps, *shape), in the run's dtype (in .npz
                       bfloat16 as float32); deviations/BACKEND/TENSOR/MEASURE: (recorded steps,), every measure that
                       is a number, NaN where a step was not judged

No file is overwritten. A .csv or a .parquet is written step by step, however large the run.

{RUN_HELP}

Exit code: 0 written, 2 no such run or bad input, 3 it could not be written."""


def export(argv: list[str]) -> int:
    """Writes the file that ``argv`` names, and the one beside it.

    Raises:
        ConfigError: There is no such run, it has no gradients, or the file has a wrong name or is there already.
        RunError: The store cannot be reached, or a file cannot be written; none is left then.
    """
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return AGREE
    (word, name), uri = parse_words("export", argv, ["RUN", "FILE"])
    files = _new_files(name)
    with found_run(word, uri) as found:
        if found.run.gradients is None:
            raise ConfigError("RUN", f"{found.label}, recorded without gradients", "a run of record.gradients=true")
        for note in found.notes:
            print(printable(note))
        try:
            WRITERS[files[0].suffix](found.run, *map(part_of, files))
            for file in files:
                publish(file)
        except OSError as error:
            words = os.strerror(error.errno) if error.errno else error
            raise RunError(f"{error.filename or files[0]}: {words}") from error
        finally:
            remove_parts(files)
    print("\n".join(f"written: {file}" for file in files))
    return AGREE


def _new_files(name: str) -> list[Path]:
    file = Path(name)
    if file.suffix not in WRITERS or not file.parent.is_dir():
        raise ConfigError(
            "FILE", repr(name), f"a new file that ends in {', '.join(WRITERS)}, in a folder that is there"
        )
    files = [file]
    if file.suffix in TABLES:
        files.append(file.with_name(f"{file.stem}-deviations{file.suffix}"))
    for taken in files:
        if taken.exists():
            raise ConfigError("FILE", f"{str(taken)!r}, which is there already", "a new file: none is overwritten")
    return files


def _gradient_tables(run: RecordedRun) -> Iterator[pa.Table]:
    """Their columns without a row, then a long table a step and tensor."""
    import pyarrow as pa

    gradients = run.gradients or {}
    texts = [(name, pa.string()) for name in ("backend", "parameter", "index")]
    yield pa.schema([("step", pa.int64()), *texts, ("value", pa.float64())]).empty_table()
    places = {name: pa.array(_indices(array.shape[1:])) for name, array in gradients.items()}
    for i, step in enumerate(run.steps):
        for name, array in gradients.items():
            backend, _, parameter = name.partition("/")
            count = len(places[name])
            columns = {
                "step": pa.array(np.full(count, step, np.int64)),
                "backend": pa.repeat(pa.scalar(backend), count),
                "parameter": pa.repeat(pa.scalar(parameter), count),
                "index": places[name],
                "value": pa.array(array[i].reshape(-1).astype(np.float64)),
            }
            yield pa.table(columns)


def _indices(shape: Sequence[int]) -> list[str]:
    """Every element's place, as in deviations.parquet: ``[1, 0]``."""
    return [str(list(index)) for index in np.ndindex(*shape)]


def _deviation_tables(run: RecordedRun) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(run.folder / "deviations.parquet") as file:
        yield pa.Table.from_batches([], file.schema_arrow)
        for batch in file.iter_batches():
            yield pa.Table.from_batches([batch])


def _write_tables(tables: Iterator[pa.Table], open_file: Callable[[pa.Schema], Any]) -> None:
    """Writes tables of one schema, many rows at a time."""
    from runner.records.tables import write_gathered

    first = next(tables)
    with open_file(first.schema) as writer:
        write_gathered(writer, chain([first], tables))


def _csv(run: RecordedRun, file: Path, beside: Path) -> None:
    from pyarrow.csv import CSVWriter

    _write_tables(_gradient_tables(run), lambda schema: CSVWriter(str(file), schema))
    _write_tables(_deviation_tables(run), lambda schema: CSVWriter(str(beside), schema))


def _parquet(run: RecordedRun, file: Path, beside: Path) -> None:
    from pyarrow.parquet import ParquetWriter

    _write_tables(_gradient_tables(run), lambda schema: ParquetWriter(str(file), schema))
    _write_tables(_deviation_tables(run), lambda schema: ParquetWriter(str(beside), schema))


def _npz(run: RecordedRun, file: Path) -> None:
    arrays = {name: a.astype(np.float32) if a.dtype == BFLOAT16 else a for name, a in _arrays(run).items()}
    with file.open("wb") as out:
        np.savez(out, **arrays)  # type: ignore[arg-type]


def _safetensors(run: RecordedRun, file: Path) -> None:
    save_arrays(file, _arrays(run))


def _arrays(run: RecordedRun) -> Mapping[str, Array]:
    arrays = {"step": run.steps, **(run.gradients or {})}
    table = run.deviations
    measures = [str(name) for name in table.select_dtypes("number").columns if name != "step"]
    for (backend, tensor), rows in table.groupby(["backend", "tensor"], sort=False):
        by_step = rows.set_index("step").reindex(run.steps)
        below = f"deviations/{backend}/{tensor}"
        arrays |= {f"{below}/{name}": by_step[name].to_numpy(dtype=np.float64) for name in measures}
    return arrays


TABLES: dict[str, Callable[..., None]] = {".csv": _csv, ".parquet": _parquet}
WRITERS: dict[str, Callable[..., None]] = {**TABLES, ".npz": _npz, ".safetensors": _safetensors}
