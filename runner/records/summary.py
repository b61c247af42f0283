"""A run of which MLflow has the last value of each metric alone; all of them stand in the run folder's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from runner.records.mlflow import MlflowRun
from runner.records.writer import Hand, at_once

SUMMARY = "summary"


class SummaryRun(MlflowRun):
    """Keeps each metric until the run ends, or a model takes over its scores."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Keeps metrics in place of their earlier values. What is not finite becomes a tag with its first step."""
        self.pending.last |= {key: (value, step) for key, value in metrics.items() if isfinite(value)}
        super().log({key: value for key, value in metrics.items() if not isfinite(value)}, step)

    def log_model(self, path: Path) -> None:
        self._log_last()
        super().log_model(path)

    def finish(self, status: str, tags: Mapping[str, str], folder: Path, artifacts: Sequence[Path]) -> None:
        self._log_last()
        super().finish(status, tags, folder, artifacts)

    def _log_last(self) -> None:
        last, self.pending.last = self.pending.last, {}
        for key, (value, step) in last.items():
            super().log({key: value}, step)


def open_run(metrics: str, uri: str, experiment: str, hand: Hand = at_once, journal: Path | None = None) -> MlflowRun:
    """A run that is about to be made, by what ``record.metrics`` says."""
    return (SummaryRun if metrics == SUMMARY else MlflowRun)(uri, experiment, hand, journal)
