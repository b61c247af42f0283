"""Runs at the edge of the numbers, in this process; a warning is an error."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

from tests.helpers import Kept, kept, make_setup

SMALL = ("data.samples=6", "batch_size=3")


class Found(NamedTuple):
    """The verdict, and the first step and tensor that have it; none of a run that agrees."""

    verdict: str
    step: int | None
    tensor: str | None
    records: Kept


def judged(*overrides: str) -> Found:
    """A run of two small batches, if ``overrides`` do not say otherwise."""
    keys = {word.partition("=")[0] for word in overrides} | ({"data.samples"} if "data=inline" in overrides else set())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        setup = make_setup(*(word for word in SMALL if word.partition("=")[0] not in keys), *overrides)
        outcome, records = kept(setup)
    first = outcome.verdict.first
    step, tensor = (None, None) if first is None else (first.step, first.tensor)
    return Found(outcome.verdict.verdict, step, tensor, records)


def layers(*nodes: str) -> str:
    return f"architecture.layers=[{', '.join('{layer: ' + node + '}' for node in nodes)}]"


def inline(x: Sequence[Sequence[object]], y: Sequence[object]) -> tuple[str, ...]:
    """Samples and targets in one batch; a number may be a text, as it is typed."""
    both = (f"data.x={x}", f"data.y={y}")
    plain = (word.replace(" ", "").replace("'", "") for word in both)
    return "data=inline", "target=given", f"batch_size={len(x)}", *plain
