"""Mistakes in schedules of the learning rate and in the clipping of gradients."""

from __future__ import annotations

from dataclasses import replace
from math import cos, pi

import numpy as np

from runner.arrays import Array
from runner.clipping.norm import NormClip
from runner.clipping.value import ValueClip
from runner.schedules.base import Rates
from runner.schedules.cosine import Cosine, ScratchCosine
from runner.schedules.exponential import Exponential, ScratchExponential
from runner.schedules.one_cycle import OneCycle, ScratchOneCycle
from runner.schedules.plateau import Plateau
from runner.schedules.step import ScratchStep, Step
from runner.schedules.warm_up import ScratchWarmUp, WarmUp
from tests.faults.training import WrongClip, WrongRates


class _Late(ScratchExponential):
    def following(self, k: float) -> float:
        return self.lr if k == 1 else super().following(k)


class ExponentialLate(WrongRates):
    """It begins to fall one advance too late."""

    def wrong(self, schedule: Exponential, lr: float, total: int) -> Rates:
        return _Late(schedule, lr)


class _Compounded(ScratchExponential):
    def following(self, k: float) -> float:
        return float(self.lr * self.gamma**k)


class ExponentialCompounded(WrongRates):
    """The last rate is multiplied by gamma^k, which belongs to the first."""

    def wrong(self, schedule: Exponential, lr: float, total: int) -> Rates:
        return _Compounded(schedule, lr)


class _EveryTime(ScratchStep):
    def following(self, k: float) -> float:
        return self.lr * self.schedule.gamma


class StepEveryTime(WrongRates):
    """It falls at every advance, not at every step_size-th."""

    def wrong(self, schedule: Step, lr: float, total: int) -> Rates:
        return _EveryTime(schedule, lr)


class _Early(ScratchStep):
    def following(self, k: float) -> float:
        return super().following(k + 1)


class StepEarly(WrongRates):
    """It falls one advance too early: they are counted from 1 in place of 0."""

    def wrong(self, schedule: Step, lr: float, total: int) -> Rates:
        return _Early(schedule, lr)


class _WholeWave(ScratchCosine):
    def following(self, k: float) -> float:
        return self.eta_min + (self.first - self.eta_min) * (1 + cos(2 * pi * k / self.t_max)) / 2


class CosineWholeWave(WrongRates):
    """A whole wave in t_max advances, not half of one."""

    def wrong(self, schedule: Cosine, lr: float, total: int) -> Rates:
        return _WholeWave(lr, schedule.t_max or total, schedule.eta_min)


class CosineOneShort(WrongRates):
    """The fall is over one advance too early."""

    def wrong(self, schedule: Cosine, lr: float, total: int) -> Rates:
        return ScratchCosine(lr, (schedule.t_max or total) - 1, schedule.eta_min)


class _Geometric(ScratchWarmUp):
    def following(self, k: float) -> float:
        share = min(k / self.schedule.total_iters, 1.0)
        return float(self.first * self.schedule.start_factor ** (1 - share))


class WarmUpGeometric(WrongRates):
    """It rises by a factor at each advance, not in a straight line."""

    def wrong(self, schedule: WarmUp, lr: float, total: int) -> Rates:
        return _Geometric(schedule, lr)


class _RisesLate(ScratchWarmUp):
    def following(self, k: float) -> float:
        return super().following(k - 1) if k > 1 else self.lr


class WarmUpLate(WrongRates):
    """It rises one advance too late."""

    def wrong(self, schedule: WarmUp, lr: float, total: int) -> Rates:
        return _RisesLate(schedule, lr)


class PlateauOneLess(WrongRates):
    """It falls after patience advances without a better loss, not after one more."""

    def wrong(self, schedule: Plateau, lr: float, total: int) -> Rates:
        return replace(schedule, patience=schedule.patience - 1).scratch(lr, None, total)


class PlateauUpsideDown(WrongRates):
    """A larger loss is the better one."""

    def wrong(self, schedule: Plateau, lr: float, total: int) -> Rates:
        return replace(schedule, mode="max").scratch(lr, None, total)


class _MomentumAlike(ScratchOneCycle):
    def following(self, k: float) -> float:
        lr = super().following(k)
        assert self.momentum is not None
        self.momentum = self.schedule.base_momentum + self.schedule.max_momentum - self.momentum
        return lr


class OneCycleMomentumAlike(WrongRates):
    """The momentum rises with the learning rate, in place of against it."""

    def wrong(self, schedule: OneCycle, lr: float, total: int) -> Rates:
        return _MomentumAlike(schedule, lr, total)


class OneCycleWithoutLess(WrongRates):
    """The phases end at pct_start times the steps, not at one less: they are counted from 1."""

    def wrong(self, schedule: OneCycle, lr: float, total: int) -> Rates:
        made = ScratchOneCycle(schedule, lr, total)
        made.phases = [replace(phase, end=phase.end + 1) for phase in made.phases]
        made.phases = [made.phases[0], *(replace(phase, begin=phase.begin + 1) for phase in made.phases[1:])]
        made.begin()
        return made


def _norm(g: Array) -> float:
    return float(np.sqrt(np.square(g.astype(np.float64)).sum()))


class NormClipEachTensor(WrongClip):
    """Each tensor is scaled by its own norm."""

    def clipped(self, clip: NormClip, gradients: list[Array]) -> Array:
        return np.concatenate([g * min(clip.max_norm / (_norm(g) + 1e-6), 1.0) for g in gradients])


class NormClipAlways(WrongClip):
    """Gradients are scaled to the largest norm where theirs is smaller too."""

    def clipped(self, clip: NormClip, gradients: list[Array]) -> Array:
        g = np.concatenate(gradients)
        return np.asarray(g * (clip.max_norm / (_norm(g) + 1e-6)))


class NormClipSquared(WrongClip):
    """The sum of squares stands for the norm: the root is forgotten."""

    def clipped(self, clip: NormClip, gradients: list[Array]) -> Array:
        g = np.concatenate(gradients)
        return np.asarray(g * min(clip.max_norm / (_norm(g) ** 2 + 1e-6), 1.0))


class ValueClipAbove(WrongClip):
    """Only what is too large is cut off, not what is too small."""

    def clipped(self, clip: ValueClip, gradients: list[Array]) -> Array:
        return np.asarray(np.minimum(np.concatenate(gradients), np.asarray(clip.clip_value, gradients[0].dtype)))


class ValueClipByNorm(WrongClip):
    """All gradients are scaled together, by their largest, in place of each cut off."""

    def clipped(self, clip: ValueClip, gradients: list[Array]) -> Array:
        g = np.concatenate(gradients)
        return np.asarray(g * min(clip.clip_value / float(np.abs(g).max()), 1.0))
