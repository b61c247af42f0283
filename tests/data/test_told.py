"""What the user did not mean, told by the key that is at fault and with the element that is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.helpers import data, refusal, refused, written, y_of
from tests.helpers import make_setup, run

FLOWERS = "width,height,class,c\n1.5,2,rose,0\n2.5,3,lily,1\n3.5,1,rose,1\n"
CLASSES = ["loss=cross_entropy", "architecture.out=2"]


def line_of(*overrides: str) -> str:
    return str(refusal(lambda: make_setup(*overrides)))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("clas", "target.name: got no column 'clas'; allowed: width, height, class, c (did you mean class?)"),
        (
            "[width,heigth]",
            "target.name: got no column 'heigth'; allowed: width, height, class, c (did you mean height?)",
        ),
    ],
)
def test_a_targets_column_that_is_not_there_is_told_by_its_own_key(name: str, line: str, tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", FLOWERS)
    assert line_of("data=csv", f"data.path={path}", "target=column", f"target.name={name}") == line


def test_a_bundled_data_sets_columns_are_told() -> None:
    line = line_of("data=iris", "target=column", "target.name=petal_lenght")
    assert line.startswith("target.name: got no column 'petal_lenght'; allowed: sepal_length, sepal_width,")
    assert "did you mean petal_length?" in line
    every = "target.name=[sepal_length,sepal_width,petal_length,petal_width]"
    assert line_of("data=iris", "target=column", every).startswith("target.name: got every column")


@pytest.mark.parametrize(
    ("y", "wrong"),
    [("[0,1.5]", "1.5 in sample 1"), ("[0,a]", "a in sample 1"), ("[true,1]", "True in sample 0")],
)
def test_a_class_index_that_is_none_is_told(y: str, wrong: str) -> None:
    line = line_of("data=inline", "data.x=[[0.1,0.2],[0.3,0.4]]", f"data.y={y}", "target=given", *CLASSES)
    assert line.startswith(f"data.y: got {wrong}; allowed: a list of class indices, whole numbers, or of samples")


@pytest.mark.parametrize("value", ["-3", "1.5"])
def test_an_inline_token_that_is_none_is_told_with_its_sample(value: str) -> None:
    line = line_of("data=inline", "data.tokens=true", f"data.x=[[0,1],[2,{value}]]")
    assert line == f"data.x: got {value} in sample 1; allowed: whole numbers from 0, as data.tokens is true"


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz", "npy"])
def test_an_empty_path_is_no_folder(kind: str) -> None:
    key, line = refused(kind, "")
    assert key == "path"
    assert line == "path: got an empty text; allowed: the path of a file"


def test_whole_numbers_in_a_column_may_be_meant_as_classes(tmp_path: Path) -> None:
    path = written(tmp_path / "f.csv", FLOWERS)
    common = ["data=csv", f"data.path={path}", "data.features=[width]", "target=column"]
    line = line_of(*common, "target.name=c", *CLASSES)
    assert line.startswith(
        "architecture: got an output of shape (2,); allowed: the target's, (1,); or target.classes=true"
    )
    assert "target.classes" not in line_of(*common, "target.name=c", "architecture.out=2")
    halves = written(tmp_path / "f.csv", FLOWERS.replace(",2,", ",2.5,"))
    assert halves == path
    assert "target.classes" not in line_of(*common, "target.name=height", *CLASSES)
    assert make_setup(*common, "target.name=c", "target.classes=true", *CLASSES).y.tolist() == [0, 1, 1]


def test_class_indices_beyond_64_bits_are_told_as_they_stand(tmp_path: Path) -> None:
    path = str(tmp_path / "a.npz")
    np.savez(path, x=np.eye(3), y=np.array([0, 2**64 - 1, 1], np.uint64))
    key, line = refused("npz", path)
    assert key == "path"
    assert "whose y has 18446744073709551615" in line


@pytest.mark.parametrize("place", [0, 1, 6])
@pytest.mark.parametrize("size", [200_000, 3_000_000])
def test_a_long_cell_in_a_column_that_is_not_used_is_passed_over(place: int, size: int, tmp_path: Path) -> None:
    notes = ['"short, quoted"'] * 7
    notes[place] = '"' + "x\n" * (size // 2) + '"'
    rows = "".join(f"{i},{note},{i * i}\n\n" for i, note in enumerate(notes))
    path = written(tmp_path / "long.csv", f"a,note,b\n{rows}")
    samples = data("csv", path=path, features=["a"], standardise=False).load(1, ("b",)).train
    assert samples.x[:, 0].tolist() == list(range(7))
    assert samples.columns["b"].tolist() == [i * i for i in range(7)]


def test_rows_before_and_after_a_long_one_are_read_once(tmp_path: Path) -> None:
    rows = [f"{i},{'y' * 100},{i}" for i in range(30_000)]
    rows[20_000] = f"20000,{'x' * 6_000_000},20000"
    path = written(tmp_path / "long.csv", "a,note,b\n" + "\n".join(rows) + "\n")
    samples = data("csv", path=path, features=["a"], standardise=False).load(1, ("b",)).train
    assert np.array_equal(samples.x[:, 0], np.arange(30_000.0))


def test_what_is_wrong_behind_a_long_cell_is_told_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "long.csv", f'a,note\n1,"{"x" * 3_000_000}"\ntall,y\n')
    assert refused("csv", path, features=["a"])[1].startswith("path: got '/long.csv', line 3, column 'a': 'tall'")


@pytest.mark.parametrize("loss", ["bce", "bce_with_logits"])
@pytest.mark.parametrize("held_out", ["0.0", "0.2"])
def test_two_classes_are_one_output_of_a_loss_of_two(loss: str, held_out: str) -> None:
    layers = "[{layer: linear,out: 4},{layer: tanh},{layer: linear,out: 1},{layer: sigmoid}]"
    layers = layers if loss == "bce" else layers.replace(",{layer: sigmoid}", "")
    common = ["data=two_moons", "target=given", f"loss={loss}", f"data.held_out={held_out}", "data.samples=20"]
    common += ["architecture=sequential", f"architecture.layers={layers}", "dtype=float64"]
    setup = make_setup(*common)
    indices = data("two_moons", samples=20, held_out=float(held_out)).load(setup.seed, ())
    assert setup.y.dtype == np.float64
    assert np.array_equal(setup.y, y_of(indices.train)[:, np.newaxis])
    if indices.held_out is not None:
        assert setup.held_out is not None
        assert np.array_equal(setup.held_out.y, y_of(indices.held_out)[:, np.newaxis])
    assert run(*common, "batch_size=5").verdict.agree


def test_more_classes_than_two_and_losses_without_classes_are_told() -> None:
    line = line_of("data=iris", "target=given", "loss=bce_with_logits")
    assert line.startswith("target: got 2 in sample ")
    assert line.endswith("allowed: numbers from 0 to 1, or the classes 0 and 1")
    assert "a loss that takes classes, as cross_entropy" in line_of("data=two_moons", "target=given")
