"""``hydra/launcher=stacked``: of a sweep, the jobs that can be stacked are trained together, in this process.

Annotations are evaluated here: Hydra runs the module before Python knows it, and a dataclass of texts asks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class StackedLauncherConf:
    _target_: str = "hydra_plugins.runner_stacked.stacked_launcher.StackedLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="stacked", node=StackedLauncherConf, provider="runner")


class StackedLauncher(Launcher):
    """What it does is told in docs/replicas.md; runner.launching does it."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._context, self._task, self._config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Runs the jobs; what each returns, in their order.

        Raises:
            ValueError: They are jobs of another program.
        """
        from runner.job import job
        from runner.launching.launch import launch

        if self._task is not job:
            raise ValueError("hydra/launcher=stacked launches jobs of `python -m runner` alone")
        return launch(self._context, self._config, job_overrides, initial_job_idx)
