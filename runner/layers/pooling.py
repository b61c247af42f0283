"""What pooling over windows of an image has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.arrays import Shape
from runner.errors import ConfigError
from runner.layers.base import Layer
from runner.layers.windows import Windows, as_torch_has_it, check_per_axis, per_axis, spans

AXES = 2


@dataclass(frozen=True, kw_only=True)
class Pooling2d(Layer):
    """Samples are (channels, height, width); no parameters.

    ``kernel_size``, ``stride`` (null: as ``kernel_size``) and ``padding`` are one number, or one for each axis. With
    ``ceil_mode`` a last window is taken that begins in the image, or in the padding before it, and ends beyond both.
    """

    kernel_size: Any
    stride: Any
    padding: Any
    ceil_mode: bool

    def dilations(self) -> Shape:
        """Points from one of a window's points to the next."""
        return (1,) * AXES

    def check(self) -> None:
        check_per_axis("kernel_size", self.kernel_size, AXES, 1)
        if self.stride is not None:
            check_per_axis("stride", self.stride, AXES, 1, ", or null")
        check_per_axis("padding", self.padding, AXES, 0)
        half = [size // 2 for size in per_axis(self.kernel_size, AXES)]
        if any(p > h for p, h in zip(per_axis(self.padding, AXES), half, strict=True)):
            raise ConfigError("padding", self.padding, "at most half of kernel_size")

    def windows(self, image: Shape) -> Windows:
        """The windows over an image; raises ValueError, in words, where none fits into it."""
        kernel, before = per_axis(self.kernel_size, AXES), per_axis(self.padding, AXES)
        stride = kernel if self.stride is None else per_axis(self.stride, AXES)
        dilation = self.dilations()
        span = spans(kernel, dilation)
        outputs = tuple(map(self._count, image, span, stride, before))
        if min(outputs) < 1:
            needed = " x ".join(str(s - 2 * b) for s, b in zip(span, before, strict=True))
            raise ValueError(f"an input of at least {needed} points, that a window finds room in")
        return Windows(image, kernel, stride, dilation, before, outputs)

    def _count(self, size: int, span: int, step: int, before: int) -> int:
        """How many windows there are along an axis (torch's pooling_output_shape)."""
        room = size + 2 * before - span
        count = (room + (step - 1 if self.ceil_mode else 0)) // step + 1
        return count - 1 if self.ceil_mode and (count - 1) * step >= size + before else count

    def output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.windows(image_of(input_shape)).outputs)

    def arguments(self) -> dict[str, Any]:
        """What torch's module takes; its stride is the kernel's size where none is given."""
        kernel, stride = as_torch_has_it(self.kernel_size), as_torch_has_it(self.stride)
        return {
            "kernel_size": kernel,
            "stride": kernel if stride is None else stride,
            "padding": as_torch_has_it(self.padding),
        }


def image_of(input_shape: Shape) -> Shape:
    """(height, width) of a sample; raises ValueError, in words, where it has none."""
    if len(input_shape) != 1 + AXES:
        raise ValueError("an input of 3 axes (channels, height, width)")
    return input_shape[1:]
