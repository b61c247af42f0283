"""The mistakes that can be computed from a pass alone, no number of the observed gradients in them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from runner.comparison.mistakes.base import Alteration, Passage
from runner.comparison.mistakes.losses import losses
from runner.comparison.mistakes.parameters import parameters
from runner.comparison.mistakes.slopes import slopes
from runner.comparison.mistakes.weights import weights
from runner.comparison.mistakes.whole import whole


def every(passage: Passage) -> Iterator[Alteration]:
    """Each of them at each of its places; the forward pass is right in all."""
    return chain.from_iterable(family(passage) for family in (losses, slopes, parameters, weights, whole))
