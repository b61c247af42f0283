"""Faults chosen on the command line: `make faults` runs all of them, these ten are tried with the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.process import run
from tests.faults.command_line import Seen, groups, sweep
from tests.faults.library import FAULTS, LOSSY
from tests.helpers import FAULTS as CONF
from tests.sharing import furnish

TEN = [
    "last_sample_dropped", "bias_mean", "mean_for_sum", "root_of_loss", "loss_broadcast", "targets_shifted",
    "slope_and_bias_mean", "three_at_once", "sample_twice", "running_average",
]  # fmt: skip
"""Faults under the same overrides: one process runs them."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> list[Seen]:
    ten = [fault for fault in FAULTS if fault.name in TEN]
    place = tmp_path_factory.mktemp("ten")
    furnish(place, migrated)
    return sweep(ten, place)


def test_ten_faults_are_found_in_a_sweep_each_with_its_cause(seen: list[Seen]) -> None:
    assert sorted(one.fault.name for one in seen) == sorted(TEN)
    assert [str(one) for one in seen if not (one.found and one.named)] == []


def test_what_is_printed_of_a_fault_is_its_verdict_its_cause_and_what_is_right(tmp_path: Path, migrated: Path) -> None:
    furnish(tmp_path, migrated)
    overrides = [
        "backend=[tanh_without_square,torch]",
        "data.samples=2",
        "architecture.activation=tanh",
        "record.plots=false",
    ]
    finished = run(tmp_path, "--config-dir", str(CONF), *overrides)
    assert (finished.code, finished.err) == (1, "")
    assert "mismatch: the formula is wrong; first at step 0 in hidden_layer_1.weight" in finished.out
    assert "cause (slope_one_minus_a): the derivative of every such layer is taken as 1 - a" in finished.out
    assert "right: dL/dz = dL/da * f'(z)" in finished.out


def test_all_faults_together_are_run_by_make_faults_in_one_sweep_for_each_set_of_overrides() -> None:
    swept = groups([*FAULTS, *LOSSY])
    assert sorted(f.name for group in swept for f in group) == sorted(f.name for f in [*FAULTS, *LOSSY])
    assert len(swept) < 100
