"""Wrong backends at the edge of the numbers: whatever is plainly off there is found, in what it is off."""

from __future__ import annotations

import numpy as np
import pytest

from runner.backends.base import Step
from tests.edge.judged import judged
from tests.faults.library import PERCEPTRON as EVERY

PLAIN = 1e-2
"""Of a tensor's largest value: more than rounding does to any that is told of here."""
OF_A_SHAPE = {
    *("layers_exchanged", "one_element_off", "element_shifted", "row_hardly_off", "half_the_slope"),
    *("activation_missing", "activation_twice"),
}
"""Those that know the widths of the network that they are wrong in."""
PERCEPTRON = [fault for fault in EVERY if fault.name != "scratch"]
BOTH = ("float32", "float64")
EDGES = {
    "features of 1e-30": ("data.low=-1e-30", "data.high=1e-30"),
    "features of 1e-15": ("data.low=-1e-15", "data.high=1e-15"),
    "features of 1e8": ("data.low=-1e8", "data.high=1e8"),
    "features of 1e30": ("data.low=-1e30", "data.high=1e30"),
    "a single sample": ("data.samples=1", "batch_size=1"),
    "width 1": ("architecture.hidden=[1,1]", "data.features=1"),
    "small parameters": ("init=normal", "init.std=1e-6"),
    "large parameters": ("init=normal", "init.std=1e6"),
    "no parameters": ("init=zeros",),
    "half saturated": ("init=normal", "init.std=30"),
    "relu": ("architecture.activation=relu", "init=normal"),
    "depth 12": (f"architecture.hidden=[{','.join(['2'] * 11)}]", "architecture.activation=tanh", "init=orthogonal"),
}


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("edge", EDGES)
def test_what_is_plainly_off_is_found(edge: str, dtype: str) -> None:
    anywhere = [fault.name for fault in PERCEPTRON if fault.name not in OF_A_SHAPE]
    place = [(e, d) for e in EDGES for d in BOTH].index((edge, dtype))
    names = ",".join(anywhere[place :: len(EDGES) * len(BOTH)])
    one_step = () if edge == "a single sample" else ("data.samples=3",)
    found = judged(f"backend=[scratch,{names},torch]", "target=teacher", f"dtype={dtype}", *one_step, *EDGES[edge])
    (first, *_) = found.records.records
    reference = first.steps["torch"]
    for comparison in first.comparisons:
        off = _plainly_off(first.steps[comparison.backend], reference)
        right = comparison.backend == "scratch"
        assert not (right and off), edge
        if off:
            assert comparison.verdict in ("mismatch", "imprecise"), (edge, comparison.backend, comparison.finding, off)
            assert set(off) <= set(comparison.suspects), (edge, comparison.backend, comparison.suspects, off)
        elif right:
            assert comparison.verdict == "agree", (edge, comparison.finding)


def _plainly_off(step: Step, reference: Step) -> list[str]:
    """The tensors of finite numbers that differ by more than ``PLAIN`` of the largest of the reference's."""
    off = []
    for name, g in {"loss": reference.loss, "prediction": reference.prediction, **reference.gradients}.items():
        u = {"loss": step.loss, "prediction": step.prediction, **step.gradients}[name]
        with np.errstate(all="ignore"):
            top = np.abs(g).max()
            if np.isfinite(u).all() and top > 0 and np.abs(u - g).max() > PLAIN * top:
                off.append(name)
    return off
