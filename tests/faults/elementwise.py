"""Mistakes in activations beyond sigmoid, tanh and ReLU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers, Layer, Pass
from runner.layers.elu import ELU
from runner.layers.gelu import CUBIC, GELU
from runner.layers.hardtanh import Hardtanh
from runner.layers.leaky_relu import LeakyReLU
from runner.layers.mish import Mish
from runner.layers.selu import ALPHA, SELU
from runner.layers.silu import ScratchSiLU, SiLU
from runner.layers.softplus import ScratchSoftplus, Softplus
from runner.layers.softsign import Softsign
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import OtherKeys, WrongPass


class LeakyReLUWithoutSlope(WrongBackward):
    """0 below 0 on the way back, as for ReLU."""

    kind = LeakyReLU

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (t.x > 0))


class LeakyReLUSidesSwapped(WrongBackward):
    """The small slope above 0, and 1 below it, on the way back."""

    kind = LeakyReLU

    def spoil(self, t: Site) -> Array:
        return np.where(t.x > 0, t.own.negative_slope * t.delta, t.delta)


class ELUSlopeIsActivation(WrongBackward):
    """a in place of a + alpha below 0."""

    kind = ELU

    def spoil(self, t: Site) -> Array:
        return np.where(t.x > 0, t.delta, t.delta * t.y)


class ELUAlphaForgotten(WrongBackward):
    """exp(z) in place of alpha exp(z) below 0, on the way back alone."""

    kind = ELU

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * np.exp(np.minimum(t.x, 0)))


class SELUScaleMissing(WrongBackward):
    """ELU's slope, without the scale."""

    kind = SELU

    def spoil(self, t: Site) -> Array:
        return np.where(t.x > 0, t.delta, t.delta * ALPHA * np.exp(np.minimum(t.x, 0)))


class SELUAsELU(OtherKeys):
    """ELU with SELU's alpha: the scale is in neither pass."""

    kind = SELU

    def other(self, layer: SELU) -> Layer:
        return ELU(name=None, alpha=ALPHA)


class GELUWithoutDensity(WrongBackward):
    """P(z) alone: the second term of the product rule is left out."""

    kind = GELU

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * t.own.p)


class GELUByTanh(OtherKeys):
    """The approximation by tanh where the error function is meant."""

    kind = GELU

    def other(self, layer: GELU) -> Layer:
        return replace(layer, approximate="tanh")


class GELUCubicWithoutThree(WrongBackward):
    """1 + c z^2 in place of 1 + 3 c z^2 in the slope of the approximation by tanh."""

    kind = GELU

    def spoil(self, t: Site) -> Array:
        root = np.sqrt(2 / np.pi)
        return np.asarray(t.dx - t.delta * root * CUBIC * t.x * t.x * t.own.u)


class SiLUSlopeIsSigmoid(WrongBackward):
    """sigmoid(z) alone: z is taken as a constant."""

    kind = SiLU

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta / t.own.q)


class SiLUWithoutZ(WrongBackward):
    """s + s (1 - s) in place of s + z s (1 - s)."""

    kind = SiLU

    def spoil(self, t: Site) -> Array:
        s = 1 / t.own.q
        return np.asarray(t.delta * (s + s * (1 - s)))


class MishWithoutSigmoid(WrongBackward):
    """t + z (1 - t^2): softplus is taken as the identity."""

    kind = Mish

    def spoil(self, t: Site) -> Array:
        tanh = t.own.t
        return np.asarray(t.delta * (tanh + t.x * (1 - tanh * tanh)))


class MishAsSiLU(WrongPass):
    """SiLU stands for Mish."""

    kind = Mish

    def wrong(self, layer: Mish, buffers: Buffers) -> Pass:
        return ScratchSiLU(buffers)


class SoftplusBetaTwice(WrongBackward):
    """beta sigmoid(beta z): the factor 1 / beta is forgotten."""

    kind = Softplus

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.own.beta * t.dx)


class SoftplusAtOne(WrongBackward):
    """sigmoid(z) in place of sigmoid(beta z)."""

    kind = Softplus

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta / (1 + np.exp(-t.x)))


class _NotDivided(ScratchSoftplus):
    def forward(self, z: Array) -> Array:
        a = super().forward(z)
        return np.multiply(a, self.beta, out=a)


class SoftplusNotDivided(WrongPass):
    """log(1 + exp(beta z)), which is not divided by beta, in the forward pass."""

    kind = Softplus

    def wrong(self, layer: Softplus, buffers: Buffers) -> Pass:
        return _NotDivided(buffers, layer)


class HardtanhUnmasked(WrongBackward):
    """delta goes through where the value was cut off."""

    kind = Hardtanh

    def spoil(self, t: Site) -> Array:
        return t.delta


class HardtanhAtOne(WrongBackward):
    """The mask of the way back is that of -1 and 1, whatever the bounds are."""

    kind = Hardtanh

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (np.abs(t.x) < 1))


class SoftsignNotSquared(WrongBackward):
    """1 / q in place of 1 / q^2."""

    kind = Softsign

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta / t.own.q)


class SoftsignAsTanh(WrongBackward):
    """1 - a^2, tanh's slope."""

    kind = Softsign

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta * (1 - t.y * t.y))
