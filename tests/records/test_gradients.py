"""gradients.safetensors and the text files beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from runner.arrays import DTYPES, Array
from runner.backends.base import Step
from runner.errors import RunError
from runner.records.files import part_of
from runner.records.gradients import GradientsFile, copy_parameters
from runner.records.gradients_text import GradientsText
from runner.records.writer import Work
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


def test_a_disk_that_refuses_is_told_and_what_is_after_it_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps 2 and 3 cannot be written: of the others 0 and 1 are kept, since 4 would be taken for 2."""
    monkeypatch.setattr("runner.records.gradients.BUFFER", 2 * 2 * 10 * 4)
    rng, done = np.random.default_rng(0), list[Work]()
    file = GradientsFile(tmp_path / "g.safetensors", BACKENDS, SHAPES, DTYPES["float32"], 6, done.append)
    steps = [draw(rng, "float32") for _ in range(6)]
    for k in (0, 2, 4):
        file.add(steps[k])
        file.add(steps[k + 1])
        if k == 2:
            whole, file._file = file._file, (tmp_path / "g.safetensors.part").open("rb", buffering=0)
            with pytest.raises(OSError, match="not open for writing"):
                done.pop()()
            file._file = whole
        else:
            done.pop()()
    file.close()
    done.pop()()
    found = load_file(tmp_path / "g.safetensors")
    assert {len(value) for value in found.values()} == {2}
    assert same_bits(found["torch/layer.weight"][1], steps[1]["torch"].gradients["layer.weight"])


def test_a_disk_without_room_is_told_before_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no room for 8e\+08 GB \(.*\); record.every=N keeps less"):
        GradientsFile(tmp_path / "g.safetensors", BACKENDS, SHAPES, DTYPES["float32"], 10**16)


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
    """The files of three backends: the first two are given ``steps``, the third the same with the last one doubled."""
    names, nothing, path = ["a", "b", "c"], np.zeros(()), folder / "g.safetensors"
    folder.mkdir(exist_ok=True)
    shapes = {name: value.shape for name, value in steps[0].items()}
    file, text = GradientsFile(path, names, shapes, np.dtype(float), len(steps)), GradientsText(folder, path)
    for k, gradients in enumerate(steps):
        other = {name: value * (2 if k == len(steps) - 1 else 1) for name, value in gradients.items()}
        given = zip(names, (gradients, gradients, other), strict=True)
        file.add({name: Step(nothing, nothing, g) for name, g in given})
        text.add(10 * k)
    file.close()
    text.close()
    return [(folder / f"{name}.txt").read_text(encoding="utf-8") for name in names]


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


def test_text_files_hold_the_first_and_the_last_step(tmp_path: Path) -> None:
    found = texts(tmp_path, *({"b": np.full(2, float(k))} for k in (1, 2, 3)))[0]
    assert found == "step 0\n\nb\n  1.00000   1.00000\n\nstep 20\n\nb\n  3.00000   3.00000\n"


def test_there_are_no_texts_of_gradients_that_lack_a_step(tmp_path: Path) -> None:
    write(tmp_path / "g.safetensors", "float32", 3, 2)
    text = GradientsText(tmp_path, tmp_path / "g.safetensors")
    for step in range(3):
        text.add(step)
    text.close()
    assert not list(tmp_path.glob("*.txt"))


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
    assert "scale\n  0.25000" in texts(tmp_path, {"scale": np.array(0.25)})[0]
