"""Runs the jobs of a sweep as Hydra's basic launcher does, but for those of a group: they train as one stack."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial

from hydra.core.utils import JobReturn, configure_log, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from runner.job import job
from runner.launching.group import Group
from runner.launching.grouping import groups_of
from runner.packing import Packer


def launch(
    context: HydraContext, config: DictConfig, job_overrides: Sequence[Sequence[str]], first: int
) -> list[JobReturn]:
    """What each job returns, in their order; ``first`` is the number of the first."""
    setup_globals()
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    launched = _Launched(context, config, {first + i: list(overrides) for i, overrides in enumerate(job_overrides)})
    for numbers in groups_of(launched.compose()):
        launched.run(numbers)
    return [launched.returned[number] for number in launched.overrides]


class _Launched:
    """The jobs of a launch, by their numbers; their configurations are kept as bytes, which are small."""

    def __init__(self, context: HydraContext, config: DictConfig, overrides: dict[int, list[str]]) -> None:
        self._context, self._config, self.overrides = context, config, overrides
        self.returned: dict[int, JobReturn] = {}
        self._composed: dict[int, bytes] = {}
        self._packer = Packer()

    def compose(self) -> Iterator[tuple[int, DictConfig]]:
        """Every job's number and its whole configuration, Hydra's own node included."""
        for number, overrides in self.overrides.items():
            config = self._context.config_loader.load_sweep_config(self._config, overrides)
            with open_dict(config):
                config.hydra.job.id = config.hydra.job.num = number
            self._composed[number] = self._packer.packed(config)
            yield number, config

    def run(self, numbers: Sequence[int]) -> None:
        """Runs some jobs; of several, each begins inside the one before it, where that comes to its training."""
        waiting = deque(numbers)

        def begin() -> None:
            while waiting:
                number = waiting.popleft()
                task = partial(job, train=group.train) if len(numbers) > 1 else job
                self.returned[number] = self._run(number, task)

        group = Group(begin)
        begin()

    def _run(self, number: int, task: TaskFunction) -> JobReturn:
        returned: JobReturn = run_job(
            hydra_context=self._context,
            task_function=task,
            config=self._packer.unpacked(self._composed.pop(number)),
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
        configure_log(self._config.hydra.hydra_logging, self._config.hydra.verbose)
        return returned
