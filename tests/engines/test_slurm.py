"""`hydra/launcher=submitit_slurm`: a real Slurm of one node."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.engines.slurm import one_node, why_not
from tests.engines.sweeps import SHORT, alone, hashes, parent, sweep


def test_jobs_of_slurm_have_the_bits_of_a_run_alone(place: Path) -> None:
    refusal = why_not()
    if refusal is not None:
        pytest.skip(refusal)
    with TemporaryDirectory(prefix="slurm-") as folder, one_node(Path(folder)) as env:
        done = sweep(place, "hydra/launcher=submitit_slurm", "batch_size=1,50", *SHORT, **env)
    assert done.code == 2, done.err
    assert "1 of 2 jobs agree" in done.out
    assert "batch_size: got 50; allowed: from 1 to the number of samples, 5" in done.out
    assert parent(place).info.status == "FINISHED"
    assert hashes(place / "swept" / "0") == alone(place, 1)
    assert (place / "swept" / ".submitit").is_dir()
