"""A user's own folder of configuration, by --config-dir."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .conftest import SharedRuns
from .own import furnish_own
from .process import Finished, run
from .recompute import descended, predict
from .stores import client, deviations, gradients, history, only_run, parameters, read_yaml

X = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6], [0.5, 0.5], [-0.6, 0.4], [0.7, 0.3]])
Y = np.array([[0.5], [0.4], [0.3], [0.2], [0.1], [0.0], [-0.1]])
BATCHES = [slice(0, 3), slice(3, 6), slice(6, 7)]
LAYERS = ("input_layer", "hidden_layer_1")


@pytest.fixture
def mine(shared: SharedRuns) -> Finished:
    return shared.get("mine", "--config-dir", "own", "experiment=mine", "dtype=float64", prepare=furnish_own)


def test_an_experiment_of_ones_own_brings_data_architecture_and_keys(mine: Finished) -> None:
    assert (mine.code, mine.err) == (0, "")
    assert "3 steps, batch 3, lr 0.1, float64" in mine.out
    assert "  (input_layer): Linear(in_features=2, out_features=3, bias=True)\n  (tanh_1): Tanh()\n" in mine.out
    params = only_run(client(mine.folder)).data.params
    assert params["architecture.activation"] == "tanh"
    assert (params["data.x.5.0"], params["data.y.6.0"]) == ("-0.6", "-0.1")
    reader = client(mine.folder)
    assert reader.get_experiment(only_run(reader).info.experiment_id).name == "mine"


def test_the_command_line_stands_above_the_experiment(mine: Finished) -> None:
    assert read_yaml(mine.run_folder / "config.yaml")["dtype"] == "float64"
    assert read_yaml(mine.run_folder / "overrides.yaml") == ["experiment=mine", "dtype=float64"]


def test_the_losses_are_those_of_the_batches_in_the_datas_own_order(mine: Finished) -> None:
    reader = client(mine.folder)
    for backend in ("scratch", "torch"):
        values = history(reader, only_run(reader), f"loss/{backend}")
        for step, batch in enumerate(BATCHES):
            p = descended(mine.run_folder, 0.1, "torch", steps=step)
            expected = np.square(predict(p, X[batch], np.tanh, LAYERS) - Y[batch]).sum()
            assert values[step] == pytest.approx(float(expected), rel=1e-12)


def test_the_last_parameters_are_the_first_after_plain_descent_to_the_last_digit(mine: Finished) -> None:
    kept = parameters(mine.run_folder)
    for name, expected in descended(mine.run_folder, 0.1, "torch").items():
        np.testing.assert_allclose(kept[f"last/{name}"], expected, rtol=1e-14, atol=1e-15)


def test_the_gradients_are_the_slopes_of_the_loss(mine: Finished) -> None:
    found, h = gradients(mine.run_folder), 1e-6
    for step, batch in enumerate(BATCHES):
        p = descended(mine.run_folder, 0.1, "torch", steps=step)
        for name, value in p.items():
            for index in np.ndindex(value.shape):
                there = []
                for sign in (1, -1):
                    moved = {**p, name: value.copy()}
                    moved[name][index] += sign * h
                    there.append(np.square(predict(moved, X[batch], np.tanh, LAYERS) - Y[batch]).sum())
                slope = float(there[0] - there[1]) / (2 * h)
                for backend in ("scratch", "torch"):
                    assert found[f"{backend}/{name}"][(step, *index)] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_a_choice_of_ones_own_is_listed_by_help_with_its_words(tmp_path: Path) -> None:
    furnish_own(tmp_path)
    finished = run(tmp_path, "--config-dir", "own", "--help")
    assert (finished.code, finished.err) == (0, "")
    assert "data=seven  Seven samples; the sixth has a negative first feature." in finished.out
    assert "architecture=small  One hidden layer." in finished.out
    assert "data=uniform *" in finished.out


def test_a_choice_of_ones_own_that_bears_the_name_of_one_of_ours_is_never_passed_over_in_silence(place: Path) -> None:
    own = place / "own" / "data"
    own.mkdir(parents=True)
    (own / "uniform.yaml").write_text(
        "# Nine.\n_target_: runner.data.distributions.uniform.Uniform\n"
        "samples: 9\nfeatures: 2\nlow: 2.0\nhigh: 3.0\nheld_out: 0.0\n",
        encoding="utf-8",
    )
    finished = run(place, "--config-dir", "own")
    if finished.code == 2:
        assert "data" in finished.err
    else:
        assert set(deviations(finished.run_folder)["step"]) == set(range(9))
