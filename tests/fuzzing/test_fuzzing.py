"""300 random right configurations are no mismatch, and random mutants are found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runner.comparison import looks
from runner.comparison.constants import LIMIT
from tests.cli.process import ROOT, environment
from tests.fuzzing.cases import random_case
from tests.fuzzing.judge import judge_mutant, judge_right
from tests.fuzzing.mutants import FAMILIES
from tests.fuzzing.report import missed, report

CHUNKS, EACH = 20, 15


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_right_configurations_agree(chunk: int) -> None:
    for seed in range(chunk * EACH, (chunk + 1) * EACH):
        row = judge_right(seed)
        assert row["verdict"] in ("agree", "undecided"), (row, random_case(seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_random_mutants_are_found(family: str) -> None:
    """Those that move an element by 1000 roundings are called a mismatch, those by 30 are not acquitted."""
    place, moving = list(FAMILIES).index(family), 0
    for seed in range(place, 12 * len(FAMILIES), len(FAMILIES)):
        row = judge_mutant(seed)
        assert row["family"] == family
        moving += row["moved"] > LIMIT
        if row["moved"] > 1e5:
            assert row["verdict"] == "mismatch", row
        assert not missed([row]), row
    assert moving >= 3


def test_configurations_differ_in_all_that_they_should() -> None:
    cases = [random_case(seed) for seed in range(400)]
    texts = [" ".join(case.overrides) for case in cases]
    assert {True, False} == {c.grid for c in cases} == {c.zero_biases for c in cases}
    assert min(c.scale for c in cases) < 0.04
    assert max(c.scale for c in cases) > 8
    for word in ("float32", "float64", "sigmoid", "tanh", "relu", "loss=sse", "loss=mse", "bias: false", "data=inline"):
        assert any(word in text for text in texts), word
    depths = [text.count("layer: linear") - 1 for text in texts]
    assert (min(depths), max(depths)) == (1, 30)
    batches = [len(case.setup().x) for case in cases[::40]]
    assert len(set(batches)) > 5


def test_a_seed_gives_the_same_case_and_its_command_replays_it(tmp_path: Path) -> None:
    assert random_case(7) == random_case(7)
    command = random_case(8).command(tmp_path)
    with np.load(tmp_path / "8.npz") as kept:
        wanted = random_case(8).setup().initial.parameters
        assert all(np.array_equal(kept[name], value) for name, value in wanted.items())
    assert command.startswith("python -m runner ")
    assert "init=file" in command


def test_a_judge_without_a_limit_misses_mutants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "LIMIT", np.inf)
    rows = [judge_mutant(seed) for seed in range(10)]
    assert missed(rows)
    decades = re.findall(r"^\| 1e\d+ \| (\d+) \| 0 \| 0 \| 0 \| \1 \|$", report([], rows), re.MULTILINE)
    assert sum(map(int, decades)) == len(missed(rows))


def test_the_program_goes_on_where_it_stopped_and_reports(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzzing", "--first-seed", "100", "--folder", str(tmp_path)]
    first = subprocess.run([*command, "--count", "5", "--mutants", "2"], cwd=ROOT, env=environment(), check=False)
    assert first.returncode == 0
    kept = (tmp_path / "right.jsonl").read_text().splitlines()
    (tmp_path / "right.jsonl").write_text("\n".join([*kept[:4], kept[4][:20]]) + "\n")
    again = subprocess.run([*command, "--count", "6", "--mutants", "2"], cwd=ROOT, env=environment(), check=False)
    assert again.returncode == 0
    lines = (tmp_path / "right.jsonl").read_text().splitlines()
    assert lines[:4] == kept[:4]
    assert len(lines) == 7
    text = (tmp_path / "report.md").read_text()
    assert "Right configurations: 6 (seeds 100 to 105)." in text
    assert "Mutants: 2," in text


def test_a_kink_within_rounding_that_a_few_noisy_runs_have_not_crossed_is_no_mistake() -> None:
    """Eleven layers up, one activation is 0 for one side and 1e-12 for the other."""
    row = judge_right(7008745)
    assert row["verdict"] == "agree", row
    assert row["logic_look"] < 3 or "a kink: it lies within rounding" in row["finding"]
