"""What is kept of a stack: rows of steps that are not judged and of replicas that end, counts, the worst, the room."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from runner.assemble import Setup
from runner.records.stacked.recorder import bytes_of_gradients
from runner.records.stacked.summary import Summary
from runner.records.stacked.table import SCHEMA, ReplicasTable
from runner.records.tables import DeviationsTable
from runner.stacked.looked import Detail
from runner.stacked.run import Silent, StackedOutcome, StackedRecord, run_stack
from runner.stacked.stack import stacked
from tests.helpers import with_parameters
from tests.stacked.helpers import setups_of


class Keeping(Silent):
    """Keeps the table."""

    detail: ClassVar[Detail] = Detail.WORST

    def __init__(self, table: ReplicasTable) -> None:
        self.table = table

    def write(self, record: StackedRecord) -> None:
        self.table.add(record.step, record.found)


def one_diverges() -> list[Setup]:
    """Three runs; the second's first loss is not finite. Of four steps three are recorded and two are judged."""
    setups = setups_of("data.samples=4", "record.every=2", "verdict.every=3", "architecture.activation=relu")
    huge = {name: np.full(p.shape, 1e15) for name, p in setups[1].initial.parameters.items()}
    setups[1] = with_parameters(setups[1], huge)
    return setups


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[StackedOutcome, pd.DataFrame]:
    path: Path = tmp_path_factory.mktemp("stacked") / "replicas.parquet"
    stack = stacked(one_diverges())
    table = ReplicasTable(path, stack.seeds, stack.rates, "torch")
    outcome = run_stack(stack, Keeping(table))
    table.close()
    return outcome, pd.read_parquet(path)


def test_a_replica_that_has_ended_has_no_more_rows(kept: tuple[StackedOutcome, pd.DataFrame]) -> None:
    steps = kept[1].groupby("seed")["step"].unique()
    assert {seed: sorted(found) for seed, found in steps.items()} == {1: [0, 2, 3], 2: [0], 3: [0, 2, 3]}
    assert set(kept[1][kept[1]["seed"] == 2]["verdict"]) == {"diverged"}


def test_what_is_not_judged_has_deviations_alone(kept: tuple[StackedOutcome, pd.DataFrame]) -> None:
    others = kept[1][kept[1]["seed"] != 2]
    unjudged = others[others["step"] == 2]
    unknown = ["verdict", "roundings", "sigma", "look", "error", *(n for n in SCHEMA.names if n.startswith("logic_"))]
    assert unjudged[unknown].isna().all(axis=None)
    assert unjudged[["max_abs", "max_rel", "rms"]].notna().all(axis=None)
    judged = others[others["step"] != 2]
    assert judged.notna().all(axis=None)
    assert set(judged["look"]) == {1}


def test_a_row_is_that_of_a_table_of_deviations(tmp_path: Path) -> None:
    class Both(Keeping):
        def write(self, record: StackedRecord) -> None:
            super().write(record)
            for comparison in record.found.of(1, "torch"):
                own.add(record.step, comparison)

    stack, own = stacked(setups_of("data.samples=3", "verdict.every=2")), DeviationsTable(tmp_path / "own.parquet")
    table = ReplicasTable(tmp_path / "all.parquet", stack.seeds, stack.rates, "torch")
    run_stack(stack, Both(table))
    table.close()
    own.close()
    found = pd.read_parquet(tmp_path / "all.parquet").query("seed == 2").drop(columns=["seed", "lr"])
    pd.testing.assert_frame_equal(found.reset_index(drop=True), pd.read_parquet(tmp_path / "own.parquet"))


def test_a_summary_has_counts_the_worst_and_quantiles_of_what_is_finite(
    kept: tuple[StackedOutcome, pd.DataFrame],
) -> None:
    outcome, _ = kept
    summary = Summary(range(1, 4), [0.05] * 3, ["scratch", "torch"], outcome, lambda seed: f"run {seed}")
    assert summary.counts == {"agree": 2, "diverged": 1}
    assert summary.words() == "2 of 3 replicas agree; 1 diverged"
    assert not summary.agree
    assert summary.seeds[summary.worst] == 2
    assert summary.worst_words().startswith("seed 2: diverged: a value is not finite; first at step 0")
    last = outcome.losses["torch"][1]
    assert not np.isfinite(last[1])
    assert summary.quantiles()["last_loss/torch"]["median"] == pytest.approx((last[0] + last[2]) / 2)
    assert summary.most("precision_roundings") == max(v.worst("roundings") for v in outcome.verdicts if v.agree)


def test_of_those_that_agree_the_worst_has_the_most_roundings() -> None:
    stack = stacked(setups_of("data.samples=2"))
    outcome = run_stack(stack, Silent())
    summary = Summary(stack.seeds, stack.rates, ["scratch", "torch"], outcome, str)
    assert summary.agree
    most = [verdict.worst("roundings") for verdict in outcome.verdicts]
    assert summary.worst == int(np.argmax(most))


def test_the_room_that_gradients_take_is_that_of_all_backends_replicas_and_recorded_steps() -> None:
    stack = stacked(setups_of("data.samples=7", "record.every=3", replicas=1))
    many = dataclasses.replace(stack, seeds=tuple(range(1000)))
    parameters = 2 * 10 + 10 + 10 * 10 + 10 + 10 + 1
    assert bytes_of_gradients(many) == parameters * 1000 * 3 * 2 * 4
