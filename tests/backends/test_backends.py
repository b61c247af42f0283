"""What every backend must satisfy: a new one in conf/backend joins by existing."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest

from runner.arrays import DTYPES, Array
from runner.assemble import Setup
from runner.backends.base import Backend, State, Step
from runner.backends.torch_device import devices
from runner.catalog import Catalog
from tests.helpers import copied, make_setup, same_bits

BACKENDS = [name for name in Catalog().names("backend") if name != "torch_cuda" or "cuda" in devices()]
every_backend = pytest.mark.parametrize("name", BACKENDS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def make(setup: Setup, name: str) -> Backend:
    backend = setup.backends[name].make(name, setup.problem, setup.dtype)
    backend.load(setup.initial)
    return backend


def with_all(*overrides: str) -> Setup:
    model = "make_narrow_model" if "architecture.hidden=[3,3]" in overrides else "make_model"
    own = ["backend.function.path=tests.own.right:backprop", f"backend.torch_module.path=tests.own.right:{model}"]
    return make_setup(f"backend=[{','.join(BACKENDS)}]", *own, *overrides)


def step(backend: Backend, x: Array, y: Array) -> Step:
    return copied(backend.step(x, y, draws={}))


def test_the_folder_of_backends_is_not_empty() -> None:
    assert set(BACKENDS) >= {"scratch", "torch"}


@every_backend
@pytest.mark.parametrize("dtype", list(DTYPES))
@pytest.mark.parametrize("batch", [1, 7])
def test_a_step_has_the_names_shapes_and_dtype_that_are_promised(name: str, dtype: str, batch: int) -> None:
    setup = with_all(f"dtype={dtype}", "data.samples=7")
    found = make(setup, name).step(setup.x[:batch], setup.y[:batch], draws={})
    assert found.loss.shape == ()
    assert found.prediction.shape == (batch, 1)
    specified = {key: p.shape for key, p in setup.problem.network.parameters.items()}
    assert {key: value.shape for key, value in found.gradients.items()} == specified
    assert list(found.gradients) == list(specified)
    assert {v.dtype for v in (found.loss, found.prediction, *found.gradients.values())} == {DTYPES[dtype]}


@every_backend
@every_dtype
def test_the_gradient_is_what_central_differences_give(name: str, dtype: str) -> None:
    """A third opinion, which knows neither backpropagation nor autograd."""
    setup = with_all("dtype=float64", "data.samples=5", "architecture.hidden=[3,3]")
    backend, h = make(setup, name), 1e-5
    gradients = step(
        make(with_all(f"dtype={dtype}", "data.samples=5", "architecture.hidden=[3,3]"), name), setup.x, setup.y
    ).gradients
    for key, value in setup.initial.parameters.items():
        for index in np.ndindex(value.shape):
            losses = []
            for shift in (h, -h):
                moved = {k: v.copy() for k, v in setup.initial.parameters.items()}
                moved[key][index] += shift
                backend.load(State(moved))
                losses.append(float(backend.step(setup.x, setup.y, draws={}).loss))
            wanted = (losses[0] - losses[1]) / (2 * h)
            assert gradients[key][index] == pytest.approx(wanted, rel=1e-4, abs=1e-5), (key, index)


@every_backend
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_batchs_gradient_is_the_sum_of_its_samples_gradients(name: str, seed: int) -> None:
    setup = with_all("dtype=float64", "data.samples=9", f"seed={seed}")
    backend = make(setup, name)
    whole = step(backend, setup.x, setup.y)
    parts = [step(backend, setup.x[i : i + 1], setup.y[i : i + 1]) for i in range(9)]
    assert float(whole.loss) == pytest.approx(sum(float(p.loss) for p in parts), rel=1e-13)
    for key, value in whole.gradients.items():
        terms = np.array([p.gradients[key] for p in parts])
        assert (np.abs(value - terms.sum(axis=0)) <= 1e-13 * np.abs(terms).sum(axis=0)).all(), f"{key}, seed {seed}"


@every_backend
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_permuted_hidden_units_have_permuted_gradients(name: str, seed: int) -> None:
    setup = with_all("dtype=float64", "data.samples=4", f"seed={seed}")
    order = np.random.default_rng(seed).permutation(10)
    swap = {
        "input_layer.weight": lambda v: v[order],
        "input_layer.bias": lambda v: v[order],
        "hidden_layer_1.weight": lambda v: v[:, order],
    }
    backend = make(setup, name)
    plain = step(backend, setup.x, setup.y)
    backend.load(State({k: swap.get(k, lambda v: v)(v) for k, v in setup.initial.parameters.items()}))
    permuted = step(backend, setup.x, setup.y)
    np.testing.assert_allclose(permuted.loss, plain.loss, rtol=1e-13)
    for key, value in plain.gradients.items():
        wanted = swap.get(key, lambda v: v)(value)
        np.testing.assert_allclose(
            permuted.gradients[key], wanted, rtol=1e-10, atol=1e-14, err_msg=f"{key} seed {seed}"
        )


@every_backend
def test_a_step_updates_no_parameter_and_an_update_takes_the_last_steps_gradient(name: str) -> None:
    setup = with_all("dtype=float64", "lr=0.25", "data.samples=4")
    backend = make(setup, name)
    found = step(backend, setup.x, setup.y)
    before = {key: np.array(value) for key, value in backend.state().parameters.items()}
    assert all(same_bits(value, setup.initial.parameters[key]) for key, value in before.items())
    backend.update()
    for key, value in backend.state().parameters.items():
        np.testing.assert_allclose(value, before[key] - 0.25 * found.gradients[key], rtol=1e-15, atol=1e-16)


@every_backend
def test_steps_do_not_accumulate_and_repeat_themselves_to_the_bit(name: str) -> None:
    setup = with_all("data.samples=6")
    backend = make(setup, name)
    first = step(backend, setup.x, setup.y)
    step(backend, setup.x[:2], setup.y[:2])
    again = step(backend, setup.x, setup.y)
    assert same_bits(first.loss, again.loss)
    assert all(same_bits(value, again.gradients[key]) for key, value in first.gradients.items())


@every_backend
def test_a_step_and_a_load_change_nothing_that_they_are_given(name: str) -> None:
    setup = with_all("data.samples=6")
    given = [setup.x, setup.y, *setup.initial.parameters.values()]
    before = [value.copy() for value in given]
    backend = make(setup, name)
    for _ in range(2):
        backend.step(setup.x, setup.y, draws={})
        backend.update()
    assert all(same_bits(a, b) for a, b in zip(given, before, strict=True))


def everything(backend: Backend, setup: Setup) -> list[Array]:
    found = backend.step(setup.x, setup.y, draws={})
    return [found.loss, found.prediction, *found.gradients.values(), *backend.state().parameters.values()]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("other", BACKENDS)
def test_no_memory_is_shared_between_backends_or_with_what_they_are_given(name: str, other: str) -> None:
    setup = with_all("data.samples=6")
    one, two = make(setup, name), make(setup, other)
    two.load(one.state())
    outer = [setup.x, setup.y, *setup.initial.parameters.values()]
    first, second = everything(one, setup), everything(two, setup)
    for mine in first:
        assert not any(np.shares_memory(mine, theirs) for theirs in [*second, *outer])
    one.update()
    for key, value in two.state().parameters.items():
        assert same_bits(value, setup.initial.parameters[key]), "an update of one moved the other"


@every_backend
def test_a_backend_keeps_no_hold_of_what_it_is_given(name: str) -> None:
    setup = with_all("data.samples=3")
    backend = make(setup, name)
    given = [setup.x.copy(), setup.y.copy(), *(value.copy() for value in setup.initial.parameters.values())]
    before = [sys.getrefcount(value) for value in given]
    backend.load(State(dict(zip(setup.initial.parameters, given[2:], strict=True))))
    backend.step(given[0], given[1], draws={})
    gc.collect()
    assert [sys.getrefcount(value) for value in given] == before


@every_backend
@pytest.mark.parametrize("dtype", list(DTYPES))
def test_a_state_that_is_loaded_comes_back_to_the_bit_in_the_backends_dtype(name: str, dtype: str) -> None:
    setup = with_all(f"dtype={dtype}")
    double = {key: np.random.default_rng(1).standard_normal(v.shape) for key, v in setup.initial.parameters.items()}
    backend = make(setup, name)
    backend.load(State(double))
    for key, value in backend.state().parameters.items():
        assert same_bits(np.array(value), double[key].astype(dtype))
