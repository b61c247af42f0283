"""``record.model=true``: the trained network, served by MLflow in a process that knows nothing of the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.entities import LoggedModel, Run

from runner.arrays import Array
from runner.backends.base import State
from runner.backends.scratch import ScratchBackend
from tests.helpers import make_setup, same_bits

from .conftest import SharedRuns
from .process import Finished, python, run
from .stores import artifacts, client, history, only_run, parameters, runs, uri

LINEAR = "{layer: linear"
CASES = {
    "model_plain": ("data.samples=20", "data.held_out=0.2"),
    "model_norm": (
        "data.samples=40",
        "data.held_out=0.25",
        "batch_size=10",
        f"architecture.layers=[{LINEAR}, out: 4}}, {{layer: batch_norm1d}}, {{layer: dropout}}, {LINEAR}, out: 1}}]",
    ),
    "model_lenet": ("experiment=digits_lenet", "data.held_out=0.95", "epochs=1", "record.every=100"),
}

SERVE = """
import sys
import mlflow
import numpy as np
mlflow.set_tracking_uri(sys.argv[1])
x, predicted, *places = sys.argv[2:]
np.savez(predicted, *(mlflow.pyfunc.load_model(place).predict(np.load(x)) for place in places))
"""


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def finished(shared: SharedRuns, name: str) -> Finished:
    made = shared.get(name, *CASES[name], "record.model=true")
    assert (made.code, made.err) == (0, "")
    return made


def served(folder: Path, places: Sequence[str], x: Array) -> list[Array]:
    """What a fresh process predicts with the models of these places."""
    np.save(folder / "x.npy", x)
    python(folder, SERVE, uri(folder), "x.npy", "predicted.npz", *places)
    with np.load(folder / "predicted.npz") as found:
        return [found[name] for name in found]


def model_of(made: Finished) -> tuple[Run, LoggedModel]:
    record = only_run(client(made.folder))
    assert record.outputs is not None
    (output,) = record.outputs.model_outputs
    return record, client(made.folder).get_logged_model(output.model_id)


def test_it_predicts_in_a_fresh_process_what_the_run_does_in_evaluation_mode(name: str, finished: Finished) -> None:
    setup = make_setup(*CASES[name])
    last = {key.removeprefix("last/"): v for key, v in parameters(finished.run_folder).items() if "last/" in key}
    backend = ScratchBackend("scratch", setup.problem, setup.dtype)
    buffers = {key: last.pop(key) for key in setup.problem.network.buffers}
    backend.load(State(last, buffers))
    assert setup.held_out is not None
    x, y = setup.held_out.x[:500], setup.held_out.y[:500]
    wanted = np.array(backend.step(x, y, draws={}, training=False).prediction)
    record, model = model_of(finished)
    places = (f"models:/{model.model_id}", f"runs:/{record.info.run_id}/network", str(finished.run_folder / "model"))
    for place, predicted in zip(places, served(finished.folder, places, x), strict=True):
        assert same_bits(predicted, wanted), place


def test_nothing_of_it_is_pickled_and_no_requirement_was_guessed(finished: Finished) -> None:
    folder = finished.run_folder / "model"
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert not [file for file in files if file.endswith((".pkl", ".pickle", ".pt", ".joblib"))]
    assert {"MLmodel", "served.py", "artifacts/network/parameters.safetensors"} <= files
    needed = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert f"numpy=={np.__version__}" in needed
    assert not [line for line in needed if line.startswith("runner")]  # another's package on PyPI


def test_the_run_and_its_model_know_each_other(name: str, finished: Finished) -> None:
    record, model = model_of(finished)
    assert (model.name, model.source_run_id, model.status.value) == ("network", record.info.run_id, "READY")
    metrics = {metric.key: metric.value for metric in model.metrics or []}
    assert metrics["verdict/agree"] == 1
    assert metrics["held_out/loss/scratch"] == record.data.metrics["held_out/loss/scratch"]
    assert len(history(client(finished.folder), record, "held_out/loss/scratch")) == 1
    assert not [file for file in artifacts(client(finished.folder), record) if file.startswith("model")]


def test_it_has_a_signature_and_an_example_that_it_takes(finished: Finished) -> None:
    model = mlflow.pyfunc.load_model(str(finished.run_folder / "model"))
    assert model.metadata.signature is not None
    assert model.predict(model.input_example).shape == (5, *model.metadata.signature.outputs.inputs[0].shape[1:])


def test_tables_arrays_and_lists_are_taken(shared: SharedRuns) -> None:
    import pandas as pd

    made = shared.get("model_plain", *CASES["model_plain"], "record.model=true")
    model = mlflow.pyfunc.load_model(str(made.run_folder / "model"))
    x = np.array([[0.25, 0.5], [0.75, 1.0]], np.float32)
    wanted = model.predict(x)
    for given in (x.astype(np.float64), pd.DataFrame(x), pd.DataFrame(x, columns=["a", "b"]), x.tolist()):
        assert same_bits(model.predict(given), wanted)


def test_a_run_in_the_same_folder_leaves_no_earlier_model(place: Path) -> None:
    folder = ("data.samples=3", "hydra.run.dir=mine")
    assert run(place, *folder, "record.model=true").code == 0
    assert (place / "mine" / "model" / "MLmodel").is_file()
    assert run(place, *folder).code == 0
    assert not (place / "mine" / "model").exists()


def test_a_store_that_refuses_it_ends_the_run_with_3_and_it_is_brought_in_later(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(place, "data.samples=2").code == 0
    made = client(place).get_experiment_by_name("runner")
    assert made is not None
    obstacle = Path(made.artifact_location.removeprefix("file://")) / "models"
    obstacle.write_text("in the way", encoding="utf-8")
    refused = run(place, "data.samples=3", "record.model=true")
    assert refused.code == 3
    assert refused.err.startswith("runner: MLflow at sqlite:///outputs/mlflow.db: ")
    assert refused.err.count("\n") == 1
    (model,) = client(place).search_logged_models([made.experiment_id])
    assert model.status.value == "PENDING"
    assert sorted(record.info.status for record in runs(client(place))) == ["FAILED", "FINISHED"]
    assert not list(place.rglob("*.part"))
    obstacle.unlink()
    assert run(place, "sync", "outputs").code == 0
    (model,) = client(place).search_logged_models([made.experiment_id])
    assert model.status.value == "READY"
    assert [record.info.status for record in runs(client(place))] == ["FINISHED", "FINISHED"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri(place))
    assert mlflow.pyfunc.load_model(model.model_uri).predict([[0.5, 0.25]]).shape == (1, 1)


def test_a_module_of_the_users_own_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(
        "import torch\ndef make_model():\n    return torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Softsign())\n",
        encoding="utf-8",
    )
    (tmp_path / "f.py").write_text("def backprop(p, x, y):\n    raise NotImplementedError\n", encoding="utf-8")
    backends = ("backend=[function,torch_module]", "backend.function.path=f.py:backprop")
    finished = run(tmp_path, *backends, "backend.torch_module.path=my.py:make_model", "record.model=true")
    assert finished.code == 2
    assert finished.err.startswith("runner: record.model: got true; allowed: false: the network is a module of your")
