"""One random case judged, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from runner.backends.scratch import Scratch
from runner.backends.torch import Torch
from runner.comparison.constants import NOISE, UNIT_ROUNDOFF
from runner.comparison.looks import measured
from runner.comparison.mistakes.base import Passage
from runner.comparison.point import Point
from runner.comparison.sides import HIGH, Sides
from runner.comparison.tensors import layout_of
from tests.fuzzing.cases import Case, random_case
from tests.fuzzing.mutants import FAMILIES, Mistaken, mutant
from tests.helpers import kept

Row = dict[str, Any]


def judge_right(seed: int) -> Row:
    """A right configuration: its verdict, the looks that were taken, and the worst roundings."""
    case = random_case(seed)
    outcome, recorder = kept(case.setup())
    [c] = recorder.comparisons
    logic = float(c.logic.roundings.max()) if c.logic is not None else float("nan")
    return {
        "seed": seed,
        "verdict": outcome.verdict.verdict,
        "finding": c.finding,
        "dtype": _value(case, "dtype"),
        "logic_look": c.logic_look,
        "precision_look": c.precision_look,
        "logic": logic,
        "precision": float(np.nanmax([c.precision.roundings.max(), 0.0])),
    }


def judge_mutant(seed: int) -> Row:
    """A mutant: its family, by how many roundings it moves its worst element, and its verdict."""
    family = list(FAMILIES)[seed % len(FAMILIES)]
    setup = random_case(seed, widest=40, deepest=5).setup()
    layout = layout_of(setup.problem.network, len(setup.x))
    passage = Passage(setup.problem, layout, np.empty)
    alteration = mutant(passage, family, seed)
    setup = replace(setup, backends={"mutant": Mistaken(alteration=alteration), "torch": Torch()})
    there = {name: value.astype(HIGH) for name, value in setup.initial.parameters.items()}
    sides = Sides(setup.problem, {"mutant": Mistaken(alteration=alteration), "scratch": Scratch()}, "scratch")
    point = Point(sides, layout, there, setup.x.astype(HIGH), setup.y.astype(HIGH))
    sigma = point.sigma_of_noise(NOISE * UNIT_ROUNDOFF["float64"])
    moved = float(measured(2, point.high("mutant"), point.reference, sigma, "float64").roundings.max())
    outcome, recorder = kept(setup)
    explanations = list(outcome.verdict.explanations.values())
    return {
        "seed": seed,
        "family": family,
        "moved": moved,
        "verdict": outcome.verdict.verdict,
        "finding": recorder.comparisons[0].finding,
        "cause": explanations[0].cause if explanations else "",
    }


def _value(case: Case, key: str) -> str:
    return next(o.split("=", 1)[1] for o in case.overrides if o.startswith(f"{key}="))
