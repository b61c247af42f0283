"""What `python -m runner lockstep=false` keeps and says of the two paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from .conftest import SharedRuns
from .process import Finished, run
from .stores import PARAMETERS, artifacts, client, history, nested, only_run, parameters, read_json

STEPS = [*range(0, 300, 5), 299, 300]
"""Every fifth step, the last one, and what the last update has made."""

FREE = ("lockstep=false", "record.plots=false")


@pytest.fixture
def parted(shared: SharedRuns) -> Finished:
    overrides = ("lockstep=false", "epochs=3", "record.every=5", "seed=2")
    return shared.get("parted", *overrides, "backend=[torch,scratch]", "+backend.mine={use: torch}")


@pytest.fixture
def reader(parted: Finished) -> MlflowClient:
    return client(parted.folder)


@pytest.fixture
def record(reader: MlflowClient) -> Run:
    return only_run(reader)


def table(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "drift.parquet")


def measured(folder: Path, backend: str, step: int, measure: str) -> dict[str, float]:
    """A measure by tensor, of one backend at one step."""
    frame = table(folder)
    rows = frame[(frame["backend"] == backend) & (frame["step"] == step)]
    return dict(zip(rows["tensor"], rows[measure], strict=True))


def test_the_table_has_a_row_a_step_backend_and_parameter_and_one_for_all(parted: Finished) -> None:
    frame = table(parted.run_folder)
    measures = ["max_abs", "norm", "relative", "roundings"]
    assert list(frame.columns) == ["step", "backend", "reference", "tensor", *measures]
    keys = list(frame[["step", "backend", "tensor"]].itertuples(index=False, name=None))
    assert keys == [(step, b, name) for step in STEPS for b in ("mine", "torch") for name in (*PARAMETERS, "all")]
    assert set(frame["reference"]) == {"scratch"}
    assert not frame[frame["step"] == 0][measures].to_numpy().any()
    assert frame[frame["step"] > 0].groupby("step")["norm"].max().min() > 0


def test_the_whole_is_made_of_its_parts(parted: Finished) -> None:
    for backend, step in [("torch", 5), ("torch", 300), ("mine", 150)]:
        norm, max_abs, relative, roundings = (
            measured(parted.run_folder, backend, step, name) for name in ("norm", "max_abs", "relative", "roundings")
        )
        assert norm["all"] == pytest.approx(np.linalg.norm([norm[name] for name in PARAMETERS]))
        assert max_abs["all"] == max(max_abs[name] for name in PARAMETERS)
        assert roundings == pytest.approx({name: 2**24 * value for name, value in relative.items()})


def test_the_relative_distance_is_to_the_norm_of_the_references_parameters(parted: Finished) -> None:
    norm, relative = (measured(parted.run_folder, "torch", 300, name) for name in ("norm", "relative"))
    last = {name: parameters(parted.run_folder)[f"last/{name}"].astype(float) for name in PARAMETERS}
    for name, value in last.items():
        assert norm[name] / relative[name] == pytest.approx(np.linalg.norm(value))
    whole = np.linalg.norm(np.concatenate([value.ravel() for value in last.values()]))
    assert norm["all"] / relative["all"] == pytest.approx(whole)


def test_the_metrics_are_those_of_the_table(reader: MlflowClient, record: Run, parted: Finished) -> None:
    frame = table(parted.run_folder)
    for backend in ("mine", "torch"):
        rows = frame[(frame["tensor"] == "all") & (frame["backend"] == backend)]
        for name, column in (("distance", "norm"), ("roundings", "roundings")):
            found = history(reader, record, f"drift/{name}/{backend}")
            assert found == dict(zip(rows["step"], rows[column], strict=True))
            assert list(found) == STEPS


def test_the_growth_is_fitted_to_the_table(record: Run, parted: Finished) -> None:
    document = read_json(parted.run_folder / "verdict.json")["drift"]
    assert list(document) == ["mine", "torch"]
    frame = table(parted.run_folder)
    for backend, found in document.items():
        rows = frame[(frame["tensor"] == "all") & (frame["backend"] == backend) & (frame["norm"] > 0)]
        k, log_d, residuals = rows["step"].to_numpy(float), np.log10(rows["norm"]), {}
        for model, x in (("exponential", k), ("power", np.log(k))):
            slope, at = np.polyfit(x, log_d, 1)
            rate = "exponent" if model == "power" else "rate"
            residuals[model] = float(np.sqrt(np.square(log_d - at - slope * x).mean()))
            assert found["growth"][model][rate] == pytest.approx(slope * np.log(10))
            assert found["growth"][model]["residual"] == pytest.approx(residuals[model])
            assert record.data.metrics[f"drift/{model}_{rate}/{backend}"] == found["growth"][model][rate]
            assert record.data.metrics[f"drift/{model}_residual/{backend}"] == found["growth"][model]["residual"]
        assert found["growth"]["better"] == min(residuals, key=lambda model: residuals[model])
        doubling = found["growth"]["exponential"]["doubling_steps"] * found["growth"]["exponential"]["rate"]
        assert doubling == pytest.approx(np.log(2))
        last = rows.iloc[-1]
        assert (found["steps"], found["reference"]) == (300, "scratch")
        assert all(found[name] == last[name] for name in ("max_abs", "norm", "relative", "roundings"))


def test_the_console_says_it_after_the_verdict(parted: Finished) -> None:
    document = read_json(parted.run_folder / "verdict.json")
    lines = parted.out.splitlines()
    at = lines.index(document["sentence"])
    said = [found["sentence"] for found in document["drift"].values()]
    assert lines[at + 1 : at + 5] == ["", *said, ""]
    for backend, words in zip(("mine", "torch"), said, strict=True):
        found = document["drift"][backend]
        far = f"{found['norm']:.2e}, {found['roundings']:.1f} roundings"
        assert words.startswith(f"drift of {backend} from scratch after 300 steps: {far}; grows like step^0.")


def test_the_table_is_an_artifact(reader: MlflowClient, record: Run) -> None:
    assert "drift.parquet" in artifacts(reader, record)


def test_what_is_the_same_backend_twice_has_no_drift(place: Path) -> None:
    finished = run(
        place,
        "record.plots=false",
        "lockstep=false",
        "data.samples=9",
        "backend=[scratch]",
        "+backend.mine={use: scratch}",
    )
    assert (finished.code, finished.err) == (0, "")
    sentence = "no drift: mine and scratch have equal parameters throughout, over 9 steps."
    assert f"\n{sentence}\n" in finished.out
    found = read_json(finished.run_folder / "verdict.json")["drift"]["mine"]
    assert (found["sentence"], found["norm"], found["roundings"], found["growth"]) == (sentence, 0, 0, None)
    metrics = only_run(client(place)).data.metrics
    assert {key for key in metrics if key.startswith("drift/")} == {"drift/distance/mine", "drift/roundings/mine"}


def test_with_lockstep_there_is_no_drift_anywhere(shared: SharedRuns) -> None:
    plain = shared.get("plain", "lr=0.05", "seed=1")
    assert read_json(plain.run_folder / "verdict.json")["drift"] is None
    assert "drift" not in plain.out
    assert not (plain.run_folder / "drift.parquet").exists()


def test_parameters_that_are_not_finite_are_a_tag_a_gap_and_a_word(place: Path) -> None:
    """Of one step the loss is finite, what its update makes is not."""
    finished = run(
        place, "record.plots=false", "lockstep=false", "data.samples=1", "lr=1e38", "data.low=1e3", "data.high=2e3"
    )
    sentence = "drift of scratch from torch after 1 step: not finite."
    assert f"\n{sentence}\n" in finished.out
    found = read_json(finished.run_folder / "verdict.json")["drift"]["scratch"]
    assert (found["sentence"], found["norm"], found["growth"]) == (sentence, None, None)
    reader = client(place)
    record = only_run(reader)
    assert record.data.tags["nonfinite.drift/distance/scratch"] == "1"
    assert history(reader, record, "drift/distance/scratch") == {0: 0.0}
    frame = table(finished.run_folder)
    assert not np.isfinite(frame[(frame["step"] == 1) & (frame["tensor"] == "all")]["norm"]).any()


def test_every_job_of_a_sweep_carries_its_drift(place: Path) -> None:
    finished = run(
        place, "-m", "record.plots=false", "lockstep=false", "lr=0.01,0.1", "dtype=float32,float64", "data.samples=30"
    )
    assert (finished.code, finished.err) == (0, "")
    found = nested(client(place))
    assert len(found) == 4
    far = {(r.data.params["lr"], r.data.params["dtype"]): r.data.metrics["drift/distance/scratch"] for r in found}
    for lr in ("0.01", "0.1"):
        assert 2**-29 / 30 < far[lr, "float64"] / far[lr, "float32"] < 2**-29 * 30
    names = ("exponential_rate", "exponential_residual", "power_exponent", "power_residual", "roundings")
    assert all(f"drift/{name}/scratch" in r.data.metrics for r in found for name in names)
