"""Which jobs of a sweep may be stacked: those that differ in seed, learning rate, init, or data of the same shapes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from runner.config import register
from runner.launching import grouping
from runner.launching.grouping import groups_of
from runner.paths import CONF


@pytest.fixture(autouse=True)
def _hydra() -> Iterator[None]:
    """Whoever runs jobs has Hydra set up."""
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield
    HydraConfig.instance().cfg = None


def jobs(*overrides: str) -> Iterator[tuple[int, DictConfig]]:
    for number, typed in enumerate(overrides):
        yield number, compose("config", typed.split(), return_hydra_config=True)


def test_seeds_learning_rates_and_first_parameters_may_differ() -> None:
    found = groups_of(jobs("seed=1", "seed=2 lr=0.1", "init=orthogonal", "init=zeros"))
    assert found == [[0, 1, 2, 3]]


def test_what_changes_the_arithmetic_parts_them_in_the_order_of_their_first_jobs() -> None:
    found = groups_of(jobs("epochs=2", "seed=2", "epochs=2 seed=2", "dtype=float64", "seed=3"))
    assert found == [[0, 2], [1, 4], [3]]


def test_data_may_differ_where_their_shapes_do_not() -> None:
    wide, more = "data.low=-1", "data.samples=7"
    found = groups_of(jobs("seed=1", wide, more, "seed=2", f"{more} seed=2", "target=sine"))
    assert found == [[0, 1, 3, 5], [2, 4]]


def test_a_refused_job_is_alone_and_tells_nothing_here() -> None:
    found = groups_of(jobs("seed=1", "data.low=2", "+nothing=1", "seed=2"))
    assert found == [[0, 3], [1], [2]]


def test_jobs_with_a_folder_or_an_environment_of_their_own_are_alone() -> None:
    chdir, env = "hydra.job.chdir=true", "+hydra.job.env_set.A=b"
    assert groups_of(jobs(chdir, f"{chdir} seed=2", env, f"{env} seed=2")) == [[0], [1], [2], [3]]


def test_a_group_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "AT_MOST", 2)
    assert groups_of(jobs("seed=1", "seed=2", "seed=3")) == [[0, 1], [2]]
