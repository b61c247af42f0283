"""The verdict on a whole run, gathered step by step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from runner.comparison.explanation import Explanation
from runner.comparison.results import SEVERITY, Comparison


@dataclass
class TensorSummary:
    """The worst that was seen of one tensor over all steps and backends; NaN where nothing was judged.

    ``max_abs`` is infinite where a value was not finite. The roundings are those of the steps that were judged.
    """

    max_abs: float = float("nan")
    roundings: float = float("nan")
    logic_roundings: float = float("nan")
    ok: bool = True

    @property
    def known(self) -> bool:
        """Whether anything was computed of it."""
        return not np.isnan(self.max_abs)


@dataclass(frozen=True)
class Disagreement:
    """Where a run disagrees first.

    The step, the backend, the first tensor in the order of computation, and there the worst element: its index, both
    values, and the roundings between them (NaN where a value is not finite). ``form`` says that what the backend
    returned has not the form of a step: there are no values then, and no tensor if none or several are at fault.
    """

    step: int
    backend: str
    reference: str
    tensor: str
    index: tuple[int, ...]
    value: float
    reference_value: float
    roundings: float
    finding: str
    form: bool = False


@dataclass
class RunVerdict:
    """The gravest verdict of a run's steps; ``first`` is the first step that has it, None where all agree.

    ``blind_below`` is the share of a tensor's largest gradient below which no fault could be seen; 0 where the logic
    was judged in float64. ``updates`` are what the backends carry after an update: parameters, running averages, the
    optimizer's state. ``noise_over`` says what rounding was measured on: the project's own ``layers``, or the
    reference's own operations, of ``torch`` or of ``numpy``. An explanation is that of its backend's gravest verdict.
    """

    verdict: str = "agree"
    first: Disagreement | None = None
    diverged: bool = False
    judged_steps: int = 0
    second_looks: int = 0
    third_looks: int = 0
    blind_below: float = 0.0
    noise_over: str = "layers"
    explanations: dict[str, Explanation] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    tensors: dict[str, TensorSummary] = field(default_factory=dict)
    updates: dict[str, TensorSummary] = field(default_factory=dict)
    _gravest: dict[str, int] = field(default_factory=dict)

    @property
    def agree(self) -> bool:
        return self.verdict == "agree"

    def worst(self, kind: str) -> float:
        """The worst ``roundings`` or ``logic_roundings`` over all tensors; NaN where nothing was judged."""
        values = [getattr(t, kind) for t in self.tensors.values()]
        known = [v for v in values if not np.isnan(v)]
        return max(known, default=float("nan"))

    def add(self, step: int, comparisons: list[Comparison]) -> None:
        """Takes in one step's comparisons."""
        self.judged_steps += any(c.logic is not None for c in comparisons)
        self.second_looks += any(max(c.logic_look, c.precision_look) >= 2 for c in comparisons)
        self.third_looks += any(c.logic_look >= 3 for c in comparisons)
        for c in comparisons:
            _add_tensors(self.tensors, c)
            self.blind_below = max(self.blind_below, c.blind_below)
            self.diverged = self.diverged or c.verdict == "diverged"
            if c.verdict == "agree" and c.finding:
                self.findings[c.finding] = self.findings.get(c.finding, step)
            self.take(step, c)

    def add_update(self, step: int, comparisons: list[Comparison]) -> None:
        """Takes in what was found after the update that follows a judged step."""
        for c in comparisons:
            _add_tensors(self.updates, c)
            self.diverged = self.diverged or c.verdict == "diverged"
            self.take(step, c)

    def take(self, step: int, c: Comparison) -> None:
        """Takes in a verdict, where it disagrees and why, and nothing else."""
        if c.verdict is None:
            return
        gravity, gravest = SEVERITY.index(c.verdict), self._gravest.get(c.backend, 0)
        if gravity > gravest:
            self._gravest[c.backend] = gravity
            self.explanations.pop(c.backend, None)
        if c.explanation is not None and gravity >= gravest:
            self.explanations.setdefault(c.backend, c.explanation)
        if gravity > SEVERITY.index(self.verdict):
            self.verdict, self.first = c.verdict, _disagreement(step, c)


def _add_tensors(to: dict[str, TensorSummary], c: Comparison) -> None:
    apart = c.deviation.max_abs
    if not c.form:  # a difference that is no number is then one of values that are not finite
        apart = np.where(np.isnan(apart), np.inf, apart)
    for i, name in enumerate(c.layout.names):
        t = to.setdefault(name, TensorSummary())
        t.max_abs = float(np.fmax(t.max_abs, apart[i]))
        t.roundings = float(np.fmax(t.roundings, c.precision.roundings[i]))
        if c.logic is not None:
            t.logic_roundings = float(np.fmax(t.logic_roundings, c.logic.roundings[i]))
        t.ok = t.ok and name not in c.suspects


def _disagreement(step: int, c: Comparison) -> Disagreement:
    if c.form:
        tensor, nan = "".join(c.suspects), float("nan")
        return Disagreement(step, c.backend, c.reference, tensor, (), nan, nan, nan, c.finding, form=True)
    tensor = c.suspects[0] if c.suspects else c.layout.order[0]
    i = c.layout.names.index(tensor)
    by_precision = c.logic is None or (c.verdict == "imprecise" and c.logic.roundings[i] < c.precision.roundings[i])
    worst = c.precision if by_precision or c.logic is None else c.logic
    index = tuple(int(k) for k in np.unravel_index(int(worst.index[i]), c.layout.shapes[i]))
    return Disagreement(
        step,
        c.backend,
        c.reference,
        tensor,
        index,
        float(worst.value[i]),
        float(worst.reference[i]),
        float(worst.roundings[i]),
        c.finding,
    )
