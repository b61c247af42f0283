"""Drift: the distance of two paths, by hand; the fit, on series whose rate is known; and what a run makes of both."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from runner.backends.base import Backend, BackendChoice, Problem
from runner.comparison import drift
from runner.comparison.drift import ALL, Distance, Fit, Growth, Parting, distance, growth
from runner.records.drift import drift_sentence
from tests.helpers import kept, make_setup, run

NOISE = 0.1
"""Decades."""

SMALL = ("data.samples=40", "lockstep=false")


def series(seed: int, rate: float, model: str, steps: int = 400) -> tuple[Any, Any]:
    """Steps from 0, and distances that follow a model from step 1 on, times noise: 10^(0.1 N(0, 1))."""
    rng, k = np.random.default_rng(seed), np.arange(1, steps, dtype=float)
    log_d = -18 + rate * (k if model == "exponential" else np.log(k))
    d = np.exp(log_d + NOISE * math.log(10) * rng.standard_normal(steps - 1))
    return np.array([0, *k]), np.array([0, *d])


def slope_error(x: Any) -> float:
    """The standard deviation of a least squares slope over x, from the textbook."""
    return float(NOISE * math.log(10) / math.sqrt(np.square(x - x.mean()).sum()))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rate", [0.013, -0.004])
def test_the_rate_of_an_exponential_series_is_found_and_it_fits_better(rate: float, seed: int) -> None:
    k, d = series(seed, rate, "exponential")
    found = growth(k, d)
    assert found is not None
    print(f"seed {seed}: rate {rate}, found {found.exponential}; power {found.power}; doubling {found.doubling:.1f}")
    assert abs(found.exponential.rate - rate) < 4 * slope_error(k[1:])
    assert found.exponential.residual == pytest.approx(NOISE, rel=0.15)
    assert found.doubling == pytest.approx(math.log(2) / rate, rel=0.05)
    assert found.better == "exponential"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("exponent", [0.5, 1.0, -0.3])
def test_the_exponent_of_a_power_series_is_found_and_it_fits_better(exponent: float, seed: int) -> None:
    k, d = series(seed, exponent, "power")
    found = growth(k, d)
    assert found is not None
    print(f"seed {seed}: exponent {exponent}, found {found.power}; exponential {found.exponential}")
    assert abs(found.power.rate - exponent) < 4 * slope_error(np.log(k[1:]))
    assert found.power.residual == pytest.approx(NOISE, rel=0.15)
    assert found.better == "power"


def test_without_noise_the_fit_is_exact_whatever_steps_were_recorded() -> None:
    k = np.array([0.0, 7.0, 14.0, 99.0, 100.0])
    exponential, power = growth(k, 1e-9 * 1.02**k * (k > 0)), growth(k, 1e-9 * k**0.75)
    assert exponential is not None
    assert power is not None
    assert exponential.exponential.rate == pytest.approx(math.log(1.02))
    assert power.power.rate == pytest.approx(0.75)
    assert max(exponential.exponential.residual, power.power.residual) < 1e-12
    assert min(exponential.power.residual, power.exponential.residual) > 0.05


def test_the_fit_is_that_of_numpys_polyfit() -> None:
    k, d = series(3, 0.5, "power", 50)
    found = growth(k, d)
    assert found is not None
    for x, fit in ((k[1:], found.exponential), (np.log(k[1:]), found.power)):
        slope, at = np.polyfit(x, np.log10(d[1:]), 1)
        assert fit.rate == pytest.approx(slope * math.log(10))
        assert fit.residual == pytest.approx(math.sqrt(np.square(np.log10(d[1:]) - at - slope * x).mean()))


@pytest.mark.parametrize(
    "distances",
    [
        [],
        [0.0] * 9,
        [0.0, 1.0, 2.0],
        [0.0, 1.0, 2.0, 1.0, 2.0, 2.0],
        [3.0, 1.0, 2.0],
        [0.0, 1.0, 2.0, np.inf, np.nan],
    ],
)
def test_fewer_than_three_different_distances_have_no_rate(distances: list[float]) -> None:
    assert growth(np.arange(len(distances), dtype=float), np.array(distances)) is None


def test_what_is_no_distance_does_not_change_the_fit() -> None:
    plain = growth(np.arange(1.0, 5.0), np.array([1.0, 3.0, 2.0, 5.0]))
    more = growth(np.arange(8.0), np.array([9.0, 1.0, 3.0, 2.0, 5.0, 0.0, np.nan, np.inf]))
    assert plain is not None
    assert plain == more


def test_a_distance_is_that_of_a_hand_computation() -> None:
    mine = {"a.weight": np.array([[1.0, 2.0], [3.0, 4.5]], np.float32), "a.bias": np.array([1.0], np.float32)}
    theirs = {"a.weight": np.array([[1.0, 2.5], [3.0, 4.0]], np.float32), "a.bias": np.array([-1.0], np.float32)}
    found = distance(7, ("mine", mine), ("theirs", theirs), "float32")
    assert (found.updates, found.backend, found.reference) == (7, "mine", "theirs")
    assert found.tensors == ("a.weight", "a.bias", ALL)
    sizes = [math.sqrt(1 + 6.25 + 9 + 16), 1.0, math.sqrt(1 + 6.25 + 9 + 16 + 1)]
    norms = [math.sqrt(0.25 + 0.25), 2.0, math.sqrt(0.25 + 0.25 + 4)]
    assert found.max_abs.tolist() == [0.5, 2.0, 2.0]
    np.testing.assert_allclose(found.norm, norms)
    np.testing.assert_allclose(found.relative, np.divide(norms, sizes))
    np.testing.assert_allclose(found.roundings, np.divide(norms, sizes) * 2**24)
    in_double = distance(7, ("mine", mine), ("theirs", theirs), "float64")
    np.testing.assert_allclose(in_double.roundings, np.divide(norms, sizes) * 2**53)


def test_rounding_once_moves_parameters_by_one_rounding_at_most_and_by_not_much_less() -> None:
    exact = {"a.weight": np.random.default_rng(0).standard_normal((300, 300))}
    rounded = {name: value.astype(np.float32) for name, value in exact.items()}
    (_, found) = distance(0, ("rounded", rounded), ("exact", exact), "float32").roundings
    print(f"{found:.3f} roundings")
    assert 0.3 < found < 1


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_squares_neither_overflow_nor_underflow(size: float) -> None:
    found = distance(0, ("u", {"a.b": np.array([3 * size, 5 * size])}), ("g", {"a.b": np.array([0, size])}), "float64")
    np.testing.assert_allclose(found.norm, 5 * size)
    np.testing.assert_allclose(found.relative, 5)


def test_parameters_that_are_zero_or_not_finite_have_distances_of_their_own_kind() -> None:
    g = {"a.zero": np.zeros(2), "a.off": np.zeros(2), "a.nan": np.ones(2)}
    u = {"a.zero": np.zeros(2), "a.off": np.ones(2), "a.nan": np.array([1.0, np.nan])}
    found = distance(0, ("u", u), ("g", g), "float32")
    assert (found.norm[0], found.relative[0], found.roundings[0]) == (0, 0, 0)
    assert (found.relative[1], found.roundings[1]) == (np.inf, math.sqrt(2) * 2.0**149)
    assert np.isnan(found.norm[2:]).all()
    huge = distance(0, ("u", {"a.b": np.array([np.inf])}), ("g", {"a.b": np.array([1.0])}), "float64")
    assert np.isinf(huge.norm).all()


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Shown(BackendChoice):
    """A choice whose first backend is kept, to look into when the run is over; the verdict's twins come later."""

    choice: BackendChoice
    made: dict[str, Backend]

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        backend = self.choice.make(name, problem, dtype)
        self.made.setdefault(name, backend)
        return backend


def apart(updates: int) -> float:
    """How far scratch's parameters are from torch's at the end of a run of that many steps."""
    made: dict[str, Backend] = {}
    setup = make_setup(*SMALL)
    shown = {name: _Shown(choice=choice, made=made) for name, choice in setup.backends.items()}
    kept(dataclasses.replace(setup, x=setup.x[:updates], y=setup.y[:updates], backends=shown))
    mine, theirs = ({k: v.astype(float) for k, v in made[n].state().parameters.items()} for n in ("scratch", "torch"))
    return math.sqrt(sum(float(np.square(mine[name] - theirs[name]).sum()) for name in mine))


def test_a_step_has_the_distance_that_it_starts_from_and_the_end_that_of_the_last_update() -> None:
    outcome, recorder = kept(make_setup(*SMALL, "record.every=7"))
    found = [d for record in recorder.records for d in record.distances] + outcome.distances
    assert [record.step for record in recorder.records] == [d.updates for d in found[:-1]] == [0, 7, 14, 21, 28, 35, 39]
    assert found[-1].updates == 40
    assert found[-1] is outcome.drift["scratch"].last
    assert not found[0].norm.any()
    for d in found[1:]:
        assert d.norm[-1] == pytest.approx(apart(d.updates), rel=1e-12)
    assert found[-1].norm[-1] > 0


def test_the_growth_of_a_run_is_that_of_its_distances() -> None:
    outcome, recorder = kept(make_setup(*SMALL, "backend=[scratch,other_order,torch]"))
    assert list(outcome.drift) == ["scratch", "other_order"]
    for i, parting in enumerate(outcome.drift.values()):
        d = [float(record.distances[i].norm[-1]) for record in recorder.records]
        d.append(float(outcome.distances[i].norm[-1]))
        assert len(d) == 41
        assert parting.parted
        assert parting.growth == growth(np.arange(41.0), np.array(d))


def test_with_lockstep_no_distance_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(drift, "distance", taken)
    outcome, recorder = kept(make_setup("data.samples=4"))
    assert all(record.distances == [] for record in recorder.records)
    assert (outcome.distances, outcome.drift) == ([], {})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_backend_does_not_drift_from_itself(dtype: str) -> None:
    overrides = ("backend=[scratch]", "+backend.mine={use: scratch}", f"dtype={dtype}")
    outcome, recorder = kept(make_setup(*SMALL, *overrides))
    found = [d for record in recorder.records for d in record.distances] + outcome.distances
    assert len(found) == 41
    assert not any(d.norm.any() or d.max_abs.any() or d.roundings.any() or d.relative.any() for d in found)
    parting = outcome.drift["mine"]
    assert (parting.parted, parting.growth) == (False, None)
    assert drift_sentence(parting) == "no drift: mine and scratch have equal parameters throughout, over 40 steps."


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_float64_drifts_as_many_roundings_and_a_billionth_as_far(seed: int) -> None:
    single, double = (
        run("lockstep=false", f"seed={seed}", f"dtype=float{bits}").drift["scratch"].last for bits in (32, 64)
    )
    ratio = float(double.norm[-1] / single.norm[-1])
    print(f"seed {seed}: {single.norm[-1]:.2e}, {double.norm[-1]:.2e}, ratio {ratio * 2**29:.2f} * 2^-29")
    assert 2**-29 / 30 < ratio < 2**-29 * 30
    assert 1 / 30 < double.roundings[-1] / single.roundings[-1] < 30


def test_rounding_alone_parts_the_default_network_like_the_root_of_the_steps() -> None:
    last = run("lockstep=false", "epochs=3").drift["scratch"]
    assert last.growth is not None
    print(f"{last.growth}, {last.last.roundings[-1]:.2f} roundings")
    assert last.growth.better == "power"
    assert 0.25 < last.growth.power.rate < 0.75
    assert last.last.roundings[-1] < math.sqrt(300)


def test_a_wrong_formula_drifts_much_further() -> None:
    right = run(*SMALL).drift["scratch"].last
    wrong = run(*SMALL, "backend=[missing_factor,torch]").drift["missing_factor"].last
    assert wrong.roundings[-1] > 1e4 * right.roundings[-1]


def test_a_run_that_diverges_is_measured_once_a_step() -> None:
    outcome, recorder = kept(make_setup(*SMALL, "lr=1e30"))
    assert outcome.verdict.verdict == "diverged"
    assert [d.updates for record in recorder.records for d in record.distances] == [0, 1]
    assert outcome.distances == []
    assert outcome.drift["scratch"].last is recorder.records[-1].distances[0]


def parting(norm: float, found: Growth | None, updates: int = 100) -> Parting:
    values = np.array([norm])
    return Parting(Distance(updates, "u", "g", (ALL,), values, values, values, 1e8 * values), norm != 0, found)


def test_the_sentence_says_how_far_and_how_it_grew() -> None:
    power = Growth(Fit(0.01, 0.2), Fit(0.52, 0.08))
    exponential = Growth(Fit(math.log(1.013), 0.03), Fit(2.0, 0.2))
    falling = Growth(Fit(-math.log(2) / 50, 0.03), Fit(-1.0, 0.2))
    head = "drift of u from g after 100 steps: 3.40e-08, 3.4 roundings;"
    words = [drift_sentence(parting(3.4e-8, found)) for found in (power, exponential, falling, None)]
    assert words == [
        f"{head} grows like step^0.52 (residual 0.08 decades).",
        f"{head} grows by 1.3 % a step (doubles every 53.7 steps, residual 0.03 decades).",
        f"{head} shrinks by 1.4 % a step (halves every 50 steps, residual 0.03 decades).",
        f"{head} too few different distances to tell how it grows.",
    ]
    assert drift_sentence(parting(math.nan, power, 1)) == "drift of u from g after 1 step: not finite."
    steep = drift_sentence(parting(1.0, Growth(Fit(900.0, 0.0), Fit(1.0, 0.1))))
    assert "doubles every 0.00077 steps" in steep
