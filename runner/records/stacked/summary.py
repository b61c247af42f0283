"""What a stack of runs has come to: counts, quantiles over the replicas, and the worst replica."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.comparison.results import SEVERITY
from runner.comparison.summary import RunVerdict
from runner.records.files import write_json
from runner.records.sweep.summary import QUANTILES
from runner.records.sweep.tables import write_csv
from runner.records.words import number, sentence
from runner.stacked.run import StackedOutcome

SCHEMA_VERSION = 1
WHAT_IT_WAS = ("verdict", "first_step", "first_tensor", "cause", "judged_steps", "second_looks")
"""Columns of replicas.csv, between seed and learning rate and the figures."""


@dataclass(frozen=True)
class Summary:
    """A stack that has ended; ``alone`` gives the command that runs a replica by itself."""

    seeds: Sequence[int]
    rates: Sequence[float]
    backends: list[str]
    outcome: StackedOutcome
    alone: Callable[[int], str]

    @property
    def agree(self) -> bool:
        return all(verdict.agree for verdict in self.outcome.verdicts)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many replicas have which verdict; ``agree`` also where none has it."""
        found = Counter(verdict.verdict for verdict in self.outcome.verdicts)
        return {verdict: found[verdict] for verdict in SEVERITY if found[verdict] or verdict == "agree"}

    @cached_property
    def worst(self) -> int:
        """The place of the replica with the gravest verdict, and of these with the most roundings."""

        def badness(k: int) -> tuple[int, float]:
            verdict = self.outcome.verdicts[k]
            roundings = verdict.worst("roundings")
            return SEVERITY.index(verdict.verdict), 0.0 if roundings != roundings else roundings

        return max(range(len(self.seeds)), key=badness)

    @property
    def worst_verdict(self) -> RunVerdict:
        return self.outcome.verdicts[self.worst]

    @cached_property
    def figures(self) -> dict[str, Array]:
        """A figure of every replica, (replicas,) each; NaN where it is not known."""
        kinds = {"precision_roundings": "roundings", "logic_roundings": "logic_roundings"}
        found = {name: np.array([v.worst(kind) for v in self.outcome.verdicts]) for name, kind in kinds.items()}
        for name, (first, last) in self.outcome.losses.items():
            found |= {f"first_loss/{name}": first, f"last_loss/{name}": last}
        return found

    def most(self, kind: str) -> float:
        """The largest ``precision_roundings`` or ``logic_roundings`` of all replicas; NaN where nothing was judged."""
        return float(np.fmax.reduce(self.figures[kind]))

    def quantiles(self) -> dict[str, dict[str, float]]:
        """Of every figure, over the replicas of which it is finite."""
        return {name: quantiles(values) for name, values in self.figures.items() if np.isfinite(values).any()}

    def status_losses(self) -> dict[str, object]:
        """What a sweep is told of the losses: each backend's first and last, the medians over the replicas."""
        found = {
            name: [quantiles(values)["median"] if np.isfinite(values).any() else None for values in ends]
            for name, ends in self.outcome.losses.items()
        }
        return {"loss": found[self.backends[-1]][1] if found else None, "losses": found}

    def words(self) -> str:
        """One sentence: how many agree, and what the others are."""
        others = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items() if verdict != "agree")
        return f"{self.counts['agree']} of {len(self.seeds)} replicas agree{f'; {others}' if others else ''}"

    def worst_words(self) -> str:
        """Which replica is the worst, and how it ended."""
        verdict, name = self.worst_verdict, self.name_of(self.worst)
        if verdict.agree:
            return f"{name}: {number(verdict.worst('roundings'))} roundings, the most"
        return f"{name}: {sentence(verdict, self.backends)}"

    def name_of(self, k: int) -> str:
        """Replica ``k`` by its seed, and by its learning rate where there are several."""
        rate = f"lr {self.rates[k]} " if len(set(self.rates)) > 1 else ""
        return f"{rate}seed {self.seeds[k]}"


def quantiles(values: Array) -> dict[str, float]:
    """Of those that are finite, of which there are some."""
    found = np.quantile(values[np.isfinite(values)], list(QUANTILES.values()))
    return dict(zip(QUANTILES, map(float, found), strict=True))


def write_replicas(path: Path, summary: Summary) -> None:
    """Writes replicas.csv, a row a replica."""
    rows: list[list[object]] = []
    for k, verdict in enumerate(summary.outcome.verdicts):
        first = verdict.first
        explanation = None if first is None else verdict.explanations.get(first.backend)
        place = [None, None, None] if first is None else [first.step, first.tensor, explanation and explanation.cause]
        known = [verdict.verdict, *place, verdict.judged_steps, verdict.second_looks]
        figures = (float(values[k]) for values in summary.figures.values())
        rows.append([summary.seeds[k], summary.rates[k], *known, *figures])
    write_csv(path, ["seed", "lr", *WHAT_IT_WAS, *summary.figures], rows)


def write_verdict(path: Path, summary: Summary) -> None:
    """Writes verdict.json of a stack: the counts, the quantiles and the worst replica."""
    worst = summary.worst_verdict
    document: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "replicas": len(summary.seeds),
        "seeds": [summary.seeds[0], summary.seeds[-1]],
        "lrs": list(dict.fromkeys(summary.rates)),
        "verdict": worst.verdict,
        "sentence": summary.words(),
        "backends": summary.backends,
        "counts": summary.counts,
        "precision_roundings": summary.most("precision_roundings"),
        "logic_roundings": summary.most("logic_roundings"),
        "quantiles": summary.quantiles(),
        "worst": {
            "seed": summary.seeds[summary.worst],
            "lr": summary.rates[summary.worst],
            "verdict": worst.verdict,
            "sentence": sentence(worst, summary.backends),
            "first": None if worst.first is None else asdict(worst.first),
            "explanations": {name: asdict(e) for name, e in worst.explanations.items()},
            "tensors": [{"tensor": name, **asdict(t)} for name, t in worst.tensors.items()],
            "updates": [{"tensor": name, **asdict(t)} for name, t in worst.updates.items()],
            "command": summary.alone(summary.worst),
        },
    }
    write_json(path, document)
