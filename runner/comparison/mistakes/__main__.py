"""`python -m runner.comparison.mistakes`: all named mistakes, in words for the default network, as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from runner.assemble import assemble
from runner.catalog import Catalog
from runner.comparison.mistakes.base import Alteration, Passage
from runner.comparison.mistakes.forward import forward
from runner.comparison.mistakes.losses import LOSSES
from runner.comparison.mistakes.parameters import parameters
from runner.comparison.mistakes.slopes import slopes
from runner.comparison.mistakes.weights import stale_weights, weights
from runner.comparison.mistakes.whole import FITTED, of_previous, whole
from runner.comparison.tensors import layout_of
from runner.compose import compose_config


def table() -> list[str]:
    """The lines of the table: a row for each name, with the first sentence that it is told by."""
    setup = assemble(compose_config(["loss=mse", "batch_size=2"]), Catalog())
    passage = Passage(setup.problem, layout_of(setup.problem.network, 2), np.empty)
    passage.load(setup.initial.parameters, setup.x[:2], setup.y[:2])
    rows = {w.name: (w.sentence, w.formula or setup.problem.loss.formula) for w in LOSSES}
    for alteration in _made_at_places(passage):
        rows.setdefault(alteration.name, (alteration.sentence, alteration.formula))
    rows |= {name: (sentence, rows["tensor_sign"][1]) for name, sentence in FITTED.items()}
    lines = ["| Name | What was done | What is right |", "|---|---|---|"]
    return lines + [f"| `{name}` | {sentence} | {formula} |" for name, (sentence, formula) in rows.items()]


def _made_at_places(passage: Passage) -> Iterator[Alteration]:
    families = [family(passage) for family in (slopes, parameters, weights, whole, forward)]
    families.append(stale_weights(passage, passage.parameters))
    families.append(of_previous(passage.parameters, passage.parameters, passage.parameters))
    return chain.from_iterable(families)


if __name__ == "__main__":
    print("\n".join(table()))
