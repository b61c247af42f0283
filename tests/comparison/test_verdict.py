"""The judge of a step, and what a run makes of its steps' verdicts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from runner.arrays import DTYPES, Array
from runner.assemble import Setup
from runner.backends.scratch import Scratch
from runner.comparison.deviation import deviation
from runner.comparison.looks import measured
from runner.comparison.point import Point
from runner.comparison.results import SEVERITY, Comparison, Worst
from runner.comparison.rounding import two_precisions
from runner.comparison.sides import Sides
from runner.comparison.summary import RunVerdict
from runner.comparison.tensors import layout_of
from tests.helpers import first_of, kept, make_setup, with_parameters

UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@every_dtype
def test_roundings_are_deviations_in_units_of_sigma_with_a_unit_roundoff_of_the_value(dtype: str) -> None:
    u, g, sigma = np.array([1.5, 3.0, -2.0]), np.array([1.0, 3.0, -4.0]), np.array([0.25, 0.0, 0.5])
    found = measured(2, u, g, sigma, dtype)
    q, unit = found.roundings, found.sigma
    assert (found.verdict, found.look) == ("agree", 2)
    np.testing.assert_allclose(unit, sigma + UNIT[dtype] * np.abs(g), rtol=1e-12)
    np.testing.assert_allclose(q, np.abs(u - g) / unit, rtol=1e-12)
    assert q[1] == 0


@every_dtype
def test_equal_values_are_0_roundings_apart_and_what_is_no_number_infinitely_many(dtype: str) -> None:
    u = np.array([0.0, np.inf, np.nan, 5e-324])
    g = np.array([0.0, np.inf, 1.0, 0.0])
    q = measured(1, u, g, np.zeros(4), dtype).roundings
    assert (q[0], q[1], q[2]) == (0, 0, np.inf)
    assert 0 <= q[3] <= 1


def at_the_minimum(*overrides: str) -> Setup:
    """Targets that are the network's own predictions: the error is rounding, and so is the whole gradient."""
    setup = make_setup("dtype=float64", "data.samples=3", "lr=0", *overrides)
    name = list(setup.backends)[-1]
    backend = setup.backends[name].make(name, setup.problem, setup.dtype)
    backend.load(setup.initial)
    prediction = np.array(backend.step(setup.x, setup.y, draws={}).prediction)
    return dataclasses.replace(setup, y=prediction * (1 + 2.0**-52))


def test_a_gradient_that_rounding_swallows_is_judged_at_a_point_nearby() -> None:
    outcome, recorder = kept(at_the_minimum())
    assert outcome.verdict.agree, outcome.verdict.first
    assert any("swallows" in finding for finding in outcome.verdict.findings)
    assert max(c.logic_look for c in recorder.comparisons) >= 2


@pytest.mark.parametrize("fault", ["missing_factor", "transposed_gradient", "bias_sign_flipped"])
def test_a_wrong_gradient_that_rounding_swallows_is_a_mismatch_nearby(fault: str) -> None:
    outcome, _ = kept(at_the_minimum(f"backend=[{fault},torch]"))
    assert outcome.verdict.verdict == "mismatch"


@pytest.mark.parametrize(("backend", "verdict"), [("scratch", "agree"), ("missing_factor", "mismatch")])
def test_where_single_precision_overflows_the_second_look_decides(backend: str, verdict: str) -> None:
    sizes = ["dtype=float64", "data.samples=2", "architecture.activation=relu", "lr=0"]
    setup = make_setup(f"backend=[{backend},torch]", *sizes)
    large = with_parameters(setup, {name: 1e13 * value for name, value in setup.initial.parameters.items()})
    outcome, recorder = kept(large)
    assert recorder.records[0].steps["torch"].loss > np.finfo(np.float32).max
    assert outcome.verdict.verdict == verdict, outcome.verdict.first
    assert all(c.logic_look >= 2 for c in recorder.comparisons)


@every_dtype
def test_precision_is_judged_in_the_runs_dtype_and_logic_in_double(dtype: str) -> None:
    _, recorder = kept(make_setup(f"dtype={dtype}", "data.samples=4"))
    for record in recorder.records:
        (c,) = record.comparisons
        assert c.logic is not None
        assert c.error is not None
        flat = {name: c.layout.flat(name, step) for name, step in record.steps.items()}
        for i, place in enumerate(c.layout.slices().values()):
            at = place.start + int(c.precision.index[i])
            assert c.precision.value[i] == flat["scratch"][at]
            assert c.precision.reference[i] == pytest.approx(flat["torch"][at], rel=1e4 * UNIT[dtype], abs=1e-7)
            apart = abs(c.precision.value[i] - c.precision.reference[i]) / c.precision.sigma[i]
            assert c.precision.roundings[i] == pytest.approx(apart)
        below = np.abs(flat["scratch"]).max() * UNIT[dtype] * 1e3
        assert (c.error > 0).any() == (dtype == "float32")
        assert c.error.max() < below
        assert c.precision.sigma.max() < below
        assert (c.logic.sigma < 1e-12).all()


def test_the_library_is_the_scratch_backend_of_the_run_or_one_of_the_judges_own() -> None:
    for backends, library in (("scratch,torch", "scratch"), ("missing_factor,torch", "the library")):
        setup = make_setup(f"backend=[{backends}]")
        sides = Sides(setup.problem, setup.backends, "torch")
        assert sides.library == library
        assert set(sides.high) == {*setup.backends, library}
        assert set(sides.low("float32")) == {"torch", library}


def test_the_first_looks_sigma_is_that_of_reference_and_library_together_and_of_no_one_else() -> None:
    """A wrong backend's own error never counts in its favour."""
    setup = make_setup("backend=[missing_factor,torch]", "data.samples=4", "batch_size=4")
    layout = layout_of(setup.problem.network, 4)
    sides = Sides(setup.problem, setup.backends, "torch")
    parameters = {name: value.astype(np.float64) for name, value in setup.initial.parameters.items()}
    point = Point(sides, layout, parameters, setup.x.astype(np.float64), setup.y.astype(np.float64))
    squares: Array = np.zeros(layout.size)
    for choice in (setup.backends["torch"], Scratch()):
        tensors = []
        for dtype in (DTYPES["float32"], DTYPES["float64"]):
            backend = choice.make("any", setup.problem, dtype)
            backend.load(setup.initial)
            tensors.append(layout.flat(backend.name, backend.step(setup.x, setup.y, draws={})))
        sigma = two_precisions(layout, [(tensors[0], tensors[1])])
        assert sigma is not None
        squares = squares + sigma**2
    found = point.sigma_of_two_precisions({})
    assert found is not None
    np.testing.assert_allclose(found, np.sqrt(squares), rtol=1e-9)


def comparison(verdict: str | None, backend: str = "a", value: float = 1.0, finding: str = "") -> Comparison:
    layout = layout_of(make_setup("architecture.hidden=[]").problem.network, 1)
    n = len(layout.names)
    filled: Array = np.full(n, value)
    worst = Worst(np.zeros(n, dtype=np.intp), filled, filled + 1, filled, filled)
    apart = deviation(layout, np.full(layout.size, value), np.zeros(layout.size))
    suspects = () if verdict in ("agree", None) else ("loss", "input_layer.bias")
    logic = None if verdict is None else worst
    return Comparison(
        backend, "b", layout, verdict, apart, worst, logic=logic, logic_look=1, suspects=suspects, finding=finding
    )


@pytest.mark.parametrize("worse", range(1, len(SEVERITY)))
def test_a_run_has_the_gravest_verdict_of_its_steps_and_the_first_step_that_has_it(worse: int) -> None:
    verdict = RunVerdict()
    steps = [SEVERITY[worse - 1], SEVERITY[worse], SEVERITY[worse - 1], SEVERITY[worse], "agree"]
    for step, word in enumerate(steps):
        verdict.add(step, [comparison(word, value=float(step))])
    assert verdict.verdict == SEVERITY[worse]
    assert verdict.first is not None
    assert (verdict.first.step, verdict.first.tensor, verdict.first.value) == (1, "loss", 1.0)
    assert not verdict.agree
    assert verdict.diverged == ("diverged" in steps)
    assert verdict.judged_steps == 5


def test_a_summary_keeps_the_worst_of_every_tensor_and_forgets_no_fault() -> None:
    verdict = RunVerdict()
    for step, (word, value) in enumerate([("agree", 2.0), ("mismatch", 7.0), ("agree", 3.0), (None, 50.0)]):
        verdict.add(step, [comparison(word, value=value)])
    assert verdict.tensors["loss"].max_abs == 50.0
    assert verdict.tensors["loss"].logic_roundings == 7.0
    assert {name: t.ok for name, t in verdict.tensors.items()} == {
        "loss": False,
        "prediction": True,
        "input_layer.weight": True,
        "input_layer.bias": False,
    }


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_summary_tells_of_a_value_that_is_not_finite(value: float) -> None:
    verdict = RunVerdict()
    verdict.add(0, [comparison("agree", value=2.0)])
    verdict.add(1, [comparison("diverged", value=value)])
    assert verdict.tensors["loss"].max_abs == np.inf
    assert verdict.tensors["loss"].known


def test_a_summary_knows_nothing_of_a_step_that_has_no_form() -> None:
    verdict = RunVerdict()
    verdict.add(0, [dataclasses.replace(comparison("mismatch", value=np.nan), form=True)])
    assert not verdict.tensors["loss"].known


def test_nothing_judged_is_nothing_known() -> None:
    assert np.isnan(RunVerdict().worst("roundings"))


def test_a_finding_of_a_step_that_agrees_is_kept_with_its_first_step() -> None:
    verdict = RunVerdict()
    for step in range(3):
        verdict.add(step, [comparison("agree", finding="a kink" if step else "")])
    assert verdict.agree
    assert verdict.findings == {"a kink": 1}


def test_of_several_backends_the_one_that_is_wrong_is_named() -> None:
    verdict = RunVerdict()
    verdict.add(4, [comparison("agree", "right"), comparison("mismatch", "wrong")])
    assert verdict.first is not None
    assert (verdict.first.backend, verdict.first.reference, verdict.first.step) == ("wrong", "b", 4)


def test_a_float64_run_sees_what_float32_hides() -> None:
    """The mistake of 1e-9 is below float32's rounding, and is found in a float32 run all the same."""
    outcome, recorder = kept(make_setup("backend=[one_element_off,torch]", "data.samples=1", "dtype=float32"))
    assert DTYPES["float32"] == recorder.records[0].steps["torch"].loss.dtype
    assert outcome.verdict.verdict == "mismatch"
    assert outcome.verdict.worst("roundings") < 30 < outcome.verdict.worst("logic_roundings")
    assert first_of(outcome).roundings == outcome.verdict.worst("logic_roundings")
