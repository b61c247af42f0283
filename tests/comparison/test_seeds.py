"""The default experiment agrees, whatever its seed."""

from __future__ import annotations

import pytest

from runner.assemble import assemble
from runner.experiment import Silent, run_experiment
from tests.helpers import CATALOG, configuration

CHUNK = 10


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("start", range(1, 201, CHUNK))
def test_two_hundred_seeds_of_the_default_experiment_agree(dtype: str, start: int) -> None:
    for seed in range(start, start + CHUNK):
        config = configuration() | {"seed": seed, "dtype": dtype}
        verdict = run_experiment(assemble(config, CATALOG), Silent()).verdict
        assert verdict.verdict == "agree", (seed, verdict.first)
        assert verdict.judged_steps == 100
        assert not verdict.findings, (seed, verdict.findings)
        assert verdict.worst("roundings") <= 30, seed
        assert verdict.worst("logic_roundings") <= 30, seed
