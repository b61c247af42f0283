"""Many processes that record sweeps at once into one store, and what is to be found there afterwards: all, once."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tests.cli.process import Finished

Rows = Callable[[str], list[tuple[object, ...]]]
"""What a query finds in the store's database."""
Run = Callable[..., Finished]
"""Runs the program in a folder with words, in an environment: ``run`` or ``finish`` of tests.cli.process."""

METRIC = ("metric", "step")
AT_THE_END = (
    *("verdict/agree", "verdict/logic_roundings", "verdict/precision_roundings"),
    *("verdict/second_looks", "verdict/third_looks"),
)
"""What is logged once, of a run without anything held out."""
LEFT_OUT = {"status.json", "run.lock"}
"""Files of a run folder that are no artifacts."""


@dataclass(frozen=True)
class Recorded:
    """What was found in the store: runs that are jobs, metric values, artifacts and their bytes."""

    runs: int
    metrics: int
    artifacts: int
    size: int


def sqlite_rows(store: Path) -> Rows:
    """Those of an sqlite file."""

    def rows(query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(store)) as reader:
            return reader.execute(query).fetchall()

    return rows


def record(folder: Path, processes: int, runs: int, words: Sequence[str], env: Mapping[str, str], run: Run) -> None:
    """So many processes at once, each with a folder of its own and a sweep of so many runs, all with other seeds."""

    def sweep(number: int) -> Finished:
        place = folder / str(number)
        place.mkdir(parents=True)
        seeds = f"seed=range({number * runs},{(number + 1) * runs})"
        more = ("record.plots=false", "hydra.sweep.dir=sweep", *words)
        return run(place, "-m", seeds, *more, env=dict(env))

    with ThreadPoolExecutor(processes) as pool:
        ended = list(pool.map(sweep, range(processes)))
    for finished in ended:
        assert "database is locked" not in finished.out + finished.err
        assert (finished.code, finished.err) == (0, ""), finished.err
        assert f"{runs} of {runs} jobs agree" in finished.out


def check(folder: Path, processes: int, runs: int, rows: Rows, artifacts: Path, experiment: str) -> Recorded:
    """Holds an experiment against what lies in the folders: nothing is lost, nothing is doubled.

    ``artifacts`` is the folder below which the store has them.
    """
    of = f"from (select * from experiments where name = '{experiment}') e join runs r using (experiment_id)"
    ids = {_run_id(job): job.parent for job in folder.glob("*/sweep/*/status.json")}
    parents = {_run_id(file) for file in folder.glob("*/sweep/sweep.json")}
    assert (len(ids), len(parents)) == (processes * runs, processes)
    assert Counter(rows(f"select r.run_uuid, r.status {of}")) == Counter((key, "FINISHED") for key in {*ids, *parents})
    below = rows(f"select t.value {of} join tags t using (run_uuid) where t.key = 'mlflow.parentRunId'")
    nested = Counter(parent for (parent,) in below)
    assert nested == dict.fromkeys(parents, runs)
    drawn = rows(f"select r.run_uuid, p.value {of} join params p using (run_uuid) where p.key = 'seed'")
    seeds = [str(value) for key, value in drawn if key in ids]
    assert sorted(seeds) == sorted(map(str, range(processes * runs)))
    values = rows(f"select r.run_uuid, m.key, m.step, m.value {of} join metrics m using (run_uuid)")
    logged = pd.DataFrame(values, columns=["run", *METRIC, "value"])
    logged = logged[logged["run"].isin(ids)]
    assert not logged.duplicated(["run", *METRIC]).any()
    by_run = dict(iter(logged.groupby("run")))
    kept = {place for key in ids for place in artifacts.rglob(f"{key}/artifacts")}
    assert len(kept) == len(ids)
    sizes = []
    for place in kept:
        key = place.parent.name
        _check_metrics(by_run[key], ids[key])
        sizes += _check_artifacts(place, ids[key])
    return Recorded(len(ids), len(logged), len(sizes), sum(sizes))


def _run_id(file: Path) -> str:
    return str(json.loads(file.read_text(encoding="utf-8"))["run_id"])


def _check_metrics(logged: pd.DataFrame, folder: Path) -> None:
    """Every deviation of the run's table is there with its value, and a loss of each backend a step."""
    values = logged.set_index([*METRIC])["value"]
    table = pd.read_parquet(folder / "deviations.parquet")
    for measure in ("max_abs", "roundings"):
        keys = zip("deviation/" + measure + "/" + table["tensor"], table["step"], strict=True)
        np.testing.assert_array_equal(values.loc[list(keys)], table[measure])
    losses = logged[logged["metric"].str.startswith("loss/")]
    assert len(losses) == table["step"].nunique() * 2
    assert len(logged) == len(losses) + 2 * len(table) + len(AT_THE_END)
    assert set(AT_THE_END) <= set(logged["metric"])


def _check_artifacts(place: Path, folder: Path) -> list[int]:
    """The sizes of the artifacts, which are the run folder's files byte by byte."""
    files = {path.relative_to(place) for path in place.rglob("*") if path.is_file()}
    own = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name not in LEFT_OUT}
    assert files == own
    for file in files:
        assert (place / file).read_bytes() == (folder / file).read_bytes(), file
    return [(place / file).stat().st_size for file in files]
