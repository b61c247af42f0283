"""Windows that slide over the last axes of an array, as convolution and pooling need them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers

Place = tuple[Any, ...]
"""What picks elements of the last axes: an ellipsis and a slice an axis."""


def check_per_axis(key: str, value: object, axes: int, least: int, also: str = "") -> None:
    """Raises ConfigError where ``value`` is neither a whole number from ``least`` nor a list of one for each axis.

    ``also`` says in words what else the caller allows.
    """
    listed = value if isinstance(value, list) else [value] * axes
    if len(listed) == axes and all(type(n) is int and n >= least for n in listed):
        return
    pair = f", or a list of {axes} of them" if axes > 1 else ", or a list of one"
    raise ConfigError(key, "null" if value is None else value, f"a whole number from {least}{pair}{also}")


def per_axis(value: Any, axes: int) -> Shape:
    """One number for each axis."""
    return tuple(value) if isinstance(value, list) else (value,) * axes


def as_torch_has_it(value: Any) -> Any:
    """A list as the tuple that torch's modules keep and print."""
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Windows:
    """One number an axis for each of: the image's size, the window's, its stride and dilation, the padding before the
    image, and how many windows there are. What the last window needs beyond the image is padding too.
    """

    image: Shape
    kernel: Shape
    stride: Shape
    dilation: Shape
    before: Shape
    outputs: Shape

    @property
    def span(self) -> Shape:
        """How far a window reaches along each axis, gaps included."""
        return spans(self.kernel, self.dilation)

    @property
    def padded(self) -> Shape:
        """Size of the image with its padding."""
        axes = zip(self.image, self.before, self.outputs, self.stride, self.span, strict=True)
        return tuple(max(before + size, (n - 1) * step + span) for size, before, n, step, span in axes)

    @property
    def are_points(self) -> bool:
        """Whether every window is one point of the image, and every point one window."""
        ones = (1,) * len(self.image)
        return self.kernel == self.stride == ones and self.padded == self.image

    @property
    def inside(self) -> Place:
        """Where the image lies in its padding."""
        return (..., *(slice(b, b + size) for b, size in zip(self.before, self.image, strict=True)))

    def places(self) -> Iterator[Place]:
        """For each point of a window, the last axis first, where it lies in all windows at once."""
        for point in product(*map(range, self.kernel)):
            axes = zip(point, self.dilation, self.outputs, self.stride, strict=True)
            yield (..., *(slice(i * gap, i * gap + (n - 1) * step + 1, step) for i, gap, n, step in axes))

    def sliding(self, padded: Array) -> Array:
        """A view (..., *outputs, *kernel) of ``padded`` (..., *padded)."""
        axes = tuple(range(-len(self.image), 0))
        view = np.lib.stride_tricks.sliding_window_view(padded, self.span, axis=axes)
        steps: Place = (..., *(slice(None, None, step) for step in (*self.stride, *self.dilation)))
        return view[steps]


def spans(kernel: Shape, dilation: Shape) -> Shape:
    """How far a window reaches along each axis, gaps included."""
    return tuple(gap * (size - 1) + 1 for size, gap in zip(kernel, dilation, strict=True))


def filled(buffers: Buffers, shape: Shape, value: float) -> Array:
    """An array of the pass's dtype and kind that holds ``value`` everywhere."""
    made = buffers.empty(shape)
    made[...] = value
    return made
