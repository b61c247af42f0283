"""Random right configurations of everything there is are no mismatch, and random mutants are found."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from runner.comparison import looks
from tests.cli.process import ROOT, environment
from tests.fuzzing.cases import KINDS, Case, random_case
from tests.fuzzing.judge import judge_mutant, judge_right
from tests.fuzzing.mutants import FAMILIES
from tests.fuzzing.report import missed, report
from tests.fuzzing.written import CATALOG, overridden
from tests.helpers import composed, configuration

CHUNKS, EACH = 6, 5
MANY, PER_FAMILY = 250, 1
RIGHT = ("agree", "undecided")


@cache
def many() -> list[Case]:
    return [random_case(seed) for seed in range(MANY)]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_right_configurations_agree(chunk: int) -> None:
    for seed in range(chunk * EACH, (chunk + 1) * EACH):
        assert_right(seed)


def assert_right(seed: int) -> None:
    """In float16, the squares that optimizers keep overflow from 256 on."""
    row = judge_right(seed)
    assert row["verdict"] in (*RIGHT, *(["diverged"] if row["dtype"] == "float16" else [])), (row, random_case(seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_random_mutants_are_found(family: str) -> None:
    """Those that move an element by 30 roundings are not acquitted."""
    place = list(FAMILIES).index(family)
    for seed in range(place, PER_FAMILY * len(FAMILIES), len(FAMILIES)):
        row = judge_mutant(seed)
        assert row["family"] == family
        assert not missed([row]), row


def test_everything_there_is_is_drawn_and_agrees() -> None:
    """Every kind, layer, loss and optimizer is judged, in the first case that has it."""
    missing = {f"layer: {name}" for name in CATALOG.names("layer")} | {f"kind {kind}" for kind in KINDS}
    missing |= {f"{group}={name}" for group in ("loss", "optimizer") for name in CATALOG.names(group)}
    for case in many():
        words = {f"kind {case.kind}", *case.overrides, *re.findall(r"layer: \w+", case.overrides[0])}
        if words & missing:
            missing -= words
            assert_right(case.seed)
    assert not missing


def test_every_choice_is_drawn() -> None:
    """Every layer, loss, optimizer, schedule, clipping and initialisation that needs no file, and every kind."""
    cases = many()
    text = " ".join(" ".join(case.overrides) for case in cases)
    assert set(re.findall(r"layer: (\w+)", text)) == set(CATALOG.names("layer"))
    for group in ("loss", "optimizer", "schedule", "clip"):
        assert {case.value(group) for case in cases} == set(CATALOG.names(group))
    assert {case.value("init") for case in cases} == {"", *CATALOG.names("init")} - {"file"}
    assert {case.value("dtype") for case in cases} == {"float32", "float64", "float16", "bfloat16"}
    assert {case.kind for case in cases} == set(KINDS)


def test_configurations_differ_in_all_that_they_should() -> None:
    cases = many()
    texts = [" ".join(case.overrides) for case in cases]
    assert {True, False} == {c.grid for c in cases} == {c.zero_biases for c in cases}
    assert min(c.scale for c in cases) < 0.04
    assert max(c.scale for c in cases) > 8
    for word in ("bias: false", "data=inline", "target.noise", "groups: 2", "label_smoothing=0.5", "ceil_mode: true"):
        assert any(word in text for text in texts), word
    assert max(text.count("layer: linear") for text in texts) > 20
    sizes = [(int(case.value("batch_size")), int(case.value("data.samples") or 0)) for case in cases]
    assert {samples / batch for batch, samples in sizes if samples} == {1, 2, 3}
    assert len({batch for batch, _ in sizes}) > 20


def test_a_case_is_what_the_command_line_makes_of_it() -> None:
    for seed in (0, 7, 11, 30):
        overrides = random_case(seed).overrides
        mine = configuration()
        overridden(mine, overrides)
        theirs = OmegaConf.to_container(composed(overrides), resolve=True)
        assert isinstance(theirs, dict)
        for key in mine:
            if key != "backend":
                assert mine[key] == theirs[key], (seed, key)


def test_a_seed_gives_the_same_case_and_its_command_replays_it(tmp_path: Path) -> None:
    assert random_case(7) == random_case(7)
    command = random_case(8).command(tmp_path)
    with np.load(tmp_path / "8.npz") as kept:
        wanted = random_case(8).setup().initial.parameters
        assert all(np.array_equal(kept[name], value) for name, value in wanted.items())
    assert command.startswith("python -m runner ")
    assert command.count("init=") == 1


def test_a_judge_without_a_limit_misses_mutants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "LIMIT", np.inf)
    rows = [judge_mutant(seed) for seed in range(10)]
    assert missed(rows)
    decades = re.findall(r"^\| 1e\d+[^|]* \| (\d+) \| 0 \| 0 \| 0 \| (\d+) \|$", report([], rows), re.MULTILINE)
    assert sum(int(n) for _, n in decades) == len(missed(rows))


def test_the_program_goes_on_where_it_stopped_and_reports(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzzing", "--first-seed", "100", "--folder", str(tmp_path), "--workers=1"]
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
    assert "| Optimizer | Judged |" in text
    assert "Mutants: 2," in text
