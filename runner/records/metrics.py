"""What a run is in MLflow: its metrics and tags."""

from __future__ import annotations

import numpy as np

from runner.comparison.summary import RunVerdict
from runner.evaluation import Epoch
from runner.outcome import Record


def step_metrics(record: Record) -> dict[str, float]:
    """One step's metrics; of several backends the worst, each tensor."""
    metrics = {f"loss/{name}": float(step.loss) for name, step in record.steps.items()}
    names = record.comparisons[0].layout.names
    deviations = np.fmax.reduce([c.deviation.max_abs for c in record.comparisons])
    metrics |= {f"deviation/max_abs/{name}": float(v) for name, v in zip(names, deviations, strict=True)}
    if record.comparisons[0].logic is not None:
        roundings = np.fmax.reduce([c.precision.roundings for c in record.comparisons])
        metrics |= {f"deviation/roundings/{name}": float(v) for name, v in zip(names, roundings, strict=True)}
    return metrics


def verdict_metrics(verdict: RunVerdict) -> dict[str, float]:
    """What is known at the end."""
    return {
        "verdict/agree": float(verdict.agree),
        "verdict/logic_roundings": verdict.worst("logic_roundings"),
        "verdict/precision_roundings": verdict.worst("roundings"),
        "verdict/second_looks": float(verdict.second_looks),
        "verdict/third_looks": float(verdict.third_looks),
    }


def verdict_tags(verdict: RunVerdict) -> dict[str, str]:
    """The verdict and, where the backends do not agree, where it was found first and why."""
    tags = {"verdict": verdict.verdict}
    if verdict.first is not None:
        tags |= {"verdict.first_step": str(verdict.first.step), "verdict.first_tensor": verdict.first.tensor}
        explanation = verdict.explanations.get(verdict.first.backend)
        tags |= {"verdict.cause": explanation.cause if explanation is not None else "unknown"}
    return tags


def epoch_metrics(epoch: Epoch) -> dict[str, float]:
    """Loss and, where there are classes, accuracy of each backend, on both parts of the data."""
    metrics = {}
    for part, found in (("train", epoch.train), ("held_out", epoch.held_out)):
        for backend, scores in found.items():
            metrics[f"{part}/loss/{backend}"] = scores.loss
            if scores.accuracy is not None:
                metrics[f"{part}/accuracy/{backend}"] = scores.accuracy
    return metrics
