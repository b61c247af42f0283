"""One random case judged, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from runner.assemble import Setup
from runner.backends.base import State
from runner.backends.torch import EAGER
from runner.comparison.constants import NOISE, UNIT_ROUNDOFF
from runner.comparison.looks import measured
from runner.comparison.point import Point
from runner.comparison.results import Comparison
from runner.comparison.sides import HIGH, Sides
from runner.comparison.tensors import layout_of
from runner.data.base import Stream, generator
from runner.steps import batches
from tests.fuzzing.cases import Case, random_case
from tests.fuzzing.mutants import Mistake, Mistaken, family_of, mutant
from tests.helpers import kept

Row = dict[str, Any]


def judge_right(seed: int) -> Row:
    """A right configuration: its verdict, and what was found of every step and of every update."""
    case = random_case(seed)
    outcome, recorder = kept(case.setup())
    gradients, updates = recorder.comparisons, recorder.updates
    return {
        "seed": seed,
        **_drawn(case),
        "verdict": outcome.verdict.verdict,
        "findings": sorted({c.finding for c in (*gradients, *updates) if c.finding}),
        "suspects": sorted({name for c in (*gradients, *updates) for name in c.suspects}),
        "gradients": [_found(c) for c in gradients],
        "updates": [_found(c) for c in updates],
    }


def judge_mutant(seed: int) -> Row:
    """A mutant: its family, by how many roundings it moves its worst element, and its verdict."""
    family = family_of(seed)
    case = random_case(seed, widest=40, deepest=5, dtypes={"float32": 0.5, "float64": 0.5})
    setup = case.setup()
    mistake = mutant(setup, family, seed)
    moved = max(_moved(setup, mistake))
    outcome, recorder = kept(replace(setup, backends={"mutant": Mistaken(mistake=mistake), "torch": EAGER}))
    explanations = list(outcome.verdict.explanations.values())
    return {
        "seed": seed,
        **_drawn(case),
        "family": family,
        "moved": moved,
        "verdict": outcome.verdict.verdict,
        "findings": sorted({c.finding for c in (*recorder.comparisons, *recorder.updates) if c.finding}),
        "cause": explanations[0].cause if explanations else "",
    }


def _drawn(case: Case) -> Row:
    keys = ("dtype", "loss", "optimizer", "schedule", "clip", "data", "target")
    return {"kind": case.kind, **{key: case.value(key) for key in keys}}


def _found(c: Comparison) -> Row:
    """The last look at the logic and at the precision, and the worst roundings there."""
    logic = float(c.logic.roundings.max()) if c.logic is not None else float("nan")
    precision = float(np.nanmax([c.precision.roundings.max(), 0.0]))
    looks = {"logic_look": c.logic_look, "precision_look": c.precision_look}
    return {"verdict": c.verdict, **looks, "logic": logic, "precision": precision}


def _moved(setup: Setup, mistake: Mistake) -> Iterator[float]:
    """By how many roundings of the second look the worst element is moved, of each step and of each update."""
    choices = {"mutant": Mistaken(mistake=mistake), "torch": EAGER}
    sides = Sides(setup.problem, choices, "torch")
    backend = EAGER.make("torch", setup.problem, setup.dtype)
    backend.load(setup.initial)
    rng = generator(setup.seed, Stream.MASKS)
    for x, y in batches(setup):
        draws = setup.problem.network.draw(rng, len(x))
        state = _in_high(backend.state())
        backend.step(x, y, draws=draws)
        backend.update()
        layout = layout_of(setup.problem.network, len(x))
        x, y = (v if v.dtype.kind in "iu" else v.astype(HIGH) for v in (x, y))
        point = Point(sides, layout, state.parameters, x, y, HIGH.name, state.buffers, draws, state.optimizer, True)
        for name in sides.high:
            point.high(name)
        for at in (point, point.updated()):
            sigma = at.sigma_of_noise(NOISE * UNIT_ROUNDOFF[HIGH.name])
            yield float(measured(2, at.high("mutant"), at.reference, sigma, HIGH.name).roundings.max())


def _in_high(state: State) -> State:
    parts = (state.parameters, state.buffers, state.optimizer)
    return State(*({k: np.array(v, v.dtype if v.dtype.kind in "iu" else HIGH) for k, v in p.items()} for p in parts))
