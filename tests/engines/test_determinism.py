"""The same configuration and seed have the same bits, whatever launches the run; the engines' are with them."""

from __future__ import annotations

from pathlib import Path

from tests.cli.process import run
from tests.engines.sweeps import SHORT, alone, hashes


def test_a_basic_sweep_has_the_bits_of_runs_alone(place: Path) -> None:
    assert run(place, "-m", "seed=1,2", *SHORT, "hydra.sweep.dir=swept").code == 0
    assert [hashes(place / "swept" / str(job)) for job in (0, 1)] == [alone(place, seed) for seed in (1, 2)]
    assert alone(place, 1) != alone(place, 2)


def test_a_stacked_sweep_has_its_own_bits_again(place: Path) -> None:
    for folder in ("first", "second"):
        words = ("hydra/launcher=stacked", "seed=1,2", *SHORT, f"hydra.sweep.dir={folder}")
        assert run(place, "-m", *words).code == 0
    assert [hashes(place / "first" / job) for job in "01"] == [hashes(place / "second" / job) for job in "01"]
