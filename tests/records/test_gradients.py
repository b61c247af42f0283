"""gradients.safetensors and the text files beside it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from runner.arrays import DTYPES, Array
from runner.backends.base import Step
from runner.records.files import part_of
from runner.records.gradients import GradientsFile, GradientsText, copy_parameters
from tests.helpers import kept, make_setup, same_bits

SHAPES = {"layer.weight": (3, 2), "layer.bias": (3,), "other.weight": (1, 1)}
BACKENDS = ["scratch", "torch"]


def draw(rng: np.random.Generator, dtype: str) -> dict[str, Step]:
    """A step of both backends, denormals, zeros and values that are not finite among them."""
    special = np.array([0.0, -0.0, 1e-42, np.nan, np.inf, -np.inf])
    steps = {}
    for backend in BACKENDS:
        gradients = {}
        for name, shape in SHAPES.items():
            value = rng.standard_normal(shape)
            gradients[name] = np.where(rng.random(shape) < 0.3, rng.choice(special, shape), value).astype(dtype)
        steps[backend] = Step(np.array(1.0, dtype), np.zeros((1, 1), dtype), gradients)
    return steps


def write(path: Path, dtype: str, room: int, count: int) -> list[dict[str, Step]]:
    rng = np.random.default_rng(room)
    file = GradientsFile(path, BACKENDS, SHAPES, DTYPES[dtype], room)
    written = [draw(rng, dtype) for _ in range(count)]
    for steps in written:
        file.add(steps)
    file.close()
    return written


@pytest.mark.parametrize("dtype", list(DTYPES))
@pytest.mark.parametrize(("room", "count"), [(5, 5), (1, 1), (5, 3), (5, 1), (1000, 7), (5, 0), (0, 0)])
def test_what_is_written_is_read_to_the_bit_however_early_the_run_ends(
    dtype: str, room: int, count: int, tmp_path: Path
) -> None:
    path = tmp_path / "gradients.safetensors"
    written = write(path, dtype, room, count)
    found = load_file(path)
    assert set(found) == {f"{backend}/{name}" for backend in BACKENDS for name in SHAPES}
    for backend in BACKENDS:
        for name, shape in SHAPES.items():
            value = found[f"{backend}/{name}"]
            assert value.shape == (count, *shape)
            assert value.dtype == dtype
            for step, steps in enumerate(written):
                assert same_bits(value[step], steps[backend].gradients[name]), (backend, name, step)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("count", [50, 49, 37, 7])
def test_what_is_handed_over_in_several_parts_is_whole(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.records.gradients.BUFFER", 7 * 2 * 10 * 4)  # seven steps of both backends in float32
    written = write(tmp_path / "g.safetensors", "float32", 50, count)
    found = load_file(tmp_path / "g.safetensors")
    for backend in BACKENDS:
        for name in SHAPES:
            whole = np.array([steps[backend].gradients[name] for steps in written])
            assert same_bits(found[f"{backend}/{name}"], whole), (backend, name)


def test_a_disk_that_refuses_is_told_at_the_latest_at_the_end(tmp_path: Path) -> None:
    file = GradientsFile(tmp_path / "g.safetensors", BACKENDS, SHAPES, DTYPES["float32"], 3)
    file.add(draw(np.random.default_rng(0), "float32"))
    os.close(file._file.fileno())
    with pytest.raises(OSError, match="Bad file descriptor"):
        file.close()
    assert not (tmp_path / "g.safetensors").exists()


def test_the_file_is_in_its_place_only_once_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "gradients.safetensors"
    file = GradientsFile(path, BACKENDS, SHAPES, DTYPES["float32"], 2)
    file.add(draw(np.random.default_rng(0), "float32"))
    assert not path.exists()
    assert part_of(path).exists()
    file.close()
    assert path.exists()
    assert not part_of(path).exists()


def test_the_gradients_of_a_run_are_those_of_its_recorded_steps(tmp_path: Path) -> None:
    setup = make_setup("data.samples=6", "record.every=4")
    _, recorder = kept(setup)
    shapes = setup.problem.network.shapes
    file = GradientsFile(tmp_path / "g.safetensors", list(setup.backends), shapes, setup.dtype, 3)
    for record in recorder.records:
        file.add(record.steps)
    file.close()
    found = load_file(tmp_path / "g.safetensors")
    assert found["torch/hidden_layer_1.weight"].shape == (3, 10, 10)
    for i, record in enumerate(recorder.records):
        for backend, step in record.steps.items():
            assert all(same_bits(found[f"{backend}/{name}"][i], value) for name, value in step.gradients.items())


def texts(folder: Path, *steps: dict[str, Array]) -> list[str]:
    """The files of two backends: the first is given ``steps``, the second the same with the last one doubled."""
    text = GradientsText(folder, ["a", "b", "c"])
    for k, gradients in enumerate(steps):
        nothing = np.zeros(())
        other = {name: value * (2 if k == len(steps) - 1 else 1) for name, value in gradients.items()}
        text.add(10 * k, {n: Step(nothing, nothing, g) for n, g in (("a", gradients), ("b", gradients), ("c", other))})
    text.close()
    return [(folder / f"{name}.txt").read_text(encoding="utf-8") for name in ("a", "b", "c")]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_text_files_are_equal_for_equal_gradients_and_differ_for_others(count: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(count)
    steps = [{name: rng.standard_normal(shape) for name, shape in SHAPES.items()} for _ in range(count)]
    one, equal, other = texts(tmp_path, *steps)
    assert one == equal
    assert one != other
    for name in SHAPES:
        assert one.count(name) == (1 if count == 1 else 2)
    assert "step 0" in one
    assert (f"step {10 * (count - 1)}" in one.splitlines()) is True


def test_text_files_show_every_number_to_five_decimals_a_row_a_line(tmp_path: Path) -> None:
    value = np.array([[1.234564, -0.5], [-1e-9, 0.0]])
    text = texts(tmp_path, {"layer.weight": value})[0]
    rows = [[float(word) for word in line.split()] for line in text.splitlines()[3:]]
    assert rows == [[1.23456, -0.5], [0.0, 0.0]]
    assert "-0.00000" not in text


def test_gradients_that_agree_to_five_decimals_look_alike(tmp_path: Path) -> None:
    value = np.array([0.123456, -1e-7, 1e-7])
    near = value + np.array([1e-8, 2e-7, -2e-7])
    assert texts(tmp_path / "one", {"b": value})[0] == texts(tmp_path / "two", {"b": near})[0]


def test_text_files_hold_the_steps_as_they_were_when_they_were_added(tmp_path: Path) -> None:
    """A backend's arrays are its own, and are written over at its next step."""
    value, nothing = np.ones(2), np.zeros(())
    text = GradientsText(tmp_path, ["a"])
    for k in (1, 2, 3):
        value[...] = k
        text.add(k, {"a": Step(nothing, nothing, {"b": value})})
    value[...] = 9
    text.close()
    found = (tmp_path / "a.txt").read_text(encoding="utf-8")
    assert "1.00000" in found
    assert "3.00000" in found
    assert "2.00000" not in found
    assert "9.00000" not in found


def test_first_and_last_parameters_are_kept_to_the_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first, last = ({name: rng.standard_normal(s) for name, s in SHAPES.items()} for _ in range(2))
    last["layer.weight"] = np.asfortranarray(last["layer.weight"])
    copy_parameters(tmp_path / "p.safetensors", first, last)
    found = load_file(tmp_path / "p.safetensors")
    assert set(found) == {f"{when}/{name}" for when in ("first", "last") for name in SHAPES}
    assert all(np.array_equal(found[f"first/{name}"], value) for name, value in first.items())
    assert all(np.array_equal(found[f"last/{name}"], value) for name, value in last.items())


def test_a_parameter_that_is_one_number_has_its_line(tmp_path: Path) -> None:
    text = GradientsText(tmp_path, ["a"])
    text.add(0, {"a": Step(np.zeros(()), np.zeros(()), {"scale": np.array(0.25)})})
    text.close()
    assert "scale\n  0.25000" in (tmp_path / "a.txt").read_text(encoding="utf-8")
