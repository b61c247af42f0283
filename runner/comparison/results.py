"""What is known of one backend's step when it has been compared with the reference's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from runner.arrays import Array
from runner.backends.base import FormError
from runner.comparison.constants import LIMIT
from runner.comparison.deviation import Deviation
from runner.comparison.explanation import Explanation
from runner.comparison.looks import Judged
from runner.comparison.tensors import Layout

SEVERITY = ("agree", "imprecise", "undecided", "diverged", "mismatch")
"""From the mildest to the gravest; a run has the gravest verdict of its steps."""


@dataclass(frozen=True)
class Worst:
    """The worst element of every tensor, by roundings or, where they are not known, by deviation.

    Attributes:
        index: Its index in the flattened tensor, (tensors,).
        value: What the judged side has there.
        reference: What the reference has there.
        roundings: How many roundings they are apart; NaN where it was not judged.
        sigma: The size of one rounding there; NaN where it was not judged.
    """

    index: Array
    value: Array
    reference: Array
    roundings: Array
    sigma: Array


@dataclass(frozen=True)
class Comparison:
    """One backend against the reference on one step.

    ``precision`` and ``deviation`` are in the run's dtype, ``logic`` and ``logic_deviation`` in float64; ``error`` and
    ``reference_error`` are the largest distances of each side from its own float64 twin, (tensors,). Of a step that is
    not judged only ``deviation`` and the place of the largest one are known. ``form`` says that what the backend
    returns has not the form of a step, which ``finding`` tells. ``blind_below`` is the share of a tensor's largest
    gradient below which no fault could be seen, where a backend could not be judged in float64. ``explanation`` comes
    with the first mismatch of each backend. ``elements`` are the roundings of every element, of the logic and of the
    precision, (layout.size,) each; None where it was not judged.
    """

    backend: str
    reference: str
    layout: Layout
    verdict: str | None
    deviation: Deviation
    precision: Worst
    precision_look: int = 0
    logic: Worst | None = None
    logic_look: int = 0
    logic_deviation: Deviation | None = None
    error: Array | None = None
    reference_error: Array | None = None
    suspects: tuple[str, ...] = ()
    finding: str = ""
    form: bool = False
    blind_below: float = 0.0
    explanation: Explanation | None = None
    elements: tuple[Array, Array] | None = None


def blind_below(layout: Layout, logic: Judged) -> float:
    """The largest, over the gradients, of 30 roundings as a share of the largest element; 0 / 0 does not count."""
    shares = [
        LIMIT * logic.sigma[place].max() / np.abs(logic.g[place]).max()
        for name, place in layout.slices().items()
        if name not in ("loss", "prediction") and logic.g[place].any()
    ]
    return float(max(shares, default=0.0))


def faulted(comparison: Comparison, fault: FormError) -> Comparison:
    """The comparison of a step that has not the form of one."""
    suspects = (fault.tensor,) if fault.tensor else ()
    return replace(
        comparison, backend=fault.backend, verdict="mismatch", form=True, suspects=suspects, finding=str(fault)
    )


def worst_unjudged(layout: Layout, u: Array, g: Array, by: Array) -> Worst:
    """The elements where ``by`` is largest, not judged."""
    at = _largest(layout, by)
    nothing = np.full(len(at), np.nan)
    return Worst(at - layout.starts, u[at], g[at], nothing, nothing)


def worst_judged(layout: Layout, judged: Judged) -> Worst:
    at = _largest(layout, judged.roundings)
    return Worst(at - layout.starts, judged.u[at], judged.g[at], judged.roundings[at], judged.sigma[at])


def _largest(layout: Layout, by: Array) -> Array:
    return np.array([int(np.argmax(by[place])) + place.start for place in layout.places])
