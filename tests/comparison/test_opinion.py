"""The third opinion: the loss itself says which of two gradients is right, and never the wrong one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from runner.arrays import Array
from runner.assemble import Setup
from runner.comparison.opinion import LEVELS, Opinion, third_opinion
from runner.comparison.point import Point
from runner.comparison.ridders import SHRINK, ridders
from runner.comparison.sides import HIGH
from runner.comparison.verdict import Judge
from tests.helpers import kept, make_setup, with_parameters

TANH, RELU = "architecture.activation=tanh", "architecture.activation=relu"
BATCH = ("batch_size=5", "data.samples=5")

# Each is told from torch wherever it shows.
WRONG: list[tuple[str, tuple[str, ...]]] = [
    ("missing_factor", ()),
    ("wrong_sign", ()),
    ("last_sample_dropped", BATCH),
    ("missing_slope", ()),
    ("half_the_slope", BATCH),
    ("tanh_without_square", (TANH,)),
    ("relu_unmasked", (RELU, *BATCH)),
    ("transposed_gradient", ()),
    ("bias_not_summed", (RELU, *BATCH)),
    ("one_sign_at_the_bottom", ()),
    ("swapped_deltas", BATCH),
]
wrong_ones = pytest.mark.parametrize(("fault", "overrides"), WRONG, ids=[w[0] for w in WRONG])
every_seed = pytest.mark.parametrize("seed", [1, 2, 3, 4])


def point_of(setup: Setup) -> Point:
    """The first step's point, as the judge makes it."""
    judge = Judge(setup.problem, setup.backends, setup.dtype)
    x, y = setup.x[: setup.batch_size], setup.y[: setup.batch_size]
    parameters = {name: np.array(value, HIGH) for name, value in setup.initial.parameters.items()}
    return Point(judge.sides, judge.layout(len(x)), parameters, x.astype(HIGH), y.astype(HIGH))


def suspects_of(point: Point, name: str) -> list[str]:
    u, g, places = point.high(name), point.reference, point.layout.slices()
    return [t for t, at in places.items() if np.abs(u[at] - g[at]).max() > 1e-12 * np.abs(g[at]).max()]


def opinion_on(*overrides: str, changed: Mapping[str, Array] | None = None) -> Opinion:
    setup = with_parameters(make_setup(*overrides), changed or {})
    point, name = point_of(setup), next(iter(setup.backends))
    return third_opinion(point, name, suspects_of(point, name))


@wrong_ones
@every_seed
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wrong_gradient_is_told_from_the_right_one(
    fault: str, overrides: tuple[str, ...], seed: int, dtype: str
) -> None:
    found = opinion_on(f"backend=[{fault},torch]", f"seed={seed}", f"dtype={dtype}", *overrides)
    assert found.right == "reference", found
    assert "torch (" in found.words
    assert f"not {fault} (" in found.words
    assert abs(found.numeric - found.reference) <= 3 * found.error


@wrong_ones
@every_seed
def test_a_wrong_reference_is_told_from_the_right_judged_one(fault: str, overrides: tuple[str, ...], seed: int) -> None:
    found = opinion_on(f"backend=[scratch,{fault}]", f"seed={seed}", *overrides)
    assert found.right == "judged", found
    assert "fits scratch (" in found.words
    assert abs(found.numeric - found.judged) <= 3 * found.error


@every_seed
def test_the_derivative_is_exact_to_eleven_digits_on_a_smooth_network(seed: int) -> None:
    found = opinion_on("backend=[missing_factor,torch]", f"seed={seed}", *BATCH)
    assert abs(found.numeric / found.reference - 1) < 1e-11
    assert abs(found.error / found.reference) < 1e-10


@every_seed
@pytest.mark.parametrize("backends", ["wrong_sign,missing_factor", "missing_factor,wrong_sign"])
def test_two_wrong_gradients_of_one_loss_are_both_told_to_be_wrong(backends: str, seed: int) -> None:
    found = opinion_on(f"backend=[{backends}]", f"seed={seed}")
    assert found.right == "neither", found
    assert "fits neither" in found.words


def test_the_figures_are_the_derivatives_of_both_sides_along_their_difference() -> None:
    point = point_of(make_setup("backend=[missing_factor,torch]"))
    u, g = (side[point.layout.gradients] for side in (point.high("missing_factor"), point.reference))
    v = (u - g) / np.linalg.norm(u - g)
    found = third_opinion(point, "missing_factor", list(point.parameters))
    np.testing.assert_allclose([found.judged, found.reference], [u @ v, g @ v], rtol=1e-12)


def test_only_the_suspects_move() -> None:
    point = point_of(make_setup("backend=[missing_factor,torch]"))
    one = "hidden_layer_1.bias"
    at = point.layout.slices()[one]
    u, g = point.high("missing_factor")[at], point.reference[at]
    found = third_opinion(point, "missing_factor", ["loss", one])
    assert found.right == "reference"
    np.testing.assert_allclose(abs(found.judged - found.reference), np.linalg.norm(u - g), rtol=1e-12)


@every_seed
@pytest.mark.parametrize("backends", ["mean_for_sum,torch", "torch,mean_for_sum"])
def test_gradients_of_two_losses_each_fit_their_own(backends: str, seed: int) -> None:
    found = opinion_on(f"backend=[{backends}]", f"seed={seed}", *BATCH)
    assert found.right == "unknown", found
    assert "each gradient fits its own loss: the two compute different losses" in found.words


@pytest.mark.parametrize(
    ("backends", "right"),
    [("missing_factor,mean_for_sum", "reference"), ("mean_for_sum,missing_factor", "judged")],
)
def test_of_two_losses_the_one_whose_gradient_fits_is_named(backends: str, right: str) -> None:
    found = opinion_on(f"backend=[{backends}]", *BATCH)
    assert found.right == right
    assert "only mean_for_sum's gradient fits its own" in found.words


@every_seed
@pytest.mark.parametrize("order", ["{},torch", "torch,{}"])
def test_a_difference_too_small_for_central_differences_is_unknown(order: str, seed: int) -> None:
    found = opinion_on(f"backend=[{order.format('one_element_hardly_off')}]", f"seed={seed}")
    assert found.right == "unknown", found
    assert "too small for central differences" in found.words


@every_seed
@pytest.mark.parametrize("overrides", [(), (RELU,), ("data.high=10",)], ids=["sigmoid", "relu", "large"])
def test_one_element_off_by_1e_9_is_told_rightly_or_not_at_all(overrides: tuple[str, ...], seed: int) -> None:
    found = opinion_on("backend=[one_element_off,torch]", f"seed={seed}", *overrides)
    assert found.right == "reference" or "too small" in found.words, found


@pytest.mark.parametrize("backends", ["relu_active_at_zero,torch", "torch,relu_active_at_zero"])
@every_seed
def test_on_a_kink_nothing_is_told(backends: str, seed: int) -> None:
    overrides = (f"backend=[{backends}]", RELU, f"seed={seed}")
    setup = make_setup(*overrides)
    zero = {name: 0 * value for name, value in setup.initial.parameters.items() if name.startswith("hidden_layer_1")}
    found = opinion_on(*overrides, changed=zero)
    assert found.right == "unknown", found
    assert "kink within reach" in found.words


def test_on_the_kink_of_one_unit_the_two_derivatives_are_told_apart() -> None:
    overrides = ("backend=[relu_active_at_zero,torch]", RELU)
    changed = {name: np.array(value) for name, value in make_setup(*overrides).initial.parameters.items()}
    for name in ("hidden_layer_1.weight", "hidden_layer_1.bias"):
        changed[name][0] = 0
    found = opinion_on(*overrides, changed=changed)
    assert found.right == "unknown", found
    assert "derivatives from left and right differ" in found.words
    np.testing.assert_allclose(found.error, abs(found.judged - found.reference), rtol=1e-6)


@every_seed
def test_two_wrong_gradients_are_told_among_kinks_farther_away(seed: int) -> None:
    assert opinion_on("backend=[wrong_sign,missing_factor]", RELU, f"seed={seed}").right == "neither"


@pytest.mark.parametrize("batch", [1, 64])
@every_seed
def test_kinks_farther_away_do_not_mislead(batch: int, seed: int) -> None:
    size = (RELU, f"batch_size={batch}", f"data.samples={batch}", f"seed={seed}")
    assert opinion_on("backend=[missing_factor,torch]", *size).right == "reference"
    assert opinion_on("backend=[torch,transposed_gradient]", *size).right == "judged"


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_scale_of_the_parameters_does_not_matter(scale: float) -> None:
    setup = make_setup("backend=[missing_factor,torch]", TANH, "dtype=float64")
    small = {name: scale * value for name, value in setup.initial.parameters.items()}
    assert opinion_on("backend=[missing_factor,torch]", TANH, "dtype=float64", changed=small).right == "reference"


def test_a_point_in_single_precision_is_judged_with_single_precision_in_mind() -> None:
    point = point_of(make_setup("backend=[missing_factor,torch]", *BATCH)).on_grid("float32")
    found = third_opinion(point, "missing_factor", list(point.parameters))
    assert found.right == "reference"
    assert 1e-8 < found.error / abs(found.reference) < 1e-2
    assert abs(found.numeric - found.reference) <= 3 * found.error


def test_equal_gradients_leave_nothing_to_tell() -> None:
    point = point_of(make_setup("backend=[scratch,missing_factor]"))
    at = point.layout.gradients
    point.high("scratch")[at] = point.reference[at]
    found = third_opinion(point, "scratch", [])
    assert (found.right, np.isnan(found.numeric)) == ("unknown", True)
    assert "equal" in found.words


@pytest.mark.parametrize(("backends", "right"), [("scratch,torch", "unknown"), ("missing_factor,torch", "reference")])
def test_where_the_gradients_agree_they_are_held_against_the_losses_along_themselves(backends: str, right: str) -> None:
    found = third_opinion(point_of(make_setup(f"backend=[{backends}]")), backends.split(",")[0], ["prediction", "loss"])
    assert found.right == right
    assert "along the gradient, in which they agree" in found.words
    assert found.reference == pytest.approx(found.numeric, rel=1e-9)
    assert ("both gradients fit" in found.words) == (right == "unknown")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_unknown(value: float) -> None:
    point = point_of(make_setup("backend=[missing_factor,torch]"))
    point.high("missing_factor")[-1] = value
    found = third_opinion(point, "missing_factor", list(point.parameters))
    assert found.right == "unknown"
    assert "not finite" in found.words


def test_it_takes_no_more_than_twenty_steps_of_each_side(monkeypatch: pytest.MonkeyPatch) -> None:
    point = point_of(make_setup("backend=[missing_factor,torch]"))
    steps = {"missing_factor": 0, "torch": 0}
    evaluate = Point._evaluate

    def counted(self: Point, backend: object) -> Array:
        steps[str(getattr(backend, "name", ""))] += 1
        return evaluate(self, backend)  # type: ignore[arg-type]

    monkeypatch.setattr(Point, "_evaluate", counted)
    third_opinion(point, "missing_factor", list(point.parameters))
    assert steps == {"missing_factor": 2 * LEVELS + 1, "torch": 2 * LEVELS + 1}


def test_ridders_beats_every_single_difference_and_knows_its_error() -> None:
    steps = 0.25 / SHRINK ** np.arange(LEVELS)
    values = (np.exp(1 + steps) - np.exp(1 - steps)) / (2 * steps)
    found = ridders(values.tolist(), (2.0**-52 / steps).tolist(), 2)
    assert abs(found.value - np.e) < 0.01 * np.abs(values - np.e).min()
    assert abs(found.value - np.e) <= found.error < 1e-11


def test_ridders_on_a_series_of_odd_powers_finds_the_gap_of_a_kink() -> None:
    steps = 0.25 / SHRINK ** np.arange(LEVELS)
    gaps = 1.5 + 0.7 * steps - 2 * steps**3
    found = ridders(gaps.tolist(), (0 * steps).tolist(), 1)
    assert abs(found.value - 1.5) < 1e-12


@pytest.mark.parametrize("steepness", [10.0, 1e3, 1e5, 1e7])
def test_ridders_is_not_deceived_by_a_loss_that_is_flat_beyond_a_bend(steepness: float) -> None:
    steps = 0.25 / SHRINK ** np.arange(LEVELS)
    values = np.tanh(steepness * steps) / steps
    found = ridders(values.tolist(), (2.0**-52 / steps).tolist(), 2)
    assert abs(found.value - steepness) <= 3 * found.error
    assert found.error < 0.1 * steepness or steepness * steps[-1] > 0.5


def test_years_as_inputs_are_no_reason_to_doubt_the_right_side() -> None:
    years = [[2017.0], [2019.0], [2020.0], [2022.0], [2024.0]]
    setup = make_setup(
        "backend=[missing_factor,torch]",
        "data=inline",
        f"data.x={years}",
        "target=given",
        "data.y=[[0.3],[-0.2],[1.1],[0.4],[-0.7]]",
        "batch_size=5",
        "dtype=float64",
        "architecture.hidden=[3]",
        "architecture.activation=tanh",
    )
    weight = setup.initial.parameters["input_layer.weight"]
    steep = with_parameters(setup, {"input_layer.bias": 0.3 - 2020.5 * weight[:, 0]})
    outcome, _ = kept(steep)
    opinion = outcome.verdict.explanations["missing_factor"].opinion
    assert opinion is not None
    assert opinion.right == "reference", opinion.words
