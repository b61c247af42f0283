"""`python -m runner compare RUN RUN`: what counts as a difference, and by how many roundings."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from runner.commands import run_command
from runner.commands.differences import Difference, differences, different_rows, measure
from runner.records.reading import read_run

from .recorded import Store

PARAMETERS = [f"{layer}.{kind}" for layer in ("input_layer", "hidden_layer_1") for kind in ("weight", "bias")]
WEIGHT = "input_layer.weight"
ROUNDOFF = 2.0**-24


@pytest.fixture
def copy(store: Store, tmp_path: Path) -> Path:
    """A copy of a run, to be changed."""
    return Path(shutil.copytree(store["plain"].folder, tmp_path / "copy"))


def moved(folder: Path, step: int, index: tuple[int, ...], value: float) -> None:
    """Sets one element of a gradient of scratch."""
    file = folder / "gradients.safetensors"
    arrays = load_file(file)
    changed = {name: array.copy() for name, array in arrays.items()}
    changed[f"scratch/{WEIGHT}"][(step, *index)] = value
    save_file(changed, file)


def of(found: list[Difference], backend: str = "scratch", tensor: str = WEIGHT) -> Difference:
    (one,) = [d for d in found if (d.backend, d.tensor) == (backend, tensor)]
    return one


def test_a_run_that_was_repeated_is_the_same(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["compare", store["plain"].folder, store["again"].run_id, store.word]) == 0
    out = capsys.readouterr().out
    assert out.endswith("\n\nthe same: losses and gradients are bitwise equal\n")
    assert "configuration" not in out
    rows = [line.split()[:2] for line in out.splitlines() if line.endswith("the same")]
    assert rows == [[name, tensor] for name in ("scratch", "torch") for tensor in ("loss", *PARAMETERS)]


def test_other_settings_and_other_gradients_are_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["compare", store["plain"].folder, store["other"].folder]) == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["lr", "0.02", "0.05"] in lines
    assert ["seed", "1", "2"] in lines
    assert ["dtype", "float32", "float32"] not in lines
    assert ["verdict", "agree", "agree"] in lines
    one, other = (read_run(Path(store[name].folder)) for name in ("plain", "other"))
    for place, word in ((0, "first"), (-1, "last")):
        figures = [f"{run.losses['torch'][place]:.8g}" for run in (one, other)]
        assert [word, "loss,", "torch", *figures] in lines
    assert any(line[:2] == ["scratch", WEIGHT] and line[-3:] == ["from", "step", "0"] for line in lines)
    assert lines[-1][:4] == ["different:", "loss", "of", "scratch,"]


def test_other_settings_alone_are_no_difference(copy: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    (copy / "config.yaml").write_text(yaml.safe_dump(config | {"lr": 7.0}))
    assert run_command(["compare", store["plain"].folder, str(copy)]) == 0
    assert ["lr", "0.02", "7.0"] in [line.split() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("roundings", "code"), [(3.0, 0), (29.0, 0), (31.0, 1), (1e6, 1)])
def test_the_limit_is_thirty_roundings(
    copy: Path, store: Store, capsys: pytest.CaptureFixture[str], roundings: float, code: int
) -> None:
    one = read_run(Path(store["plain"].folder))
    assert one.gradients is not None
    value = float(one.gradients[f"scratch/{WEIGHT}"][4, 1, 0])
    rows = one.deviations[(one.deviations["step"] == 4) & (one.deviations["tensor"] == WEIGHT)]
    unit = float(rows["sigma"].iloc[0]) + ROUNDOFF * abs(value)
    moved(copy, 4, (1, 0), value + roundings * unit)
    found = of(differences(one, read_run(copy)))
    spacing = float(np.spacing(np.float32(value))) / unit
    larger = unit + ROUNDOFF * (abs(value + roundings * unit) - abs(value))
    assert found.roundings == pytest.approx(roundings * unit / max(unit, larger), abs=spacing)
    assert found.max_abs == pytest.approx(roundings * unit, abs=spacing * unit)
    assert (found.step, found.beyond) == (4, 4 if code else None)
    assert run_command(["compare", one.folder.as_posix(), str(copy)]) == code
    last = capsys.readouterr().out.splitlines()[-1]
    if code:
        assert last.startswith(f"different: {WEIGHT} of scratch, by ")
        assert last.endswith("roundings, from step 4")
    else:
        assert last.startswith("the same within rounding: at most ")


PAIRS = {
    ("plain", "other"): "One rounding is the larger of the two runs' own, both in float32.",
    ("free", "double"): "One rounding is the first run's own, in float32, the coarser of the two.",
    ("plain", "double"): "One rounding is the first run's own, in float32, the coarser of the two.",
    ("narrow", "double"): "One rounding is the first run's own, in bfloat16, the coarser of the two.",
    ("double", "narrow"): "One rounding is the second run's own, in bfloat16, the coarser of the two.",
    ("plain", "narrow"): "One rounding is the second run's own, in bfloat16, the coarser of the two.",
}


@pytest.mark.parametrize("names", PAIRS, ids=" ".join)
def test_which_run_is_named_first_does_not_matter(
    store: Store, capsys: pytest.CaptureFixture[str], names: tuple[str, str]
) -> None:
    one, other = (read_run(Path(store[name].folder)) for name in names)
    assert differences(one, other) == differences(other, one)
    assert measure(one, other) == PAIRS[names]
    printed = []
    for words in (names, names[::-1]):
        code = run_command(["compare", *(store[name].folder for name in words)])
        out = capsys.readouterr().out
        printed.append((code, out.splitlines()[-1]))
        if words == names:
            assert f"\n{PAIRS[names]}\n" in out
    assert printed[0] == printed[1]


def test_runs_that_differ_in_precision_alone_are_the_same_within_rounding(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [store["double"].folder, store["free"].folder]
    assert run_command(["compare", *words]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("the same within rounding: at most ")
    double, single = (read_run(Path(word)) for word in words)
    assert double.gradients is not None
    assert single.gradients is not None
    a, b = (run.gradients[f"torch/{WEIGHT}"].astype(np.float64) for run in (double, single) if run.gradients)
    rows = single.deviations[single.deviations["tensor"] == WEIGHT].set_index("step")
    sigma = rows["sigma"].reindex(single.steps).ffill().to_numpy()[:, None, None]
    expected = (np.abs(a - b) / (sigma + ROUNDOFF * np.abs(b) + 2.0**-149)).max()
    assert of(differences(double, single), "torch").roundings == pytest.approx(expected)


def test_of_two_sigmas_the_larger_is_taken(copy: Path, store: Store) -> None:
    one = read_run(Path(store["plain"].folder))
    moved(copy, 3, (0, 0), 1.0)
    before = of(differences(one, read_run(copy))).roundings
    table = pd.read_parquet(copy / "deviations.parquet")
    table.assign(sigma=table["sigma"] * 1e6).to_parquet(copy / "deviations.parquet")
    wider = read_run(copy)
    assert of(differences(one, wider)).roundings == of(differences(wider, one)).roundings < before / 2


def test_a_value_that_is_finite_in_one_run_alone_is_a_difference_and_nan_is_like_nan(copy: Path, store: Store) -> None:
    moved(copy, 2, (0, 0), np.nan)
    run = read_run(copy)
    assert of(differences(read_run(Path(store["plain"].folder)), run)).roundings == np.inf
    assert of(differences(run, read_run(copy))).same


def test_tensors_of_other_shapes_are_a_difference(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    found = differences(*(read_run(Path(store[name].folder)) for name in ("plain", "wider")))
    assert of(found).lacks == "of shape (3, 2) and (5, 2)"
    assert of(found, tensor="hidden_layer_1.bias").lacks == ""
    assert run_command(["compare", store["plain"].folder, store["wider"].folder]) == 1
    assert "of shape (3, 2) and (5, 2)" in capsys.readouterr().out


def test_another_verdict_is_a_difference(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["compare", store["own"].folder, store["wrong"].folder]) == 1
    assert "different: the verdict, agree and mismatch; " in capsys.readouterr().out


def test_the_backends_and_steps_that_both_have_are_compared(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    found = differences(*(read_run(Path(store[name].folder)) for name in ("plain", "own")))
    assert {d.backend for d in found} == {"torch"}
    assert run_command(["compare", store["plain"].folder, store["diverged"].folder]) == 1
    assert ["recorded", "steps", "6", "2"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_another_dtype_is_not_bitwise_the_same(store: Store) -> None:
    one, other = (read_run(Path(store[name].folder)) for name in ("plain", "double"))
    assert not of(differences(one, other)).same
    values = np.ones((2, 3))
    assert list(different_rows(values, values.astype(np.float32))) == [True, True]
    assert list(different_rows(values, np.array([[1.0, 1, 1], [1, 1, 2]]))) == [False, True]
    assert list(different_rows(np.zeros((1, 1)), -np.zeros((1, 1)))) == [True]


def test_without_lockstep_the_first_steps_rounding_measures_all(store: Store) -> None:
    run = read_run(Path(store["free"].folder))
    assert run.deviations["sigma"].isna().any()
    assert all(d.same for d in differences(run, run))


@pytest.mark.parametrize("swapped", [False, True])
def test_gradients_are_needed(store: Store, capsys: pytest.CaptureFixture[str], swapped: bool) -> None:
    words = [store["plain"].folder, store["bare"].folder]
    assert run_command(["compare", *(reversed(words) if swapped else words)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{store['bare'].folder}, recorded without gradients" in err


def test_runs_without_a_backend_in_common_cannot_be_compared(
    copy: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (copy / "verdict.json").read_text()
    (copy / "verdict.json").write_text(text.replace('"scratch"', '"mine"').replace('"torch"', '"theirs"'))
    assert run_command(["compare", store["plain"].folder, str(copy)]) == 2
    assert "got runs of scratch, torch and mine, theirs; allowed: " in capsys.readouterr().err


def test_runs_without_a_step_in_common_cannot_be_compared(
    copy: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.read_parquet(copy / "deviations.parquet")
    table.assign(step=table["step"] + 1000).to_parquet(copy / "deviations.parquet")
    assert run_command(["compare", store["plain"].folder, str(copy)]) == 2
    assert capsys.readouterr().err.endswith("; allowed: two runs that have recorded a step in common\n")
