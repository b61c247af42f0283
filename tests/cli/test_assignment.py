"""`experiment=assignment`: the published numbers, met by both backends in both dtypes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import SharedRuns
from .process import ROOT, Finished
from .stores import PARAMETERS, client, deviations, gradients, only_run, read_json

PUBLISHED: dict[str, Any] = read_json(ROOT / "runner" / "published" / "published.json")
WITHIN = 1e-5


@pytest.fixture(params=["float32", "float64"])
def assignment(request: pytest.FixtureRequest, shared: SharedRuns) -> Finished:
    dtype: str = request.param
    return shared.get(f"assignment-{dtype}", "experiment=assignment", f"dtype={dtype}")


def label(parameter: str) -> str:
    layer, _, kind = parameter.rpartition(".")
    return f"{layer} {kind[0]}"


def rows(out: str) -> list[tuple[str, float, float, float]]:
    """The printed table: label, published, scratch, torch."""
    figure = r"(-?\d+\.\d+)"
    found = re.findall(rf"^(\S.*?) +{figure} +{figure} +{figure}$", out, re.MULTILINE)
    return [(name, float(p), float(s), float(t)) for name, p, s, t in found]


def test_both_backends_agree(assignment: Finished) -> None:
    assert (assignment.code, assignment.err) == (0, "")
    reader = client(assignment.folder)
    record = only_run(reader)
    assert record.data.tags["verdict"] == "agree"
    assert reader.get_experiment(record.info.experiment_id).name == "assignment"


def test_every_published_gradient_is_met_by_both_backends(assignment: Finished) -> None:
    found = gradients(assignment.run_folder)
    dtype = assignment.run_folder.parents[3].name.rpartition("-")[2]
    for backend in ("scratch", "torch"):
        for name in PARAMETERS:
            computed = found[f"{backend}/{name}"]
            assert (computed.dtype.name, len(computed)) == (dtype, 1)
            np.testing.assert_allclose(computed[0], PUBLISHED["gradients"][name], rtol=0, atol=WITHIN)


def test_the_published_loss_and_prediction_are_met_by_both_backends(assignment: Finished) -> None:
    metrics = only_run(client(assignment.folder)).data.metrics
    for backend in ("scratch", "torch"):
        assert abs(metrics[f"loss/{backend}"] - PUBLISHED["loss"]) < WITHIN
    seen = deviations(assignment.run_folder).set_index("tensor").loc["prediction"]
    for side in ("worst_value", "worst_reference"):
        assert abs(seen[side] - PUBLISHED["prediction"]) < WITHIN


def test_the_printed_rows_stand_in_the_reports_order(assignment: Finished) -> None:
    expected = ["loss", "prediction"]
    for name in PARAMETERS:
        shape = np.shape(PUBLISHED["gradients"][name])
        expected += [f"{label(name)} [{', '.join(map(str, index))}]" for index in np.ndindex(*shape)]
    assert [row[0] for row in rows(assignment.out)] == expected


def test_the_printed_numbers_are_the_published_and_the_computed_ones(assignment: Finished) -> None:
    printed = np.array([row[1:] for row in rows(assignment.out)])
    metrics, found = only_run(client(assignment.folder)).data.metrics, gradients(assignment.run_folder)
    published = [np.ravel(PUBLISHED["gradients"][name]) for name in PARAMETERS]
    np.testing.assert_allclose(printed[2:, 0], np.concatenate(published), rtol=0, atol=0.51e-5)
    assert (printed[0, 0], printed[1, 0]) == (PUBLISHED["loss"], PUBLISHED["prediction"])
    for column, backend in enumerate(("scratch", "torch"), start=1):
        computed = [found[f"{backend}/{name}"][0].ravel() for name in PARAMETERS]
        np.testing.assert_allclose(printed[2:, column], np.concatenate(computed), rtol=0, atol=0.51e-8)
        assert printed[0, column] == pytest.approx(metrics[f"loss/{backend}"], abs=1e-8)
    assert np.abs(printed[:, 1:] - printed[:, :1]).max() < WITHIN + 0.51e-8


def test_the_distance_from_the_published_numbers_is_told(assignment: Finished) -> None:
    printed = np.array([row[1:] for row in rows(assignment.out)])
    (told,) = re.findall(
        r"^the largest distance of any of these from its published number: (\S+)$", assignment.out, re.M
    )
    assert float(told) == pytest.approx(np.abs(printed[:, 1:] - printed[:, :1]).max(), abs=2e-8)


def test_eight_deviations_follow_the_rows(assignment: Finished) -> None:
    found = re.findall(r"^(\S.*_deviation) +(\S+)$", assignment.out, re.MULTILINE)
    names = ["loss", "prediction", *(label(name) for name in PARAMETERS)]
    assert [name for name, _ in found] == [f"{name}_deviation" for name in names]
    table = deviations(assignment.run_folder).set_index("tensor")["max_abs"]
    for (_, value), tensor in zip(found, ["loss", "prediction", *PARAMETERS], strict=True):
        assert float(value) == pytest.approx(table[tensor], rel=1e-3, abs=0)
    places = [assignment.out.index(f"\n{name}") for name in ("hidden_layer_2 b [0]", "loss_deviation")]
    assert places == sorted(places)


def test_the_published_numbers_come_from_the_package_wherever_it_is_run(assignment: Finished, tmp_path: Path) -> None:
    params = only_run(client(assignment.folder)).data.params
    assert params["init.path"] == "package:published/parameters.json"
    assert params["record.published"] == "package:published/published.json"
    assert not list(assignment.folder.rglob("published*"))
