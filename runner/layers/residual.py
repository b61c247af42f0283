"""Residual: a list of layers beside a shortcut, y = f(x) + s(x) (He et al. 2016, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from runner.arrays import Array, Shape
from runner.errors import ConfigError
from runner.layers.base import Buffers, Layer, Mask, Parameter
from runner.layers.nested import Chain, below, placed, prefixed
from runner.layers.placing import Places

if TYPE_CHECKING:
    import torch

SHORTCUT = "shortcut"


@dataclass(frozen=True, kw_only=True)
class Residual(Layer):
    """``layers``: the list f; ``shortcut``: the list s, the identity where it is null or empty.

    The names of the layers in f stand after this layer's own, those of s after its own and ``shortcut``.
    """

    layers: list[Any]
    shortcut: list[Any] | None

    nested: ClassVar[tuple[str, ...]] = ("layers", "shortcut")

    def check(self) -> None:
        if not self.layers:
            raise ConfigError("layers", "an empty list", "at least one layer")

    def inside(self, input_shape: Shape) -> Places:
        """The layers of f in their places."""
        return placed("layers", self.layers, input_shape)

    def beside(self, input_shape: Shape) -> Places | None:
        """The layers of s in their places; None for the identity."""
        return placed(SHORTCUT, self.shortcut, input_shape) if self.shortcut else None

    def output_shape(self, input_shape: Shape) -> Shape:
        f, s = self.inside(input_shape).output_shape, self._of_shortcut(input_shape)
        if f != s:
            raise ConfigError(
                "", f"layers that make {f} of {input_shape}, beside a shortcut of {s}", "one shape of both"
            )
        return f

    def _of_shortcut(self, input_shape: Shape) -> Shape:
        beside = self.beside(input_shape)
        return input_shape if beside is None else beside.output_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        beside = self.beside(input_shape)
        found = {} if beside is None else prefixed(SHORTCUT, beside.parameters)
        return self.inside(input_shape).parameters | found

    def buffers(self, input_shape: Shape) -> dict[str, Array]:
        beside = self.beside(input_shape)
        found = {} if beside is None else prefixed(SHORTCUT, beside.buffers)
        return self.inside(input_shape).buffers | found

    def masks(self, input_shape: Shape) -> dict[str, Mask]:
        beside = self.beside(input_shape)
        found = {} if beside is None else prefixed(SHORTCUT, beside.masks)
        return self.inside(input_shape).masks | found

    def fewest(self, input_shape: Shape) -> int:
        beside = self.beside(input_shape)
        return max(self.inside(input_shape).fewest, 1 if beside is None else beside.fewest)

    def scratch(self, buffers: Buffers) -> ScratchResidual:
        beside = self.beside(buffers.sample)
        shortcut = None if beside is None else Chain(beside, below(SHORTCUT, buffers))
        return ScratchResidual(Chain(self.inside(buffers.sample), buffers), shortcut, buffers, self)

    def torch(self, input_shape: Shape) -> torch.nn.Module:
        import torch

        class ResidualModule(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                y = x
                for name, module in self.named_children():
                    y = module(y) if name != SHORTCUT else y
                return y + (self.get_submodule(SHORTCUT)(x) if SHORTCUT in self._modules else x)

            def _get_name(self) -> str:
                return "Residual"

        module, beside = ResidualModule(), self.beside(input_shape)
        module._modules.update(self.inside(input_shape).torch()._modules)
        if beside is not None:
            module._modules[SHORTCUT] = beside.torch()
        return module

    def describe(self, input_shape: Shape) -> str:
        lines, beside = self.inside(input_shape).lines(), self.beside(input_shape)
        if beside is not None:
            lines += [f"  ({SHORTCUT}): Sequential(", *(f"  {line}" for line in beside.lines()), "  )"]
        return "\n".join(["Residual(", *lines, ")"])


class ScratchResidual:
    """x and dx (*replicas, batch, *sample), y and delta of the output's shape.

    y = f(x) + s(x);  dx = df + ds, df and ds being what f and s hand back of delta.

    Derived in docs/derivations/residual.md.
    """

    def __init__(self, f: Chain, shortcut: Chain | None, buffers: Buffers, layer: Residual) -> None:
        self.f, self.shortcut = f, shortcut
        self.y = buffers.empty((*buffers.lead, *layer.output_shape(buffers.sample)))
        self.dx = buffers.empty(buffers.input_shape) if buffers.input_gradient else None

    def forward(self, x: Array) -> Array:
        s = x if self.shortcut is None else self.shortcut.forward(x)
        return np.add(self.f.forward(x), s, out=self.y)

    def backward(self, delta: Array) -> Array:
        df = self.f.backward(delta)
        ds = delta if self.shortcut is None else self.shortcut.backward(delta)
        return delta if self.dx is None else np.add(df, ds, out=self.dx)
