"""Products of factors with 10 bits of mantissa, as CUDA's TF32 makes them: imprecise, and the cause is named."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array
from runner.backends.base import Backend, BackendChoice, Problem
from runner.backends.scratch import ScratchBackend
from runner.comparison.results import SEVERITY
from runner.comparison.summary import RunVerdict
from runner.experiment import run_experiment
from runner.layers.base import Buffers
from runner.layers.linear import Linear, ScratchLinear
from runner.outcome import Silent
from runner.records.metrics import verdict_tags
from runner.records.words import whole_verdict
from tests.faults.base import Altered, with_passes
from tests.helpers import kept, make_setup

WIDE = ["architecture.hidden=[32,32]", "data.features=16", "data.samples=64", "batch_size=32"]
SMALL = ["data.samples=3"]
EVERY_SEED = pytest.mark.parametrize("seed", [1, 2, 3])


def rounded(values: Array, bits: int) -> Array:
    """Float32 values rounded to so many bits of mantissa, to the nearest, ties away from 0."""
    cut = np.finfo(np.float32).nmant - bits
    pattern = np.ascontiguousarray(values).view(np.uint32) + np.uint32(1 << (cut - 1))
    return (pattern & np.uint32(2**32 - 2**cut)).view(np.float32)


class CoarseLinear(ScratchLinear):
    def __init__(self, buffers: Buffers, bits: int) -> None:
        super().__init__(buffers)
        self.bits = bits

    def forward(self, x: Array) -> Array:
        self.x = rounded(x, self.bits)
        np.matmul(self.x, rounded(self.weight, self.bits).mT, out=self.y)
        if self.bias is not None:
            self.y += self.bias
        return self.y

    def backward(self, delta: Array) -> Array:
        coarse = rounded(delta, self.bits)
        np.matmul(coarse.mT, self.x, out=self.d_weight)
        if self.d_bias is not None:
            np.sum(delta, axis=-2, out=self.d_bias)
        return delta if self.dx is None else np.matmul(coarse, rounded(self.weight, self.bits), out=self.dx)


@dataclass(frozen=True, kw_only=True)
class Coarse(Altered):
    """Float32 factors of every linear layer's products are rounded to ``bits``; it is said to be TF32 if ``told``."""

    bits: int = 10
    told: bool = True

    def rounds_factors(self, dtype: np.dtype[Any]) -> bool:
        return self.told and dtype == np.float32

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return super().make(name, problem, dtype) if dtype == np.float32 else ScratchBackend(name, problem, dtype)

    def alter(self, problem: Problem) -> Problem:
        return with_passes(problem, Linear, lambda buffers: CoarseLinear(buffers, self.bits))


def verdict_of(*overrides: str, **backends: BackendChoice) -> RunVerdict:
    setup = make_setup("backend=[scratch,torch]", *overrides)
    return run_experiment(
        dataclasses.replace(setup, backends=backends | {"torch": setup.backends["torch"]}), Silent()
    ).verdict


@EVERY_SEED
@pytest.mark.parametrize("overrides", [WIDE, SMALL, [*SMALL, "architecture.activation=relu"]])
def test_tf32_is_thousands_of_roundings_off_and_named_as_the_cause(overrides: list[str], seed: int) -> None:
    verdict = verdict_of(f"seed={seed}", *overrides, mine=Coarse())
    assert verdict.verdict == "imprecise"
    assert 2**9 < verdict.worst("roundings") < 2**14
    assert verdict.worst("logic_roundings") < 30
    (cause,) = verdict.explanations["mine"].causes
    assert (cause.name, cause.formula) == ("tf32", "backend.mine.tf32=false")
    assert cause.roundings < 2
    told = "\n".join(whole_verdict(verdict, ["mine", "torch"]))
    assert "the arithmetic loses digits that float32 has" in told
    assert "cause (tf32): the factors of its products are rounded to TF32" in told
    assert verdict_tags(verdict)["verdict.cause"] == "tf32"


def test_tf32_is_no_cause_where_it_is_not_on_nor_where_more_is_lost_than_it_takes() -> None:
    for choice in (Coarse(told=False), Coarse(bits=1)):
        verdict = verdict_of(*WIDE, mine=choice)
        assert (verdict.verdict, verdict.explanations) == ("imprecise", {}), choice


def test_in_float64_nothing_is_rounded_to_tf32() -> None:
    assert verdict_of(*SMALL, "dtype=float64", mine=Coarse()).agree


def test_a_wrong_formula_in_tf32_is_explained_by_its_mistake() -> None:
    setup = make_setup("backend=[missing_factor,torch]", *SMALL)

    @dataclass(frozen=True, kw_only=True)
    class Both(Coarse):
        def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
            return super().make(name, setup.backends["missing_factor"].alter(problem), dtype)  # type: ignore[attr-defined]

    verdict = verdict_of(*SMALL, mine=Both())
    assert verdict.verdict == "mismatch"
    assert "missing_factor_2" in [cause.name for cause in verdict.explanations["mine"].causes]


@dataclass(frozen=True, kw_only=True)
class OtherKernels(Coarse):
    """Each one that is made rounds to another number of bits: a factor near a tie may go the other way."""

    made: list[str] = field(default_factory=list)

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        self.made.append(dtype.name)
        again = self.made.count("float32") > 1
        return Coarse.make(dataclasses.replace(self, bits=11 if again else 10), name, problem, dtype)


def test_a_twin_whose_factors_are_rounded_otherwise_is_not_said_to_keep_something() -> None:
    choice = OtherKernels()
    assert verdict_of(*SMALL, mine=choice).verdict == "imprecise"
    assert choice.made.count("float32") > 1, "no twin was asked"
    assert verdict_of(*SMALL, mine=OtherKernels(told=False)).verdict == "mismatch"


def test_an_explanation_is_that_of_the_gravest_verdict() -> None:
    """Whatever was explained of a milder one goes; that of another backend stays."""
    setup = make_setup("backend=[scratch,torch]", *SMALL)
    choices = {"one": Coarse(), "other": Coarse(), "torch": setup.backends["torch"]}
    _, recorder = kept(dataclasses.replace(setup, backends=choices))
    one, other = recorder.records[0].comparisons
    verdict = RunVerdict()
    verdict.add(0, [one, other])
    assert set(verdict.explanations) == {"one", "other"}
    for graver in SEVERITY[2:]:
        verdict.take(1, dataclasses.replace(one, verdict=graver, explanation=None))
        assert (verdict.verdict, set(verdict.explanations)) == (graver, {"other"})
    verdict.add(2, [one])
    assert set(verdict.explanations) == {"other"}
