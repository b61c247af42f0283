"""A stack of runs against one run after the other: what a seed costs."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.timing import Line, medians, ratio, time_in_turn
from runner.catalog import Catalog
from runner.compose import compose_config
from runner.experiment import run_experiment
from runner.outcome import Silent
from runner.stacked.run import Silent as SilentStack
from runner.stacked.run import run_stack
from runner.stacked.stack import stack_of

REPLICAS = (1, 10, 100, 1000)


def stacks() -> Iterator[Line]:
    """The default configuration (2-10-10-1, 100 steps of one sample, float32), one thread.

    Both are whole training loops, two backends, every step judged, nothing recorded.
    """
    for replicas in REPLICAS:
        stack = stack_of(compose_config([f"replicas={replicas}"]), Catalog())
        pair = [lambda s=stack: run_experiment(s.first, Silent()), lambda s=stack: run_stack(s, SilentStack())]
        times = time_in_turn(pair, 1)
        times[:, 1] /= replicas
        seconds = dict(zip(("one run", "a seed"), medians(times), strict=True))
        yield Line(f"{replicas} replicas", {"one run over a seed": ratio(*times.T)}, seconds)
