"""report.html: what it shows of how a run learnt is what was recorded, and what there is nothing of is left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.comparison.drift import ALL
from runner.records.learnt.predictions import predictions
from runner.records.reading import RecordedRun, read_run
from runner.records.report import write_report
from tests.helpers import make_setup

from .folders import write_folder
from .pages import Page, Reader

CLASSES = ("data=two_moons", "target=given", "data.samples=40", "batch_size=10")
RUNS: dict[str, tuple[str, ...]] = {
    "two_inputs": ("data.samples=12", "seed=3"),
    "one_input": ("data.samples=12", "data.features=1", "target=sine"),
    "three_inputs": ("data.samples=4", "data.features=3"),
    "one_step": ("data.samples=1",),
    "free": ("lockstep=false", "data.samples=6"),
    "bare": ("record.gradients=false", "data.samples=4"),
    "classes": (*CLASSES, "loss=cross_entropy", "architecture.out=2", "epochs=2"),
    "two_classes": (*CLASSES, "loss=bce_with_logits", "data.held_out=0.25", "epochs=2"),
    "diverged": ("lr=1e30", "data.samples=5"),
}
Paged = Callable[[str], tuple[RecordedRun, Page]]


@pytest.fixture(scope="module")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Paged:
    """A run by its name, and its page, made once."""
    found: dict[str, tuple[RecordedRun, Page]] = {}

    def make(name: str) -> tuple[RecordedRun, Page]:
        if name not in found:
            folder = tmp_path_factory.mktemp("runs") / name
            write_folder(folder, *RUNS[name])
            found[name] = page_of(folder)
        return found[name]

    return make


def page_of(folder: Path) -> tuple[RecordedRun, Page]:
    run = read_run(folder)
    text = write_report(run, make_setup(*RUNS[folder.name])).read_text(encoding="utf-8")
    return run, Reader(text).page


FIGURES = {
    "two_inputs": {"norms", "paths", "function"},
    "one_input": {"norms", "paths", "function"},
    "three_inputs": {"norms", "paths"},
    "one_step": {"norms", "function"},
    "free": {"norms", "paths", "drift", "function"},
    "bare": {"paths", "function"},
    "classes": {"norms", "paths", "function", "confusion"},
    "two_classes": {"norms", "paths", "function", "confusion"},
    "diverged": {"norms", "paths", "function"},
}


@pytest.mark.parametrize("name", RUNS)
def test_there_is_a_figure_for_what_there_is_to_show_and_for_nothing_else(name: str, paged: Paged) -> None:
    _, page = paged(name)
    learning = {"norms", "paths", "drift", "function", "confusion"}
    assert {figure for figure in learning if f"plot-{figure}" in page.ids()} == FIGURES[name]
    assert set(page.data["learning"]) == FIGURES[name] - {"confusion"}
    assert len(page.text.encode()) < 1_000_000


def test_what_was_not_kept_is_left_out(paged: Paged, tmp_path: Path) -> None:
    run, _ = paged("three_inputs")
    bare = RecordedRun(run.folder, run.config, run.overrides, run.verdict, run.environment)
    bare.__dict__.update(trajectories=None, gradients=None)
    page = Reader(write_report(bare, None).read_text(encoding="utf-8")).page
    assert page.data["learning"] == {}
    assert "learning" not in page.ids()


def numbers(values: list[Any]) -> list[float]:
    return [np.nan if value is None else float(value) for value in values]


@pytest.mark.parametrize("name", ["two_inputs", "diverged"])
def test_norms_are_those_of_all_gradients_of_a_layer(name: str, paged: Paged) -> None:
    run, page = paged(name)
    norms = page.data["learning"]["norms"]
    assert norms["step"] == run.steps.tolist()
    assert [line["layer"] for line in norms["lines"]] == ["input_layer", "hidden_layer_1", "hidden_layer_2"]
    assert run.gradients is not None
    for line in norms["lines"]:
        parts = [run.gradients[f"torch/{line['layer']}.{part}"].astype(float) for part in ("weight", "bias")]
        flat = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
        with np.errstate(all="ignore"):
            wanted = np.sqrt((flat**2).sum(axis=1))
        np.testing.assert_allclose(numbers(line["value"]), wanted, rtol=1e-5)


def test_paths_are_those_of_the_elements_that_are_named(paged: Paged) -> None:
    run, page = paged("two_inputs")
    paths = page.data["learning"]["paths"]
    assert paths["step"] == run.steps.tolist()
    assert [path["tensor"] for path in paths["tensors"]] == run.tensors[2:]
    for path in paths["tensors"]:
        first = run.parameters[f"first/{path['tensor']}"]
        assert path["shape"] == list(first.shape)
        begin = [line[0] for line in path["lines"]]
        assert np.array(begin, np.float32).tolist() == first.ravel()[path["places"]].tolist()
        assert len({len(line) for line in path["lines"]} | {len(paths["step"])}) == 1


def test_drift_is_the_distance_of_all_parameters(paged: Paged) -> None:
    run, page = paged("free")
    assert run.drift is not None
    rows = run.drift[run.drift["tensor"] == ALL]
    (line,) = page.data["learning"]["drift"]["lines"]
    assert line["step"] == rows["step"].tolist()
    np.testing.assert_allclose(line["value"], rows["norm"], rtol=1e-3)
    np.testing.assert_allclose(line["roundings"], rows["roundings"], rtol=1e-3)


def test_over_one_input_there_are_curves_over_two_a_plane(paged: Paged) -> None:
    run, page = paged("one_input")
    curves = page.data["learning"]["function"]
    x = np.array(curves["x"])
    learnt, target = (np.array(line["value"]) for line in curves["lines"])
    np.testing.assert_allclose(target, np.sin(2 * np.pi * x), atol=1e-4)
    found = predictions(run, make_setup(*RUNS["one_input"]), x[:, None])
    np.testing.assert_allclose(learnt, found[:, 0], rtol=1e-4)
    run, page = paged("two_inputs")
    plane = page.data["learning"]["function"]
    target, learnt, apart = plane["panels"]
    places = [np.linspace(low, high, plane["across"]) for low, high in zip(plane["low"], plane["high"], strict=True)]
    points = np.stack([part.ravel() for part in np.meshgrid(*places)], axis=1)
    np.testing.assert_allclose(target["grid"], (points**2).sum(axis=1) / 2, rtol=1e-3)
    found = predictions(run, make_setup(*RUNS["two_inputs"]), points)[:, 0]
    np.testing.assert_allclose(learnt["grid"], found, rtol=1e-3)
    np.testing.assert_allclose(apart["grid"], found - (points**2).sum(axis=1) / 2, rtol=2e-3, atol=1e-4)


def test_classes_are_those_that_the_network_names(paged: Paged) -> None:
    run, page = paged("classes")
    setup = make_setup(*RUNS["classes"])
    plane = page.data["learning"]["function"]
    true, named = plane["panels"]
    assert true["dots"] == setup.y.tolist()
    np.testing.assert_allclose(plane["dots"], setup.x, rtol=1e-3)
    places = [np.linspace(low, high, plane["across"]) for low, high in zip(plane["low"], plane["high"], strict=True)]
    points = np.stack([part.ravel() for part in np.meshgrid(*places)], axis=1)
    assert named["grid"] == predictions(run, setup, points).argmax(axis=1).tolist()


def test_of_two_classes_the_probability_stands_beside_the_class(paged: Paged) -> None:
    _, page = paged("two_classes")
    titles = [panel["title"] for panel in page.data["learning"]["function"]["panels"]]
    assert titles == ["class, at the samples", "sigmoid(output)", "sigmoid(output) - class, at the samples"]
    assert all(0 < value < 1 for value in page.data["learning"]["function"]["panels"][1]["grid"])


@pytest.mark.parametrize(("name", "of"), [("classes", "the training data"), ("two_classes", "what is held out")])
def test_the_confusion_matrix_counts_each_class_with_the_last_parameters(name: str, of: str, paged: Paged) -> None:
    run, page = paged(name)
    setup = make_setup(*RUNS[name])
    part = setup if setup.held_out is None else setup.held_out
    found = predictions(run, setup, part.x)
    named = (found[:, 0] > 0).astype(int) if found.shape[1] == 1 else found.argmax(axis=1)
    true = part.y.ravel().astype(int)
    counts = [[int(((true == i) & (named == j)).sum()) for j in range(2)] for i in range(2)]
    table = re.search(r'<table class="matrix confusion".*?</table>', page.text, re.DOTALL)
    assert table is not None
    cells = [int(cell) for cell in re.findall(r"<td[^>]*>(\d+)</td>", table[0])]
    assert cells == [count for row in counts for count in row]
    right = counts[0][0] + counts[1][1]
    words = f"classes of {of}, with the last parameters: {100 * right / len(true):.2f} % right ({right} of {len(true)})"
    assert words in page.words


def test_the_scores_of_a_run_say_of_which_parameters_they_are(paged: Paged) -> None:
    _, page = paged("two_classes")
    assert re.search(r"training data, scratchloss [^(]*\(the mean over the last epoch's steps, while", page.words)
    assert re.search(r"held out, scratchloss [^(]*\(with the parameters at the last epoch's end\)", page.words)
