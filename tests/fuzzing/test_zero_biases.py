"""Biases that are exactly 0 in a network with small activations: a move that is small beside 1 is large there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from runner.assemble import Setup
from runner.backends.torch import EAGER
from runner.comparison.mistakes.base import Passage
from runner.comparison.tensors import layout_of
from tests.fuzzing.mutants import Mistaken, mutant
from tests.helpers import kept, make_setup, with_parameters


def small_relu_network() -> Setup:
    hidden = ",".join(["20"] * 10)
    overrides = [f"architecture.hidden=[{hidden}]", "architecture.activation=relu", "dtype=float64"]
    setup = make_setup(*overrides, "data.samples=16", "batch_size=16")
    given = setup.initial.parameters
    return with_parameters(setup, {n: v * 0.1 * (not n.endswith("bias")) for n, v in given.items()})


def test_it_agrees_where_nothing_is_wrong() -> None:
    assert kept(small_relu_network())[0].verdict.verdict in ("agree", "undecided")


@pytest.mark.parametrize("family", ["row forgotten", "element forgotten", "sample dropped", "element's sign"])
def test_a_wrong_gradient_is_no_kink(family: str) -> None:
    setup = small_relu_network()
    passage = Passage(setup.problem, layout_of(setup.problem.network, 16), np.empty)
    passage.load(setup.initial.parameters, setup.x, setup.y)
    for seed in range(4):
        choice = Mistaken(mistake=mutant(setup, family, seed))
        assert choice.mistake.backward is not None
        changed = np.abs(passage.run(choice.mistake.backward) - passage.run()).max() > 0
        outcome = kept(replace(setup, backends={"mutant": choice, "torch": EAGER}))[0]
        assert outcome.verdict.verdict == "mismatch" or not changed, (family, seed, outcome.verdict)
