"""What the tests of the plots look at in a figure."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from runner.records.plots.style import NOT_FINITE, ZERO

DEFAULT = ("seed=1", "data.samples=20")
WRONG = ("backend=[missing_slope,torch]", "data.samples=20", "batch_size=10")
SEVERAL = ("backend=[transposed_gradient,torch]", "+backend.mine={use: scratch}", "data.samples=5")
CLASSES = (
    *("data=two_moons", "target=given", "loss=cross_entropy", "architecture.out=2", "data.samples=40"),
    *("data.held_out=0.25", "batch_size=10", "epochs=2"),
)
GIVEN = ("data=two_moons", "target=given", "loss=bce_with_logits", "data.samples=20", "batch_size=20")
REGIONS = (
    *("data=gaussian_mixture", "target=given", "loss=cross_entropy", "architecture.out=3", "data.samples=60"),
    *("batch_size=20", "optimizer=adam", "lr=0.1", "epochs=10"),
)
PARTED = ("lockstep=false", "data.samples=20", "epochs=2")
DIVERGED = ("lr=1e30", "data.samples=5")
ONE_STEP = ("data.samples=1",)
NEGATIVE = (
    *("loss=nll", "data=iris", "data.held_out=0", "target=given", "architecture.out=3", "batch_size=75"),
    "architecture.activation=tanh",
)
DEEP = ("architecture.hidden=[3,3,3,3,3,3,3,3,3,3,3,3,3]", "data.samples=20", "batch_size=10")
NO_RECORDS = ("record.gradients=false", "record.plots=false", "data.samples=2")


def seen(figure: Figure | None) -> Figure:
    """The figure, which is there."""
    assert figure is not None
    return figure


def panels(figure: Figure) -> list[Any]:
    """All axes but those of colour bars; untyped, as matplotlib's types of what is drawn are too wide to work with."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def line(axes: Axes, label: str) -> Any:
    """The only line of that label."""
    (found,) = (one for one in axes.get_lines() if one.get_label() == label)
    return found


def labels(axes: Axes) -> list[str]:
    return [str(one.get_label()) for one in axes.get_lines()]


def words(figure: Figure) -> str:
    """Title, axis names and what else is written, as it stands in the figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))


def special(axes: Axes) -> dict[str, list[float]]:
    """The steps where lines have zeros, and where they are not finite."""
    found: dict[str, list[float]] = {}
    for one in axes.get_lines():
        if one.get_label() in (ZERO, NOT_FINITE):
            found.setdefault(str(one.get_label()), []).extend(np.asarray(one.get_xdata(), np.float64).tolist())
    return found
