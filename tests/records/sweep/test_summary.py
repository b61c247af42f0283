"""Which job of a sweep was the best."""

from __future__ import annotations

import pytest

from runner.records.sweep.summary import extremes, metrics_of
from tests.records.sweep.made import jobs_of


@pytest.mark.parametrize(
    ("outcomes", "best", "loss"),
    [
        (["agree", "agree"], "0 (lr=0.1): last loss 10 of torch, the smallest", 10),
        (["mismatch", "agree"], "1 (lr=0.2): last loss 20 of torch, the smallest of those that agree", 20),
        (["imprecise", "mismatch"], "0 (lr=0.1): last loss 10 of torch, the smallest; no job agrees", 10),
        (["agree", "unfinished"], "0 (lr=0.1): last loss 10 of torch, the smallest", 10),
    ],
)
def test_the_best_job_agrees_if_any_does(outcomes: list[str], best: str, loss: float) -> None:
    jobs = jobs_of({"lr": [0.1, 0.2]}, outcomes.__getitem__)
    assert extremes(jobs, ["lr"])["best_job"] == best
    assert metrics_of(jobs)["sweep/best_loss"] == loss


def test_where_no_job_has_a_loss_there_is_no_best() -> None:
    jobs = jobs_of({"lr": [0.1, 0.2]}, lambda _: "unfinished")
    assert extremes(jobs, ["lr"]) == {}
    assert "sweep/best_loss" not in metrics_of(jobs)
