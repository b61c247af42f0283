"""What composing a sweep's jobs takes: each of them twice, once to be validated and once to be launched."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig

from benchmarks.timing import Line, Ratio, medians, ratio, time_in_turn
from runner.composer import Composer
from runner.config import register
from runner.paths import CONF

JOBS = 20
MANY = 1000
ROUNDS = 9
Jobs = Sequence[list[str]]


def composing() -> Iterator[Line]:
    """Jobs that differ in their values, and jobs each of which makes other choices, so that nothing is met again."""
    with hydras_own() as loader:
        sweep = loader.load_configuration("config", ["seed=1,2"], RunMode.MULTIRUN)
        for name, jobs in (("values", _values(JOBS)), ("choices", _choices())):
            functions = [
                lambda jobs=jobs: _sweep(_new(loader), sweep, jobs),
                lambda jobs=jobs: _sweep(loader, sweep, jobs),
            ]
            times = time_in_turn(functions, 1, ROUNDS)
            figures = dict(zip(("a job", "a job by Hydra"), (t / JOBS for t in medians(times)), strict=True))
            yield Line(f"{JOBS} jobs, {name}", {"over Hydra's": ratio(*times.T)}, figures)
        yield _memory(_new(loader), sweep)


@contextmanager
def hydras_own() -> Iterator[ConfigLoaderImpl]:
    """The loader by which Hydra itself composes the project's configuration."""
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        assert isinstance(hydra.config_loader, ConfigLoaderImpl)
        yield hydra.config_loader


def _memory(loader: ConfigLoaderImpl, sweep: DictConfig) -> Line:
    tracemalloc.start()
    kept = []
    for jobs in (_values(MANY)[: MANY // 10], _values(MANY)):
        _sweep(loader, sweep, jobs)
        gc.collect()
        kept.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    grown = (kept[1] - kept[0]) / 2**20
    return Line(f"{MANY} jobs, memory", {"MiB that are kept": Ratio(grown, grown, grown)}, {})


def _new(loader: ConfigLoaderImpl) -> Composer:
    return Composer(loader.config_search_path)


def _sweep(loader: ConfigLoaderImpl, sweep: DictConfig, jobs: Jobs) -> None:
    for _ in ("validated", "launched"):
        for overrides in jobs:
            loader.load_sweep_config(sweep, overrides)


def _values(jobs: int) -> Jobs:
    return [[f"seed={seed}", "data.samples=10", "record.plots=false"] for seed in range(jobs)]


def _choices() -> Jobs:
    data, optimizers = ("uniform", "normal", "laplace", "beta"), ("sgd", "adam", "adamw", "rmsprop", "nadam")
    return [[f"data={name}", f"optimizer={other}", "seed=1"] for name in data for other in optimizers]
