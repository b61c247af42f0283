"""What the verdict costs: a judged step against an unjudged one, and the whole verdict against gradcheck."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.nets import NETS, Net
from benchmarks.timing import Line, medians, ratio, time_in_turn
from runner.arrays import Array
from runner.backends.base import BackendChoice, Given, Step
from runner.backends.scratch import Scratch
from runner.backends.torch import EAGER
from runner.comparison.constants import NOISE, POINTS, UNIT_ROUNDOFF
from runner.comparison.point import Point
from runner.comparison.verdict import Judge

CHOICES: dict[str, BackendChoice] = {"scratch": Scratch(), "torch": EAGER}
SINGLE, DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


class _Run:
    """Both backends at one point, and the judge."""

    def __init__(self, net: Net) -> None:
        problem = net.problem()
        self.state, self.x, self.y = net.data(problem, np.float32)
        self.given = Given(self.state, self.x, self.y)
        self.judge = Judge(problem, CHOICES, SINGLE)
        self._backends = {name: choice.make(name, problem, SINGLE) for name, choice in CHOICES.items()}
        self.restart()

    def restart(self) -> None:
        for backend in self._backends.values():
            backend.load(self.state)

    def train(self) -> dict[str, Step]:
        steps = {name: backend.step(self.x, self.y, draws={}) for name, backend in self._backends.items()}
        for backend in self._backends.values():
            backend.update()
        return steps

    def step(self, judged: bool) -> Callable[[], object]:
        def once() -> object:
            self.restart()  # a fixed point: what is timed is always the first look
            return self.judge.compare(self.given, self.train(), judged)

        return once

    def point(self) -> Point:
        """A point of which nothing is known yet."""
        sides, parameters = self.judge.sides, {k: np.array(v, DOUBLE) for k, v in self.state.parameters.items()}
        layout = self.judge.layout(len(self.x))
        return Point(sides, layout, parameters, self.x.astype(DOUBLE), self.y.astype(DOUBLE))


def judged_steps() -> Iterator[Line]:
    """Each net in float32, one thread, at a step that the first look acquits.

    An unjudged step is that of both backends, forward, backward and update, and the deviations of all tensors. The
    second look is 8 noisy runs of the library, the third 8 moved points of both sides.
    """
    for net in NETS:
        run = _Run(net)
        [comparison] = run.judge.compare(run.given, run.train(), judged=True)
        assert comparison.verdict == "agree", comparison
        known = run.point()
        known.library  # noqa: B018  (computed by the first look before the second begins)

        def second(point: Point = known) -> object:
            return point.sigma_of_noise(NOISE * UNIT_ROUNDOFF["float64"])

        def third(run: _Run = run) -> list[Array]:
            moved = [run.point().moved(k) for k in range(POINTS)]
            return [point.high(name) for point in moved for name in CHOICES]

        times = time_in_turn([run.step(judged=False), run.step(judged=True), second, third], max(2, net.steps // 20))
        plain, judged, noisy, nearby = times.T
        ratios = {
            "judged over unjudged": ratio(judged, plain),
            "second look over judged": ratio(noisy, judged),
            "third look over judged": ratio(nearby, judged),
        }
        yield Line(net.name, ratios, dict(zip(("unjudged", "judged"), medians(times), strict=False)))


def against_gradcheck() -> Iterator[Line]:
    """The net of the assignment, one sample, in float64: what gradcheck asks for."""
    net = NETS[0]
    run = _Run(net)
    module = run.judge.problem.network.torch().to(torch.float64)
    inputs, targets = torch.tensor(run.x, dtype=torch.float64), torch.tensor(run.y, dtype=torch.float64)
    parameters = [p.detach().clone().requires_grad_() for p in module.parameters()]
    names = [name for name, _ in module.named_parameters()]

    def loss(*values: torch.Tensor) -> torch.Tensor:
        out = torch.func.functional_call(module, dict(zip(names, values, strict=True)), (inputs,))
        return torch.nn.functional.mse_loss(out, targets, reduction="sum")

    def gradcheck(fast: bool) -> Callable[[], object]:
        return lambda: torch.autograd.gradcheck(loss, parameters, fast_mode=fast)

    steps = run.train()

    def verdict() -> object:
        return run.judge.compare(run.given, steps, judged=True)

    # of a round as long for each, so that none is timed in caches that another has filled
    times = time_in_turn([gradcheck(fast=False), gradcheck(fast=True), verdict], [5, 50, 150])
    slow, fast, own = times.T
    ratios = {"slow mode over verdict": ratio(slow, own), "fast mode over verdict": ratio(fast, own)}
    yield Line(net.name, ratios, dict(zip(("slow mode", "fast mode", "verdict"), medians(times), strict=True)))
