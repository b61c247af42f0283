"""The files of a minimal case: they give back the very case, and what is said about them is true."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml

from runner.arrays import DTYPES
from runner.assemble import Setup, assemble
from runner.backends.function import GivenFunction
from runner.catalog import Catalog
from runner.compose import compose_config
from runner.experiment import run_experiment
from runner.layers.sigmoid import Sigmoid
from runner.network import build_network
from runner.outcome import Silent
from runner.paths import CONF
from runner.records.minimal import Minimal, minimal_case, minimal_files, write_arrays, write_experiment
from runner.shrink.search import shrink
from tests.helpers import make_setup, same_bits, with_parameters
from tests.own.shrinking import HARD_CODED, OF_MODULES, OF_SINES, Own, moods, printing

SMALL = ("data.samples=4", "architecture.hidden=[4,4]")


def written(folder: Path, *overrides: str) -> tuple[Minimal | None, Setup]:
    setup = make_setup(*overrides, "shrink=true")
    return minimal_case(setup, run_experiment(setup, Silent()), folder), setup


def read(folder: Path) -> Setup:
    place = folder / "minimal"
    return assemble(compose_config(["experiment=minimal"], place), Catalog([place, CONF]))


@pytest.mark.parametrize(
    "overrides",
    [
        ("backend=[missing_slope,torch]", "dtype=float64", "lr=1e-7", "loss=mse", *SMALL),
        ("backend=[transposed_weight,torch]", "dtype=bfloat16", "threads=2", "tracking.experiment=mine", *SMALL),
        ("backend=[stale_weights,torch]", "dtype=float16", *SMALL),
        ("backend=[torch]", "+backend.mine={use: missing_factor}", *SMALL),
        HARD_CODED,
        OF_MODULES,
        OF_SINES,
    ],
)
def test_the_files_give_back_the_very_case(overrides: tuple[str, ...], tmp_path: Path) -> None:
    minimal, setup = written(tmp_path / "a b", *overrides)
    assert minimal is not None
    assert minimal.folder is not None
    assert "replayed" not in minimal.words
    again, small = read(tmp_path / "a b"), shrink(setup, run_experiment(setup, Silent()))
    assert small is not None
    assert (again.backends, again.problem) == (small.backends, small.problem)
    assert same_bits(again.x, small.x)
    assert same_bits(again.y, small.y)
    for name, value in small.initial.parameters.items():
        assert same_bits(again.initial.parameters[name], value)
    rest = ("dtype", "epochs", "batch_size", "lockstep", "tracking_uri", "tracking_experiment", "shrink")
    assert [getattr(again, name) for name in rest] == [getattr(small, name) for name in rest]
    words = ["python", "-m", "runner", "--config-dir", minimal.folder, "experiment=minimal"]
    assert shlex.split(minimal.command or "") == words


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_number_loses_a_bit_in_the_files(dtype: str, tmp_path: Path) -> None:
    setup = make_setup(f"dtype={dtype}", "data.samples=50", "data.low=-1e-5", "batch_size=50")
    setup = with_parameters(setup, {n: v.astype(np.float64) / 1e5 for n, v in setup.initial.parameters.items()})
    write_arrays(setup, tmp_path / "minimal")
    write_experiment(setup, tmp_path / "minimal")
    again = read(tmp_path)
    assert same_bits(again.x, setup.x)
    assert same_bits(again.y, setup.y)
    for name, value in setup.initial.parameters.items():
        assert same_bits(again.initial.parameters[name], value)


def test_the_arrays_are_the_case_and_what_both_sides_make_of_it_in_float64(tmp_path: Path) -> None:
    minimal, _ = written(tmp_path, "backend=[missing_factor,torch]", "data.samples=2")
    assert minimal is not None
    assert minimal.words == "1 sample, layers 1-1 (from 2 samples, layers 2-10-10-1)"
    small, place = read(tmp_path), tmp_path / "minimal"
    data, gradients = np.load(place / "data.npz"), np.load(place / "gradients.npz")
    assert same_bits(data["x"], small.x)
    assert same_bits(data["y"], small.y)
    w, b = (small.initial.parameters[f"input_layer.{kind}"].astype(np.float64) for kind in ("weight", "bias"))
    error = small.x.astype(np.float64) @ w.T + b - small.y
    assert sorted(gradients) == sorted(f"{side}/{name}" for side in small.backends for name in small.initial.parameters)
    np.testing.assert_allclose(gradients["torch/input_layer.bias"], 2 * error[0], rtol=1e-14)
    np.testing.assert_allclose(gradients["missing_factor/input_layer.bias"], error[0], rtol=1e-14)
    found = sorted(file for file in tmp_path.rglob("*") if file.is_file())
    assert sorted(minimal_files(tmp_path)) == found
    assert minimal.command is not None
    assert minimal.command in (place / "README.txt").read_text(encoding="utf-8")


def test_of_several_steps_the_gradients_are_the_last_ones(tmp_path: Path) -> None:
    minimal, _ = written(tmp_path, "backend=[stale_weights,torch]", *SMALL)
    assert minimal is not None
    assert minimal.words.startswith("2 steps, 2 samples, ")
    gradients = np.load(tmp_path / "minimal" / "gradients.npz")
    wrong, right = (gradients[f"{side}/input_layer.weight"] for side in ("stale_weights", "torch"))
    assert not np.allclose(wrong, right, rtol=1e-6)


def test_a_side_that_raises_has_no_gradients(tmp_path: Path) -> None:
    written(tmp_path, "backend=[function,torch]", "backend.function.path=tests.own.wrong:raises")
    gradients = np.load(tmp_path / "minimal" / "gradients.npz")
    assert {name.partition("/")[0] for name in gradients} == {"torch"}


def test_a_layer_of_the_users_own_is_written_as_a_choice_of_its_own(tmp_path: Path) -> None:
    setup = make_setup("backend=[missing_slope,torch]", "data.samples=2", "shrink=true")
    places = setup.problem.network.places
    layers = [(p.name, Own(name=None, number=0.5) if isinstance(p.layer, Sigmoid) else p.layer) for p in places]
    network = build_network(layers, (2,))
    setup = dataclasses.replace(setup, problem=dataclasses.replace(setup.problem, network=network))
    minimal = minimal_case(setup, run_experiment(setup, Silent()), tmp_path)
    assert minimal is not None
    assert "replayed" not in minimal.words
    own = tmp_path / "minimal" / "layer" / "own_own.yaml"
    assert yaml.safe_load(own.read_text(encoding="utf-8"))["_target_"] == "tests.own.shrinking.Own"
    assert own in minimal_files(tmp_path)
    assert Own(name=None, number=0.5) in [place.layer for place in read(tmp_path).problem.network.places]


@pytest.mark.parametrize("overrides", [("backend=[scratch,torch]",), ("lr=1e30", "dtype=float32")])
def test_what_is_no_mismatch_leaves_nothing(overrides: tuple[str, ...], tmp_path: Path) -> None:
    assert written(tmp_path, *overrides, "data.samples=3")[0] is None
    assert not list(tmp_path.iterdir())


def test_a_mismatch_leaves_nothing_where_nothing_was_asked_for(tmp_path: Path) -> None:
    setup = make_setup("backend=[missing_factor,torch]", "data.samples=2")
    assert minimal_case(setup, run_experiment(setup, Silent()), tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_what_does_not_fail_again_is_given_up_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = make_setup(
        "backend=[function,torch]", "backend.function.path=tests.own.shrinking:moody", "shrink=true", *SMALL
    )
    outcome = run_experiment(setup, Silent())
    monkeypatch.setitem(moods, "wrong", False)
    minimal = minimal_case(setup, outcome, tmp_path)
    assert minimal is not None
    assert (minimal.folder, minimal.command) == (None, None)
    assert minimal.words.startswith("none: ")
    assert not list(tmp_path.iterdir())


def test_files_that_do_not_fail_again_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.records.minimal.compose_config", lambda *_: compose_config(["data.samples=1"]))
    minimal, _ = written(tmp_path, "backend=[missing_factor,torch]", "data.samples=2")
    assert minimal is not None
    assert minimal.words.endswith("; replayed from its files, it does not fail so")
    assert minimal.command is not None


def test_a_function_that_a_program_hands_over_leaves_arrays_and_no_command(tmp_path: Path) -> None:
    setup = make_setup("shrink=true", *SMALL)
    given = GivenFunction(given=printing, layout="torch", names=None, dtype=None)
    setup = dataclasses.replace(setup, backends={"mine": given, "torch": setup.backends["torch"]})
    minimal = minimal_case(setup, run_experiment(setup, Silent()), tmp_path)
    assert minimal is not None
    assert (minimal.command, minimal.folder) == (None, str(tmp_path / "minimal"))
    assert sorted(f.name for f in (tmp_path / "minimal").iterdir()) == ["data.npz", "gradients.npz", "parameters.npz"]
