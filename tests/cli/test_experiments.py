"""The prepared experiments on real data: each begins in agreement, and some are run to their end as a person would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.paths import CONF
from tests.architectures.cases import cut
from tests.helpers import CATALOG, kept, make_setup

from .process import run

ON_DATA = [name for name in CATALOG.names("experiment") if name != "assignment"]


@pytest.mark.parametrize("name", ON_DATA)
def test_its_first_three_steps_agree(name: str) -> None:
    setup = make_setup(f"experiment={name}")
    assert setup.verdict_every == setup.record_every == 1
    outcome, recorder = kept(cut(setup, 3 * setup.batch_size))
    assert outcome.verdict.verdict == "agree", outcome.verdict.first
    assert [record.step for record in recorder.records] == [0, 1, 2]


@pytest.mark.parametrize("name", ON_DATA)
def test_it_is_in_the_table_of_experiments(name: str) -> None:
    table = (CONF.parent / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert f"`python -m runner experiment={name}`" in table


@pytest.mark.parametrize(
    ("name", "overrides", "least"),
    [("iris_mlp", (), 0.93), ("wine_deep_mlp", ("epochs=4",), 0.95), ("digits_lenet", (), 0.97)],
)
def test_it_learns_in_agreement(place: Path, name: str, overrides: tuple[str, ...], least: float) -> None:
    finished = run(place, f"experiment={name}", *overrides, "record.plots=false")
    assert (finished.code, finished.err) == (0, "")
    verdict = json.loads((finished.run_folder / "verdict.json").read_text(encoding="utf-8"))
    held_out = verdict["evaluation"]["held_out"]
    assert held_out.keys() == {"scratch", "torch"}
    assert all(scores["accuracy"] > least for scores in held_out.values())
