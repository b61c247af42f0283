"""Losses, optimizers, schedules and clipping that are right in another way than the project's own."""

from __future__ import annotations

from math import cos, pi

import numpy as np

from runner.arrays import Array
from runner.clipping.norm import NormClip
from runner.schedules.base import Rates
from runner.schedules.cosine import Cosine, ScratchCosine
from runner.schedules.warm_up import ScratchWarmUp, WarmUp
from tests.faults.base import AtLoss, WrongLoss
from tests.faults.regression import BETA
from tests.faults.training import Taken, WrongClip, WrongRates, WrongUpdate


class HuberByCases(WrongLoss):
    """r^2 / 2 or delta (|r| - delta / 2), by cases."""

    def value(self, t: AtLoss) -> Array:
        r, d = t.p - t.y, BETA
        return np.asarray(np.where(np.abs(r) < d, r * r / 2, d * (np.abs(r) - d / 2)).mean())

    def slope(self, t: AtLoss) -> Array:
        r, d = t.p - t.y, BETA
        return np.where(np.abs(r) < d, r, d * np.sign(r)) / r.size


class SmoothL1ByCases(WrongLoss):
    """r^2 / (2 beta) or |r| - beta / 2, by cases."""

    def value(self, t: AtLoss) -> Array:
        r, b = t.p - t.y, BETA
        return np.asarray(np.where(np.abs(r) < b, r * r / (2 * b), np.abs(r) - b / 2).mean())

    def slope(self, t: AtLoss) -> Array:
        r, b = t.p - t.y, BETA
        return np.where(np.abs(r) < b, r / b, np.sign(r)) / r.size


class BCEInTwoTerms(WrongLoss):
    """dp = ((1 - y) / (1 - p) - y / p) / n."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray(((1 - t.y) / (1 - t.p) - t.y / t.p) / t.p.size)


class BCELogitsByMaximum(WrongLoss):
    """max(p, 0) - p y + log(1 + exp(-|p|)), and the sigmoid by tanh."""

    def value(self, t: AtLoss) -> Array:
        return np.asarray((np.maximum(t.p, 0) - t.p * t.y + np.log1p(np.exp(-np.abs(t.p)))).mean())

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((0.5 * (1 + np.tanh(t.p / 2)) - t.y) / t.p.size)


def _hot(t: AtLoss) -> Array:
    return np.asarray(t.y[..., None] == np.arange(t.p.shape[-1])).astype(t.p.dtype)


class CrossEntropyByChain(WrongLoss):
    """The logarithm's gradient -1 / s at the class, through softmax's Jacobian."""

    def slope(self, t: AtLoss) -> Array:
        e = np.exp(t.p - t.p.max(axis=-1, keepdims=True))
        s = e / e.sum(axis=-1, keepdims=True)
        d = -_hot(t) / s / len(s)
        return np.asarray(s * (d - (d * s).sum(axis=-1, keepdims=True)))


class CrossEntropyByLogSumExp(WrongLoss):
    """The mean of log sum exp(p) - p[y]."""

    def value(self, t: AtLoss) -> Array:
        top = t.p.max(axis=-1)
        sums = np.log(np.exp(t.p - top[:, None]).sum(axis=-1)) + top
        return np.asarray((sums - (t.p * _hot(t)).sum(axis=-1)).mean())


class NLLAsCrossEntropy(WrongLoss):
    """dp = exp(p) - onehot: behind log_softmax, which takes off p times its sum, that is the same."""

    def slope(self, t: AtLoss) -> Array:
        return np.asarray((np.exp(t.p) - _hot(t)) / len(t.p))


class KLByQuotient(WrongLoss):
    """The mean of y log(y / q), q = exp(p)."""

    def value(self, t: AtLoss) -> Array:
        return np.asarray((t.y * np.log(t.y / np.exp(t.p))).mean())


class SGDInOne(WrongUpdate):
    """Nesterov's step from the buffer before: p - lr (g + mu (mu b + g))."""

    def taken(self, t: Taken) -> Array:
        momentum = t.own.optimizer.momentum
        buffer = momentum * t.old("momentum_buffer") + t.g
        return np.asarray(t.before - t.lr * (t.g + momentum * buffer))


class AdamEfficient(WrongUpdate):
    """The corrections in the rate: lr sqrt(1 - beta2^t) / (1 - beta1^t), and eps times the root."""

    def taken(self, t: Taken) -> Array:
        own, c1, c2 = t.own, 1 - t.own.beta1**t.k, 1 - t.own.beta2**t.k
        rate = t.lr * c2**0.5 / c1
        return np.asarray(t.before - rate * own.m / (np.sqrt(own.v) + own.eps * c2**0.5))


class AdamMomentsInTwoTerms(WrongUpdate):
    """m = beta1 m + (1 - beta1) g, in place of a step towards g."""

    def taken(self, t: Taken) -> Array:
        t.own.m[...] = t.own.beta1 * t.old("exp_avg") + (1 - t.own.beta1) * t.g
        return t.after


class AdamWInOne(WrongUpdate):
    """p - lr (decay p + the step)."""

    def taken(self, t: Taken) -> Array:
        own = t.own
        root = np.sqrt(own.v / (1 - own.beta2**t.k)) + own.eps
        step = own.m / (1 - own.beta1**t.k) / root
        return np.asarray(t.before - t.lr * (own.weight_decay * t.before + step))


class RMSpropVariance(WrongUpdate):
    """The variance of the gradient as the mean of squares less the square of the mean, in one expression."""

    def taken(self, t: Taken) -> Array:
        own = t.own
        return np.asarray(t.before - t.lr * t.g / (np.sqrt(own.v - own.a**2) + own.eps))


class _Closed(ScratchCosine):
    def following(self, k: float) -> float:
        return self.eta_min + (self.first - self.eta_min) * (1 + cos(pi * k / self.t_max)) / 2


class CosineClosed(WrongRates):
    """From the first rate, not from the one before."""

    def wrong(self, schedule: Cosine, lr: float, total: int) -> Rates:
        return _Closed(lr, schedule.t_max or total, schedule.eta_min)


class _Straight(ScratchWarmUp):
    def following(self, k: float) -> float:
        s, e, total = self.schedule.start_factor, self.schedule.end_factor, self.schedule.total_iters
        return self.first * (s + (e - s) * min(k, total) / total)


class WarmUpClosed(WrongRates):
    """From the first rate, not from the one before."""

    def wrong(self, schedule: WarmUp, lr: float, total: int) -> Rates:
        return _Straight(schedule, lr)


class NormClipOfNorms(WrongClip):
    """The norm of the tensors' norms, and a quotient."""

    def clipped(self, clip: NormClip, gradients: list[Array]) -> Array:
        norm = np.linalg.norm([np.linalg.norm(g) for g in gradients])
        g = np.concatenate(gradients)
        return np.asarray(g * min(clip.max_norm / (float(norm) + 1e-6), 1.0))
