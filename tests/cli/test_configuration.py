"""What a key on the command line changes in a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from .process import Finished, run
from .stores import FILES, PARAMETERS, client, deviations, gradients, history, only_run, read_json


def done(place: Path, *args: str) -> Finished:
    """A run that agrees."""
    finished = run(place, "record.plots=false", *args)
    assert (finished.code, finished.err) == (0, "")
    return finished


def losses(finished: Finished, backend: str = "torch") -> dict[int, float]:
    reader = client(finished.folder)
    return history(reader, only_run(reader), f"loss/{backend}")


def test_float64_computes_and_keeps_everything_in_float64(place: Path) -> None:
    finished = done(place, "dtype=float64")
    assert "100 steps, batch 1, lr 0.05, float64" in finished.out
    found = gradients(finished.run_folder)
    assert {value.dtype.name for value in found.values()} == {"float64"}
    assert any((value != value.astype(np.float32)).any() for value in found.values())
    assert deviations(finished.run_folder)["max_abs"].max() < 1e-13


def test_epochs_and_batches_make_the_steps_and_bring_the_loss_down(place: Path) -> None:
    finished = done(place, "epochs=5", "batch_size=10")
    assert "50 steps, batch 10" in finished.out
    values = losses(finished)
    assert sorted(values) == list(range(50))
    epochs = [sum(values[step] for step in range(10 * e, 10 * e + 10)) for e in range(5)]
    assert epochs[-1] < epochs[0]
    assert {len(value) for value in gradients(finished.run_folder).values()} == {50}


def test_the_last_batch_of_an_epoch_takes_what_is_left(place: Path) -> None:
    finished = done(place, "batch_size=30", "epochs=2", "lr=0")
    values = losses(finished)
    assert sorted(values) == list(range(8))
    assert [values[step] for step in range(4)] == [values[step] for step in range(4, 8)]
    assert values[3] < 0.6 * min(values[step] for step in range(3))


def test_a_list_of_layers_takes_the_place_of_the_default_ones(place: Path) -> None:
    finished = done(place, "architecture.layers=[{layer: linear, out: 4},{layer: tanh},{layer: linear, out: 1}]")
    assert finished.out.startswith(
        "Sequential(\n"
        "  (input_layer): Linear(in_features=2, out_features=4, bias=True)\n"
        "  (tanh_1): Tanh()\n"
        "  (hidden_layer_1): Linear(in_features=4, out_features=1, bias=True)\n"
        ")\n"
    )
    shapes = {name: value.shape[1:] for name, value in gradients(finished.run_folder).items()}
    assert {name.removeprefix("torch/"): shape for name, shape in shapes.items() if name.startswith("torch/")} == {
        "input_layer.weight": (4, 2),
        "input_layer.bias": (4,),
        "hidden_layer_1.weight": (1, 4),
        "hidden_layer_1.bias": (1,),
    }
    params = only_run(client(place)).data.params
    assert params["architecture.layers.0.layer"] == "linear"
    assert params["architecture.layers.0.out"] == "4"
    assert params["architecture.layers.1.layer"] == "tanh"


def test_500_samples_are_500_steps(place: Path) -> None:
    finished = done(place, "data.samples=500")
    assert sorted(losses(finished)) == list(range(500))
    assert set(deviations(finished.run_folder)["step"]) == set(range(500))


def test_the_last_backend_is_the_one_that_the_others_are_compared_to(place: Path) -> None:
    finished = done(place, "backend=[torch,scratch]", "threads=2")
    assert "torch, scratch: 100 steps" in finished.out
    assert read_json(finished.run_folder / "verdict.json")["backends"] == ["torch", "scratch"]
    table = deviations(finished.run_folder)
    assert (set(table["backend"]), set(table["reference"])) == ({"torch"}, {"scratch"})
    assert read_json(finished.run_folder / "environment.json")["threads"] == 2


def test_without_lockstep_the_first_step_alone_is_judged_and_every_step_recorded(place: Path) -> None:
    finished = done(place, "lockstep=false")
    table = deviations(finished.run_folder).set_index(["tensor", "step"])
    judged = table.loc["loss"]["verdict"]
    assert judged[0] == "agree"
    assert judged.drop(0).isna().all()
    assert table.loc["loss"]["roundings"].drop(0).isna().all()
    assert table["max_abs"].notna().all()
    assert read_json(finished.run_folder / "verdict.json")["judged_steps"] == 1
    reader = client(place)
    record = only_run(reader)
    assert list(history(reader, record, "deviation/roundings/loss")) == [0]
    found = gradients(finished.run_folder)
    for name in PARAMETERS:
        apart = np.abs(found[f"scratch/{name}"].astype(float) - found[f"torch/{name}"].astype(float))
        kept = history(reader, record, f"deviation/max_abs/{name}")
        assert [kept[step] for step in range(100)] == list(apart.reshape(100, -1).max(axis=1))


def test_record_and_verdict_every_thin_out_what_is_kept_and_judged(place: Path) -> None:
    finished = done(place, "record.every=10", "verdict.every=3")
    recorded = [*range(0, 100, 10), 99]
    assert sorted(losses(finished)) == recorded
    assert {len(value) for value in gradients(finished.run_folder).values()} == {11}
    table: pd.DataFrame = deviations(finished.run_folder)
    assert sorted(set(table["step"])) == recorded
    assert sorted(set(table[table["verdict"].notna()]["step"])) == [0, 30, 60, 90, 99]
    assert read_json(finished.run_folder / "verdict.json")["judged_steps"] == 5


def test_gradients_can_be_left_out_and_the_folder_chosen(place: Path) -> None:
    finished = done(place, "record.plots=true", "record.gradients=false", "hydra.run.dir=mine/here")
    files = {str(path.relative_to(place / "mine/here")) for path in (place / "mine/here").rglob("*") if path.is_file()}
    gradients = {"gradients.safetensors", "gradients/scratch.txt", "gradients/torch.txt", "plots/gradient_norms.png"}
    assert files == FILES - gradients | {"status.json"}
    assert "run folder   mine/here\n" in finished.out
    assert not (place / "outputs" / "runs").exists()


def test_a_run_leaves_what_a_person_has_in_its_folder_alone(place: Path) -> None:
    notes = {"gradients/derivation.txt": "by hand", "draft.part": "half a page", "data.csv": "1,2\n"}
    for name, text in notes.items():
        (place / "work" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "work" / name).write_text(text, encoding="utf-8")
    done(place, "hydra.run.dir=work", "data.samples=3")
    for name, text in notes.items():
        assert (place / "work" / name).is_file(), f"{name} is gone"
        assert (place / "work" / name).read_text(encoding="utf-8") == text
    reader = client(place)
    record = only_run(reader)
    assert "data.csv" not in {entry.path for entry in reader.list_artifacts(record.info.run_id)}


def test_a_run_can_be_made_in_the_folder_one_stands_in(place: Path) -> None:
    done(place, "hydra.run.dir=.", "data.samples=3")
    reader = client(place)
    assert only_run(reader).info.status == "FINISHED"
    assert "outputs" not in {entry.path for entry in reader.list_artifacts(only_run(reader).info.run_id)}


def test_whole_numbers_do_for_samples(place: Path) -> None:
    finished = done(place, "data=inline", "data.x=[[1,2],[3,4]]", "data.y=[[1],[0]]", "target=given", "lr=0.01")
    assert sorted(losses(finished)) == [0, 1]
