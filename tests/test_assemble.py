"""Configuration -> everything that a run needs; whatever does not fit is refused by its key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runner.arrays import DTYPES
from runner.assemble import assemble
from runner.errors import ConfigError
from tests.helpers import CATALOG, configuration, make_setup


def refused(key: str, *overrides: str, **changed: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        assemble(configuration(*overrides) | changed, CATALOG)
    assert raised.value.key == key, str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lr", -1e-9),
        ("lr", float("nan")),
        ("lr", float("inf")),
        ("seed", -1),
        ("epochs", 0),
        ("batch_size", 0),
        ("threads", 0),
        ("dtype", "float8"),
        ("dtype", "double"),
    ],
)
def test_a_number_out_of_its_range_is_refused(key: str, value: object) -> None:
    assert str(value) in refused(key, **{key: value})


@pytest.mark.parametrize("group", ["verdict", "record"])
def test_every_has_to_be_a_whole_number_from_1(group: str) -> None:
    refused(f"{group}.every", f"{group}.every=0")


def test_a_batch_is_no_larger_than_the_data() -> None:
    assert "5" in refused("batch_size", "data.samples=5", "batch_size=6")
    assert make_setup("data.samples=5", "batch_size=5").steps == 1


def test_the_output_has_the_targets_shape() -> None:
    assert "(1,)" in refused("architecture", "architecture.out=2")


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (["architecture.hidden=[10,0]"], "architecture.hidden.1"),
        (["architecture.out=0"], "architecture.out"),
        (["architecture.activation=sigmoit"], "architecture.activation"),
        (["architecture=sequential", "architecture.layers=[]"], "architecture.layers"),
        (["architecture=sequential", "architecture.layers=null"], "architecture.layers"),
        (["architecture.layers=[{layer: linear, out: 4}, {layer: liner, out: 1}]"], "architecture.layers.1"),
        (["architecture.layers=[{layer: linear, out: 4, biass: true}]"], "architecture.layers.0.biass"),
        (["target=given"], "target"),
        (["data=inline", "data.x=[[1.0,2.0],[3.0]]"], "data.x"),
        (["data.low=2"], "data.low"),
        (["tracking.uri=nowhere"], "tracking.uri"),
        (["tracking.uri=ftp://host/x"], "tracking.uri"),
        (["tracking.uri=sqlite://"], "tracking.uri"),
        (["tracking.experiment=' '"], "tracking.experiment"),
        (["record.published=none.json"], "record.published"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_key(overrides: list[str], key: str) -> None:
    refused(key, *overrides)


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_everything_is_in_the_runs_dtype(dtype: str) -> None:
    setup = make_setup(f"dtype={dtype}")
    arrays = [setup.x, setup.y, *setup.initial.parameters.values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    assert setup.x.shape == (100, 2)
    assert setup.y.shape == (100, 1)


def test_data_beyond_the_range_of_the_dtype_is_refused_and_fits_a_wider_one() -> None:
    assert "float32" in refused("data", "data.high=1e39")
    refused("target", "data.high=1e30")
    assert np.isfinite(make_setup("data.high=1e39", "dtype=float64").y).all()
    assert "float16" in refused("data", "data.high=1e6", "dtype=float16")
    refused("target", "data.high=1e4", "dtype=float16")
    assert "bfloat16" in refused("data", "data.high=1e39", "dtype=bfloat16")
    assert np.isfinite(make_setup("data.high=1e6", "dtype=bfloat16").y).all()


def test_the_backends_keep_their_order_the_last_is_the_reference() -> None:
    assert list(make_setup("backend=[torch,scratch]").backends) == ["torch", "scratch"]
    assert list(make_setup("backend=[missing_factor,scratch,torch]").backends) == ["missing_factor", "scratch", "torch"]


@pytest.mark.parametrize(
    ("samples", "batch", "epochs", "steps"), [(100, 1, 1, 100), (7, 3, 2, 6), (6, 3, 5, 10), (1, 1, 1, 1)]
)
def test_a_run_has_one_step_a_batch_and_epoch(samples: int, batch: int, epochs: int, steps: int) -> None:
    assert make_setup(f"data.samples={samples}", f"batch_size={batch}", f"epochs={epochs}").steps == steps


def test_a_list_of_layers_replaces_what_the_architecture_would_make() -> None:
    layers = "[{layer: linear, out: 3}, {layer: tanh}, {layer: linear, out: 1, bias: false}]"
    network = make_setup(f"architecture.layers={layers}").problem.network
    assert list(network.parameters) == ["input_layer.weight", "input_layer.bias", "hidden_layer_1.weight"]


def test_the_published_experiment_has_one_sample_and_its_own_parameters() -> None:
    setup = make_setup("experiment=assignment")
    assert setup.steps == 1
    assert setup.published is not None
    assert setup.published.gradients.keys() == setup.initial.parameters.keys()


def test_samples_may_be_written_as_whole_numbers() -> None:
    setup = make_setup("data=inline", "data.x=[[0,1],[1,0.5]]", "data.y=[[1],[0]]", "target=given")
    np.testing.assert_array_equal(setup.x, [[0, 1], [1, 0.5]])
    np.testing.assert_array_equal(setup.y, [[1], [0]])


@pytest.mark.parametrize(("samples", "batch_size"), [(4, 1), (7, 3)])
def test_a_batch_that_has_no_variance_is_refused_by_its_size(samples: int, batch_size: int) -> None:
    layers = "[{layer: linear, out: 2}, {layer: batch_norm1d}, {layer: linear, out: 1}]"
    with pytest.raises(ConfigError, match="hidden_layer_1 has variances") as raised:
        make_setup(f"data.samples={samples}", f"batch_size={batch_size}", f"architecture.layers={layers}")
    assert raised.value.key == "batch_size"
    make_setup("data.samples=8", "batch_size=3", f"architecture.layers={layers}")
