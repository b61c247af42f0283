"""Files that are as they should be: every format gives the same samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from runner.data import store
from runner.data.base import Parts
from tests.data.formats import NAMED, WRITERS, stored
from tests.data.helpers import both, data, written, y_of
from tests.helpers import same_bits

RNG = np.random.default_rng(7)
COLUMNS = {
    "0": RNG.normal(size=50),
    "1": RNG.normal(3.0, 1e-3, 50),
    "2": RNG.integers(5, size=50),
    "3": RNG.normal(size=50),
}
X = np.column_stack(list(COLUMNS.values())).astype(np.float64)


def load(kind: str, path: str, columns: tuple[str, ...] = (), **changed: Any) -> Parts:
    return data(kind, path=path, **{"standardise": False, **changed}).load(1, columns)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("block", [1, 100, 2**22])
def test_every_format_gives_the_columns_to_the_bit_and_in_order(
    kind: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BLOCK", block)
    parts = load(kind, stored(kind, COLUMNS, tmp_path))
    assert parts.held_out is None
    assert same_bits(np.asarray(parts.train.x), X)
    assert parts.train.y is None


@pytest.mark.parametrize("kind", WRITERS)
def test_the_columns_of_a_target_are_not_among_the_inputs(kind: str, tmp_path: Path) -> None:
    samples = load(kind, stored(kind, COLUMNS, tmp_path), ("3", "1")).train
    assert same_bits(samples.x, np.ascontiguousarray(X[:, [0, 2]]))
    assert same_bits(samples.columns["3"], X[:, 3].copy())
    assert same_bits(samples.columns["1"], X[:, 1].copy())


@pytest.mark.parametrize("kind", WRITERS)
def test_features_are_those_that_are_named_in_that_order(kind: str, tmp_path: Path) -> None:
    samples = load(kind, stored(kind, COLUMNS, tmp_path), ("0",), features=["2", "1"]).train
    assert same_bits(samples.x, np.ascontiguousarray(X[:, [2, 1]]))


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize(
    ("text", "found"), [(["b", "a", " b ", "é"], ["b", "a", "b", "é"]), (["1", "2", "x", "1"], ["1", "2", "x", "1"])]
)
def test_a_target_may_be_text(kind: str, text: list[str], found: list[str], tmp_path: Path) -> None:
    samples = load(kind, stored(kind, {"a": [1.0, 2.0, 3.0, 4.0], "kind": text}, tmp_path), ("kind",)).train
    assert samples.columns["kind"].dtype.kind == "U"
    assert samples.columns["kind"].tolist() == found
    assert samples.x.tolist() == [[1], [2], [3], [4]]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_text_that_shows_up_late_makes_the_whole_column_text(kind: str, tmp_path: Path) -> None:
    rows = 200_000
    columns = {"a": np.arange(rows), "kind": ["1.50"] * (rows - 1) + ["x"]}
    samples = load(kind, stored(kind, columns, tmp_path), ("kind",)).train
    assert samples.columns["kind"][[0, 1, -1]].tolist() == ["1.50", "1.50", "x"]
    assert len(samples.x) == len(samples.columns["kind"]) == rows


GAPS = {"a": [1.0, None, 3.0, 8.0], "b": [1.0, 2.0, 4.0, None], "y": [5.0, 6.0, 7.0, 8.0]}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_with_empty_cells_are_dropped(kind: str, tmp_path: Path) -> None:
    samples = load(kind, stored(kind, GAPS, tmp_path), ("y",), missing="drop").train
    assert samples.x.tolist() == [[1, 1], [3, 4]]
    assert samples.columns["y"].tolist() == [5, 7]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_whose_target_is_empty_are_dropped_too(kind: str, tmp_path: Path) -> None:
    text = stored(kind, {"a": [1.0, 2.0, 3.0], "y": ["u", None, "v"]}, tmp_path)
    samples = load(kind, text, ("y",), missing="drop").train
    assert samples.x.tolist() == [[1], [3]]
    assert samples.columns["y"].tolist() == ["u", "v"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_empty_cells_are_filled_with_the_mean_of_the_others(kind: str, tmp_path: Path) -> None:
    samples = load(kind, stored(kind, GAPS, tmp_path), ("y",), missing="mean").train
    np.testing.assert_allclose(samples.x, np.array([[1, 1], [4, 2], [3, 4], [8, 7 / 3]]), rtol=1e-15)


def test_the_mean_that_fills_is_that_of_the_training_part_and_scales_to_0(tmp_path: Path) -> None:
    values = RNG.normal(10.0, 3.0, 40)
    values[::5] = np.nan
    path = tmp_path / "gaps.npy"
    np.save(path, np.column_stack([values, np.arange(40.0)]))
    train, held_out = both(load("npy", str(path), missing="mean", held_out=0.4))
    rows = np.concatenate([train.x[:, 1], held_out.x[:, 1]]).astype(int)
    gaps = np.isnan(values[rows])
    mean = np.nanmean(values[rows[: len(train.x)]])
    found = np.concatenate([train.x[:, 0], held_out.x[:, 0]])
    np.testing.assert_allclose(found[gaps], mean, rtol=1e-14)
    np.testing.assert_array_equal(found[~gaps], values[rows][~gaps])
    scaled = both(load("npy", str(path), missing="mean", held_out=0.4, standardise=True))
    assert np.abs(np.concatenate([part.x[:, 0] for part in scaled])[gaps]).max() < 1e-13
    np.testing.assert_allclose(scaled[0].x.std(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("cell", ["", "NA", "NaN", "nan", "null", "  ", '""'])
def test_what_counts_as_an_empty_cell_of_a_text_file(cell: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", f"a,b\n1,2\n{cell},4\n")
    assert load("csv", path, missing="drop").train.x.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n3,4\r\n",
        "a,b\n1,2\n3,4",
        "\ufeffa,b\n1,2\n3,4\n",
        "a, b \n 1 ,2.0\n3e0,+4\n",
        '"a","b"\n"1","2"\n\n3,4\n\n',
        '"a","b"\n"1\n",2\n3,4\n',
    ],
)
def test_text_files_as_programs_write_them(text: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", text)
    samples = load("csv", path, ("b",)).train
    assert samples.x.tolist() == [[1], [3]]
    assert samples.columns["b"].tolist() == [2, 4]


def test_columns_that_are_not_used_may_hold_anything(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "a,b,,b\n1,x,inf,\n3,,nan,1\n")
    with pytest.raises(Exception, match="two columns"):
        load("csv", path)
    path = written(tmp_path / "a.csv", "a,b,\n1,x,inf\n3,,nan\n")
    assert load("csv", path, features=["a"]).train.x.tolist() == [[1], [3]]


def test_an_index_that_pandas_wrote_into_a_parquet_file_is_no_input(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [True, False, True]})
    frame[frame.a > 1].to_parquet(tmp_path / "a.parquet")
    assert load("parquet", str(tmp_path / "a.parquet")).train.x.tolist() == [[2, 0], [3, 1]]


def test_parquet_columns_may_be_categories_or_have_dots_in_their_names(tmp_path: Path) -> None:
    kind = pd.Categorical(["u", "v", "u"])
    pd.DataFrame({"a": [1, 2, 3], "a.b": [4, 5, 6], "kind": kind}).to_parquet(tmp_path / "a.parquet")
    samples = load("parquet", str(tmp_path / "a.parquet"), ("kind",)).train
    assert samples.x.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert samples.columns["kind"].tolist() == ["u", "v", "u"]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_npz_file_with_x_and_y(save: Any, order: Any, tmp_path: Path) -> None:
    path, images = str(tmp_path / "a.npz"), RNG.normal(size=(6, 2, 3))
    save(path, x=np.asarray(images, order=order), y=np.array([2, 0, 1, 1, 0, 2], np.uint8))
    samples = load("npz", path).train
    assert same_bits(samples.x, images)
    assert y_of(samples).dtype == np.int64
    assert y_of(samples).tolist() == [2, 0, 1, 1, 0, 2]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bool"])
def test_y_that_is_no_class_is_a_column_of_numbers(dtype: str, tmp_path: Path) -> None:
    path = str(tmp_path / "a.npz")
    np.savez(path, x=np.array([1.0, 2.0]), y=np.array([0, 1], dtype))
    samples = load("npz", path).train
    assert same_bits(samples.x, np.array([[1.0], [2.0]]))
    assert same_bits(y_of(samples), np.array([[0.0], [1.0]]))


def test_y_of_several_axes_stays_as_it_is(tmp_path: Path) -> None:
    path = str(tmp_path / "a.npz")
    np.savez(path, x=np.eye(2), y=np.arange(8).reshape(2, 2, 2))
    assert same_bits(y_of(load("npz", path).train), np.arange(8.0).reshape(2, 2, 2))


def test_beside_x_other_arrays_are_for_targets_and_no_inputs(tmp_path: Path) -> None:
    path, x = str(tmp_path / "a.npz"), np.arange(6.0).reshape(3, 2)
    np.savez(path, x=x, label=np.array(["u", "v", "u"]))
    samples = load("npz", path, ("label",)).train
    assert same_bits(samples.x, x)
    assert samples.columns["label"].tolist() == ["u", "v", "u"]
    assert load("npz", path, ("0",)).train.x.tolist() == [[1], [3], [5]]


@pytest.mark.parametrize("value", [0.1, 1e300, -7.0])
def test_a_constant_column_is_only_centred(value: float, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.column_stack([np.full(33, value), np.linspace(-1e300, 1e300, 33), np.linspace(1, 1 + 1e-14, 33)]))
    x = load("npy", str(path), standardise=True).train.x
    assert not x[:, 0].any()
    np.testing.assert_allclose(x[:, 1].std(), 1)
    np.testing.assert_allclose(x[:, 2].std(), 1)


def test_a_path_may_be_one_of_the_program_or_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    written(tmp_path / "sub" / "a.csv", "a\n1\n")
    monkeypatch.chdir(tmp_path)
    assert load("csv", "sub/a.csv").train.x.tolist() == [[1]]
    monkeypatch.setattr("runner.paths.PACKAGE", tmp_path)
    assert load("csv", "package:sub/a.csv").train.x.tolist() == [[1]]
