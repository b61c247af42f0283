"""Mistakes in optimizers: the gradients are right, the step that is taken is not."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array
from tests.faults.training import Taken, WrongUpdate


class DampeningForgotten(WrongUpdate):
    """The whole gradient reaches the buffer; right at the first step."""

    def taken(self, t: Taken) -> Array:
        if t.carried:
            t.own.buffer += t.own.optimizer.dampening * t.g
        return np.asarray(t.before - t.lr * t.own.buffer)


class NesterovAsMomentum(WrongUpdate):
    """The buffer itself is stepped by, without the look ahead."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.before - t.lr * t.own.buffer)


class DecayPastMomentum(WrongUpdate):
    """Weights decay beside the momentum, not by way of it."""

    def taken(self, t: Taken) -> Array:
        decay = t.own.weight_decay * t.before
        t.own.buffer -= decay
        return np.asarray(t.before - t.lr * (t.own.buffer + decay))


class Ascent(WrongUpdate):
    """p + lr g: up the gradient."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(2 * t.before - t.after)


class AdamUncorrected(WrongUpdate):
    """Neither moment is divided by 1 - beta^t."""

    def taken(self, t: Taken) -> Array:
        own = t.own
        return np.asarray(t.before - t.lr * own.m / (np.sqrt(own.v) + own.eps))


class AdamCorrectedAhead(WrongUpdate):
    """The moments are corrected for one step more: t is counted too early."""

    def taken(self, t: Taken) -> Array:
        own, k = t.own, t.k + 1
        root = np.sqrt(own.v / (1 - own.beta2**k)) + own.eps
        return np.asarray(t.before - t.lr * own.m / (1 - own.beta1**k) / root)


class AdamEpsInside(WrongUpdate):
    """sqrt(v + eps) in place of sqrt(v) + eps."""

    def taken(self, t: Taken) -> Array:
        own = t.own
        root = np.sqrt(own.v / (1 - own.beta2**t.k) + own.eps)
        return np.asarray(t.before - t.lr * own.m / (1 - own.beta1**t.k) / root)


class AdamRootForgotten(WrongUpdate):
    """Divided by the mean square, not by its root."""

    def taken(self, t: Taken) -> Array:
        own = t.own
        square = own.v / (1 - own.beta2**t.k) + own.eps
        return np.asarray(t.before - t.lr * own.m / (1 - own.beta1**t.k) / square)


def _adam(t: Taken, g: Array, beta1: float, beta2: float) -> Array:
    """Adam's step of another gradient, or by other betas; its moments are written over."""
    own = t.own
    own.m[...] = beta1 * t.old("exp_avg") + (1 - beta1) * g
    own.v[...] = beta2 * t.old("exp_avg_sq") + (1 - beta2) * g * g
    return np.asarray(t.lr * own.m / (1 - beta1**t.k) / (np.sqrt(own.v / (1 - beta2**t.k)) + own.eps))


class AdamBetasExchanged(WrongUpdate):
    """beta2 for the mean and beta1 for the mean square."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.before - _adam(t, t.g, t.own.beta2, t.own.beta1))


class AdamDecoupled(WrongUpdate):
    """Weights decay by themselves, as in AdamW."""

    def taken(self, t: Taken) -> Array:
        step = _adam(t, t.g, t.own.beta1, t.own.beta2)
        return np.asarray((1 - t.lr * t.own.weight_decay) * t.before - step)


class AMSGradForgotten(WrongUpdate):
    """Divided by the mean square of now, not by the largest so far."""

    def taken(self, t: Taken) -> Array:
        own = t.own
        root = np.sqrt(own.v / (1 - own.beta2**t.k)) + own.eps
        return np.asarray(t.before - t.lr * own.m / (1 - own.beta1**t.k) / root)


class AdamWDecayWithoutRate(WrongUpdate):
    """Weights shrink by the decay, not by lr times it."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.after - (1 - t.lr) * t.own.weight_decay * t.before)


class AdamWDecayAfter(WrongUpdate):
    """Weights shrink after the step, not before it."""

    def taken(self, t: Taken) -> Array:
        shrunk = t.lr * t.own.weight_decay
        step = t.after - (1 - shrunk) * t.before
        return np.asarray((1 - shrunk) * (t.before + step))


class AdamWCoupled(WrongUpdate):
    """The decay is part of the gradient, as in Adam."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.before - _adam(t, t.g + t.own.weight_decay * t.before, t.own.beta1, t.own.beta2))


class RMSpropEpsInside(WrongUpdate):
    """sqrt(v + eps) in place of sqrt(v) + eps, as in TensorFlow."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.before - t.lr * t.g / np.sqrt(t.own.v + t.own.eps))


class RMSpropNotCentred(WrongUpdate):
    """The mean square stands where the variance is meant."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.before - t.lr * t.g / (np.sqrt(t.own.v) + t.own.eps))


class RMSpropShareSwapped(WrongUpdate):
    """v <- (1 - alpha) v + alpha g^2."""

    def taken(self, t: Taken) -> Array:
        own = t.own
        own.v[...] = (1 - own.alpha) * t.old("square_avg") + own.alpha * t.g * t.g
        return np.asarray(t.before - t.lr * t.g / (np.sqrt(own.v) + own.eps))


class AdagradSumForgotten(WrongUpdate):
    """Divided by the size of this gradient alone; right at the first step."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.before - t.lr * t.g / (np.abs(t.g) + t.own.eps))


class AdagradEpsInside(WrongUpdate):
    """sqrt(s + eps) in place of sqrt(s) + eps."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.before - t.lr * t.g / np.sqrt(t.own.s + t.own.eps))


class AdadeltaRateForgotten(WrongUpdate):
    """p - s, as in the paper, without the learning rate."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.before + (t.after - t.before) / t.lr)


class AdadeltaStepsWithRate(WrongUpdate):
    """What the mean square of the steps takes in is lr s, not s."""

    def taken(self, t: Taken) -> Array:
        step = t.after - t.before
        t.own.u[...] = t.own.rho * t.old("acc_delta") + (1 - t.own.rho) * step * step
        return t.after


class NAdamMomentumOfThisStep(WrongUpdate):
    """mu of this step where that of the next belongs."""

    def taken(self, t: Taken) -> Array:
        own, product = t.own, float(t.own.mu_product)
        now, following = (own._mu(own.beta1, k) for k in (t.k, t.k + 1))
        step = own.m / own.d
        right, wrong = (mu / (1 - product * mu) for mu in (following, now))
        return np.asarray(t.after + t.lr * (right - wrong) * step)


class NAdamAsAdam(WrongUpdate):
    """Adam's step, without the look ahead."""

    def taken(self, t: Taken) -> Array:
        return np.asarray(t.before - t.lr * t.own.m / (1 - t.own.beta1**t.k) / t.own.d)


class RAdamDividedAtOnce(WrongUpdate):
    """Adam's step from the beginning, when its mean square cannot be relied on."""

    def taken(self, t: Taken) -> Array:
        own = t.own
        root = np.sqrt(own.v / (1 - own.beta2**t.k)) + own.eps
        return np.asarray(t.before - t.lr * own.m / (1 - own.beta1**t.k) / root)


class RAdamUnrectified(WrongUpdate):
    """The factor r is left out; right while nothing is divided."""

    def taken(self, t: Taken) -> Array:
        own, n = t.own, 2 / (1 - t.own.beta2) - 1
        power = own.beta2**t.k
        k = n - 2 * t.k * power / (1 - power)
        r = ((k - 4) * (k - 2) * n / ((n - 4) * (n - 2) * k)) ** 0.5 if k > 5 else 1.0
        return np.asarray(t.before + (t.after - t.before) / r)
