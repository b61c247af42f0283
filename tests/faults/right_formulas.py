"""Activations and normalisations that are right in another way than the project's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.arrays import Array
from runner.layers.base import Buffers, Pass
from runner.layers.batch_norm import BatchNorm
from runner.layers.elu import ELU
from runner.layers.gelu import GELU
from runner.layers.group_norm import GroupNorm
from runner.layers.layer_norm import LayerNorm
from runner.layers.log_softmax import LogSoftmax
from runner.layers.mish import Mish
from runner.layers.rms_norm import RMSNorm
from runner.layers.sigmoid import ScratchSigmoid, Sigmoid
from runner.layers.silu import SiLU
from runner.layers.softmax import Softmax
from runner.layers.softplus import Softplus
from runner.layers.softsign import Softsign
from tests.faults.base import Site, WrongBackward
from tests.faults.passes import WrongPass


class _ByTanh(ScratchSigmoid):
    def forward(self, z: Array) -> Array:
        self.a[...] = 0.5 * (1 + np.tanh(0.5 * z))
        return self.a


class SigmoidByTanh(WrongPass):
    """a = (1 + tanh(z / 2)) / 2."""

    kind = Sigmoid

    def wrong(self, layer: Sigmoid, buffers: Buffers) -> Pass:
        return _ByTanh(buffers)


class ELUByExponential(WrongBackward):
    """alpha exp(z) in place of a + alpha."""

    kind = ELU

    def spoil(self, t: Site) -> Array:
        return np.where(t.x > 0, t.delta, t.delta * t.own.alpha * np.exp(np.minimum(t.x, 0)))


class SoftplusBySigmoid(WrongBackward):
    """1 / (1 + exp(-beta z))."""

    kind = Softplus

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta / (1 + np.exp(-t.own.beta * t.x)))


class GELUByNormalLaw(WrongBackward):
    """The distribution function and the density of the normal law, by a function of their own."""

    kind = GELU

    def spoil(self, t: Site) -> Array:
        from scipy.special import ndtr

        density = np.exp(-t.x * t.x / 2) / np.sqrt(2 * np.pi)
        return np.asarray(t.delta * (ndtr(t.x) + t.x * density)).astype(t.x.dtype)


class SiLUByActivation(WrongBackward):
    """s + a (1 - s)."""

    kind = SiLU

    def spoil(self, t: Site) -> Array:
        s = 1 / t.own.q
        return np.asarray(t.delta * (s + t.y * (1 - s)))


class MishByPolynomials(WrongBackward):
    """The quotient of polynomials in exp(z) and z of the paper."""

    kind = Mish

    def spoil(self, t: Site) -> Array:
        z, e = t.x, np.exp(t.x)
        above = 4 * (z + 1) + 4 * e**2 + e**3 + e * (4 * z + 6)
        return np.asarray(t.delta * e * above / (2 * e + e**2 + 2) ** 2)


class SoftsignBySquare(WrongBackward):
    """1 / (1 + |z|)^2."""

    kind = Softsign

    def spoil(self, t: Site) -> Array:
        return np.asarray(t.delta / (1 + np.abs(t.x)) ** 2)


class SoftmaxByJacobian(WrongBackward):
    """The Jacobian diag(p) - p p^T, written out."""

    kind = Softmax

    def spoil(self, t: Site) -> Array:
        p, unit = t.y[..., None], np.eye(t.y.shape[-1], dtype=t.y.dtype)
        return np.asarray(((unit * p - p * p.mT) @ t.delta[..., None])[..., 0])


class LogSoftmaxByJacobian(WrongBackward):
    """The Jacobian 1 - p, written out."""

    kind = LogSoftmax

    def spoil(self, t: Site) -> Array:
        p, unit = np.exp(t.y)[..., None], np.eye(t.y.shape[-1], dtype=t.y.dtype)
        return np.asarray(((unit - p) @ t.delta[..., None])[..., 0])


class LayerNormInSums(WrongBackward):
    """dx = rstd / n (n g - sum g - xhat sum(g xhat))."""

    kind = LayerNorm

    def spoil(self, t: Site) -> Array:
        made, n = t.own.standardised, t.x.shape[-1]
        g = t.delta.reshape(made.xhat.shape) * t.own.rows.weight
        sums = [part.sum(axis=-1, keepdims=True) for part in (g, g * made.xhat)]
        return np.asarray(made.rstd / n * (n * g - sums[0] - made.xhat * sums[1])).reshape(t.x.shape)


def _three_terms(g: Array, x: Array, mean: Array, rstd: Array, axis: Any) -> Array:
    """dx by way of the gradients of the variance and of the mean."""
    n = x.size // rstd.size
    d_var = (g * (x - mean)).sum(axis=axis, keepdims=True) * -0.5 * rstd**3
    d_mean = -(g * rstd).sum(axis=axis, keepdims=True)
    return np.asarray(g * rstd + d_var * 2 * (x - mean) / n + d_mean / n)


class LayerNormInThreeTerms(WrongBackward):
    """dx by way of the gradients of the variance and of the mean."""

    kind = LayerNorm

    def spoil(self, t: Site) -> Array:
        made = t.own.standardised
        x, g = (part.reshape(made.xhat.shape) for part in (t.x, t.delta * t.own.rows.weight[0]))
        return _three_terms(g, x, made.mean, made.rstd, -1).reshape(t.x.shape)


class BatchNormInThreeTerms(WrongBackward):
    """dx by way of the gradients of the variance and of the mean, as in the paper."""

    kind = BatchNorm

    def spoil(self, t: Site) -> Array:
        made = t.own.standardised
        x, delta = t.x.reshape(t.own.shape), t.delta.reshape(t.own.shape)
        return _three_terms(delta * t.own.weight, x, made.mean, made.rstd, (0, 2)).reshape(t.x.shape)


class RMSNormOfInputs(WrongBackward):
    """dx = r g - x r^3 mean(g x)."""

    kind = RMSNorm

    def spoil(self, t: Site) -> Array:
        r, g = t.own.r.reshape(*t.x.shape[:-1], 1), t.delta * t.own.rows.weight[0]
        return np.asarray(r * g - t.x * r**3 * (g * t.x).mean(axis=-1, keepdims=True))


class GroupNormInThreeTerms(WrongBackward):
    """dx by way of the gradients of the variance and of the mean."""

    kind = GroupNorm

    def spoil(self, t: Site) -> Array:
        own, made = t.own, t.own.standardised
        g = (t.delta.reshape(own.in_channels) * own.weight).reshape(own.in_groups)
        return _three_terms(g, t.x.reshape(own.in_groups), made.mean, made.rstd, -1).reshape(t.x.shape)
