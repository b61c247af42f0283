"""Every wrong formula is found: a mismatch, at the right step, in the right tensor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.faults.test_lossy import LOSSY
from tests.faults.test_right import RIGHT
from tests.helpers import FAULTS, first_of, kept, make_setup, run

TANH, RELU = "architecture.activation=tanh", "architecture.activation=relu"
BATCH = "batch_size=5"
NAN = ["not_a_number"]

WRONG: list[tuple[str, list[str], int, str]] = [
    ("missing_factor", [], 0, "hidden_layer_2.weight"),
    ("wrong_sign", [], 0, "hidden_layer_2.weight"),
    ("mean_of_gradients", [BATCH], 0, "hidden_layer_2.weight"),
    ("mean_for_sum", [BATCH], 0, "loss"),
    ("last_sample_dropped", [BATCH], 0, "hidden_layer_2.weight"),
    ("missing_slope", [], 0, "hidden_layer_1.weight"),
    ("slope_at_activation", [], 0, "hidden_layer_1.weight"),
    ("half_the_slope", [], 0, "hidden_layer_1.weight"),
    ("tanh_without_square", [TANH], 0, "hidden_layer_1.weight"),
    ("tanh_as_sigmoid", [TANH], 0, "hidden_layer_1.weight"),
    ("relu_unmasked", [RELU], 0, "hidden_layer_1.weight"),
    ("relu_masked_by_delta", [RELU], 0, "hidden_layer_1.weight"),
    ("transposed_gradient", [], 0, "hidden_layer_1.weight"),
    ("transposed_weight", [], 0, "input_layer.weight"),
    ("bias_sign_flipped", [], 0, "hidden_layer_1.bias"),
    ("one_sign_at_the_bottom", [], 0, "input_layer.bias"),
    ("bias_not_summed", [BATCH], 0, "hidden_layer_2.bias"),
    ("updated_too_early", [], 0, "hidden_layer_1.weight"),
    ("stale_weights", ["data.samples=2"], 1, "hidden_layer_1.weight"),
    ("swapped_deltas", [], 0, "input_layer.weight"),
    ("one_element_off", [], 0, "hidden_layer_1.weight"),
]
"""A fault, the overrides under which it shows, the first step that is wrong and the first tensor."""

wrong_ones = pytest.mark.parametrize(("fault", "overrides", "step", "tensor"), WRONG, ids=[f[0] for f in WRONG])


def test_every_fault_that_can_be_chosen_is_tried_here() -> None:
    tried = {name for name, *_ in [*WRONG, *LOSSY]} | set(RIGHT) | set(NAN) | {"one_element_hardly_off"}
    assert {file.stem for file in (FAULTS / "backend").glob("*.yaml")} == tried


@wrong_ones
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_wrong_gradient_is_a_mismatch_where_it_begins(
    fault: str, overrides: list[str], step: int, tensor: str, dtype: str, seed: int
) -> None:
    outcome = run(f"backend=[{fault},torch]", "data.samples=5", f"dtype={dtype}", f"seed={seed}", *overrides)
    first = first_of(outcome)
    assert outcome.verdict.verdict == "mismatch", (seed, first)
    assert (first.step, first.tensor) == (step, tensor), (seed, first)
    assert (first.backend, first.reference) == (fault, "torch")
    assert first.roundings > 30
    assert first.value != first.reference_value
    assert not outcome.verdict.tensors[tensor].ok


@pytest.mark.parametrize("fault", ["missing_factor", "transposed_gradient", "one_element_off"])
@pytest.mark.parametrize("scale", [0.03, 10.0])
@pytest.mark.parametrize("batch", [1, 64])
def test_a_wrong_gradient_is_found_at_any_scale_of_the_targets(fault: str, scale: float, batch: int) -> None:
    size = [f"batch_size={batch}", f"data.samples={batch}"]
    outcome = run(f"backend=[{fault},torch]", f"data.high={scale}", *size)
    assert outcome.verdict.verdict == "mismatch", first_of(outcome)


@pytest.mark.parametrize(
    "backends", ["scratch,missing_factor,torch", "missing_factor,scratch,torch", "missing_factor,scratch"]
)
def test_the_wrong_backend_is_named_whatever_stands_beside_it(backends: str) -> None:
    setup = make_setup(f"backend=[{backends}]", "data.samples=3")
    outcome, recorder = kept(setup)
    assert first_of(outcome).backend == "missing_factor"
    verdicts = {c.backend: c.verdict for c in recorder.comparisons}
    assert verdicts.pop("missing_factor") == "mismatch"
    assert set(verdicts.values()) <= {"agree"}


def test_a_wrong_reference_disagrees_with_all_others() -> None:
    outcome, recorder = kept(make_setup("backend=[scratch,torch,missing_factor]", "data.samples=2"))
    assert outcome.verdict.verdict == "mismatch"
    assert {c.verdict for c in recorder.comparisons} == {"mismatch"}


def test_one_wrong_element_is_named_by_its_index_and_both_values() -> None:
    first = first_of(run("backend=[one_element_off,torch]", "data.samples=1"))
    assert first.index == (3, 4)
    assert first.value / first.reference_value - 1 == pytest.approx(1e-9, rel=1e-4)


def test_tensors_that_are_right_beside_a_wrong_one_are_ok() -> None:
    tensors = run("backend=[bias_sign_flipped,torch]", "data.samples=3").verdict.tensors
    assert {name for name, t in tensors.items() if not t.ok} == {"hidden_layer_1.bias"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_element_off_by_a_millionth_of_a_millionth_is_not_acquitted(dtype: str, seed: int) -> None:
    """4500 unit roundoffs, more than 30 roundings: at the limit of what can be told from lossy arithmetic."""
    setup = make_setup("backend=[one_element_hardly_off,torch]", "data.samples=5", f"dtype={dtype}", f"seed={seed}")
    outcome = kept(setup)[0]
    assert outcome.verdict.verdict in ("mismatch", "imprecise")
    assert (first_of(outcome).tensor, first_of(outcome).index) == ("hidden_layer_1.weight", (3, 4))


@pytest.mark.parametrize("fault", ["mean_of_gradients", "mean_for_sum", "bias_not_summed"])
def test_what_is_wrong_in_a_batch_alone_agrees_on_single_samples(fault: str) -> None:
    assert run(f"backend=[{fault},torch]", "data.samples=5", "batch_size=1").verdict.agree


@pytest.mark.parametrize("order", ["not_a_number,torch", "torch,not_a_number", "torch,not_a_number,scratch"])
def test_a_nan_from_one_backend_alone_is_diverged_and_ends_the_run(order: str) -> None:
    outcome, recorder = kept(make_setup(f"backend=[{order}]", "data.samples=9"))
    first = first_of(outcome)
    assert outcome.verdict.verdict == "diverged"
    assert (first.step, first.tensor) == (3, "hidden_layer_1.bias")
    assert "not_a_number" in first.finding
    assert recorder.begun == [0, 1, 2, 3]
    assert [r.step for r in recorder.records] == [0, 1, 2, 3]


@pytest.mark.parametrize("order", ["not_a_number,torch", "torch,not_a_number", "torch,not_a_number,scratch"])
def test_what_is_named_of_a_nan_is_the_nan_and_the_backend_that_has_it(order: str) -> None:
    first = first_of(run(f"backend=[{order}]", "data.samples=5"))
    assert "not_a_number" in (first.backend, first.reference)
    assert first.index == (2,)
    assert np.isnan(first.value if first.backend == "not_a_number" else first.reference_value)


def test_a_fault_can_be_chosen_on_the_command_line_and_ends_with_exit_code_1(tmp_path: Path) -> None:
    overrides = ["backend=[tanh_without_square,torch]", "data.samples=2", TANH, f"hydra.run.dir={tmp_path}/run"]
    command = [sys.executable, "-m", "runner", "--config-dir", str(FAULTS), *overrides]
    command.append(f"tracking.uri=sqlite:///{tmp_path}/mlflow.db")
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "mismatch" in done.stdout
