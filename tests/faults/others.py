"""What other checks say of the numbers of a fault at its first wrong step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch

from runner.arrays import DTYPES, Array, in_dtype
from runner.assemble import Setup
from runner.backends.base import Backend, State, Step
from runner.data.base import Stream, generator
from runner.experiment import run_experiment
from runner.outcome import Silent
from runner.steps import batches

RELATIVE = 1e-7
HIGH = DTYPES["float64"]
Gradients = Mapping[str, Array]


@dataclass(frozen=True)
class Objections:
    """What each of the other checks says of the gradients: right, wrong, or rounding.

    The last is an objection in the run's dtype that is none in float64: rounding alone decides it, so that another
    machine's kernels may pass the same formulas.
    """

    allclose: str
    assert_close: str
    gradcheck: str
    relative: str


def objections(setup: Setup, steps: Mapping[str, Step], at: int) -> Objections:
    """``steps`` are both sides' of step ``at``, in the run's dtype."""
    (name, reference) = steps
    u, g = steps[name].gradients, steps[reference].gradients
    twin, right = _Twin(setup, name, at), _Twin(setup, reference, at)
    high = twin.at(twin.parameters).gradients, right.at(right.parameters).gradients
    return Objections(
        allclose=_said(np.allclose, (u, g), high),
        assert_close=_said(_assert_close, (u, g), high),
        gradcheck="right" if _gradcheck(twin) else "wrong",
        relative="wrong" if relative_error(*high) >= RELATIVE else "right",
    )


def _said(
    close: Callable[[Array, Array], bool], run: tuple[Gradients, Gradients], high: tuple[Gradients, Gradients]
) -> str:
    if _all_close(close, *run):
        return "right"
    return "rounding" if _all_close(close, *high) else "wrong"


def _all_close(close: Callable[[Array, Array], bool], u: Gradients, g: Gradients) -> bool:
    return all(close(u[name], g[name]) for name in g)


def relative_error(u: Gradients, g: Gradients) -> float:
    """|a - n| / max(|a|, |n|) of the worst element; 0 where both are 0."""
    a, n = (np.concatenate([np.ravel(side[name]) for name in g]).astype(HIGH) for side in (u, g))
    return float((np.abs(a - n) / np.maximum(np.maximum(np.abs(a), np.abs(n)), np.finfo(HIGH).tiny)).max())


def _assert_close(u: Array, g: Array) -> bool:
    try:
        torch.testing.assert_close(torch.tensor(u), torch.tensor(g), rtol=1.3e-6, atol=1e-5)  # float32's defaults
    except AssertionError:
        return False
    return True


class _Twin:
    """A backend in float64 at the parameters of one step, brought there through the steps before."""

    def __init__(self, setup: Setup, name: str, step: int) -> None:
        self._setup, self._name = setup, name
        rng, network = generator(setup.seed, Stream.MASKS), setup.problem.network
        self._given = [
            (in_dtype(x, HIGH), in_dtype(y, HIGH), network.draw(rng, len(x)))
            for x, y in islice(batches(setup), step + 1)
        ]
        self._way = [self._before(k) for k in range(step + 1)]
        self._backend = self._made()
        self.parameters = self._way[-1].parameters

    def at(self, parameters: Mapping[str, Array]) -> Step:
        """The step at other parameters; what is carried from step to step is made anew."""
        if len(self._way) > 1:
            self._backend = self._made()
        for before, given in zip(self._way[:-1], self._given, strict=False):
            self._take(before, *given)
        return self._take(dataclasses.replace(self._way[-1], parameters=parameters), *self._given[-1])

    def _take(self, before: State, x: Array, y: Array, draws: Mapping[str, Array]) -> Step:
        self._backend.load(before)
        return self._backend.step(x, y, draws=draws)

    def _made(self) -> Backend:
        return self._setup.backends[self._name].make(self._name, self._setup.problem, HIGH)

    def _before(self, step: int) -> State:
        """The parameters and running averages that a step starts from."""
        initial, network = self._setup.initial, self._setup.problem.network
        held = {**initial.parameters, **network.buffers}
        if step:
            end = step * self._setup.batch_size
            begun = dataclasses.replace(self._setup, x=self._setup.x[:end], y=self._setup.y[:end])
            held = {**held, **run_experiment(begun, Silent()).final}
        high = {name: in_dtype(np.asarray(value), HIGH) for name, value in held.items()}
        return State({n: high[n] for n in initial.parameters}, {n: high[n] for n in network.buffers})


class _Loss(torch.autograd.Function):
    """The twin's loss as a function of all parameters; its backward gives the twin's gradients."""

    @staticmethod
    def forward(
        ctx: Any, evaluate: Callable[[Sequence[torch.Tensor]], Step], *parameters: torch.Tensor
    ) -> torch.Tensor:
        step = evaluate(parameters)
        ctx.gradients = [torch.tensor(gradient) for gradient in step.gradients.values()]
        return torch.tensor(float(step.loss), dtype=torch.float64)

    @staticmethod
    def backward(ctx: Any, *grad: torch.Tensor) -> Any:
        return (None, *(grad[0] * gradient for gradient in ctx.gradients))


def _gradcheck(twin: _Twin) -> bool:
    def evaluate(parameters: Sequence[torch.Tensor]) -> Step:
        values = [p.detach().numpy() for p in parameters]
        step = twin.at(dict(zip(twin.parameters, values, strict=True)))
        return dataclasses.replace(step, gradients={n: step.gradients[n] for n in twin.parameters})

    inputs = [torch.tensor(value, requires_grad=True) for value in twin.parameters.values()]
    loss: Callable[..., Any] = _Loss.apply
    return torch.autograd.gradcheck(lambda *p: loss(evaluate, *p), inputs, raise_exception=False)
