"""A run in MLflow for every replica of a stack, nested in that of the stack."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from runner import stopping
from runner.arrays import Array
from runner.backends.base import Step
from runner.records.environment import HOST
from runner.records.identity import Identity
from runner.records.journal import SUFFIX
from runner.records.metrics import verdict_metrics, verdict_tags
from runner.records.stacked.summary import Summary
from runner.records.summary import open_run

POINTS = 500
"""Steps of which a replica's losses are kept, evenly spread, at most."""


@dataclass
class EachReplica:
    """Gathers the losses of all replicas, and makes their runs when the stack has ended.

    ``recorded`` is the number of recorded steps, ``metrics`` says which losses are logged (``record.metrics``). A
    replica that has ended has no more losses. ``unsent`` says why MLflow was not told of all; the rest is in a journal
    for each replica then.
    """

    recorded: int
    metrics: str
    unsent: str | None = field(init=False, default=None)
    _count: int = field(init=False, default=0)
    _steps: list[int] = field(init=False, default_factory=list)
    _losses: dict[str, list[Array]] = field(init=False, default_factory=dict)

    def add(self, step: int, steps: Mapping[str, Step], wanted: Array) -> None:
        """Takes in one recorded step, if it is one of the points; ``wanted`` are the replicas that it is of."""
        self._count += 1
        if (self._count - 1) % max(1, -(-self.recorded // POINTS)):
            return
        self._steps.append(step)
        for name, made in steps.items():
            losses = np.where(wanted, made.loss.astype(np.float64), np.nan)
            self._losses.setdefault(name, []).append(losses)

    def write(self, uri: str, experiment: str, identity: Identity, parent: str | None, summary: Summary) -> None:
        """Makes a run a replica: its seed and learning rate, its losses, its verdict and what led to that.

        Without ``parent``, the stack's run, which is not made yet, they go into the journals.
        """
        for k, verdict in enumerate(summary.outcome.verdicts):
            stopping.check()
            run = open_run(self.metrics, uri, experiment, journal=identity.folder / f"replica-{k}{SUFFIX}")
            params = {"seed": summary.seeds[k], "lr": summary.rates[k]}
            tags = {"replica": str(k), "run_folder": str(identity.folder.absolute()), HOST: platform.node()}
            tags |= {} if parent is None else {"mlflow.parentRunId": parent}
            run.start(summary.name_of(k), params, tags, later=True, nested=parent is None)
            try:
                for i, step in enumerate(self._steps):
                    known = {f"loss/{name}": float(losses[i][k]) for name, losses in self._losses.items()}
                    run.log({name: loss for name, loss in known.items() if not np.isnan(loss)}, step)
                run.log(verdict_metrics(verdict), 0)
                note = f"To run it alone:\n\n    {summary.alone(k)}"
                run.finish("FINISHED", verdict_tags(verdict) | {"mlflow.note.content": note}, identity.folder, [])
            except BaseException as error:
                status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
                run.finish(status, {}, identity.folder, [])
                raise
            finally:
                self.unsent = self.unsent or run.unsent
