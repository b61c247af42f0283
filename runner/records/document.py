"""What a run has come to: verdict.json, and the parameters that it began and ended with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner.assemble import Setup
from runner.outcome import Outcome
from runner.records.drift import drift_document
from runner.records.files import write_json
from runner.records.gradients import copy_parameters
from runner.records.words import sentence

SCHEMA_VERSION = 1


def write_outcome(folder: Path, setup: Setup, outcome: Outcome, **more: Any) -> None:
    """Writes parameters.safetensors, then verdict.json, with ``more`` keys of its own."""
    initial = setup.initial
    copy_parameters(folder / "parameters.safetensors", {**initial.parameters, **initial.buffers}, outcome.final)
    write_json(folder / "verdict.json", verdict_document(outcome, list(setup.backends)) | more)


def verdict_document(outcome: Outcome, backends: list[str]) -> dict[str, Any]:
    """The whole verdict, a row a tensor, and the drift."""
    verdict = outcome.verdict
    return {
        "schema": SCHEMA_VERSION,
        "verdict": verdict.verdict,
        "sentence": sentence(verdict, backends),
        "backends": backends,
        "judged_steps": verdict.judged_steps,
        "second_looks": verdict.second_looks,
        "third_looks": verdict.third_looks,
        "logic_roundings": verdict.worst("logic_roundings"),
        "precision_roundings": verdict.worst("roundings"),
        "first": None if verdict.first is None else asdict(verdict.first),
        "findings": verdict.findings,
        "explanations": {name: asdict(e) for name, e in verdict.explanations.items()},
        "noise_over": verdict.noise_over,
        "blind_below": verdict.blind_below,
        "tensors": [{"tensor": name, **asdict(t)} for name, t in verdict.tensors.items()],
        "evaluation": None if outcome.epoch is None else asdict(outcome.epoch),
        "updates": [{"tensor": name, **asdict(t)} for name, t in verdict.updates.items()],
        "drift": drift_document(outcome.drift),
    }
