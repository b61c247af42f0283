"""The default experiment agrees, whatever its seed."""

from __future__ import annotations

import pytest

from runner.assemble import assemble
from runner.experiment import run_experiment
from runner.outcome import Silent
from tests.helpers import CATALOG, configuration

CHUNK = 10


CASES = [("float32", start) for start in range(1, 201, CHUNK)]
CASES += [("float64", start) for start in range(1, 41, CHUNK)]


@pytest.mark.parametrize(("dtype", "start"), CASES)
def test_the_default_experiment_agrees_at_these_seeds(dtype: str, start: int) -> None:
    for seed in range(start, start + CHUNK):
        config = configuration() | {"seed": seed, "dtype": dtype}
        verdict = run_experiment(assemble(config, CATALOG), Silent()).verdict
        assert verdict.verdict == "agree", (seed, verdict.first)
        assert verdict.judged_steps == 100
        assert not verdict.findings, (seed, verdict.findings)
        assert verdict.worst("roundings") <= 30, seed
        assert verdict.worst("logic_roundings") <= 30, seed
