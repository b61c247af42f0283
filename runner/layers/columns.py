"""The windows of an image laid out side by side for one matrix product, and what comes back put together again."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers
from runner.layers.windows import Place, Windows, filled


class Columns:
    """The windows of x (im2col), (*replicas, batch, channels, *kernel, *outputs)."""

    def __init__(self, buffers: Buffers, windows: Windows) -> None:
        lead, n = (*buffers.lead, buffers.sample[0]), len(windows.image)
        self.padded, self.inside = filled(buffers, (*lead, *windows.padded), 0), windows.inside
        self.columns = buffers.empty((*lead, *windows.kernel, *windows.outputs))
        self.source = np.moveaxis(windows.sliding(self.padded), range(-n, 0), range(-2 * n, -n))

    def gather(self, x: Array) -> Array:
        self.padded[self.inside] = x
        np.copyto(self.columns, self.source)
        return self.columns


class Image:
    """dx, put together from ``d``, the gradient of the windows (col2im).

    ``d`` has the windows' shape; but where the windows of a plane lie side by side its last axis is as wide as the
    padded image, with zeros at its end: what one point of all windows adds is then one long run, which is faster.
    """

    def __init__(self, buffers: Buffers, windows: Windows, out_channels: int) -> None:
        lead = (*buffers.lead, buffers.sample[0])
        self.dx = self.padded = buffers.empty(buffers.input_shape)
        if windows.padded != windows.image:
            self.padded = buffers.empty((*lead, *windows.padded))
        self.inside = windows.inside
        places, image, outputs, self.wide = list(windows.places()), self.padded, windows.outputs, None
        if set(windows.stride) == {1} and len(outputs) > 1:
            outputs = (*outputs[:-1], windows.padded[-1])
            places, image = self._as_runs(windows, places), image.reshape(*lead, -1)
            self.wide = filled(buffers, (*buffers.lead, out_channels, *outputs), 0)
            self.narrow = self.wide[..., : windows.outputs[-1]]
        self.d = buffers.empty((*lead, *windows.kernel, *outputs))
        points = self.d.reshape(*lead, len(places), *(outputs if self.wide is None else (-1,)))
        points = np.moveaxis(points, len(lead), 0)
        self.pairs = []
        for place, point in zip(places, points, strict=True):
            target = image[place]
            self.pairs.append((target, point[..., : target.shape[-1]]))

    @staticmethod
    def _as_runs(windows: Windows, places: list[Place]) -> list[Place]:
        """The places in an image read as one axis, from the first window's point to the last one's."""
        found: list[Place] = []
        for place in places:
            first, last = ([getattr(s, end) for s in place[1:]] for end in ("start", "stop"))
            start = int(np.ravel_multi_index(first, windows.padded))
            end = int(np.ravel_multi_index([stop - 1 for stop in last], windows.padded)) + 1
            found.append((..., slice(start, end)))
        return found

    def widen(self, delta: Array) -> Array:
        """``delta`` with the zeros that make ``d`` as wide as the image."""
        if self.wide is None:
            return delta
        self.narrow[...] = delta
        return self.wide

    def put_together(self) -> Array:
        add = np.add
        self.padded[...] = 0
        for target, point in self.pairs:
            add(target, point, out=target)
        if self.padded is not self.dx:
            self.dx[...] = self.padded[self.inside]
        return self.dx


class Points:
    """Both where every window is one point of the image, and every point one window: nothing has to be copied."""

    def __init__(self, buffers: Buffers) -> None:
        self.d = buffers.empty(buffers.input_shape if buffers.input_gradient else ())

    def gather(self, x: Array) -> Array:
        return x

    def widen(self, delta: Array) -> Array:
        return delta

    def put_together(self) -> Array:
        return self.d
