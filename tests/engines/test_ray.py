"""`hydra/launcher=ray` starts a Ray of its own; `hydra/launcher=ray_cluster` joins one that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.engines.ray_nodes import MEMORY, ray_environment, two_nodes
from tests.engines.sweeps import FUNCTION, SHORT, alone, hashes, notes, parent, statuses, sweep, verdicts


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    with TemporaryDirectory(prefix="ray-") as folder, two_nodes(Path(folder)) as env:
        yield env


def test_a_sweep_on_a_ray_of_its_own_has_the_bits_of_runs_alone(place: Path) -> None:
    with TemporaryDirectory(prefix="ray-") as folder:
        init = {"num_cpus": 1, "_temp_dir": folder, "include_dashboard": "false", "object_store_memory": MEMORY}
        words = [f"+hydra.launcher.ray.init.{key}={value}" for key, value in init.items()]
        done = sweep(place, "hydra/launcher=ray", *words, "seed=1,2", *SHORT, **ray_environment())
    assert done.code == 0, done.err
    assert "2 of 2 jobs agree" in done.out
    assert parent(place).info.status == "FINISHED"
    assert [hashes(place / "swept" / str(job)) for job in (0, 1)] == [alone(place, seed) for seed in (1, 2)]


def test_a_cluster_of_two_nodes_works_where_the_sweep_was_started(place: Path, cluster: dict[str, str]) -> None:
    words = ("hydra/launcher=ray_cluster", "+hydra.launcher.ray.remote.scheduling_strategy=SPREAD")
    done = sweep(place, *words, "architecture.hidden=[4],[5]", *FUNCTION, **cluster)
    assert (done.code, done.err) == (1, "")
    assert verdicts(place) == {"0": "agree", "1": "mismatch"}
    assert parent(place).info.status == "FINISHED"
    found = notes(place)
    assert len({note["parent"] for note in found}) == 2  # a node each
    assert {(threads, note["torch"]) for note in found for threads in note["blas"]} == {(1, 1)}


def test_a_job_whose_process_is_killed_is_not_run_again(place: Path, cluster: dict[str, str]) -> None:
    done = sweep(place, "hydra/launcher=ray_cluster", "architecture.hidden=[4],[6]", *FUNCTION, **cluster)
    assert done.code == 3
    assert done.err.startswith("runner: hydra/launcher=ray_cluster: WorkerCrashedError: ")
    assert done.err.count("\n") == 1
    assert verdicts(place) == {"0": "agree"}
    assert parent(place).info.status == "FAILED"
    assert statuses(place)["4"] == "FINISHED"
    assert len(notes(place)) == 2
